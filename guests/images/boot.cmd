# SPDX-License-Identifier: Apache-2.0
# U-Boot's part: load Tarn, dom0's kernel and initrd, tell Tarn about them in the device tree, start it.
# ${devtype}, ${devnum} and ${distro_bootpart} name where this script was found.
#
# tarn.env beside this script sets: tarn_args (Tarn's options), dom0_args (dom0's kernel command line),
# bare=1 (start the kernel itself, without Tarn).

setenv dom0_args "root=LABEL=dom0 rw console=ttyAMA0"
setenv part "${devtype} ${devnum}:${distro_bootpart}"

# RAM's start is where QEMU leaves its device tree; U-Boot itself sits at RAM's end.
setenv tarn_addr   ${kernel_addr_r}
setenv kernel_addr 0x44000000
setenv initrd_addr 0x48000000
setenv tree_addr   0x4e000000
setenv env_addr    0x4f000000

if load ${part} ${env_addr} tarn.env; then env import -t ${env_addr} ${filesize}; fi
load ${part} ${kernel_addr} Image
setenv kernel_size ${filesize}
load ${part} ${initrd_addr} initrd.img
setenv initrd_size ${filesize}

fdt addr ${fdtcontroladdr}
fdt move ${fdtcontroladdr} ${tree_addr} 0x180000

if test "${bare}" = 1; then
    setenv bootargs "${dom0_args}"
    booti ${kernel_addr} ${initrd_addr}:${initrd_size} ${tree_addr}
fi

# Boot modules as other multiboot users on arm64 describe them, with two cells each.
fdt set /chosen "#address-cells" <2>
fdt set /chosen "#size-cells" <2>
fdt mknod /chosen module@44000000
fdt set /chosen/module@44000000 compatible "multiboot,module" "multiboot,kernel"
fdt set /chosen/module@44000000 reg <0x0 ${kernel_addr} 0x0 0x${kernel_size}>
fdt set /chosen/module@44000000 bootargs "${dom0_args}"
fdt mknod /chosen module@48000000
fdt set /chosen/module@48000000 compatible "multiboot,module" "multiboot,ramdisk"
fdt set /chosen/module@48000000 reg <0x0 ${initrd_addr} 0x0 0x${initrd_size}>

if load ${part} ${tarn_addr} tarn.bin; then
    setenv bootargs "${tarn_args}"
    booti ${tarn_addr} - ${tree_addr}
else
    echo "tarn.bin is not on this medium: build it with make, or run with BARE=1"
fi

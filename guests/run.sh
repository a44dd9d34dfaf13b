#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts the machine under QEMU, serial line on the terminal (Ctrl-a x quits). Used by `make run`,
# `make debug` and the system tests; images must have been built (make images).
#
# usage: [VARIABLE=value...] run.sh [--print] [QEMU OPTION...]
#
#   BOOT=uboot|direct   U-Boot from build/boot.img (default), or QEMU's -kernel and guest-loader
#   GIC=2|3  CPUS=n  MEM=4G  CPU=cortex-a53|cortex-a57|cortex-a72|max
#   DOM0_MEM=1536M (or half of MEM)  DOM0_VCPUS=n  TARN_ARGS="more options of Tarn"  DOM0_ARGS="more of dom0's kernel"
#   BARE=1              no Tarn: the same kernel and disk straight on the machine
#   GUEST=domu          with BARE=1: the domU's disk and a virtio console instead of dom0's
#   BOOT_DOMAIN=NAME.conf  with BOOT=direct: Tarn starts that domain before dom0 is up; 1: guests/domu/first.conf
#   PERSIST=1           keep what is written to dom0's disk (default: forgotten at exit)
#   DEBUG=1             wait for gdb on port GDB_PORT (1234)
#   HOSTFWD=...         QEMU's hostfwd for the uplink, such as tcp::2222-:22
#   BUILD=build         where the images are
#   TARN=build/tarn.bin what to start
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$here/build}
boot=${BOOT:-uboot}
bare=${BARE:-0}
cpus=${CPUS:-2}
tarn=${TARN:-$build/tarn.bin}
memory=${MEM:-4G}
dom0_vcpus=${DOM0_VCPUS:-$cpus}

die() {
    echo "run.sh: $1" >&2
    exit 1
}

case $cpus in
[1-8]) ;;
*) die "CPUS=$cpus: 1 to 8" ;;
esac
case $memory in
*[gG]) mib=$((${memory%?} * 1024)) ;;
*[mM]) mib=${memory%?} ;;
*) mib=$memory ;;
esac
[ "$mib" -ge 512 ] 2>/dev/null || die "MEM=$memory: 512M or more, with its unit, as in 4G"

# 1536 MiB, or half of a machine with less than twice that.
dom0_memory() {
    [ "$mib" -ge 3072 ] && echo 1536M || echo "$((mib / 2))M"
}

tarn_args="dom0_mem=${DOM0_MEM:-$(dom0_memory)} dom0_vcpus=$dom0_vcpus${TARN_ARGS:+ $TARN_ARGS}"
dom0_args="root=LABEL=dom0 rw console=ttyAMA0${DOM0_ARGS:+ $DOM0_ARGS}"
disk=$build/dom0.img
print=0
[ "${1:-}" != --print ] || { print=1 && shift; }

need() {
    [ -f "$1" ] || die "$1 is missing: run make images (or plain make for tarn.bin) first"
}

# QEMU splits option values at commas; two stand for one.
quote() {
    printf '%s' "$1" | sed 's/,/,,/g'
}

if [ "${GUEST:-dom0}" = domu ]; then
    [ "$bare$boot" = 1direct ] || die "GUEST=domu goes with BARE=1 BOOT=direct"
    disk=$build/debian.img
    dom0_args="root=/dev/vda rw earlycon console=hvc0${DOM0_ARGS:+ $DOM0_ARGS}"
fi
need "$disk"

virtualization=on
[ "$bare" != 1 ] || virtualization=off
writes=snapshot=on,cache=unsafe
[ "${PERSIST:-0}" != 1 ] || writes=cache=writeback

set -- -machine "virt,virtualization=$virtualization,gic-version=${GIC:-3}" \
    -cpu "${CPU:-cortex-a72}" -smp "$cpus" -m "$memory" -display none -no-user-config -nodefaults \
    -chardev stdio,id=tty,mux=on,signal=off -mon chardev=tty \
    -drive "file=$(quote "$disk"),format=raw,if=none,id=root,$writes" \
    -device virtio-blk-device,drive=root \
    -netdev "user,id=uplink${HOSTFWD:+,hostfwd=$HOSTFWD}" -device virtio-net-device,netdev=uplink \
    "$@"

if [ "${GUEST:-dom0}" = domu ]; then
    set -- "$@" -serial null -device virtio-serial-device -device virtconsole,chardev=tty
else
    set -- "$@" -serial chardev:tty
fi

# A boot medium for this run, with its options in tarn.env. It has no name any more when QEMU starts:
# nothing is left to clean up.
open_boot_disk() {
    need "$build/boot.img"
    own=$(mktemp "$build/boot.XXXXXX")
    trap 'rm -f "$own"' EXIT
    cp --sparse=always "$build/boot.img" "$own"
    printf 'tarn_args=%s\ndom0_args=%s\nbare=%s\n' "$tarn_args" "$dom0_args" "$bare" |
        mcopy -i "$own@@1048576" - ::tarn.env
    [ "$tarn" = "$build/tarn.bin" ] || mcopy -o -i "$own@@1048576" "$tarn" ::tarn.bin
    exec 7<>"$own" 8<"$own" # QEMU asks for both
    rm -f "$own"
    trap - EXIT
}

# A second kernel and initrd in memory, and a device tree that tells Tarn of them: QEMU's own, which has
# dom0's modules in it. The files have no name any more when QEMU starts.
describe_boot_domain() {
    need "$build/user/tarn"
    folder=$(mktemp -d "$build/boot-domain.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    "$build/user/tarn" fdt "--gic=${GIC:-3}" "$boot_domain" >"$folder/domain"
    qemu-system-aarch64 "$@" -machine "dumpdtb=$folder/machine" >/dev/null 2>&1 </dev/null
    put() {
        type=$1 && shift
        fdtput -p -t "$type" "$folder/machine" "$@"
    }
    node=/chosen/$(basename "$boot_domain" .conf)
    put s "$node" compatible tarn,domain
    while read -r kind at file; do
        put s "$node/module@$at" compatible "multiboot,$kind" multiboot,module
        put x "$node/module@$at" reg 0 "$at" 0 "$(printf %x "$(stat -Lc %s "$file")")"
    done <<END
kernel 54000000 $build/kernel/Image
ramdisk 58000000 $build/initrd.img
device-tree 5c000000 $folder/domain
END
    exec 7<"$folder/machine" 8<"$folder/domain"
    rm -rf "$folder"
    trap - EXIT
}

case $boot in
uboot)
    [ $print = 1 ] || open_boot_disk
    set -- "$@" -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin -add-fd fd=7,set=7 -add-fd fd=8,set=7 \
        -drive file=/dev/fdset/7,format=raw,if=none,id=boot -device virtio-blk-device,drive=boot
    ;;
direct)
    need "$build/kernel/Image"
    if [ "$bare" = 1 ]; then
        set -- "$@" -kernel "$build/kernel/Image" -initrd "$build/initrd.img" -append "$dom0_args"
    else
        need "$tarn"
        # QEMU puts Tarn at RAM + 2 MiB and the device tree at RAM + 128 MiB.
        set -- "$@" -kernel "$tarn" -append "$tarn_args" \
            -device "guest-loader,addr=0x4a000000,kernel=$(quote "$build/kernel/Image"),bootargs=$(quote "$dom0_args")" \
            -device "guest-loader,addr=0x4e000000,initrd=$(quote "$build/initrd.img")"
        if [ -n "${BOOT_DOMAIN:-}" ]; then
            boot_domain=$BOOT_DOMAIN
            [ "$boot_domain" != 1 ] || boot_domain=$here/guests/domu/first.conf
            [ $print = 1 ] || describe_boot_domain "$@"
            set -- "$@" -dtb /dev/fd/7 -device loader,file=/dev/fd/8,addr=0x5c000000,force-raw=on \
                -device "loader,file=$(quote "$build/kernel/Image"),addr=0x54000000,force-raw=on" \
                -device "loader,file=$(quote "$build/initrd.img"),addr=0x58000000,force-raw=on"
        fi
    fi
    ;;
*) die "BOOT=$boot is not known: uboot or direct" ;;
esac

if [ "${DEBUG:-0}" = 1 ]; then
    set -- "$@" -S -gdb "tcp::${GDB_PORT:-1234}"
    echo "run.sh: stopped before the first instruction. In another terminal:" >&2
    echo "  gdb-multiarch -ex 'target remote :${GDB_PORT:-1234}' $build/tarn.elf" >&2
fi

if [ $print = 1 ]; then
    printf "%s " qemu-system-aarch64
    for word in "$@"; do printf "'%s' " "$word"; done
    echo
    exit 0
fi
exec qemu-system-aarch64 "$@"

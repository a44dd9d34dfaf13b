# SPDX-License-Identifier: Apache-2.0
"""How each environment is started under QEMU: the command line for a guest in it.

A guest is "micro" (the payload that measures micro-operations, in one of its modes) or "lmbench" (a
stock Linux kernel whose initramfs runs lmbench). "bare" is the machine without a hypervisor; the KVM
guests, and Tarn's domU that boots or runs lmbench, have a stock Linux beside them, host.cpio. In mode
"boot" the payload is as large as a Linux kernel and has an initrd; Linux ends at its first program.
"""
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
BENCH = BUILD / "bench"
KERNEL = BUILD / "kernel/Image"
XEN = BUILD / "peers/root/boot/xen-4.17-arm64"
CMDLINE = (TOP / "tests/bench/linux/cmdline").read_text(encoding="ascii").strip()

NAMES = ["bare", "tarn-dom0", "tarn-domu", "xen-dom0", "xen-domu", "kvm-nvhe", "kvm-vhe", "bare-max"]
# Which bare machine an environment is compared with: the one of the same CPU.
BASELINE = {name: "bare" for name in NAMES} | {"kvm-vhe": "bare-max", "bare-max": "bare-max"}

# A CPU with VHE. Signing of pointers by QEMU's own cipher takes as many instructions as by the
# architecture's, and a third of the time.
MAX = "max,pauth-impdef=on"

KERNEL_AT = 0x44000000
INITRD_AT = 0x49000000  # QEMU's device tree lies at 0x48000000
GUEST_AT = 0x48400000   # tests/bench/micro/tarn.c looks for its guest there
XEN_ARGS = "console=dtuart dtuart=/pl011@9000000 dom0_mem=512M bootscrub=0"


class Guest:
    """What runs in an environment: an Image, its initrd or None, its command line, how many vCPUs. Of
    Tarn's domUs that sleep or spin beside the one that measures there are domains - 1. With a layout
    lmbench takes only the rows that vary with what lies where in memory, which differs between layouts."""

    def __init__(self, kind, vcpus=1, quick=False, mode="one", domains=1, layout=0):
        self.kind = kind
        self.vcpus = vcpus
        self.mode = mode
        self.words = f" mode={mode}" + " quick" * quick + (f" layout={layout}" if layout else "")
        self.name = "-".join([kind] + ([mode] if mode != "one" else []) + [str(vcpus)]
                             + ["quick"] * quick + ([f"of-{domains}"] if domains > 1 else [])
                             + ([f"layout-{layout}"] if layout else []))
        self.image = KERNEL if kind != "micro" else BENCH / (
            "micro-large.bin" if mode == "boot" else "micro.bin")
        self.initrd = BENCH / "lmbench.cpio" if kind == "lmbench" or mode == "boot" else None
        self.cmdline = (f"mode={mode} domains={domains}" if kind == "micro" else CMDLINE + self.words)
        self.is_pair = mode in ("io", "switch")


def qemu(cpu, cpus, virtualization):
    return ["qemu-system-aarch64", "-machine",
            f"virt,gic-version=3,virtualization={'on' if virtualization else 'off'}",
            "-cpu", cpu, "-smp", str(cpus), "-m", "1G", "-display", "none", "-serial", "stdio",
            "-monitor", "none", "-nic", "none", "-no-reboot", "-icount", "shift=0,sleep=off",
            "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]


def module(kind, path, address, cmdline=None):
    option = f"guest-loader,addr={address:#x},{kind}={path}"
    if cmdline:
        option += ",bootargs=" + cmdline.replace(",", ",,")
    return ["-device", option]


def direct(guest, cpu, cpus):
    """The guest alone on the machine."""
    command = qemu(cpu, cpus, False) + ["-kernel", str(guest.image)]
    if guest.initrd:
        command += ["-initrd", str(guest.initrd)]
    return command + ["-append", guest.cmdline + " mem=256M"]


def beside(guest, cpu, cpus, host, kernel):
    """The guest beside a Linux that starts it: dom0 of Tarn, or KVM's host."""
    cmdline = f"{CMDLINE} host={host} guest={guest.kind} vcpus={guest.vcpus}{guest.words}"
    command = qemu(cpu, cpus, True) + ["-kernel", str(kernel)]
    if kernel == KERNEL:
        return command + ["-initrd", str(BENCH / "host.cpio"), "-append", cmdline]
    return (command + ["-append", f"dom0_mem=512M dom0_vcpus={cpus}"]
            + module("kernel", KERNEL, KERNEL_AT, cmdline)
            + module("initrd", BENCH / "host.cpio", INITRD_AT))


def as_dom0(guest, cpus, hypervisor, arguments, options=""):
    cmdline = guest.cmdline + " mem=256M" + options
    command = qemu("cortex-a57", cpus, True) + ["-kernel", str(hypervisor), "-append", arguments]
    command += module("kernel", guest.image, KERNEL_AT, cmdline)
    return command + (module("initrd", guest.initrd, INITRD_AT) if guest.initrd else [])


def tarn_dom0(guest, cpus):
    return as_dom0(guest, cpus, BUILD / "tarn.bin", f"dom0_mem=512M dom0_vcpus={guest.vcpus}")


def tarn_domu(guest, cpus):
    """Micro-operations: the payload is dom0, too, and sleeps or is the peer."""
    if guest.kind == "micro" and guest.mode != "boot":
        return (as_dom0(guest, cpus, BUILD / "tarn.bin", "dom0_mem=256M dom0_vcpus=1")
                + module("initrd", guest.image, GUEST_AT))
    return beside(guest, "cortex-a57", cpus, "tarn", BUILD / "tarn.bin")


DOMU_NODE = """
/ {{
    chosen {{
        #address-cells = <2>;
        #size-cells = <2>;
        domU1 {{
            compatible = "xen,domain";
            #address-cells = <2>;
            #size-cells = <2>;
            memory = <0 0x40000>;
            cpus = <{cpus}>;
            vpl011;
            {modules}
        }};
    }};
}};
"""
XEN_MODULE = """
            module@{address:x} {{
                compatible = "multiboot,{kind}", "multiboot,module";
                reg = <0 {address:#x} 0 {size:#x}>;
                {bootargs}
            }};"""
XEN_DOM0 = """
/ {{ chosen {{ #address-cells = <2>; #size-cells = <2>; {module} }}; }};
"""


def xen_arguments(guest):
    """Where each vCPU has a CPU of its own, Xen is told so: WFI without an exit."""
    own = " vwfi=native" if guest.mode in ("smp", "io") else ""
    return XEN_ARGS + f" dom0_max_vcpus={guest.vcpus}" + own


def xen_dom0(guest, cpus):
    return as_dom0(guest, cpus, XEN, xen_arguments(guest), " machine=xen-dom0 console=hvc0")


def xen_module(kind, path, address, cmdline=None):
    """A module in the device tree, and QEMU's option that puts it into memory."""
    node = XEN_MODULE.format(kind=kind, address=address, size=path.stat().st_size,
                             bootargs=f'bootargs = "{cmdline}";' if cmdline else "")
    return node, ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]


def xen_domu(guest, cpus):
    """A domU that Xen starts itself ("dom0less"): its description stands in the device tree. The peer
    of a pair is dom0."""
    tree = BENCH / f"xen-{guest.name}.dtb"
    command = qemu("cortex-a57", cpus, True)
    plain = tree.with_suffix(".plain")
    machine = command.index("-machine") + 1
    subprocess.run(command[:machine] + [f"{command[machine]},dumpdtb={plain}"] + command[machine + 1:],
                   check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", plain], check=True,
                            capture_output=True, text=True).stdout
    modules, loaders = xen_module("kernel", guest.image, KERNEL_AT, guest.cmdline + " machine=xen-domu")
    if guest.initrd:
        node, loader = xen_module("ramdisk", guest.initrd, INITRD_AT)
        modules, loaders = modules + node, loaders + loader
    source += DOMU_NODE.format(cpus=guest.vcpus, modules=modules)
    if guest.is_pair:
        node, loader = xen_module("kernel", guest.image, GUEST_AT, guest.cmdline + " machine=xen-dom0")
        source, loaders = source + XEN_DOM0.format(module=node), loaders + loader
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree], check=True, text=True,
                   input=source)
    return (command + ["-kernel", str(XEN), "-dtb", str(tree), "-append", xen_arguments(guest)]
            + loaders)


def command(name, guest, cpus=1):
    """QEMU's command line for a guest in the environment of that name."""
    rows = {
        "bare": lambda: direct(guest, "cortex-a57", cpus),
        "bare-max": lambda: direct(guest, MAX, cpus),
        "tarn-dom0": lambda: tarn_dom0(guest, cpus),
        "tarn-domu": lambda: tarn_domu(guest, cpus),
        "xen-dom0": lambda: xen_dom0(guest, cpus),
        "xen-domu": lambda: xen_domu(guest, cpus),
        "kvm-nvhe": lambda: beside(guest, "cortex-a57", cpus, "kvm", KERNEL),
        "kvm-vhe": lambda: beside(guest, MAX, cpus, "kvm", KERNEL),
    }
    return rows[name]()

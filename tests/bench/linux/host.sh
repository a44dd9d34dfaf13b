#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# init of the Linux that a measured guest runs beside: dom0 of Tarn, or KVM's host. The words of the
# kernel's command line that matter: host=tarn|kvm, guest=lmbench|micro, mode=one|smp|io|switch (of micro),
# vcpus=N, quick.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mkdir /dev/pts
mount -t devpts pts /dev/pts
mount -t sysfs sys /sys
mount -t tmpfs run /run
seed

host='' guest='' mode='' vcpus=1 options=''
for word in $(cat /proc/cmdline); do
    case $word in
    host=*) host=${word#host=} ;;
    guest=*) guest=${word#guest=} ;;
    mode=*) mode=${word#mode=} ;;
    vcpus=*) vcpus=${word#vcpus=} ;;
    quick) options=quick ;;
    esac
done
case $guest in
lmbench) image=/guest/Image initrd=/guest/lmbench.cpio cmdline="$(cat /guest/cmdline) $options" ;;
micro) image=/guest/micro.bin initrd='' cmdline="machine=kvm mode=$mode" ;;
esac

with_tarn() {
    insmod /guest/tarn.ko
    {
        echo "name = \"bench\""
        echo "kernel = \"$image\""
        [ -z "$initrd" ] || echo "initrd = \"$initrd\""
        echo "cmdline = \"$cmdline\""
        echo "memory = \"256M\""
        echo "vcpus = $vcpus"
        echo "console { log = \"/run/bench.log\" }"
    } >/run/bench.conf
    tarn create /run/bench.conf || echo "BENCH failed tarn create: $?"
    supervisor=$(cat /run/tarn/bench/pid)
    while kill -0 "$supervisor" 2>/dev/null; do
        sleep 5 # seldom: each look takes time from the guest
    done
    cat /run/bench.log
}

with_kvm() {
    [ "$mode" != switch ] || taskset 1 vmm 1 256 /guest/virt.dtb "$image" "$cmdline side=0" &
    vmm "$vcpus" 256 /guest/virt.dtb "$image" "$cmdline" $initrd || echo "BENCH failed vmm: $?"
    wait
}

echo "BENCH host $host"
"with_$host"
echo "BENCH done"
poweroff -f

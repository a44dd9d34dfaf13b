#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# init of the Linux that a measured guest runs beside: dom0 of Tarn, or KVM's host. The words of the
# kernel's command line that matter: host=tarn|kvm, guest=lmbench|micro, mode=one|smp|io|switch|boot,
# vcpus=N, quick, layout=N.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mkdir /dev/pts
mount -t devpts pts /dev/pts
mount -t sysfs sys /sys
mount -t tmpfs run /run
helper seed

host='' guest='' mode='' vcpus=1 options=''
for word in $(cat /proc/cmdline); do
    case $word in
    host=*) host=${word#host=} ;;
    guest=*) guest=${word#guest=} ;;
    mode=*) mode=${word#mode=} ;;
    vcpus=*) vcpus=${word#vcpus=} ;;
    quick | layout=*) options="$options $word" ;;
    esac
done
case $guest in
lmbench) image=/guest/Image initrd=/guest/lmbench.cpio cmdline="$(cat /guest/cmdline) mode=$mode$options" ;;
micro) image=/guest/micro.bin initrd='' cmdline="machine=kvm mode=$mode" ;;
esac
if [ "$guest-$mode" = micro-boot ]; then # it is as much work to load as Linux
    cp $image /run/large
    truncate -s "$(stat -c %s /guest/Image)" /run/large
    image=/run/large initrd=/guest/lmbench.cpio
fi

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
    echo "BENCH moment create $(helper now)"
    tarn create /run/bench.conf || echo "BENCH failed tarn create: $?"
    helper await "$(cat /run/tarn/bench/pid)"
    cat /run/bench.log
}

with_kvm() {
    [ "$mode" != switch ] || taskset 1 vmm 1 256 /guest/virt.dtb "$image" "$cmdline side=0" &
    echo "BENCH moment create $(helper now)"
    vmm "$vcpus" 256 /guest/virt.dtb "$image" "$cmdline" $initrd || echo "BENCH failed vmm: $?"
    wait
}

echo "BENCH host $host"
"with_$host"
echo "BENCH done"
poweroff -f

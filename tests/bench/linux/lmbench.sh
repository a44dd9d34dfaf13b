#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# init of the guest that is measured: runs lmbench and hands each line that lmbench prints, with the
# name of the program that printed it, to the kernel's log, which every console shows.
# "quick" on the kernel's command line leaves out what takes long.
/bin/busybox --install -s /bin
export PATH=/bin:/lmbench
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
helper seed
ifconfig lo up
mkdir -p /var/tmp/lmbench
cp /lmbench/hello /tmp/hello # lat_proc exec
cp /lmbench/hello /var/tmp/lmbench/hello # lat_proc shell
cd /tmp

# Measurements are as short as the resolution allows: the clock counts instructions. Each is taken
# $repeat times; lmbench prints the median.
export ENOUGH=100000 TIMING_O=0 LOOP_O=0
repeat=3

say() {
    echo "<0>BENCH $*" >/dev/kmsg
}

# The pause lets a hypervisor's dom0 or host finish with the line that was printed last.
row() {
    program=$1
    shift
    usleep 200000
    "$program" -P 1 -W 0 -N $repeat "$@" >/tmp/result 2>&1
    while read -r line; do
        [ -z "$line" ] || say "lmbench $program $* : $line"
    done </tmp/result
}

served() {
    "$1" -s
    row "$1" 127.0.0.1
    "$1" -S 127.0.0.1
}

say "moment user $(helper now)"
if grep -qw mode=boot /proc/cmdline; then
    say "done"
    poweroff -f
fi
echo 0123456789 >file # looked up in the current folder: no walk that depends on the kernel's layout
row lat_syscall null
row lat_syscall read
row lat_syscall write
row lat_syscall stat file
row lat_syscall fstat file
row lat_syscall open file
row lat_sig prot /tmp/hello
repeat=1 # lmbench takes a second for it
row lat_pipe
if ! grep -qw quick /proc/cmdline; then
    repeat=3
    row lat_sig install
    row lat_sig catch
    row lat_ctx -s 0 2
    row lat_ctx -s 16 8
    dd if=/dev/zero of=/tmp/pages bs=64k count=32 2>/dev/null
    row lat_pagefault /tmp/pages
    row lat_mmap 1m /tmp/pages
    row lat_proc fork
    row lat_proc exec
    row lat_proc shell
    row lat_unix
    row bw_mem 1m rd
    row bw_mem 1m wr
    row bw_mem 1m cp
    repeat=1
    row lat_mem_rd 1 128
    served lat_tcp
    row bw_pipe
fi
say "done"
poweroff -f

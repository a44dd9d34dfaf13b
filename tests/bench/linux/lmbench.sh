#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# init of the guest that is measured: runs lmbench and hands each line that lmbench prints, with the
# name of the program that printed it, to the kernel's log, which every console shows.
# "quick" on the kernel's command line leaves out what takes long; "layout=N" asks for nothing but the
# rows that vary with what lies where in memory, and lets them find it otherwise for each N.
if [ -z "$CLEAN" ]; then # the kernel hands on what it does not know: each program would copy that
    exec /bin/busybox env -i CLEAN=1 /bin/busybox sh "$0"
fi
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
        [ -z "$line" ] || say "lmbench${LMBENCH_SCHED:+ LMBENCH_SCHED=$LMBENCH_SCHED} $program $* : $line"
    done </tmp/result
}

served() {
    "$1" -s
    row "$1" 127.0.0.1
    "$1" -S 127.0.0.1
}

# What varies with what lies where: the longest paths also with other pages and other open files than the
# time before.
rows_that_vary() {
    row lat_sig prot /tmp/hello
    if grep -qw quick /proc/cmdline; then
        row lat_syscall open file
        return
    fi
    row lat_pagefault /tmp/pages
    for pages in 0 22 1 333 55; do
        dd if=/dev/zero of=unlike.$pages bs=4k count=$pages 2>/dev/null
        sleep 10000 <file 3<file &
        row lat_syscall open file
        row lat_proc fork
        row lat_proc exec
        row lat_proc shell
    done
    killall sleep
    rm unlike.*
}

say "moment user $(helper now)"
if grep -qw mode=boot /proc/cmdline; then
    say "done"
    poweroff -f
fi
echo 0123456789 >file # looked up in the current folder: no walk that depends on the kernel's layout
dd if=/dev/zero of=pages bs=64k count=32 2>/dev/null
layout=$(sed -n 's/.*layout=\([0-9]*\).*/\1/p' /proc/cmdline)
if [ -n "$layout" ]; then
    for place in $(seq $((layout * 17))); do
        mkdir "$place"
        dd if=/dev/zero of="$place/pages" bs=1k count="$place" 2>/dev/null
    done
    rows_that_vary
    say "done"
    poweroff -f
fi
row lat_syscall null
row lat_syscall read
row lat_syscall write
row lat_syscall stat file
row lat_syscall fstat file
rows_that_vary
repeat=1 # lmbench takes a second for it
row lat_pipe
if [ "$(nproc)" -gt 1 ]; then # where Linux puts its two processes counts for more than what they do
    for place in SINGLE UNIQUE; do
        export LMBENCH_SCHED=$place
        row lat_pipe
    done
    unset LMBENCH_SCHED
fi
if ! grep -qw quick /proc/cmdline; then
    repeat=3
    row lat_sig install
    row lat_sig catch
    row lat_ctx -s 0 2
    row lat_ctx -s 16 8
    row lat_mmap 1m /tmp/pages
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

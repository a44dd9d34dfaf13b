#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The medium U-Boot boots from: one FAT partition with boot.scr, kernel, initrd and tarn.bin (left out
# where there is none yet). run.sh adds tarn.env, the options of one run.
#
# usage: mkboot.sh OUT BOOT.cmd KERNEL INITRD TARN
set -eu
out=$1
new=$(mktemp "$out.XXXXXX")
start=2048 # sectors of 512 bytes before the partition
megabytes=96
PATH=$PATH:/usr/sbin:/sbin
trap 'rm -f "$new" "$new.scr"' EXIT

mkimage -A arm64 -T script -C none -n tarn -d "$2" "$new.scr" >/dev/null
truncate -s "${megabytes}M" "$new"
printf 'label: dos\nstart=%s, type=c, bootable\n' $start | sfdisk -q "$new"
mkfs.fat -F 32 -n TARN --offset $start "$new" $(((megabytes * 2048 - start) / 2)) >/dev/null
partition=$new@@$((start * 512))
mcopy -i "$partition" "$new.scr" ::boot.scr
mcopy -i "$partition" "$3" ::Image
mcopy -i "$partition" "$4" ::initrd.img
[ ! -f "$5" ] || mcopy -i "$partition" "$5" ::tarn.bin
chmod 644 "$new"
mv "$new" "$out"

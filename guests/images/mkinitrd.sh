#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The initrd of dom0 and domUs: busybox, the modules to find a root disk, and our init. Not compressed:
# unpacking takes an emulated CPU longer than loading.
#
# usage: mkinitrd.sh OUT KERNEL_ROOT INIT MODULE_LIST
set -eu
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
new=$(mktemp "$out.XXXXXX")
root=$2
release=$(ls "$root/lib/modules")
tree=$(mktemp -d)
trap 'rm -rf "$tree" "$new"' EXIT

[ -f "$root/lib/modules/$release/modules.dep" ] || /usr/sbin/depmod -b "$root" "$release"
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/root" "$tree/lib/modules"
cp "$root/bin/busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
install -m 755 "$3" "$tree/init"

# modprobe names what to load in order, builtin modules aside: "insmod PATH" lines.
sed 's/#.*//; /^[[:space:]]*$/d' "$4" | while read -r module; do
    /usr/sbin/modprobe -d "$root" -S "$release" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r path; do
    cp "$path" "$tree/lib/modules/"
    basename "$path"
done >"$tree/lib/modules/order"

export tree new
# shellcheck disable=SC2016
fakeroot sh -c 'mknod "$tree/dev/console" c 5 1 && mknod "$tree/dev/null" c 1 3 && cd "$tree" &&
    find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >"$new"'
chmod 644 "$new"
mv "$new" "$out"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's current arm64 kernel: KERNEL/Image, KERNEL/modules, KERNEL/version, busybox, and the headers
# that an out-of-tree module is built with. usage: kernel.sh APT KERNEL KHEADERS
set -eu
here=$(cd "$(dirname "$0")" && pwd)
apt=$1
kernel=$2
headers=$3
image=$("$here/apt.sh" "$apt" depends linux-image-arm64 | sed 's/:.*//' | head -n 1)
version=${image#linux-image-}
series=$(echo "$version" | cut -d. -f1,2)
common=linux-headers-${version%-arm64}-common

rm -rf "$kernel" "$headers"
"$here/apt.sh" "$apt" download "$kernel/deb" "$image:arm64" busybox-static:arm64
for deb in "$kernel"/deb/*.deb; do dpkg -x "$deb" "$kernel/root"; done
"$here/apt.sh" "$apt" download "$headers/deb" "linux-headers-$version:arm64" "$common" \
    "linux-kbuild-$series"
for deb in "$headers"/deb/*.deb; do dpkg -x "$deb" "$headers"; done
# The headers' Makefiles name absolute paths of an installed system.
top=$(cd "$headers" && pwd)
sed -i "s#/usr/src/#$top/usr/src/#g" "$headers/usr/src/linux-headers-$version/Makefile"
ln -sfn "usr/src/linux-headers-$version" "$headers/tree"
touch "$headers/stamp"

mkdir -p "$kernel/modules"
cp -r "$kernel/root/lib/modules/$version" "$kernel/modules/"
cp "$kernel/root/bin/busybox" "$kernel/busybox"
echo "$version" >"$kernel/version"
cp "$kernel/root/boot/vmlinuz-$version" "$kernel/Image"
rm -rf "$kernel/root" "$kernel/deb" "$headers/deb"

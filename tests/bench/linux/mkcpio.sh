#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An initramfs of the bench: busybox, an init and other files, not compressed.
#
# usage: mkcpio.sh OUT BUSYBOX INIT [PATH=FILE...]    FILE becomes /PATH; a folder's files go below it
set -eu
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree" # it becomes /

mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/run"
cp "$2" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
install -m 755 "$3" "$tree/init"
shift 3
for pair in "$@"; do
    path=$tree/${pair%%=*}
    mkdir -p "$(dirname "$path")"
    cp -rL "${pair#*=}" "$path"
done

touch "$out"
export tree out
# shellcheck disable=SC2016
fakeroot sh -c 'mknod "$tree/dev/console" c 5 1 && mknod "$tree/dev/null" c 1 3 && cd "$tree" &&
    find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >"$out"'

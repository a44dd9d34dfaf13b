#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A raw ext4 disk from a root file system's tarball and folders laid over it, in the order given.
# Files of a folder become root's. Two text files in a folder's top direct the rest and are not copied:
# "units.mask" names systemd units to mask; every unit with an [Install] section below
# usr/lib/systemd/system or etc/systemd/system of a folder is enabled. Needs no privilege (fakeroot).
#
# usage: mkdisk.sh OUT NAME SIZE ROOTFS.tar FOLDER...      NAME: host name and label of the file system
set -eu
[ "$(id -u)" = 0 ] || [ -n "${FAKEROOTKEY:-}" ] || exec fakeroot "$0" "$@"
out=$1 name=$2 size=$3 tar=$4
shift 4
root=$(mktemp -d "$(dirname "$out")/root.XXXXXX")
new=$root.img
trap 'rm -rf "$root" "$new"' EXIT

lay_over() {
    tar -C "$1" -S --owner=0 --group=0 --exclude=./.done --exclude='./*.stamp' --exclude=./units.mask -c . |
        tar -C "$root" -x --keep-directory-symlink --no-overwrite-dir
    [ ! -f "$1/units.mask" ] || sed 's/#.*//' "$1/units.mask" | xargs -n 1 | while read -r unit; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
}

# What `systemctl enable` does, for the keys that are used here.
enable_unit() {
    unit=$(basename "$1")
    sed -n '/^\[Install\]/,$p' "$1" | sed -n 's/^\(WantedBy\|RequiredBy\|Alias\)=//p' | xargs -n 1 |
        while read -r target; do
            case $target in
            '') ;;
            *.service) ln -sf "${1#"$root"}" "$root/etc/systemd/system/$target" ;;
            *)
                mkdir -p "$root/etc/systemd/system/$target.wants"
                ln -sf "${1#"$root"}" "$root/etc/systemd/system/$target.wants/$unit"
                ;;
            esac
        done
}

tar -C "$root" -xf "$tar"
# A backup of mode 0, which fakeroot cannot read back.
rm -f "$root/etc/shadow-"
for folder in "$@"; do
    lay_over "$folder"
    (cd "$folder" && find usr/lib/systemd/system etc/systemd/system -maxdepth 1 -type f 2>/dev/null) |
        while read -r unit; do enable_unit "$root/$unit"; done
done

# Every guest: networkd for the network, the password "tarn" for root, names of its own.
enable_unit "$root/lib/systemd/system/systemd-networkd.service"
sed -i "s|^root:[^:]*:|root:$(openssl passwd -6 -salt tarn tarn):|" "$root/etc/shadow"
echo "$name" >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$root/etc/hosts"
printf '%s' "$name" | md5sum | cut -d' ' -f1 >"$root/etc/machine-id"
for release in "$root"/lib/modules/*; do
    /usr/sbin/depmod -b "$root" "${release##*/}"
done

rm -f "$new" && truncate -s "$size" "$new"
/usr/sbin/mke2fs -q -F -t ext4 -L "$name" -m 0 -E assume_storage_prezeroed=1 -d "$root" "$new"
mv "$new" "$out"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian root file system for arm64 as a tarball, with a line for each step as it begins. Runs as root,
# or as anybody where user namespaces work; needs binfmt_misc (see guests/fetch/deps.sh).
#
# usage: mkrootfs.sh OUT.tar PACKAGE_LIST SOURCES_LIST
set -eu
out=$1
packages=$(sed 's/#.*//' "$2" | xargs | tr ' ' ',')
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
log=${out%.tar}.log
new=${out%.tar}.new.tar
good=${out%.tar}.good

# What mmdebstrap says of itself, as far as it tells how far it is.
show_steps() {
    while read -r line; do
        case $line in
        "I: running apt-get update"*) step="package lists" ;;
        "I: downloading packages"*) step="downloading packages" ;;
        "I: extracting archives"*) step="unpacking the essential ones" ;;
        "I: installing essential"*) step="configuring them: a minute or two" ;;
        "I: installing remaining"*) step="unpacking and configuring the rest: a minute or two" ;;
        "I: creating tarball"*) step="writing $out" ;;
        *) continue ;;
        esac
        printf '  %-8s %s\n' DEBIAN "$step"
    done
}

rm -f "$good"
{
    mmdebstrap --architectures=arm64 --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$codename" "$new" "$3" 2>&1 </dev/null && : >"$good"
} | tee "$log" | show_steps
[ -f "$good" ] || {
    tail -n 5 "$log" >&2
    echo "mkrootfs.sh: mmdebstrap failed; its whole output is in $log" >&2
    exit 1
}
rm -f "$good"
mv "$new" "$out"

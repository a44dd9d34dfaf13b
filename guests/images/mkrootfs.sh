#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian root file system for arm64 as a tarball. Runs as root, or as anybody where user
# namespaces work; needs binfmt_misc (see guests/fetch/deps.sh).
#
# usage: mkrootfs.sh OUT.tar PACKAGE_LIST SOURCES_LIST
set -eu
out=$1
packages=$(sed 's/#.*//' "$2" | xargs | tr ' ' ',')
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
log=${out%.tar}.log
new=${out%.tar}.new.tar

mmdebstrap --quiet --architectures=arm64 --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$codename" "$new" "$3" >"$log" 2>&1 </dev/null || {
    tail -n 5 "$log" >&2
    echo "mkrootfs.sh: mmdebstrap failed; its whole output is in $log" >&2
    exit 1
}
mv "$new" "$out"

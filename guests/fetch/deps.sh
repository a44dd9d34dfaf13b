#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of a list of Debian packages (one name a line). As root, or with sudo after
# showing the list. usage: deps.sh [LIST]
set -eu
missing=
for package in $(grep -v "^#" "${1:-tests/packages.txt}"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
        missing="$missing $package"
done
run=
if [ "$(id -u)" != 0 ]; then
    run=sudo
    command -v sudo >/dev/null || {
        echo "deps.sh: run this as root, or install sudo; needed:$missing" >&2
        exit 1
    }
fi
if [ -n "$missing" ]; then
    echo "  Debian packages to be installed:$missing"
    $run apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $run apt-get install -qq -y --no-install-recommends $missing \
        >/dev/null
fi
# Programs for arm64 run here through qemu-user (maintainer scripts of the root file systems).
if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    [ -e /proc/sys/fs/binfmt_misc/register ] ||
        $run mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    $run update-binfmts --enable qemu-aarch64
fi

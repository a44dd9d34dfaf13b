#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sees to it that this machine has what the build, the images and the tests need: the Debian packages
# listed in tests/packages.txt, and the kernel's permission to run arm64 programs (binfmt_misc).
# Installs what is missing: directly as root, else through sudo after showing the list.
#
# usage: deps.sh [LIST]
set -eu
list=${1:-$(dirname "$0")/../../tests/packages.txt}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps.sh: this needs root: '$*'. Run make as root once, or install sudo" >&2
        exit 1
    fi
}

missing_packages() {
    for package in $(sed 's/#.*//' "$list"); do
        status=$(dpkg-query -W -f='${db:Status-Status} ' "$package" 2>/dev/null || true)
        case " $status" in *" installed "*) ;; *) printf '%s ' "$package" ;; esac
    done
}

install_packages() {
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
        install -y --no-install-recommends $packages >/dev/null
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
    echo "  DEPS     Debian packages to be installed: $packages"
    install_packages 2>/dev/null || {
        as_root apt-get -qq update
        install_packages
    }
    packages=$(missing_packages)
    [ -z "$packages" ] || {
        echo "deps.sh: apt did not install: $packages" >&2
        exit 1
    }
fi

# mmdebstrap configures arm64 packages by running their programs.
[ "$(dpkg --print-architecture)" != arm64 ] || exit 0
binfmt=/proc/sys/fs/binfmt_misc
[ -e $binfmt/register ] || as_root mount -t binfmt_misc binfmt_misc $binfmt || {
    echo "deps.sh: $binfmt cannot be mounted; in a container, mount it on the host" >&2
    exit 1
}
grep -qs enabled $binfmt/qemu-aarch64 || as_root /usr/sbin/update-binfmts --enable qemu-aarch64
grep -qs enabled $binfmt/qemu-aarch64 || {
    echo "deps.sh: arm64 programs do not run here: see update-binfmts --display qemu-aarch64" >&2
    exit 1
}

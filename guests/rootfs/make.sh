#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds a Debian root file system for arm64 as a tar file.
#
# usage: make.sh NAME OUT.tar      NAME: dom0 or domu (guests/rootfs/NAME.packages, NAME.setup)
#
# Needs root (mmdebstrap's unshare mode does where user namespaces are allowed) and qemu-user-static
# with binfmt_misc, which guests/fetch/deps.sh sees to.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1
out=$2
state=$3
packages=$(grep -v '^#' "$here/$name.packages" | tr '\n' ',' | sed 's/,$//')
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

mmdebstrap --quiet --arch=arm64 --variant=minbase --include="$packages" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook="sh $here/common.setup \"\$1\" $name" \
    --customize-hook="sh $here/$name.setup \"\$1\"" \
    "$codename" "$out.new" "$state/sources.list"
mv "$out.new" "$out"

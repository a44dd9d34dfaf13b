#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Picks from an unpacked kernel package the modules that a list names, and all they depend on.
#
# usage: mkmodules.sh KERNEL_ROOT OUT LIST
set -eu
root=$(cd "$1" && pwd)
out=$2
list=$3
release=$(ls "$root/lib/modules")
from=$root/lib/modules/$release

[ -f "$from/modules.dep" ] || /usr/sbin/depmod -b "$root" "$release"
mkdir -p "$out/lib/modules/$release"
out=$(cd "$out/lib/modules/$release" && pwd)

# A line of modules.dep is "module: dependencies", the dependencies complete.
sed 's/#.*//; /^[[:space:]]*$/d' "$list" | while read -r wanted; do
    grep "^kernel/${wanted%/}[/:.]" "$from/modules.dep" || grep "^kernel/$wanted:" "$from/modules.dep" || {
        grep -q "^kernel/$wanted\$" "$from/modules.builtin" ||
            echo "mkmodules.sh: this kernel has no $wanted" >&2
    }
done | tr ': ' '\n\n' | sed '/^$/d' | sort -u | (cd "$from" && cpio --quiet -pdm "$out")
cp "$from/modules.builtin" "$from/modules.builtin.modinfo" "$from/modules.order" "$out/"
/usr/sbin/depmod -b "${out%/lib/modules/*}" "$release" 2>/dev/null

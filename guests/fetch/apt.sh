#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian packages as files, without touching the machine's own apt configuration.
#
# usage: apt.sh STATE update                 make or refresh a private apt state for arm64 and this machine
#        apt.sh STATE download DIR PACKAGE.. put .deb files into DIR (PACKAGE or PACKAGE:ARCH)
#        apt.sh STATE depends PACKAGE        print what PACKAGE depends on, one name a line
#
# STATE is a folder of ours. Its sources are the machine's own Debian ones, so mirrors and proxies that
# work for the machine work here too.
set -eu
state=$(mkdir -p "$1" && cd "$1" && pwd)
verb=$2
shift 2

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
options="-o Dir::State=$state/state -o Dir::State::status=$state/status -o Dir::Cache=$state/cache
 -o Dir::Etc::sourcelist=$state/sources.list -o Dir::Etc::sourceparts=/dev/null
 -o Dir::Etc::preferencesparts=/dev/null -o APT::Architectures=$(dpkg --print-architecture),arm64
 -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none -o APT::Sandbox::User=root"

# The machine's Debian entries as one-line sources, with non-free added (lmbench).
sources() {
    awk -v code="$codename" '
        /^deb / && $0 ~ code && !/security/ { print $2, $3; print $2, code; next }
    ' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true
    awk -v code="$codename" 'BEGIN { RS=""; FS="\n" }
        { uri=""; suites=""
          for (i = 1; i <= NF; i++) {
              if ($i ~ /^URIs:/) { uri=$i; sub(/^URIs:[ ]*/, "", uri) }
              if ($i ~ /^Suites:/) { suites=$i; sub(/^Suites:[ ]*/, "", suites) } }
          n=split(suites, s, " ")
          for (i = 1; i <= n; i++) if (s[i] ~ "^" code) print uri, s[i] }
    ' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
}

write_sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    sources | sort -u | while read -r uri suite; do
        case "$suite" in "$codename" | "$codename"-*) ;; *) continue ;; esac
        case "$uri" in *debian*) ;; *) continue ;; esac
        echo "deb [signed-by=$keyring] $uri $suite main non-free"
    done >"$state/sources.list"
    [ -s "$state/sources.list" ] || {
        echo "apt.sh: no Debian source for '$codename' in /etc/apt: add one (see sources.list(5))" >&2
        exit 1
    }
}

case $verb in
update)
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
    : >"$state/status"
    write_sources
    # shellcheck disable=SC2086
    apt-get $options -qq update
    ;;
download)
    dir=$(mkdir -p "$1" && cd "$1" && pwd)
    shift
    cd "$dir"
    # shellcheck disable=SC2086
    apt-get $options -qq download "$@"
    ;;
depends)
    # shellcheck disable=SC2086
    apt-cache $options depends --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "$1" | sed -n 's/^ *Depends: //p'
    ;;
*)
    echo "apt.sh: unknown verb '$verb' (update, download, depends)" >&2
    exit 2
    ;;
esac

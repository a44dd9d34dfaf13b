#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian packages as files, without touching the machine's own apt configuration.
# May call apt and dpkg only; needs no privilege.
#
# usage: apt.sh STATE update                 make or refresh a private apt state for arm64 and this machine
#        apt.sh STATE download DIR PACKAGE.. put .deb files into DIR (PACKAGE or PACKAGE:ARCH)
#        apt.sh STATE depends PACKAGE        print what PACKAGE depends on, one name a line
#        apt.sh STATE unpack ROOT PACKAGE..  download into STATE/debs and unpack into the folder ROOT
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

# One-line sources: "URI SUITE" of every active deb line, whatever options it carries in brackets.
one_line_sources() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' | awk '{ print $1, $2 }'
}

# deb822 sources: the same of every stanza that is enabled and has type deb; values may be folded.
deb822_sources() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && grep -v '^#' "$file" && echo
    done | awk '
        function flush(  i, j, n, m, uri, suite) {
            n = split(value["uris"], uri); m = split(value["suites"], suite)
            if ((" " value["types"] " ") ~ / deb / && value["enabled"] !~ /no/)
                for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) print uri[i], suite[j]
            split("", value)
        }
        /^[ \t]*$/ { flush(); next }
        /^[ \t]/   { value[key] = value[key] " " $0; next }
        { key = tolower($0); sub(/:.*/, "", key); sub(/^[^:]*:[ \t]*/, ""); value[key] = $0 }
        END { flush() }'
}

# Of these, the Debian archive's suites of this release; non-free is for lmbench.
write_sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    { one_line_sources; deb822_sources; } | sort -u | while read -r uri suite; do
        case "$suite" in
        "$codename" | "$codename-updates" | "$codename-security" | "$codename/updates") ;;
        *) continue ;;
        esac
        case "$uri" in
        *debian*) echo "deb [signed-by=$keyring] $uri $suite main non-free" ;;
        esac
    done >"$state/sources.list"
    [ -s "$state/sources.list" ] || {
        echo "apt.sh: no Debian source for '$codename' in /etc/apt: add one (see sources.list(5))" >&2
        exit 1
    }
}

update() {
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial" "$state/debs"
    : >"$state/status"
    write_sources
    # shellcheck disable=SC2086
    apt-get $options -qq update
}

# A list older than the archive names versions that are gone: refresh it once before giving up.
download() {
    # shellcheck disable=SC2086
    apt-get $options -qq download "$@" 2>"$state/error" || {
        update
        apt-get $options -qq download "$@"
    }
}

case $verb in
update) update ;;
download)
    dir=$(mkdir -p "$1" && cd "$1" && pwd)
    shift
    cd "$dir"
    download "$@"
    ;;
unpack)
    root=$(mkdir -p "$1" && cd "$1" && pwd)
    shift
    cd "$state/debs"
    for package in "$@"; do
        name=${package%%:*}
        find . -name "${name}_*.deb" -delete
        download "$package"
        dpkg -x "$name"_*.deb "$root"
        rm -f "$name"_*.deb
    done
    ;;
depends)
    # shellcheck disable=SC2086
    apt-cache $options depends --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "$1" | sed -n 's/^ *Depends: //p'
    ;;
*)
    echo "apt.sh: unknown verb '$verb' (update, download, unpack, depends)" >&2
    exit 2
    ;;
esac

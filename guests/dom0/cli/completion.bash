# SPDX-License-Identifier: Apache-2.0
# Completion of the tarn command for bash. Names of files, domains and drives are data: they never reach
# compgen -W, which would expand what is in them.

# Adds those of its arguments that begin as the word does.
_tarn_add() {
    local name
    for name in "$@"; do
        if [[ $name == "$word"* ]]; then COMPREPLY+=("$name"); fi
    done
}

# The same of lines.
_tarn_add_lines() {
    local name
    while IFS= read -r name; do _tarn_add "$name"; done
}

_tarn_domains() {
    _tarn_add_lines < <(tarn list 2>/dev/null | awk 'NR > 1 && $1 != 0 { print $2 }')
}

# Titles of the drives of a domain that its configuration leaves empty.
_tarn_drives() {
    _tarn_add_lines < <(tarn info --json "$1" 2>/dev/null | grep -o '"title": "[^"]*", "path": ""' | cut -d'"' -f4)
}

# Arguments: compgen's.
_tarn_files() {
    _tarn_add_lines < <(compgen "$@" -- "$word")
}

_tarn() {
    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
    COMPREPLY=()
    case $verb:$COMP_CWORD in
    *:1 | help:2)
        _tarn_add adopt attach-disk autostart check console create destroy detach-disk dmesg fdt help info \
            list pause reboot sched shutdown stats top trace unpause vcpu-list vcpu-pin ;;
    create:* | fdt:* | check:*)
        case $verb in
        create) _tarn_add -c --json ;;
        fdt) _tarn_add --gic=2 --gic=3 ;;
        check) _tarn_add --json ;;
        esac
        _tarn_files -f -X '!*.conf'
        _tarn_files -d ;;
    list:*)
        _tarn_add --all --json ;;
    trace:2)
        _tarn_add record ;;
    trace:*)
        _tarn_add -o -t --size --
        _tarn_files -f ;;
    top:*)
        _tarn_add -d -n --json ;;
    dmesg:*)
        _tarn_add --follow --json --level=error --level=warn --level=info --level=guest --level=debug ;;
    info:* | stats:* | vcpu-list:* | sched:2)
        _tarn_add --json
        _tarn_domains ;;
    sched:*)
        _tarn_add weight= cap=
        _tarn_domains ;;
    shutdown:*)
        _tarn_add --wait
        _tarn_domains ;;
    reboot:*)
        _tarn_add --force --wait
        _tarn_domains ;;
    attach-disk:3 | detach-disk:3)
        _tarn_drives "${COMP_WORDS[2]}" ;;
    attach-disk:4)
        _tarn_files -f ;;
    autostart:2)
        _tarn_files -d ;;
    adopt:2 | vcpu-pin:2 | attach-disk:2 | detach-disk:2 | console:2 | destroy:2 | pause:2 | unpause:2)
        _tarn_domains ;;
    vcpu-pin:3)
        _tarn_add all ;;
    vcpu-pin:4)
        _tarn_add all dedicated ;;
    esac
}
complete -F _tarn tarn

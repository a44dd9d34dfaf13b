# SPDX-License-Identifier: Apache-2.0
# Completion of the tarn command for bash.

_tarn_domains() {
    tarn list 2>/dev/null | awk 'NR > 1 && $1 != 0 { print $2 }'
}

# Titles of the drives of a domain that its configuration leaves empty.
_tarn_drives() {
    tarn info --json "$1" 2>/dev/null | grep -o '"title": "[^"]*", "path": ""' | cut -d'"' -f4
}

_tarn_files() {
    compgen -f -X '!*.conf' -- "$1"
    compgen -d -- "$1"
}

_tarn() {
    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
    local verbs="adopt attach-disk autostart check console create destroy detach-disk dmesg fdt help info list \
        pause reboot sched shutdown stats top trace unpause vcpu-list vcpu-pin" words=""
    COMPREPLY=()
    case $verb:$COMP_CWORD in
    *:1 | help:2)
        words=$verbs ;;
    create:*)
        words="-c --json $(_tarn_files "$word")" ;;
    fdt:*)
        words="--gic=2 --gic=3 $(_tarn_files "$word")" ;;
    check:*)
        words="--json $(_tarn_files "$word")" ;;
    list:*)
        words="--all --json" ;;
    trace:2)
        words="record" ;;
    trace:*)
        COMPREPLY=($(compgen -W "-o -t --size --" -- "$word") $(compgen -f -- "$word"))
        return ;;
    top:*)
        words="-d -n --json" ;;
    dmesg:*)
        words="--follow --json --level=error --level=warn --level=info --level=guest --level=debug" ;;
    info:* | stats:* | vcpu-list:* | sched:2)
        words="--json $(_tarn_domains)" ;;
    sched:*)
        words="weight= cap= $(_tarn_domains)" ;;
    shutdown:*)
        words="--wait $(_tarn_domains)" ;;
    reboot:*)
        words="--force --wait $(_tarn_domains)" ;;
    attach-disk:3 | detach-disk:3)
        words=$(_tarn_drives "${COMP_WORDS[2]}") ;;
    attach-disk:4)
        COMPREPLY=($(compgen -f -- "$word"))
        return ;;
    autostart:2)
        COMPREPLY=($(compgen -d -- "$word"))
        return ;;
    adopt:2 | vcpu-pin:2 | attach-disk:2 | detach-disk:2 | console:2 | destroy:2 | pause:2 | unpause:2)
        words=$(_tarn_domains) ;;
    vcpu-pin:3)
        words="all" ;;
    vcpu-pin:4)
        words="all dedicated" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _tarn tarn

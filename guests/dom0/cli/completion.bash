# SPDX-License-Identifier: Apache-2.0
# Completion of the tarn command for bash.

_tarn_domains() {
    tarn list 2>/dev/null | awk 'NR > 1 && $1 != 0 { print $2 }'
}

_tarn() {
    local word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "adopt attach-disk autostart check console create destroy detach-disk \
            dmesg fdt help info list pause reboot sched shutdown stats top trace unpause vcpu-list \
            vcpu-pin" -- "$word"))
        return
    fi
    case ${COMP_WORDS[1]} in
    create)
        COMPREPLY=($(compgen -W "-c --json" -- "$word") $(compgen -f -X '!*.conf' -- "$word") \
            $(compgen -d -- "$word")) ;;
    fdt)
        COMPREPLY=($(compgen -f -X '!*.conf' -- "$word") $(compgen -d -- "$word")) ;;
    check)
        COMPREPLY=($(compgen -W "--json" -- "$word") $(compgen -f -X '!*.conf' -- "$word") $(compgen -d -- "$word")) ;;
    list)
        COMPREPLY=($(compgen -W "--all --json" -- "$word")) ;;
    top)
        COMPREPLY=($(compgen -W "-d -n --json" -- "$word")) ;;
    trace)
        COMPREPLY=($(compgen -W "record -o -t --size --" -- "$word") $(compgen -f -- "$word")) ;;
    dmesg)
        COMPREPLY=($(compgen -W "--follow --json --level=error --level=warn --level=info \
            --level=guest --level=debug" -- "$word")) ;;
    info | sched | stats | vcpu-list)
        COMPREPLY=($(compgen -W "--json $(_tarn_domains)" -- "$word")) ;;
    shutdown)
        COMPREPLY=($(compgen -W "--wait $(_tarn_domains)" -- "$word")) ;;
    reboot)
        COMPREPLY=($(compgen -W "--force --wait $(_tarn_domains)" -- "$word")) ;;
    adopt | attach-disk | console | destroy | detach-disk | pause | unpause | vcpu-pin)
        COMPREPLY=($(compgen -W "$(_tarn_domains)" -- "$word")) ;;
    esac
}
complete -F _tarn tarn

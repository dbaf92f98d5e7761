# Completion of causeway for bash, as `causeway completion bash` prints it.

# The accounts that a config names.
_causeway_accounts() {
    sed -n 's/^[[:space:]]*\[\([A-Za-z]*\.[^]]*\)\].*/\1/p' "$1" 2>/dev/null
}

_causeway() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command= config=config.toml arguments=0 i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        {{valued .}})
            [[ ${COMP_WORDS[i]} == -c || ${COMP_WORDS[i]} == --config ]] && ((i + 1 < COMP_CWORD)) && config=${COMP_WORDS[i + 1]}
            ((i++))
            ;;
        -*) ;;
        *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; else ((arguments++)); fi ;;
        esac
    done
    local words= flags= files=
    case ${command:-run} in
    {{- range .}}
    {{.Name}})
        flags='{{range .Flags}}{{.Dashed}} {{end}}'
        {{- if .Words}}
        ((arguments == 0)) && words='{{join .Words}}'
        {{- end}}
        {{- if .Accounts}}
        ((arguments == 0)) && words=$(_causeway_accounts "$config")
        {{- end}}
        {{- if .Files}}
        ((arguments == 0)) && files=yes
        {{- end}}
        ;;
    {{- end}}
    esac
    [[ -z $command ]] && words='{{names .}}'
    case $prev in
    -c | --config{{range .}}{{range .Flags}}{{if and .Files (ne .Dashed "-c")}} | {{.Dashed}}{{end}}{{end}}{{end}}) flags= words= files=yes ;;
    --from | --to) flags= words='mattermost msteams' files= ;;
    --person) return ;;
    esac
    if [[ $cur == -* ]]; then
        words=$flags files=
    fi
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ -n $files ]]; then
        local IFS=$'\n'
        COMPREPLY+=($(compgen -f -- "$cur"))
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _causeway causeway

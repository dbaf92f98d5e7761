# Completion of causeway for fish, as `causeway completion fish` prints it.

# The accounts that the config names.
function __causeway_accounts
    set -l config config.toml
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if test $words[$i] = -c; and test $i -lt (count $words)
            set config $words[(math $i + 1)]
        end
    end
    sed -n 's/^[[:space:]]*\[\([A-Za-z]*\.[^]]*\)\].*/\1/p' $config 2>/dev/null
end

set -l commands {{names .}}
complete -c causeway -f
{{- range .}}
complete -c causeway -n "not __fish_seen_subcommand_from $commands" -a '{{.Name}}' -d '{{quoted .About}}'
{{- end}}
{{- range $c := .}}
{{- range .Flags}}
complete -c causeway -n '__fish_seen_subcommand_from {{$c.Name}}' {{if short .Dashed}}-s{{else}}-l{{end}} {{bare .Dashed}}{{if .Files}} -r -F{{else if .Services}} -x -a 'mattermost msteams'{{else if .Takes}} -x{{end}} -d '{{quoted .About}}'
{{- end}}
{{- if .Words}}
complete -c causeway -n '__fish_seen_subcommand_from {{.Name}}; and not __fish_seen_subcommand_from {{join (without .Words .Name)}}' -a '{{join .Words}}'
{{- end}}
{{- if .Accounts}}
complete -c causeway -n '__fish_seen_subcommand_from {{.Name}}' -a '(__causeway_accounts)'
{{- end}}
{{- if .Files}}
complete -c causeway -n '__fish_seen_subcommand_from {{.Name}}' -F
{{- end}}
{{- end}}

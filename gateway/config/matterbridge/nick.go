package matterbridge

import (
	"regexp"
	"strings"

	"causeway/gateway/config"
)

var nickVariable = regexp.MustCompile(`\{[A-Za-z0-9_-]+\}?`)

// nickFormat gives what is left of a RemoteNickFormat, and the changes in words. Matterbridge puts it directly before the text, so it ends in
// a separator; Causeway shows the name apart from the text.
func nickFormat(old string) (format string, changes []string) {
	known := config.NickVariables()
	var foreign []string
	format = nickVariable.ReplaceAllStringFunc(old, func(v string) string {
		for _, k := range known {
			if v == k {
				return v
			}
		}
		foreign = append(foreign, v)
		return ""
	})
	if len(foreign) > 0 {
		changes = append(changes, "Causeway does not know "+strings.Join(foreign, ", "))
	}
	if one := strings.Join(strings.Fields(printable(format)), " "); one != strings.TrimSpace(format) {
		changes = append(changes, "it is written on one line")
		format = one
	}
	format = strings.TrimSpace(format)
	if bare := strings.TrimRight(format, " :"); bare != format {
		changes = append(changes, "the name stands apart from the text, so nothing need follow it")
		format = bare
	}
	return format, changes
}

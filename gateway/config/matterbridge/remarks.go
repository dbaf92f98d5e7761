package matterbridge

import (
	"regexp"
	"strings"
)

// remarks are the comments of the old config, by the line at which they stand.
type remarks struct {
	lines []string
	// secrets are what no comment may show.
	secrets []string
}

func newRemarks(data []byte, secrets []string) remarks {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return remarks{lines: strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n"), secrets: secrets}
}

// setting looks like a key that was switched off: it says nothing of the new config, and may be a secret.
var setting = regexp.MustCompile(`^#+\s*[\w."-]+\s*[=:]|(?i)(pass|token|secret|webhook)\S*\s*[=:]`)

// kept gives a comment as it may be shown; empty when it may not, or says nothing.
func (r remarks) kept(comment string) string {
	comment = strings.TrimSpace(comment)
	if strings.Trim(comment, "#-=* ") == "" || setting.MatchString(comment) {
		return ""
	}
	for _, secret := range r.secrets {
		if strings.Contains(comment, secret) {
			return ""
		}
	}
	return comment
}

// above gives the comments that stand directly above a line, which counts from 1.
func (r remarks) above(line int) []string {
	first := line - 1
	for first > 0 && first <= len(r.lines) && strings.HasPrefix(strings.TrimSpace(r.lines[first-1]), "#") {
		first--
	}
	var all []string
	for i := first; i < line-1 && i < len(r.lines); i++ {
		if comment := r.kept(r.lines[i]); comment != "" {
			all = append(all, comment)
		}
	}
	return all
}

// beside gives the comment at the end of a line that holds one key.
func (r remarks) beside(line int) string {
	if line < 1 || line > len(r.lines) || strings.Contains(r.lines[line-1], `"""`) || strings.Contains(r.lines[line-1], "'''") {
		return ""
	}
	var quote rune
	escaped := false
	for i, c := range r.lines[line-1] {
		switch {
		case escaped:
			escaped = false
		case quote == '"' && c == '\\':
			escaped = true
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return r.kept(r.lines[line-1][i:])
		}
	}
	return ""
}

// top gives the comments with which the file begins, unless they are about the first key.
func (r remarks) top() []string {
	var all []string
	for _, line := range r.lines {
		line = strings.TrimSpace(line)
		switch {
		case line == "" && len(all) > 0:
			return all
		case line == "":
		case !strings.HasPrefix(line, "#"):
			return nil
		default:
			if comment := r.kept(line); comment != "" {
				all = append(all, comment)
			}
		}
	}
	return all
}

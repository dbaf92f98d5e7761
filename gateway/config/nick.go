package config

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Nick is what the variables of a RemoteNickFormat stand for: the author of a message and where it comes from.
type Nick struct {
	Nick, UserID string // {NICK}, {USERID}
	// Bridge is the name of the account that the message comes from ("hq" of mattermost.hq), Protocol its
	// protocol, Label what its config says: {BRIDGE}, {PROTOCOL}, {LABEL}.
	Bridge, Protocol, Label string
	Gateway, Channel        string // {GATEWAY}, {CHANNEL}
}

const defaultNickFormat = "{NICK}"

var nickVariables = []string{"{NICK}", "{NOPINGNICK}", "{USERID}", "{BRIDGE}", "{PROTOCOL}", "{LABEL}", "{GATEWAY}", "{CHANNEL}"}

// Format replaces the variables in format, once: what a name contains is never taken for a variable.
// {NOPINGNICK} is the nick with a zero-width space after its first letter, so that it notifies nobody.
func (n Nick) Format(format string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(format, '{')
		if start < 0 {
			break
		}
		b.WriteString(format[:start])
		format = format[start:]
		i := slices.IndexFunc(nickVariables, func(v string) bool { return strings.HasPrefix(format, v) })
		if i < 0 {
			b.WriteByte('{')
			format = format[1:]
			continue
		}
		b.WriteString(n.value(nickVariables[i]))
		format = format[len(nickVariables[i]):]
	}
	b.WriteString(format)
	return b.String()
}

// value is what a variable stands for.
func (n Nick) value(variable string) string {
	switch variable {
	case "{NICK}":
		return n.Nick
	case "{NOPINGNICK}":
		_, first := utf8.DecodeRuneInString(n.Nick)
		return n.Nick[:first] + "\u200b" + n.Nick[first:]
	case "{USERID}":
		return n.UserID
	case "{BRIDGE}":
		return n.Bridge
	case "{PROTOCOL}":
		return n.Protocol
	case "{LABEL}":
		return n.Label
	case "{GATEWAY}":
		return n.Gateway
	}
	return n.Channel // {CHANNEL}
}

// checkNickFormat gives the first variable that is unknown or not closed, with a hint; "" when all are well.
// A brace that no letter follows stands for itself.
func checkNickFormat(format string) (problem, hint string) {
	for rest := format; ; {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			return "", ""
		}
		rest = rest[start:]
		end := 1
		for end < len(rest) && isBare(rune(rest[end])) {
			end++
		}
		name := rest[:end]
		closed := end < len(rest) && rest[end] == '}'
		rest = rest[end:]
		if end == 1 || closed && slices.Contains(nickVariables, name+"}") {
			continue
		}
		hint, _ = suggest(name+"}", nickVariables)
		if !closed {
			return name + " has no closing brace", hint
		}
		return "unknown variable " + name + "}", hint
	}
}

// NickVariables are those that a RemoteNickFormat may hold.
func NickVariables() []string { return slices.Clone(nickVariables) }

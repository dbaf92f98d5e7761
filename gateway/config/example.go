package config

import (
	"slices"
	"strings"
)

// Undocumented gives the known keys that an example file shows nowhere, neither set nor commented out, as
// "[mattermost.NAME] Token". A secret is shown by its value or its file. It is for the test that keeps
// config.toml.example complete.
func Undocumented(example []byte, protocols Protocols) []string {
	shown := map[string][]string{}
	header := ""
	for line := range strings.Lines(string(example)) {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "# "))
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			header = generalHeader(line, protocols)
			if inner, ok := strings.CutPrefix(header, "[[gateway."); ok {
				shown["[[gateway]]"] = append(shown["[[gateway]]"], strings.Trim(inner, "]"))
			}
			continue
		}
		if key, _, ok := strings.Cut(line, "="); ok {
			shown[header] = append(shown[header], strings.TrimSpace(key))
		}
	}
	var missing []string
	for _, t := range knownKeys(protocols) {
		for _, key := range t.keys {
			if !slices.Contains(shown[t.header], key) {
				missing = append(missing, t.header+" "+key)
			}
		}
	}
	return missing
}

// generalHeader turns [mattermost.hq] into [mattermost.NAME].
func generalHeader(header string, protocols Protocols) string {
	protocol, _, ok := strings.Cut(strings.Trim(header, "[]"), ".")
	if _, known := protocols[protocol]; ok && known {
		return "[" + protocol + ".NAME]"
	}
	return header
}

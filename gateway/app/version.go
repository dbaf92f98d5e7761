package app

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version says what was built, as far as the build has noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	var notes []string
	commit := settings["vcs.revision"]
	commit = commit[:min(12, len(commit))]
	if commit != "" && !strings.Contains(info.Main.Version, commit) { // Go puts it into the version of an untagged commit
		notes = append(notes, "commit "+commit)
		if day, _, ok := strings.Cut(settings["vcs.time"], "T"); ok {
			notes = append(notes, day)
		}
		if settings["vcs.modified"] == "true" {
			notes = append(notes, "with changes")
		}
	}
	v := cmp.Or(info.Main.Version, "(devel)")
	if len(notes) > 0 {
		v += " (" + strings.Join(notes, ", ") + ")"
	}
	return v
}

func (c *call) version() error {
	_, err := fmt.Fprintf(c.out, "causeway %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

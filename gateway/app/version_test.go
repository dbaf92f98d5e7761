package app

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2025-10-14T07:57:01Z"}}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":  {Main: debug.Module{Version: "v1.2.3"}},
		"(devel)": {},
		"v1.2.3 (commit 0123456789ab, 2025-10-14)":                {Main: debug.Module{Version: "v1.2.3"}, Settings: vcs},
		"(devel) (commit 0123456789ab, 2025-10-14, with changes)": {Settings: append(vcs[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"})},
		"v0.0.0-20251014075701-0123456789ab":                      {Main: debug.Module{Version: "v0.0.0-20251014075701-0123456789ab"}, Settings: vcs},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := newWorld(t, "").call("version"); got.code != 0 || !strings.HasPrefix(got.out, "causeway ") || strings.Count(got.out, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
}

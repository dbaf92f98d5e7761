package app

import (
	"strings"
	"testing"
)

// FuzzNames: whatever a file of names holds, each line that says something is an order, or is told with its place.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"alice\nbob # a comment\n\n#\n", "alice, bob\ncarol;dan\r\n", "\ufeffalice bob carol", strings.Join(exportColumns, ",") + "\n1,mattermost.hq,u1\n", strings.Join(exportColumns[:3], ",") + "\n",
		strings.Join(exportColumns, ",") + "\n" + strings.Repeat("\"x\ny\",", len(exportColumns)-1) + "z\n0" + strings.Repeat(",a", len(exportColumns)-1) + "\n", strings.Join(exportColumns[:3], ",") + "\n\"", "\x00\xff", "a\u2028b", ""} {
		f.Add(s, 1)
		f.Add(s, 2)
	}
	f.Fuzz(func(t *testing.T, text string, perLine int) {
		if perLine != 1 {
			perLine = 2
		}
		all, err := namesOfFile([]byte(text), perLine)
		if err != nil {
			if len(all) > 0 || len(err.Error()) > 500 {
				t.Fatalf("%d names, and %v", len(all), err)
			}
			return
		}
		if len(all) > strings.Count(text, "\n")+1 {
			t.Fatalf("%d orders of %d lines", len(all), strings.Count(text, "\n")+1)
		}
		for _, one := range all {
			names := one.order.Names
			if len(names) == 0 || (one.wrong == "") != (len(names) == perLine) || (one.wrong == "") != (one.at == "") {
				t.Fatalf("%+v", one)
			}
			for _, name := range names {
				if name == "" || !strings.HasPrefix(text, "\ufeff") && !strings.HasPrefix(text, exportColumns[0]+",") && (strings.ContainsAny(name, " \t\r\n,;#") || !strings.Contains(text, name)) {
					t.Fatalf("%q is a name", name)
				}
			}
		}
	})
}

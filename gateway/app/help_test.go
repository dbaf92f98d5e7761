package app

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryCommandHasExamplesThatCanBeCalled parses each, and knows each flag.
func TestEveryCommandHasExamplesThatCanBeCalled(t *testing.T) {
	taught := lessons()
	for _, v := range verbs() {
		l, ok := taught[v.name]
		if !ok || len(l.examples) == 0 {
			t.Errorf("%s has no example in help.go", v.name)
		}
		delete(taught, v.name)
		for _, e := range l.examples {
			if !strings.Contains(usageOf(v), "  "+e[0]+"\n        "+e[1]+"\n") {
				t.Errorf("help %s does not show %s", v.name, e[0])
			}
			_, call, _ := strings.Cut(e[0], "causeway")
			for _, end := range []string{" | jq", " > ", ")"} {
				call, _, _ = strings.Cut(call, end)
			}
			parsed, err := parse(strings.Fields(call))
			if err != nil || parsed.verb.name != v.name && !(v.name == "help" && parsed.help) {
				t.Errorf("%s: the example %s is %s: %v", v.name, e[0], parsed.verb.name, err)
			}
		}
		for _, name := range v.flags {
			if !slices.ContainsFunc(flagMeanings, func(f flagMeaning) bool { return f.name == name }) {
				t.Errorf("nothing says what -%s of %s does", name, v.name)
			}
		}
	}
	for name := range taught {
		t.Errorf("help.go teaches %s, which there is not", name)
	}
}

// TestFlagsAreTaughtAsTheyAreTaken: those that take a value, and only those, are shown with one.
func TestFlagsAreTaughtAsTheyAreTaken(t *testing.T) {
	for _, f := range flagMeanings {
		_, err := parse([]string{"run", "-" + f.name})
		valued := err != nil && (strings.Contains(err.Error(), "needs a value") || strings.Contains(err.Error(), "names no file"))
		if valued != (f.takes != "") {
			t.Errorf("-%s takes %q in help, and alone it is %v", f.name, f.takes, err)
		}
	}
}

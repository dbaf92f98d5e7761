package names

import (
	"testing"

	"causeway/bridge"
)

func TestShapesOfNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"Alice Chen", "alice  CHEN", true},
		{"Alice Chen", "Àlicé Chen", true},
		{"Alice Chen", "Ａｌｉｃｅ Ｃｈｅｎ", true},
		{"Alice Chen", "AIice Chen", true},            // a large i
		{"Alice Chen", "Аlice Сhen", true},            // Cyrillic А and С
		{"Alice Chen", "Al\u200bice\u00a0Chen", true}, // a space of no width, one that does not break
		{"Alice Chen", "\u202eAlice Chen", true},
		{"Ian Lee", "lan Lee", true},
		{"B0b", "Bob", true},
		{"Moira", "Rnoira", true},
		{"Noam", "Noarn", true},
		{"Alice Chen", "Alice Cheng", false},
		{"Alice Chen", "Chen Alice", false},
		{"Müller", "Mueller", false},
		{"李小龙", "李小龍", false},
		{"\u200b", "", true},
	} {
		if got := Shape(c.a) == Shape(c.b); got != c.same {
			t.Errorf("%q (%s) and %q (%s): alike %v, want %v", c.a, Shape(c.a), c.b, Shape(c.b), got, c.same)
		}
	}
}

func TestMixedAlphabets(t *testing.T) {
	for name, want := range map[string]bool{
		"Alice Chen": false, "Алиса Чен": false, "Αλίκη": false, "Alice Чен": false, "Аlice": true, "Alicе": true, "Ali-се": true, "李Alice": false, "": false,
	} {
		if got := Mixed(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestWhereAuthorsComeFrom(t *testing.T) {
	here, teams, other := bridge.Protocol{Name: "mattermost", Title: "Mattermost"}, bridge.Protocol{Name: "msteams", Title: "Microsoft Teams"}, bridge.Protocol{Name: "irc", Title: "IRC"}
	ours := func(u bridge.UserID) bool { return u == "mm" }
	for _, c := range []struct {
		id    bridge.UserID
		known []bridge.Protocol
		want  string
	}{
		{"guid", []bridge.Protocol{here, teams}, "Microsoft Teams"},
		{"mm", []bridge.Protocol{teams, here}, "Mattermost"},
		{"guid", []bridge.Protocol{here, teams, other}, "elsewhere"},
		{"", []bridge.Protocol{here, teams}, "elsewhere"},
		{"x", []bridge.Protocol{here}, "elsewhere"},
	} {
		if got := elsewhere(bridge.Author{ID: c.id, Name: "Alice"}, here.Name, ours, c.known); got != c.want {
			t.Errorf("%q among %d: %s, want %s", c.id, len(c.known), got, c.want)
		}
	}
}

func BenchmarkShape(b *testing.B) {
	for b.Loop() {
		Shape("Alice Chen")
	}
}

package config

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"Token", "token", 0}, {"Tokn", "Token", 1}, {"Tokken", "Token", 1},
		{"Tokem", "Token", 1}, {"Toekn", "Token", 1}, {"kitten", "sitting", 3}, {"Müller", "Muller", 1}, {"abc", "xyz", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"Server", "Token", "Team"}
	for word, want := range map[string]string{
		"Tokn":    "did you mean Token?",
		"srever":  "did you mean Server?",
		"x":       "known here: Team, Token, Server",
		"Account": "known here: Token, Server, Team",
	} {
		if got, _ := suggest(word, known); got != want {
			t.Errorf("suggest(%q) = %q, want %q", word, got, want)
		}
	}
	if got, meant := suggest("x", nil); got != "" || meant != "" {
		t.Errorf("suggest among nothing = %q, %q", got, meant)
	}
}

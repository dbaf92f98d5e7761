package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// planted stands in the fixtures wherever a secret could.
const planted = "s3cr3t"

// TestRules parses each fixture, named after the rule that it breaks, and compares all that is reported.
func TestRules(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(fixtures) < 30 {
		t.Fatalf("found %d fixtures: %v", len(fixtures), err)
	}
	for _, path := range fixtures {
		name := strings.TrimSuffix(filepath.Base(path), ".toml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]string{"CAUSEWAY_TOKEN": planted, "EMPTY": ""}
			cfg, err := config.Parse("config.toml", data, "testdata", env(names), protocols())
			got := report(t, cfg, err)
			if strings.Contains(got, planted) {
				t.Errorf("the report shows a secret:\n%s", got)
			}
			golden := strings.TrimSuffix(path, ".toml") + ".golden"
			if *update {
				write(t, golden, got, 0o644)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("report differs (-want +got):\n%s", diff)
			}
		})
	}
}

func report(t *testing.T, cfg *config.Config, err error) string {
	t.Helper()
	var mistakes config.Errors
	switch {
	case errors.As(err, &mistakes):
		if cfg != nil {
			t.Error("a config came with the mistakes")
		}
		return err.Error() + "\n"
	case err != nil:
		t.Fatalf("error of type %T: %v", err, err)
	}
	out := "valid\n"
	for _, w := range cfg.Warnings {
		out += "warning: " + w.String() + "\n"
	}
	return out
}

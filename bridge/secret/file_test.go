package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/bridge/secret"
)

func TestAFileGivesItsSecretAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, content, want, refused string }{
		{"plain", value, value, ""},
		{"line end", value + "\r\n", value, ""},
		{"spaces are part of it", " " + value + " \n", " " + value + " ", ""},
		{"empty", "\n", "", "it is empty"},
		{"too large", strings.Repeat(value, 100_000), "", "it is larger than 1048576 bytes"},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secret.File(path).Read()
		if got.Reveal() != c.want || (err == nil) != (c.refused == "") || err != nil && err.Error() != c.refused {
			t.Errorf("%s gives %q and %v", c.name, got.Reveal(), err)
		}
	}
	for _, path := range []string{filepath.Join(dir, value), dir} {
		if got, err := secret.File(path).Read(); err == nil || strings.Contains(err.Error(), value) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s gives %q and %v", path, got.Reveal(), err)
		}
	}
}

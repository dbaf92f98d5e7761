package profile

import (
	"os"
	"testing"
)

func TestEveryKindIsWritten(t *testing.T) {
	folder := t.TempDir()
	finish, err := Start(folder, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range Kinds {
		if info, err := os.Stat(File(folder, "test", kind)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", kind, info, err)
		}
	}
	// It can be done again.
	if finish, err = Start(folder, "test"); err != nil {
		t.Fatal(err)
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(file+"/profiles", "test"); err == nil {
		t.Error("no error")
	}
}

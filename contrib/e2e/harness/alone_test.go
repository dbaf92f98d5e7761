package harness

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestAloneCleansUpAndTellsTheFailure(t *testing.T) {
	var dir string
	err := Alone(t.Context(), func(tb TB) {
		dir = Folder(tb)
		tb.Fatalf("it broke: %d", 7)
	})
	if err == nil || err.Error() != "it broke: 7" {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); dir == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %q is still there: %v", dir, err)
	}
}

func TestAloneFailsAfterAnError(t *testing.T) {
	err := Alone(t.Context(), func(tb TB) { tb.Errorf("a thing that did not end") })
	if err == nil || !strings.Contains(err.Error(), "reported") {
		t.Errorf("error %v", err)
	}
	if err := Alone(t.Context(), func(TB) {}); err != nil {
		t.Errorf("error of nothing at all: %v", err)
	}
}

func TestAloneEndsWithItsContext(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cleaned := false
	err := Alone(ctx, func(tb TB) {
		tb.Cleanup(func() { cleaned = true })
		cancel(interrupted)
		<-tb.Context().Done()
		tb.Fatalf("waiting: %v", tb.Context().Err())
	})
	if !errors.Is(err, interrupted) || !cleaned {
		t.Errorf("error %v, cleaned up: %v", err, cleaned)
	}
}

func TestFreePortCanBeListenedOn(t *testing.T) {
	l, err := listen(FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

package app

import (
	"strings"
	"testing"
	"time"
)

func TestProgressIsShownOfWhatTakesLonger(t *testing.T) {
	var shown strings.Builder
	at := time.Unix(0, 0)
	told, end := shownProgress(&shown, "copying", func() time.Time { return at })
	told(10, 100)
	end()
	if shown.String() != "" {
		t.Errorf("after no time: %q", shown.String())
	}
	at = at.Add(progressAfter)
	told(40, 100)
	if text := shown.String(); !strings.Contains(text, "copying") || !strings.Contains(text, "40/100") {
		t.Errorf("after a second: %q", text)
	}
	end()
	if text := shown.String(); !strings.HasSuffix(strings.TrimRight(text, " "), "\r") {
		t.Errorf("the bar stays: %q", text)
	}
}

func TestNoProgressIsShownWhereNobodyWatches(t *testing.T) {
	c := &call{Command: Command{Stderr: &strings.Builder{}}}
	told, end := c.progress("copying")
	end()
	if told != nil {
		t.Error("it is counted for nobody")
	}
}

package main

import "testing"

// texts gives the copies of a sender's messages, dressed up as programs do.
func texts(series string, sender int, numbers ...int) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, "**Anna**: "+mark{series, sender, n}.text())
	}
	return all
}

func saidBy(series string, sender, n int) []mark {
	var all []mark
	for i := range n {
		all = append(all, mark{series, sender, i})
	}
	return all
}

func TestCount(t *testing.T) {
	for name, c := range map[string]struct {
		said   []mark
		copies []string
		want   Counts
	}{
		"all there":            {saidBy("a1", 0, 3), texts("a1", 0, 0, 1, 2), Counts{Said: 3, Delivered: 3}},
		"one lost":             {saidBy("a1", 0, 3), texts("a1", 0, 0, 2), Counts{Said: 3, Delivered: 2, Lost: 1}},
		"nothing there":        {saidBy("a1", 0, 3), nil, Counts{Said: 3, Lost: 3}},
		"one doubled":          {saidBy("a1", 0, 3), texts("a1", 0, 0, 1, 1, 2), Counts{Said: 3, Delivered: 3, Doubled: 1}},
		"one three times":      {saidBy("a1", 0, 2), texts("a1", 0, 0, 1, 1, 1), Counts{Said: 2, Delivered: 2, Doubled: 2}},
		"a late double":        {saidBy("a1", 0, 3), texts("a1", 0, 0, 1, 2, 0), Counts{Said: 3, Delivered: 3, Doubled: 1}},
		"two swapped":          {saidBy("a1", 0, 3), texts("a1", 0, 1, 0, 2), Counts{Said: 3, Delivered: 3, OutOfOrder: 1}},
		"one far too late":     {saidBy("a1", 0, 4), texts("a1", 0, 1, 2, 3, 0), Counts{Said: 4, Delivered: 4, OutOfOrder: 1}},
		"one far too early":    {saidBy("a1", 0, 4), texts("a1", 0, 3, 0, 1, 2), Counts{Said: 4, Delivered: 4, OutOfOrder: 3}},
		"other senders mix":    {append(saidBy("a1", 0, 2), saidBy("a1", 1, 2)...), append(texts("a1", 1, 0, 1), texts("a1", 0, 0, 1)...), Counts{Said: 4, Delivered: 4}},
		"other series, chat":   {saidBy("a1", 0, 1), append(texts("b1", 0, 0, 0), append(texts("a1", 0, 0), "hello")...), Counts{Said: 1, Delivered: 1}},
		"lost and out of turn": {saidBy("a1", 0, 4), texts("a1", 0, 2, 0, 2), Counts{Said: 4, Delivered: 2, Lost: 2, Doubled: 1, OutOfOrder: 1}},
	} {
		got := count(c.said, c.copies)
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if clean := c.want.Lost+c.want.Doubled+c.want.OutOfOrder == 0; got.clean() != clean {
			t.Errorf("%s: clean: %v", name, got.clean())
		}
	}
}

func TestAMarkIsFoundInWhatAProgramMakesOfIt(t *testing.T) {
	want := mark{"rest3", 2, 417}
	for _, text := range []string{want.text(), "<b>Anna</b><p>" + want.text() + "</p>", "anna: " + want.text() + "."} {
		if got, ok := markOf(text); !ok || got != want {
			t.Errorf("in %q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "hello", "q1q", "qaq1qbq", "xqaq1q2q", "qaq1q2qx"} {
		if got, ok := markOf(text); ok {
			t.Errorf("in %q: %v", text, got)
		}
	}
}

package harness

import (
	"regexp"
	"testing"
)

func TestNamesAreUniqueAndValid(t *testing.T) {
	valid := regexp.MustCompile(`^town-[a-z0-9-]{1,58}$`)
	seen := map[string]bool{}
	t.Run("An Übung/with a very, very, very, very, very long name", func(t *testing.T) {
		for range 3 {
			name := Name(t, "town")
			if !valid.MatchString(name) || seen[name] {
				t.Errorf("the name %q", name)
			}
			seen[name] = true
		}
	})
}

func TestMainTBCleansUpBackwardsAndReportsFailure(t *testing.T) {
	m := newMainTB()
	var order []int
	m.Cleanup(func() { order = append(order, 1) })
	m.Cleanup(func() {
		order = append(order, 2)
		m.Cleanup(func() { order = append(order, 3) })
	})
	reached := false
	if err := m.try(func() { m.Fatalf("no %s", "luck"); reached = true }); err == nil || err.Error() != "no luck" || reached {
		t.Errorf("a fatal failure: %v, and went on: %t", err, reached)
	}
	if m.end() {
		t.Error("a failure was forgotten")
	}
	if len(order) != 3 || order[0] != 2 || order[1] != 3 || order[2] != 1 {
		t.Errorf("cleaned up in the order %v", order)
	}
	if m.Context().Err() == nil {
		t.Error("the context lives on")
	}
}

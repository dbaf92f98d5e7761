package bridgetest

import (
	"slices"
	"testing"
	"testing/synctest"
)

// Option changes how [Run] runs the laws.
type Option func(*suite)

// FakeTime runs every law in a bubble of testing/synctest: for services without real connections.
func FakeTime() Option { return func(s *suite) { s.fakeTime = true } }

// Only runs the laws with these names.
func Only(names ...string) Option { return func(s *suite) { s.only = names } }

type suite struct {
	fakeTime bool
	only     []string
}

// Run runs all laws, each as a subtest with a service of its own, made by open in that subtest.
func Run(t *testing.T, open func(t *testing.T) Service, options ...Option) {
	var s suite
	for _, set := range options {
		set(&s)
	}
	for _, law := range Laws() {
		if !s.wants(law.Name) {
			continue
		}
		body := func(t *testing.T) { law.Prove(t, open(t)) }
		t.Run(law.Name, func(t *testing.T) {
			if s.fakeTime {
				synctest.Test(t, body)
				return
			}
			body(t)
		})
	}
}

func (s *suite) wants(name string) bool {
	if len(s.only) == 0 {
		return true
	}
	for _, o := range s.only {
		if o == name {
			return true
		}
	}
	return false
}

// Law is something that must hold for every bridge.
type Law struct {
	// Name says what it proves.
	Name string
	// needs says what the service lacks for it; empty: nothing. It may be nil.
	needs func(Features) string
	prove func(*world)
}

// Laws gives all laws.
func Laws() []Law {
	return slices.Concat(feedLaws, endLaws, writeLaws, faultLaws, textLaws, mentionLaws, placeLaws, peopleLaws, talkLaws, fileLaws)
}

// need makes a [Law]'s needs of one feature.
func need(lacks func(Features) bool, what string) func(Features) string {
	return func(f Features) string {
		if lacks(f) {
			return "this service or its handle cannot " + what
		}
		return ""
	}
}

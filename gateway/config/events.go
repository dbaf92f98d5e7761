package config

import (
	"slices"
	"strconv"
	"strings"

	"causeway/bridge"
)

// eventsKey is the key of a [[gateway]] and of a [[direct]] that is about events.
const eventsKey = "SystemEvents"

// systemEvents reads which events are told, of those that can be.
func (d *decoder) systemEvents(at place, list []string, known []bridge.Event) []bridge.Event {
	if !at.ok(eventsKey) {
		return nil
	}
	var names []string
	for _, e := range known {
		names = append(names, strconv.Quote(string(e)))
	}
	var all []bridge.Event
	for _, text := range list {
		e := bridge.Event(strings.ToLower(strings.TrimSpace(text)))
		switch {
		case slices.Contains(all, e):
			d.mistake(at, eventsKey, strconv.Quote(text)+" stands there twice", "keep one")
			return nil
		case !slices.Contains(known, e):
			hint, _ := suggest(strconv.Quote(string(e)), names)
			d.mistake(at, eventsKey, "there is no event "+strconv.Quote(text)+" here", hint)
			return nil
		}
		all = append(all, e)
	}
	return all
}

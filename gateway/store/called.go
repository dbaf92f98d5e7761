package store

import (
	"encoding/json"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Called is who somebody whom a message mentions is on the server where it is to be written.
type Called struct {
	User bridge.UserID
	// Name and Username are as they were seen last; empty: not known.
	Name     string `json:",omitempty"`
	Username string `json:",omitempty"`
}

// called finds out who the people that a text mentions, users of one server, are on another one: by connecting, in whatever state that is, or by their
// addresses. Those of whom that is not known are left out.
func (t *tx) called(text richtext.Doc, from, to bridge.ServerID) (map[string]Called, error) {
	var all map[string]Called
	for _, who := range text.Mentions() {
		if who == richtext.Everybody {
			continue
		}
		one, found, err := t.calledOne(who, from, to)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if all == nil {
			all = map[string]Called{}
		}
		all[who] = one
	}
	return all, nil
}

func (t *tx) calledOne(who string, from, to bridge.ServerID) (c Called, found bool, err error) {
	if from == to {
		_, err = t.found("SELECT name, username FROM identities WHERE server = $1 AND uid = $2", []any{string(to), who}, &c.Name, &c.Username)
		c.User = bridge.UserID(who)
		return c, true, err
	}
	for _, query := range []string{
		"SELECT y.uid, y.name, y.username FROM identities x JOIN identities y ON y.person = x.person WHERE x.server = $1 AND x.uid = $2 AND y.server = $3",
		"SELECT other_uid, other_name, '' FROM matches WHERE server = $1 AND uid = $2 AND other_server = $3 AND other_uid <> ''",
		"SELECT uid, '', '' FROM matches WHERE other_server = $1 AND other_uid = $2 AND server = $3 AND other_uid <> ''",
	} {
		found, err = t.found(query, []any{string(from), who, string(to)}, (*string)(&c.User), &c.Name, &c.Username)
		if found || err != nil {
			return c, found, err
		}
	}
	return c, false, nil
}

// loadCalled finds out who the people that a message mentions are here.
func (l *lane) loadCalled(w *Work) (err error) {
	if w.Message.Body != nil {
		w.Called, err = l.called(w.Message.Body.Text, w.Message.Origin.Server, l.name.Server)
	}
	return err
}

// mentioning gives a text that was read on one server with the people whom it mentions as they are on another one, where the message was said.
func (t *tx) mentioning(text richtext.Doc, from, to bridge.ServerID) (richtext.Doc, error) {
	called, err := t.called(text, from, to)
	if err != nil {
		return nil, err
	}
	return text.MapMentions(func(r richtext.Run) (richtext.Run, bool) {
		if r.Who == richtext.Everybody {
			return r, true
		}
		c, ok := called[r.Who]
		r.Who = string(c.User)
		return r, ok
	}), nil
}

// addressed is what an intent remembers of whom and what the text was addressed to here: people and posts come and go meanwhile.
type addressed struct {
	Called map[string]Called `json:",omitempty"`
	Links  map[string]Linked `json:",omitempty"`
}

func (w *Work) addressed() string {
	if len(w.Called) == 0 && len(w.Links) == 0 {
		return ""
	}
	text, _ := json.Marshal(addressed{w.Called, w.Links}) // plain data: cannot fail
	return string(text)
}

func (w *Work) readAddressed(text string) {
	var a addressed
	if text != "" {
		_ = json.Unmarshal([]byte(text), &a) // it is our own
	}
	w.Called, w.Links = a.Called, a.Links
}

package page_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"causeway/contrib/demo/town"
)

// People of either side, as they are offered: see stage.InMattermost.
var (
	left  = map[string]int{"alice": 0, "amir": 1, "mei": 2, "bob": 3, "berta": 4}
	right = map[string]int{"bob": 0, "berta": 1, "sofia": 2, "alice": 3, "amir": 4}
)

// opens lets somebody open a conversation with others, and gives its id.
func (v *visitor) opens(side town.Place, who int, others ...int) string {
	v.t.Helper()
	var people []string
	for _, i := range others {
		people = append(people, v.people[side][i].ID)
	}
	id := v.act("/api/open", map[string]any{"side": side, "person": v.people[side][who].ID, "people": people})
	v.until("the conversation is listed", func() bool { return v.place(side, id).ID == id })
	return id
}

// place gives a conversation; called with the lock held.
func (v *visitor) place(side town.Place, id string) place {
	for _, p := range v.places[side] {
		if p.ID == id {
			return p
		}
	}
	return place{}
}

// talk is a conversation that somebody opens, and who answers on the other side.
type talk struct {
	side         town.Place
	who          int // opens it
	others       []int
	twin, answer int // who the first is there, and somebody else
	texts        [3]string
}

var (
	markdown = [3]string{"**just** us", "_what?_", "just *us*"}
	rich     = [3]string{"<p><strong>just</strong> us</p>", "<p><em>what?</em></p>", "<p>just <em>us</em></p>"}
	talks    = map[string]talk{
		"direct, from Mattermost": {town.Left, left["alice"], []int{left["bob"]}, right["alice"], right["bob"], markdown},
		"direct, from Teams":      {town.Right, right["berta"], []int{right["amir"]}, left["berta"], left["amir"], rich},
		"group, from Mattermost":  {town.Left, left["amir"], []int{left["berta"], left["alice"]}, right["amir"], right["alice"], markdown},
		"group, from Teams":       {town.Right, right["bob"], []int{right["alice"], right["amir"], right["berta"]}, left["bob"], left["alice"], rich},
	}
)

// TestDirectMessagesCross has people open direct and group conversations on either side, and do there all that the page offers: the conversation
// appears on the other side with the same people, and everybody writes as themselves.
func TestDirectMessagesCross(t *testing.T) {
	v := visit(t)
	for name, c := range talks {
		other := c.side.Other()
		in := func(id string, more map[string]any) map[string]any {
			more["conversation"] = id
			return more
		}
		here := v.opens(c.side, c.who, c.others...)
		if again := v.opens(c.side, c.others[0], append([]int{c.who}, c.others[1:]...)...); again != here {
			t.Errorf("%s: opened a second time it is another one", name)
		}
		id := v.act("/api/say", v.as(c.side, c.who, in(here, map[string]any{"text": c.texts[0], "files": []map[string]any{{"name": "plan.txt", "data": []byte(name)}}})))
		v.looks(c.side, id, name+": it has crossed", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
		v.mu.Lock()
		copied := v.messages[other][v.messages[c.side][id].Twin]
		there := v.place(other, copied.Conversation)
		v.mu.Unlock()
		if !copied.Copy || copied.Person != v.people[other][c.twin].ID || len(copied.Files) != 1 {
			t.Errorf("%s: the copy is %+v", name, copied)
		} else if _, _, data := v.fetch(copied, copied.Files[0]); string(data) != name {
			t.Errorf("%s: the file says %q", name, data)
		}
		v.sameMembers(name, c.side, here, there)

		_, back := v.sayIn(other, c.answer, there.ID, rich[1], copied.ID)
		v.looks(c.side, back, name+": the answer is in its thread", func(m town.View) bool { return m.Root == id })
		v.act("/api/edit", v.as(c.side, c.who, in(here, map[string]any{"id": id, "text": c.texts[2]})))
		v.looks(other, copied.ID, name+": the edit has crossed", func(m town.View) bool { return m.Edited && says("just us")(m) })
		v.act("/api/react", v.as(other, c.answer, in(there.ID, map[string]any{"id": copied.ID, "emoji": "🎉", "on": true})))
		v.looks(c.side, id, name+": the reaction has come back", hasReaction("🎉"))
		// Whoever has written it may change it on either side.
		v.act("/api/edit", v.as(other, c.twin, in(there.ID, map[string]any{"id": copied.ID, "text": "changed there"})))
		v.looks(c.side, id, name+": the change of the copy has come back", says("changed there"))
		mistake, seen := v.sayIn(c.side, c.others[0], here, "never mind", "")
		v.act("/api/delete", v.as(c.side, c.others[0], in(here, map[string]any{"id": mistake})))
		v.looks(other, seen, name+": the deletion has crossed", func(m town.View) bool { return m.Deleted })
	}
	v.until("all is well", func() bool { return v.news.Mood == "well" && v.news.Counts.Doubled == 0 })
}

// sayIn says something in a conversation and waits until it has crossed.
func (v *visitor) sayIn(side town.Place, who int, conversation, text, root string) (id, copied string) {
	v.t.Helper()
	id = v.act("/api/say", v.as(side, who, map[string]any{"text": text, "root": root, "conversation": conversation}))
	v.looks(side, id, "it has crossed: "+text, func(m town.View) bool {
		copied = m.Twin
		return m.State == town.Settled && m.Twin != "" && v.messages[1-side][m.Twin].ID != ""
	})
	return id, copied
}

// sameMembers looks whether a conversation has the same people on both sides.
func (v *visitor) sameMembers(name string, side town.Place, here string, there place) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var want []string
	for _, p := range v.people[side] {
		if slices.Contains(v.place(side, here).Members, p.ID) {
			want = append(want, p.Twin)
		}
	}
	got := slices.Sorted(slices.Values(there.Members))
	if slices.Sort(want); !slices.Equal(got, want) || there.Twin != here {
		v.t.Errorf("%s: there it is %+v, with %v; want %v", name, there, got, want)
	}
}

// TestDirectMessagesWait says things in a direct conversation while Causeway is killed and while each fault is on; among them what opens it.
func TestDirectMessagesWait(t *testing.T) {
	v := visit(t)
	v.act("/api/causeway", map[string]any{"on": false})
	here := v.opens(town.Left, left["alice"], left["bob"])
	say := func(text string) string {
		return v.act("/api/say", v.as(town.Left, left["alice"], map[string]any{"text": text, "conversation": here}))
	}
	id := say("said while killed")
	v.looks(town.Left, id, "it waits", func(m town.View) bool { return m.State == town.Waiting })
	v.act("/api/causeway", map[string]any{"on": true})
	v.looks(town.Left, id, "it has crossed", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
	for _, fault := range []string{"cut", "throttle", "lose"} {
		v.act("/api/fault", map[string]any{"name": fault, "on": true})
		id, later := say("said during "+fault), say("and again during "+fault)
		if fault == "throttle" {
			v.looks(town.Left, id, "it waits", func(m town.View) bool { return m.State == town.Waiting })
		}
		if fault == "lose" {
			v.looks(town.Left, later, "it has crossed while every second answer is lost", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
		}
		v.act("/api/fault", map[string]any{"name": fault, "on": false})
		v.looks(town.Left, later, fault+": it has crossed", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
	}
	if v.stage.LostAnswers() == 0 {
		t.Error("no answer was lost")
	}
	v.until("all is well", func() bool {
		c := v.news.Counts
		return v.news.Mood == "well" && c.Arrived == 7 && c.Missing+c.Doubled+c.OutOfOrder == 0
	})
}

// TestDirectMessagesAreOfThoseWhoHaveConnected: nobody else is offered, and the page cannot be made to.
func TestDirectMessagesAreOfThoseWhoHaveConnected(t *testing.T) {
	v := visit(t)
	for side, alone := range []int{left["mei"], right["sofia"]} {
		for i, p := range v.people[side] {
			if (p.Twin == "") != (i == alone) {
				t.Errorf("%s is %q on the other side", p.Name, p.Twin)
			}
		}
		me, them := v.people[side][0].ID, v.people[side][alone].ID
		for name, body := range map[string]map[string]any{
			"with somebody who has not": {"side": side, "person": me, "people": []string{them}},
			"by somebody who has not":   {"side": side, "person": them, "people": []string{me}},
			"with nobody":               {"side": side, "person": me},
			"with oneself":              {"side": side, "person": me, "people": []string{me}},
		} {
			if status, text := v.send("/api/open", body); status != http.StatusNotFound || strings.TrimSpace(text) == "" {
				t.Errorf("side %d, %s: %d %s, want %d", side, name, status, text, http.StatusNotFound)
			}
		}
	}
	here := v.opens(town.Left, left["alice"], left["bob"])
	if status, _ := v.send("/api/say", v.as(town.Left, left["amir"], map[string]any{"text": "hello?", "conversation": here})); status != http.StatusNotFound {
		t.Errorf("somebody speaks who is not in the conversation: %d, want %d", status, http.StatusNotFound)
	}
}

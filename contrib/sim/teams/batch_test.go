package teams_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"causeway/contrib/sim/teams"
)

// batch sends items and gives the answers by id.
func (w *world) batch(token string, items ...string) (response, map[string]map[string]any) {
	w.t.Helper()
	r := w.post("/$batch", token, `{"requests":[`+strings.Join(items, ",")+`]}`)
	answers := map[string]map[string]any{}
	for _, a := range r.list("responses") {
		answers[a.(map[string]any)["id"].(string)] = a.(map[string]any)
	}
	return r, answers
}

func getItem(id, path string) string {
	return fmt.Sprintf(`{"id":%q,"method":"GET","url":%q}`, id, path)
}

func TestBatch(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.say(w.ada, "x")
	r, a := w.batch(w.as(w.bob), getItem("1", w.messages(id)), getItem("2", "/planets"), getItem("3", w.messages()+"?$top=1"),
		`{"id":"4","method":"POST","url":"`+w.messages()+`","body":{"body":{"content":"by batch"}},"headers":{"Content-Type":"application/json"}}`,
		`{"id":"5","method":"POST","url":"`+w.messages()+`","body":{"body":{"content":"no type"}}}`,
		`{"id":"6","method":"POST","url":"`+w.messages(id, "setReaction")+`","body":{"reactionType":"👍"},"headers":{"content-type":"application/json"}}`,
		`{"id":"7","method":"GET","url":"/me","dependsOn":["2"]}`, `{"id":"8","method":"GET","url":"/me","dependsOn":["1"]}`)
	r.want(t, 200, "")
	for id, status := range map[string]float64{"1": 200, "2": 400, "3": 200, "4": 201, "5": 400, "6": 204, "7": 424, "8": 200} {
		if a[id]["status"] != status {
			t.Errorf("item %s: %v, want %v", id, a[id], status)
		}
	}
	if body := a["1"]["body"].(map[string]any); body["id"] != id {
		t.Errorf("item 1: %v", body)
	}
	if _, there := a["6"]["body"]; there {
		t.Errorf("item 6 has a body: %v", a["6"])
	}
	if seen := w.sim.Messages(w.general); len(seen) != 2 || seen[1].Text != "by batch" || len(seen[0].Reactions) != 1 {
		t.Errorf("people see %+v", seen)
	}
}

func TestBatchRules(t *testing.T) {
	w := newWorld(t, teams.Options{})
	var many []string
	for i := range 21 {
		many = append(many, getItem(fmt.Sprint(i), "/me"))
	}
	for name, items := range map[string][]string{
		"more than 20":            many,
		"none":                    nil,
		"same id in another case": {getItem("a", "/me"), getItem("A", "/me")},
		"absolute url":            {getItem("1", "http://graph.test/v1.0/me")},
		"url with the version":    {getItem("1", "/v1.0/me")},
		"no url":                  {`{"id":"1","method":"GET"}`},
		"unknown property":        {`{"id":"1","method":"GET","url":"/me","x":1}`},
		"unknown dependence":      {`{"id":"1","method":"GET","url":"/me","dependsOn":["9"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := w.batch(w.as(w.bob), items...)
			r.want(t, 400, "BadRequest")
		})
	}
	r, a := w.batch(w.as(w.bob), many[:20]...)
	if r.want(t, 200, ""); len(a) != 20 {
		t.Errorf("%d answers", len(a))
	}
	r, _ = w.batch("made-up", many[0])
	r.want(t, 401, "InvalidAuthenticationToken")
}

func TestItemsOfABatchAreThrottledOneByOne(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Documented})
	r, a := w.batch(w.appToken, getItem("1", w.messages()), getItem("2", w.messages()), getItem("3", channelPath(w.secret, w.team)+"/messages"))
	r.want(t, 200, "")
	if a["1"]["status"] != 200.0 || a["2"]["status"] != 429.0 || a["3"]["status"] != 200.0 {
		text, _ := json.Marshal(a)
		t.Fatalf("answers: %s", text)
	}
	if h := a["2"]["headers"].(map[string]any); h["Retry-After"] != "1" {
		t.Errorf("headers of the throttled item: %v", h)
	}
	if r.header.Get("Retry-After") != "" {
		t.Error("the batch itself has a Retry-After")
	}
}

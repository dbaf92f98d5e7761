package teams

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// latest is the delta token of those who want to know of nothing that was before.
const latest = "latest"

// deltaLife is how long a token of the directory is good (delta-query-overview).
const deltaLife = 7 * 24 * time.Hour

// deltaCursor is what the links of /users/delta stand for.
type deltaCursor struct {
	Select string `json:"s,omitempty"`
	// Since is behind which change to tell of, Until up to which; the next reading begins there.
	Since int64 `json:"c"`
	Until int64 `json:"u"`
	// After is the number of the last user told of; Blank says that the link stands on an empty page.
	After int64 `json:"a,omitempty"`
	Blank bool  `json:"b,omitempty"`
	// Made is when the reading before was made, Unix seconds. A deltaLink has it, a nextLink not.
	Made int64 `json:"m,omitempty"`
}

type deltaJSON struct {
	Context string `json:"@odata.context"`
	Next    string `json:"@odata.nextLink,omitempty"`
	Delta   string `json:"@odata.deltaLink,omitempty"`
	Value   []any  `json:"value"`
}

// userDelta tells of all users, or of those of whom something selected has changed. Of those it tells only what has changed
// (choice: the page has "at least the properties that have been updated"), and the last one of a page comes again on the next
// (choice: items may repeat).
func userDelta(c *call) (int, any, error) {
	t := c.token.tenant
	cur, err := c.startDelta(t)
	if err != nil {
		return 0, nil, err
	}
	out := deltaJSON{Context: c.context("users"), Value: []any{}}
	if c.query["$deltatoken"] == latest {
		out.Delta = c.deltaLink(cur)
		return http.StatusOK, out, nil
	}
	list := slices.DeleteFunc(t.everybody(), func(u *User) bool { return u.number < cur.After || u.news(cur) == nil })
	most := c.sim.opts.UsersPerPage
	if cur.After > 0 {
		most++ // one of them is told again
	}
	page := list[:min(len(list), most)]
	if len(page) < len(list) {
		next := cur
		c.sim.pages++
		if every := c.sim.opts.EmptyPageEvery; !cur.Blank && every > 0 && c.sim.pages%every == 0 {
			next.Blank, page = true, nil
		} else {
			next.Blank, next.After = false, page[len(page)-1].number
		}
		next.Made = 0
		out.Next = c.origin + "/v1.0/users/delta?$skiptoken=" + c.sim.sealDelta(next)
	} else {
		out.Delta = c.deltaLink(cur)
	}
	for _, u := range page {
		v, err := c.deltaItem(cur, u)
		if err != nil {
			return 0, nil, err
		}
		out.Value = append(out.Value, v)
	}
	return http.StatusOK, out, nil
}

// startDelta reads the link, or begins.
func (c *call) startDelta(t *Tenant) (deltaCursor, error) {
	token, isNext := c.query["$skiptoken"]
	if !isNext {
		token = c.query["$deltatoken"]
	}
	if token == "" || token == latest {
		cur := deltaCursor{Select: c.query["$select"], Until: t.changes}
		_, err := c.selectedUser(cur.Select, &User{tenant: t}, "")
		return cur, err
	}
	cur, ok := c.sim.openDelta(token)
	now := c.sim.opts.Now()
	switch {
	case !ok || isNext != (cur.Made == 0):
		return cur, badRequest("Badly formed token.")
	case cur.Until < t.deltaFrom:
		header := http.Header{}
		header.Set("Location", c.origin+"/v1.0/users/delta?$deltatoken=")
		return cur, &graphError{status: http.StatusGone, code: "resyncRequired", message: "Resync required.", header: header}
	case cur.Made != 0 && !now.Before(time.Unix(cur.Made, 0).Add(deltaLife)):
		return cur, badRequestAs("syncStateNotFound", "The sync state generation is not found; perhaps it has expired.")
	}
	if !isNext {
		cur.Since, cur.Until, cur.After, cur.Made = cur.Until, t.changes, 0, 0
	}
	return cur, nil
}

func badRequestAs(code, message string) *graphError {
	return refuse(http.StatusBadRequest, code, "%s", message)
}

// everybody is all users who ever were, in order of creation.
func (t *Tenant) everybody() []*User {
	list := slices.Concat(t.users, t.former)
	slices.SortFunc(list, func(a, b *User) int { return cmp.Compare(a.number, b.number) })
	return list
}

// news gives the properties of a user to tell of; nil when there is nothing to tell. Who was gone before the first reading
// is not told of.
func (u *User) news(cur deltaCursor) []string {
	if cur.Since == 0 && u.gone() {
		return nil
	}
	selected := strings.Split(cur.Select, ",")
	var names []string
	for name, at := range u.changed {
		if at > cur.Since && at <= cur.Until && (name == "id" || cur.Select == "" || slices.Contains(selected, name)) {
			names = append(names, name)
		}
	}
	return names
}

func (c *call) deltaItem(cur deltaCursor, u *User) (any, error) {
	if u.gone() {
		reason := "changed"
		if u.purged {
			reason = "deleted"
		}
		return map[string]any{"id": u.ID, "@removed": map[string]string{"reason": reason}}, nil
	}
	fields := cur.Select
	if names := u.news(cur); cur.Since > 0 && !slices.Contains(names, "id") {
		fields = strings.Join(append(names, "id"), ",")
	}
	return c.selectedUser(fields, u, "")
}

func (c *call) deltaLink(cur deltaCursor) string {
	cur.After, cur.Blank, cur.Made = 0, false, c.sim.opts.Now().Unix()
	return c.origin + "/v1.0/users/delta?$deltatoken=" + c.sim.sealDelta(cur)
}

// ForgetDeltas makes all delta tokens of a tenant's users useless: whoever uses one must begin anew (410).
func (t *Tenant) ForgetDeltas() {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.changes++
	t.deltaFrom = t.changes
}

func (s *Sim) sealDelta(cur deltaCursor) string {
	text := encode(cur)
	mac := hmac.New(sha256.New, s.pageKey)
	mac.Write(append([]byte("delta"), text...))
	return base64.RawURLEncoding.EncodeToString(append(mac.Sum(nil), text...))
}

func (s *Sim) openDelta(link string) (cur deltaCursor, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(link)
	if err != nil || len(raw) < sha256.Size {
		return cur, false
	}
	mac := hmac.New(sha256.New, s.pageKey)
	mac.Write(append([]byte("delta"), raw[sha256.Size:]...))
	if !hmac.Equal(mac.Sum(nil), raw[:sha256.Size]) {
		return cur, false
	}
	return cur, json.Unmarshal(raw[sha256.Size:], &cur) == nil
}

package teams

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// cursor is what a nextLink stands for. It is signed, so that clients can only follow links, not make them.
type cursor struct {
	Path   string `json:"p"`
	Top    int    `json:"t"`
	Expand bool   `json:"e,omitempty"`
	// Order is what $orderby said, and With what $expand said, of chats and their messages.
	Order  string `json:"o,omitempty"`
	With   string `json:"w,omitempty"`
	Filter string `json:"f,omitempty"`
	Select string `json:"s,omitempty"`
	// After and ID are the place in the order of the list behind which the page begins.
	After int64 `json:"a,omitempty"`
	ID    int64 `json:"i,omitempty"`
	// Blank says that the link stands on an empty page: the next one is not empty again.
	Blank bool `json:"b,omitempty"`
	First bool `json:"1,omitempty"` // the page begins at the head of the list
}

// start gives the cursor of this request: the one in its link, or a fresh one with the page size asked for.
func (c *call) start(byDefault, most int) (cursor, error) {
	if link, ok := c.query["$skiptoken"]; ok {
		cur, ok := c.sim.openLink(link)
		if !ok || cur.Path != c.r.URL.Path {
			return cursor{}, badRequest("The skip token is not valid.")
		}
		return cur, nil
	}
	cur := cursor{Path: c.r.URL.Path, Top: byDefault, First: true, Filter: c.query["$filter"], Select: c.query["$select"]}
	if top, ok := c.query["$top"]; ok {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 || n > most {
			return cursor{}, badRequest("The limit of '%d' for Top query has been exceeded, or '%s' is no number.", most, top)
		}
		cur.Top = n
	}
	if expand, ok := c.query["$expand"]; ok && c.route.parts[0] == "teams" {
		if expand != "replies" {
			return cursor{}, badRequest("Could not expand '%s'.", expand)
		}
		cur.Expand = true
	}
	return cur, nil
}

// blankPage tells whether this page, which has a successor, is to be an empty one.
func (s *Sim) blankPage(cur cursor) bool {
	if cur.Blank || s.opts.EmptyPageEvery < 0 {
		return false
	}
	s.pages++
	return s.pages%s.opts.EmptyPageEvery == 0
}

func (c *call) link(cur cursor) string {
	return c.origin + escapedPath(cur.Path) + "?$skiptoken=" + c.sim.sealLink(cur)
}

func (s *Sim) sealLink(cur cursor) string {
	text, err := json.Marshal(cur)
	if err != nil {
		panic(err) // a struct of numbers and texts
	}
	mac := hmac.New(sha256.New, s.pageKey)
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(append(mac.Sum(nil), text...))
}

func (s *Sim) openLink(link string) (cur cursor, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(link)
	if err != nil || len(raw) < sha256.Size {
		return cur, false
	}
	mac := hmac.New(sha256.New, s.pageKey)
	mac.Write(raw[sha256.Size:])
	if !hmac.Equal(mac.Sum(nil), raw[:sha256.Size]) {
		return cur, false
	}
	return cur, json.Unmarshal(raw[sha256.Size:], &cur) == nil
}

// listJSON is a page.
type listJSON struct {
	Context string `json:"@odata.context"`
	Count   int    `json:"@odata.count"`
	Next    string `json:"@odata.nextLink,omitempty"`
	Value   any    `json:"value"`
}

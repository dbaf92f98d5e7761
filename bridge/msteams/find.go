package msteams

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

// clockSlack is by how much the clocks of Graph and of this machine may differ when a time is compared.
const clockSlack = 2 * time.Minute

// Find reads everything made since that time in the thread, or in the channel or chat for a post that starts one, and gives
// what the relay account, or the person of the draft, or anybody, wrote with its key. Where the tenant is not known to keep keys and none is found, the
// same text by the same writer counts as well.
func (a *account) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	p, err := a.channelPlace(d.Conversation)
	if err != nil {
		return nil, err
	}
	from := since.Add(-clockSlack)
	var made []models.ChatMessageable
	if d.Root == "" || p.chat != "" {
		made, err = a.rootsSince(ctx, p, from)
	} else {
		p.message, _, _ = strings.Cut(string(d.Root), "/")
		made, err = a.repliesSince(ctx, p, from)
	}
	if err != nil {
		return nil, err
	}
	made = slices.DeleteFunc(made, func(m models.ChatMessageable) bool {
		return m.GetDeletedDateTime() != nil || value(m.GetCreatedDateTime()).Before(from)
	})
	ours := slices.DeleteFunc(slices.Clone(made), func(m models.ChatMessageable) bool { return !a.by(m, d.As) })
	marked := ours
	if d.Anybody {
		marked = made
	}
	found := pick(marked, func(m models.ChatMessageable) bool {
		_, key := text(m, nil)
		return d.Key != "" && key == d.Key
	})
	// An answer in a chat is put together by Teams itself, and the key may not be at its end then.
	if quoted := p.chat != "" && d.Root != ""; len(found) == 0 && (a.keys.state() != keysSurvive || quoted) {
		hash := func(d bridge.Draft) string {
			words, level := unmarked(d)
			return richtext.Marked(richhtml.Parse(richhtml.Render(shown(d, words))), level).Hash()
		}
		inWords := func(d bridge.Draft) string { // see orInWords
			return richhtml.Parse(richhtml.Render(shown(d, d.Text).Without(richtext.Bold))).Hash()
		}
		sent := []string{hash(d), hash(apart(d))} // who is called like the author may have come or gone since
		refused := []string{inWords(d), inWords(apart(d))}
		_, level := unmarked(d)
		found = pick(ours, func(m models.ChatMessageable) bool {
			doc, key := text(m, nil)
			return key == "" && (slices.Contains(sent, doc.Hash()) || level != richtext.Normal && slices.Contains(refused, doc.Without(richtext.Bold).Hash()))
		})
	}
	return found, nil
}

func pick(list []models.ChatMessageable, wanted func(models.ChatMessageable) bool) []bridge.MessageID {
	var found []models.ChatMessageable
	for _, m := range list {
		if wanted(m) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, oldestFirst)
	var ids []bridge.MessageID
	for _, m := range found {
		if id := idOf(m); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func oldestFirst(a, b models.ChatMessageable) int {
	return cmp.Or(created(a).Compare(created(b)), cmp.Compare(value(a.GetId()), value(b.GetId())))
}

// by tells whether a person, or the relay account, wrote a message.
func (a *account) by(m models.ChatMessageable, as bridge.UserID) bool {
	from := m.GetFrom()
	if from == nil || from.GetUser() == nil {
		return false
	}
	writer := bridge.UserID(value(from.GetUser().GetId()))
	if as != "" {
		return strings.EqualFold(string(writer), string(as))
	}
	return a.relays.has(writer)
}

// rootsSince reads the channel's threads, or the chat's messages, until their last change lies before from. Threads are ordered by that.
func (a *account) rootsSince(ctx context.Context, p place, from time.Time) ([]models.ChatMessageable, error) {
	var all []models.ChatMessageable
	op := listOf(p)
	next := a.lanes.base + op.address(p)
	for next != "" {
		page, err := a.pageFor(ctx, a.lanes, op, next)
		if err != nil {
			return nil, err
		}
		for _, root := range page.messages {
			all = append(all, root)
			if moreReplies(root) == "" && threadChange(root).Before(from) {
				return all, nil
			}
		}
		next = page.next
	}
	return all, nil
}

// moreReplies is the link to the replies of a thread that did not come with it; empty when all did.
func moreReplies(root models.ChatMessageable) string {
	switch link := root.GetAdditionalData()["replies@odata.nextLink"].(type) {
	case string:
		return link
	case *string:
		return value(link)
	}
	return ""
}

// threadChange is the last change seen in a thread and the replies that came with it.
func threadChange(root models.ChatMessageable) time.Time {
	last := modified(root)
	for _, r := range root.GetReplies() {
		if t := modified(r); t.After(last) {
			last = t
		}
	}
	return last
}

// repliesSince reads a thread. The order of replies is not documented: reading stops early only while what was read
// was newest first.
func (a *account) repliesSince(ctx context.Context, p place, from time.Time) ([]models.ChatMessageable, error) {
	var all []models.ChatMessageable
	next := a.lanes.base + opReplies.address(p)
	for next != "" {
		page, err := a.pageFor(ctx, a.lanes, opReplies, next)
		if err != nil {
			return nil, err
		}
		values := page.messages
		all = append(all, values...)
		old := func(m models.ChatMessageable) bool { return modified(m).Before(from) }
		newestFirst := func(x, y models.ChatMessageable) int { return -oldestFirst(x, y) }
		if len(values) > 1 && !slices.ContainsFunc(values, func(m models.ChatMessageable) bool { return !old(m) }) && slices.IsSortedFunc(all, newestFirst) {
			break
		}
		next = page.next
	}
	return all, nil
}

package bridgetest_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// handle is the tests' handle on a service in memory.
type handle struct {
	t         *testing.T
	service   *memory.Service
	one, two  bridgetest.Place
	variation variation
	vault     vault
	// impersonal: accounts cannot act as people.
	impersonal bool
	regroup    bool
	// timeless: the service's clock hardly moves.
	timeless bool

	mu       sync.Mutex
	throttle [2]int
	after    time.Duration
	fail     [2]int
	hang     [2]chan struct{}
	lose     bool
	log      strings.Builder
}

const token = "memory-token-1f9a"

func open(t *testing.T, options memory.Options, v variation) *handle {
	h := &handle{t: t, variation: v, impersonal: options.NoPeople, regroup: options.Regroup, timeless: options.Tick >= time.Second}
	options.Fault, options.MaxFile = h.fault, 1<<40
	h.service = memory.NewService("memory:test", options)
	for _, a := range people {
		h.service.AddPerson(a)
	}
	place := func(id bridge.ChannelID, name string) bridgetest.Place {
		c := h.service.AddChannel(id, name)
		return bridgetest.Place{ID: c, Names: []string{name, string(id), "memory://memory:test/" + string(id)}}
	}
	h.one, h.two = place("c1", "team/one"), place("c2", "team/two")
	return h
}

var people = []bridge.Author{
	bridgetest.Alice: {ID: "u-alice", Name: "Alice Example", Username: "alice"},
	bridgetest.Bob:   {ID: "u-bob", Name: "Bob Example", Username: "bob"},
	bridgetest.Carol: {ID: "u-carol", Name: "Carol Example", Username: "carol"},
}

func calls(o memory.Op) (bridgetest.Calls, bool) {
	switch {
	case o.Writes():
		return bridgetest.Writes, true
	case o == memory.Read, o == memory.Find, o == memory.Feeding:
		return bridgetest.Reads, true
	}
	return 0, false
}

func (h *handle) fault(ctx context.Context, c memory.Call) error {
	of, counts := calls(c.Op)
	if !counts {
		return nil
	}
	if c.After {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.lose && c.Op.Writes() {
			h.lose = false
			return memory.LostAnswer()
		}
		return nil
	}
	h.mu.Lock()
	hang := h.hang[of]
	throttle, fail := take(&h.throttle[of]), take(&h.fail[of])
	after := h.after
	h.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
			return memory.Fails(bridge.Transient)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if throttle {
		return memory.Throttles(bridge.ScopeAccount, after)
	}
	if fail {
		return memory.Fails(bridge.Transient)
	}
	return nil
}

func take(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

func (h *handle) Features() bridgetest.Features {
	f := bridgetest.Features{NoPeople: h.impersonal}
	if h.timeless { // nothing can be said to be from before
		return f
	}
	f.Talks = bridgetest.Talks{
		Open: func(who ...bridgetest.Who) bridge.ConversationID {
			var all []bridge.UserID
			for _, one := range who {
				all = append(all, h.user(one))
			}
			return bridge.ConversationID{Server: "memory:test", Channel: h.service.Direct(all...)}
		},
		Reads: func(c bridge.ConversationID, f bridge.File, who bridgetest.Who) bool {
			return h.service.Reads(c.Channel, f.ID, h.user(who))
		},
		Retitle: func(c bridge.ConversationID, topic string) { h.service.Retitle(c.Channel, topic) },
	}
	if h.regroup {
		f.Talks.Join = func(c bridge.ConversationID, who bridgetest.Who) { h.service.Join(c.Channel, h.user(who)) }
		f.Talks.Leave = func(c bridge.ConversationID, who bridgetest.Who) { h.service.Leave(c.Channel, h.user(who)) }
	}
	return f
}
func (h *handle) Within() time.Duration { return time.Minute }
func (h *handle) Bridge() bridge.Bridge {
	b := h.service.Open(bridge.Env{Account: "memory.test", Vault: &h.vault}, "u-bot")
	if h.variation == nil {
		return b
	}
	v := &broken{Bridge: b}
	h.variation(h, v)
	return v
}
func (h *handle) Place() bridgetest.Place                 { return h.one }
func (h *handle) Other() bridgetest.Place                 { return h.two }
func (h *handle) Person(who bridgetest.Who) bridge.Author { return people[who] }
func (h *handle) user(who bridgetest.Who) bridge.UserID   { return people[who].ID }
func (h *handle) Say(c bridge.ConversationID, who bridgetest.Who, text string) bridge.MessageID {
	return h.service.Say(c.Channel, h.user(who), text)
}
func (h *handle) Call(c bridge.ConversationID, who bridgetest.Who, before, behind string, whom ...bridgetest.Who) bridge.MessageID {
	runs := []richtext.Run{{Text: before}}
	for _, one := range whom {
		runs = append(runs, richtext.Run{Text: "@" + people[one].Name, Kind: richtext.Mention, Who: string(people[one].ID)})
	}
	if len(whom) == 0 {
		runs = append(runs, richtext.Run{Text: "@all", Kind: richtext.Mention, Who: richtext.Everybody})
	}
	runs = append(runs, richtext.Run{Text: behind})
	return h.service.SayDoc(c.Channel, "", h.user(who), richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}})
}
func (h *handle) SayFiles(c bridge.ConversationID, who bridgetest.Who, text string, files ...bridgetest.Attachment) bridge.MessageID {
	var all []memory.Upload
	for _, f := range files {
		all = append(all, memory.Upload{Name: f.Name, Type: f.Type, Data: f.Data})
	}
	return h.service.SayDoc(c.Channel, "", h.user(who), richtext.Plain(text), all...)
}
func (h *handle) FileThere(c bridge.ConversationID, f bridge.File) bool {
	return slices.Contains(h.service.Files(c.Channel), f.Name)
}
func (h *handle) Reply(c bridge.ConversationID, root bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	return h.service.Reply(c.Channel, root, h.user(who), text)
}
func (h *handle) Quote(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	return h.service.Quote(c.Channel, id, h.user(who), text)
}
func (h *handle) Change(c bridge.ConversationID, id bridge.MessageID, _ bridgetest.Who, text string) {
	h.service.Edit(c.Channel, id, text)
}
func (h *handle) Remove(c bridge.ConversationID, id bridge.MessageID, _ bridgetest.Who) {
	h.service.Delete(c.Channel, id)
}
func (h *handle) RemoveAny(c bridge.ConversationID, id bridge.MessageID) {
	h.service.Delete(c.Channel, id)
}
func (h *handle) Restore(c bridge.ConversationID, id bridge.MessageID, _ bridgetest.Who) {
	h.service.Undelete(c.Channel, id)
}
func (h *handle) React(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	h.service.React(c.Channel, id, h.user(who), emoji)
}
func (h *handle) Unreact(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	h.service.Unreact(c.Channel, id, h.user(who), emoji)
}

func (h *handle) Messages(c bridge.ConversationID) []bridgetest.Seen {
	var all []bridgetest.Seen
	for _, m := range h.service.Messages(c.Channel) {
		if !m.Deleted {
			var files []bridgetest.Attachment
			for _, f := range m.Files {
				files = append(files, bridgetest.Attachment{Name: f.Name, Type: f.Type, Data: f.Data})
			}
			all = append(all, bridgetest.Seen{ID: m.ID, Root: m.Root, Author: m.Author.Name, Text: m.Text,
				Reactions: m.Reactions, Files: files, Mentions: m.Mentions})
		}
	}
	return all
}

func (h *handle) Cut() { h.service.Cut() }

func (h *handle) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *handle) Throttle(of bridgetest.Calls, n int, after time.Duration) {
	h.set(func() { h.throttle[of], h.after = n, after })
}
func (h *handle) Fail(of bridgetest.Calls, n int) { h.set(func() { h.fail[of] = n }) }
func (h *handle) LoseAnswer()                     { h.set(func() { h.lose = true }) }

func (h *handle) Hang(of bridgetest.Calls) func() {
	hang := make(chan struct{})
	h.set(func() { h.hang[of] = hang })
	return sync.OnceFunc(func() {
		close(hang)
		h.set(func() { h.hang[of] = nil })
	})
}

func (h *handle) Revoke()                        { h.service.Revoke("u-bot") }
func (h *handle) Grant()                         { h.service.Grant("u-bot") }
func (h *handle) Shut(c bridge.ConversationID)   { h.service.Shut(c.Channel) }
func (h *handle) Reopen(c bridge.ConversationID) { h.service.Reopen(c.Channel) }

// ConnectPerson lets who sign in, as a browser does.
func (h *handle) ConnectPerson(who bridgetest.Who) {
	b, u := h.service.Account("memory.test", "u-bot"), h.user(who)
	in := bridge.SignIn{Redirect: "https://causeway.example/back", State: "state", Verifier: "verifier"}
	address, err := b.SignIn(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	back, err := url.Parse(h.service.Allow(address, u))
	if err != nil {
		h.t.Fatal(err)
	}
	proof, err := b.Prove(h.t.Context(), in, back.Query().Get("code"))
	if err != nil {
		h.t.Fatal(err)
	}
	grant, err := b.Empower(h.t.Context(), u, proof.Grant)
	if err == nil {
		err = h.vault.Save(h.t.Context(), bridge.PersonGrant(u), grant)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
func (h *handle) RevokePerson(who bridgetest.Who) { h.service.Revoke(h.user(who)) }

func (h *handle) Attempts() int     { return h.service.Writes() }
func (h *handle) Secrets() []string { return []string{token} }

func (h *handle) Log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

// vault keeps tokens as the store does, without sealing them.
type vault struct{ sync.Map }

func (v *vault) Load(_ context.Context, name string) ([]byte, error) {
	if kept, known := v.Map.Load(name); known {
		return kept.([]byte), nil
	}
	return nil, nil
}

func (v *vault) Save(_ context.Context, name string, value []byte) error {
	v.Store(name, value)
	return nil
}

func (v *vault) Renew(_ context.Context, name string, value []byte) (bool, error) {
	old, known := v.Map.Load(name)
	return known && v.CompareAndSwap(name, old, value), nil
}

func (v *vault) Delete(_ context.Context, name string) error {
	v.Map.Delete(name)
	return nil
}

// behaviours are the ways in which a service may be awkward without breaking a law.
var behaviours = map[string]memory.Options{
	"plain":       {},
	"lagging":     {Settle: 2 * time.Second},
	"paced":       {PostInterval: time.Second},
	"poor":        {NoEdit: true, NoDelete: true, NoReactions: true},
	"impersonal":  {NoPeople: true, NoMute: true, NoCommands: true, NoDirectory: true},
	"jealous":     {DeleteTakesReplies: true, DeleteKeepsRevision: true},
	"short":       {MaxText: 2000, Normalize: memory.CollapseSpaces},
	"equal times": {Tick: time.Hour, Skew: -3 * time.Minute},
	"regrouping":  {Regroup: true, NoRelayDirect: true},
	"filing":      {KeepFiles: true, HideSizes: true, FilesPerPost: 5},
	"fileless":    {NoFiles: true},
	"repeating":   {BatchSize: 2, Feed: memory.Feed{Seed: 7, Repeat: 0.5, Stale: 0.5, Ahead: 0.5}},
}

func TestMemory(t *testing.T) {
	for name, options := range behaviours {
		t.Run(name, func(t *testing.T) {
			bridgetest.Run(t, func(t *testing.T) bridgetest.Service { return open(t, options, nil) }, bridgetest.FakeTime())
		})
	}
}

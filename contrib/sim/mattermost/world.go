package mattermost

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// world is everything the server stores. Its fields are guarded by Server.mu.
type world struct {
	teams    map[string]*model.Team
	users    map[string]*user
	names    map[string]*user // by username
	channels map[string]*channel
	posts    map[string]*row
	tokens   map[string]*token
	buried   []string // tokens that were revoked or renewed
	apps     map[string]*model.OAuthApp
	codes    map[string]*code
	commands map[string]*model.Command
	files    map[string]*stored
	uploads  map[string]*upload
	groups   map[string]*group
	emoji    map[string]bool // custom ones, by name
	audits   []*model.Audit  // the oldest first
	written  int64           // numbers the rows in the order of their writing
}

type user struct {
	model.User
	teams  map[string]bool
	status string
	manual bool // the status was set by hand: sockets leave it alone
}

// token is a session's token (of a seeded user or bot), a personal access token, or one of OAuth 2.0.
type token struct {
	userID  string
	revoked bool
	pat     *model.UserAccessToken // nil for others
	app     string                 // the OAuth 2.0 app it was given to
	refresh string
	expires time.Time // of OAuth 2.0 only
}

type channel struct {
	model.Channel
	members map[string]*model.ChannelMember
	rows    []*row            // as written, with the copies that edits leave
	threads map[string][]*row // the rows that name a root, by that root
	changed int64             // the highest update_at among rows
}

// row is one row of the table Posts: a post, or the copy an edit left.
type row struct {
	*model.Post
	order     int64 // place in the order of writing; breaks ties of create_at
	reactions []*model.Reaction
	files     []*stored // that it shows
	priority  *model.PostPriority
}

func newWorld() world {
	return world{
		teams:    map[string]*model.Team{},
		users:    map[string]*user{},
		names:    map[string]*user{},
		channels: map[string]*channel{},
		posts:    map[string]*row{},
		tokens:   map[string]*token{},
		apps:     map[string]*model.OAuthApp{},
		codes:    map[string]*code{},
		commands: map[string]*model.Command{},
		files:    map[string]*stored{},
		uploads:  map[string]*upload{},
		groups:   map[string]*group{},
		emoji:    map[string]bool{},
	}
}

// insert stores a row.
func (w *world) insert(r *row) {
	w.written++
	r.order = w.written
	w.posts[r.Id] = r
	c := w.channels[r.ChannelId]
	c.rows = append(c.rows, r)
	if r.RootId != "" {
		c.threads[r.RootId] = append(c.threads[r.RootId], r)
	}
	c.touch(r, r.UpdateAt)
}

// touch sets update_at of a row, which may go back: a back-dated reply takes
// its root along.
func (c *channel) touch(r *row, at int64) {
	r.UpdateAt = at
	c.changed = max(c.changed, at)
}

func (w *world) channelOf(r *row) *channel { return w.channels[r.ChannelId] }

// live returns a post that exists and is not deleted. Copies left by edits are
// never live.
func (w *world) live(id string) *row {
	if r := w.posts[id]; r != nil && r.DeleteAt == 0 {
		return r
	}
	return nil
}

// thread returns the live posts of the thread that root begins, in the order of
// writing.
func (w *world) thread(root string) []*row {
	r := w.posts[root]
	if r == nil {
		return nil
	}
	all := append([]*row{r}, w.channelOf(r).threads[root]...)
	return slices.DeleteFunc(all, func(p *row) bool { return p.DeleteAt != 0 })
}

// replies counts the live replies of a thread.
func (c *channel) replies(root string) (n int64) {
	for _, r := range c.threads[root] {
		if r.DeleteAt == 0 {
			n++
		}
	}
	return n
}

func (r *row) threadID() string {
	if r.RootId != "" {
		return r.RootId
	}
	return r.Id
}

// liveReactions are the reactions of a post in the order in which they were
// made first.
func (r *row) liveReactions() []*model.Reaction {
	out := []*model.Reaction{}
	for _, x := range r.reactions {
		if x.DeleteAt == 0 {
			out = append(out, x)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].CreateAt < out[j].CreateAt })
	return out
}

// client returns a post as clients are shown it: with its reactions, or blanked
// when it is deleted.
func (r *row) client(replies int64) *model.Post {
	p := r.Clone()
	p.SetProps(copyProps(r.GetProps()))
	p.ReplyCount = replies
	p.Metadata = &model.PostMetadata{}
	if p.DeleteAt > 0 {
		p.Message = ""
		return p
	}
	if p.GetProp("attachments") != nil {
		p.AddProp("attachments", attachmentsOf(p)) // copies
		p.StripActionIntegrations()                // the context of buttons is for the server alone
	}
	for _, f := range r.files {
		info := f.info
		p.Metadata.Files = append(p.Metadata.Files, &info)
	}
	p.Metadata.Priority = r.priority
	for _, x := range r.liveReactions() {
		c := *x
		p.Metadata.Reactions = append(p.Metadata.Reactions, &c)
	}
	return p
}

func copyProps(props model.StringInterface) model.StringInterface {
	out := make(model.StringInterface, len(props))
	for k, v := range props {
		out[k] = v
	}
	return out
}

// newer orders rows newest first, by create_at and then by the order of writing.
func newer(a, b *row) bool {
	if a.CreateAt != b.CreateAt {
		return a.CreateAt > b.CreateAt
	}
	return a.order > b.order
}

func (w *world) teamByName(name string) *model.Team {
	for _, t := range w.teams {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (w *world) channelByName(teamID, name string) *channel {
	for _, c := range w.channels {
		if c.TeamId == teamID && c.Name == name {
			return c
		}
	}
	return nil
}

// channelsOf lists the channels a user is in, by name.
func (w *world) channelsOf(userID string, keep func(*channel) bool) []*channel {
	var out []*channel
	for _, c := range w.channels {
		if c.members[userID] != nil && keep(c) {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return lessChannel(out[i], out[j]) })
	return out
}

func lessChannel(a, b *channel) bool {
	if d := strings.Compare(a.DisplayName, b.DisplayName); d != 0 {
		return d < 0
	}
	return a.Id < b.Id
}

func (c *channel) memberIDs() []string {
	ids := make([]string, 0, len(c.members))
	for id := range c.members {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

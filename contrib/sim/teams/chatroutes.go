package teams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The permissions of chats, by the table of the Graph documentation.
var (
	listChatsPerson  = []string{"Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"}
	listChatsApp     = []string{"Chat.ReadBasic.All", "Chat.ReadWrite.All"}
	createChatPerson = []string{"Chat.Create", "Chat.ReadWrite"}
	getChatApp       = []string{"Chat.ReadBasic.All", "Chat.Read.All", "ChatSettings.ReadWrite.Chat", "ChatSettings.Read.Chat", "Chat.Manage.Chat"}
	chatMemPerson    = []string{"Chat.ReadBasic", "ChatMember.ReadWrite", "Chat.Read", "Chat.ReadWrite", "ChatMember.Read"}
	chatMemApp       = []string{"Chat.Manage.Chat", "ChatMember.Read.All", "ChatMember.Read.Chat", "Chat.ReadBasic.All", "ChatMember.ReadWrite.All", "Chat.Read.All", "Chat.ReadWrite.All"}
	readChatPerson   = []string{"Chat.Read", "Chat.ReadWrite"}
	readChatApp      = []string{"ChatMessage.Read.Chat", "Chat.Read.All", "Chat.ReadWrite.All"}
	sendChat         = []string{"ChatMessage.Send", "Chat.ReadWrite"}
	changeChat       = []string{"Chat.ReadWrite"}
)

const chatPath = "/chats/{id}"

func chatRoutes() []*route {
	get, post, patch := http.MethodGet, http.MethodPost, http.MethodPatch
	listing := []string{"$top", "$expand", "$orderby", "$filter"}
	one := []string{"$expand"}
	reading := []string{"$top", "$orderby", "$filter"}
	messages, message := chatPath+"/messages", chatPath+"/messages/{id}"
	list := []*route{
		{method: get, template: "/chats", delegated: listChatsPerson, options: listing, paged: true, limit: "listChats", handle: listChats},
		{method: get, template: "/me/chats", delegated: listChatsPerson, options: listing, paged: true, limit: "listChats", handle: listChats},
		{method: get, template: "/users/{id}/chats", delegated: listChatsPerson, app: listChatsApp, options: listing, paged: true, limit: "listChats", handle: listChats},
		{method: post, template: "/chats", delegated: createChatPerson, app: []string{"Chat.Create"}, body: true, limit: "createChat", handle: createChat},
		{method: get, template: chatPath, delegated: listChatsPerson, app: getChatApp, options: one, limit: "getChat", handle: getChat},
		{method: patch, template: chatPath, delegated: changeChat, app: []string{"ChatSettings.ReadWrite.Chat", "Chat.ReadWrite.All"}, body: true, limit: "renameChat", handle: patchChat},
		{method: get, template: chatPath + "/members", delegated: chatMemPerson, app: chatMemApp, limit: "get", handle: listChatMembers},
		{method: post, template: chatPath + "/members", delegated: []string{"ChatMember.ReadWrite", "Chat.ReadWrite"}, app: []string{"Chat.Manage.Chat", "ChatMember.ReadWrite.All", "Chat.ReadWrite.All"}, body: true, limit: "chatMembers", handle: addChatMember},
		{method: http.MethodDelete, template: chatPath + "/members/{id}", delegated: []string{"ChatMember.ReadWrite"}, app: []string{"ChatMember.ReadWrite.All", "Chat.Manage.Chat"}, limit: "chatMembers", handle: removeChatMember},
		{method: get, template: messages, delegated: readChatPerson, app: readChatApp, options: reading, paged: true, limit: "readChatMessages", handle: listChatMessages},
		{method: post, template: messages + "/replyWithQuote", delegated: []string{"ChatMessage.Send"}, body: true, limit: "postChatMessage", handle: replyWithQuote},
		{method: post, template: messages, delegated: sendChat, body: true, limit: "postChatMessage", appOnly: importOnly, handle: postChatMessage},
		{method: get, template: message, delegated: readChatPerson, app: readChatApp, limit: "readChatMessages", handle: getMessage},
		{method: patch, template: message, delegated: changeChat, body: true, limit: "writeChatMessage", appOnly: policyOnly, handle: patchMessage},
		{method: post, template: message + "/setReaction", delegated: sendChat, body: true, limit: "write", handle: setReaction},
		{method: post, template: message + "/unsetReaction", delegated: sendChat, body: true, limit: "write", handle: unsetReaction},
		{method: get, template: message + "/hostedContents", delegated: readChatPerson, app: readChatApp, limit: "get", handle: listHostedContents},
		{method: get, template: message + "/hostedContents/{id}", delegated: readChatPerson, app: readChatApp, limit: "get", handle: getHostedContent},
		{method: get, template: message + "/hostedContents/{id}/$value", delegated: readChatPerson, app: readChatApp, limit: "chatPictures", handle: getHostedBytes},
	}
	// The only documented path of deletions names the user.
	for _, user := range []string{"/users/{id}", "/me"} {
		list = append(list,
			&route{method: post, template: user + message + "/softDelete", delegated: changeChat, limit: "writeChatMessage", handle: softDelete},
			&route{method: post, template: user + message + "/undoSoftDelete", delegated: changeChat, limit: "writeChatMessage", handle: undoSoftDelete})
	}
	return list
}

// chatID is the chat of the path; empty when there is none.
func (c *call) chatID() string {
	i := slices.Index(c.route.parts, "chats")
	if i < 0 || i+1 >= len(c.route.parts) || c.route.parts[i+1] != "{id}" {
		return ""
	}
	return c.path[i+1]
}

// theChat gives the chat of the path, where the caller may know of it.
func (c *call) theChat() (*Channel, error) {
	if c.route.parts[0] == "users" && c.token.tenant.user(c.params[0]) != c.token.user {
		return nil, forbidden("With delegated permissions only the chats of the signed-in user can be used.")
	}
	id := c.chatID()
	chat := c.token.tenant.chat(id)
	switch {
	case chat == nil: // 48:notes, the chat with oneself, too: it is on no page of Graph
		return nil, notFound("No chat found with id %s", id)
	case !c.sees(chat):
		return nil, forbidden("The user is not a member of the chat.")
	}
	return chat, nil
}

// visibleFrom is when the history begins that the caller sees, epoch ms.
func (c *call) visibleFrom(chat *Channel) int64 {
	if c.token.user == nil {
		return 0
	}
	m, _ := find(chat.members, c.token.user)
	return m.from
}

// maySee tells whether a message is in the history that the person of a subscription sees.
func (sub *subscription) maySee(m *message) bool {
	who := sub.resource.user
	if m.channel.team != nil || who == nil {
		return true
	}
	is, _ := find(m.channel.members, who)
	return m.id >= is.from
}

type chatJSON struct {
	Context        string           `json:"@odata.context,omitempty"`
	ID             string           `json:"id"`
	Topic          *string          `json:"topic"`
	Created        string           `json:"createdDateTime"`
	Updated        string           `json:"lastUpdatedDateTime"`
	Type           string           `json:"chatType"`
	WebURL         *string          `json:"webUrl"`
	TenantID       string           `json:"tenantId"`
	Meeting        *meetingJSON     `json:"onlineMeetingInfo"`
	Viewpoint      *viewpointJSON   `json:"viewpoint"`
	Members        *[]memberJSON    `json:"members,omitempty"`
	Preview        *json.RawMessage `json:"lastMessagePreview,omitempty"`
	PreviewContext string           `json:"lastMessagePreview@odata.context,omitempty"`
}

type viewpointJSON struct {
	Hidden bool   `json:"isHidden"`
	Read   string `json:"lastMessageReadDateTime"`
}

type meetingJSON struct {
	Event     *string       `json:"calendarEventId"`
	Join      *string       `json:"joinWebUrl"`
	Organizer *identityJSON `json:"organizer"`
}

type previewJSON struct {
	ID      string           `json:"id"`
	Created string           `json:"createdDateTime"`
	Deleted bool             `json:"isDeleted"`
	Type    string           `json:"messageType"`
	Event   map[string]any   `json:"eventDetail"`
	Body    bodyJSON         `json:"body"`
	From    *identitySetJSON `json:"from"`
}

// expandable are what $expand can bring along with a chat. That both may be named at once is on no page, but several programs do it.
var expandable = []string{"members", "lastMessagePreview"}

func expansions(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains(expandable, name) || slices.Contains(list, name) {
			return nil, badRequest("Could not expand '%s'.", name)
		}
		list = append(list, name)
	}
	return list, nil
}

// shownChat is a chat as Graph shows it.
func (c *call) shownChat(chat *Channel, expand []string) chatJSON {
	out := chatJSON{
		ID: chat.ID, Topic: chat.chat.topic, Created: timeText(chat.created.UnixMilli()), Updated: timeText(chat.chat.updated),
		Type: chat.chat.kind, WebURL: &chat.WebURL, TenantID: chat.tenant.ID,
	}
	if c.token.user != nil {
		out.Viewpoint = &viewpointJSON{Read: "0001-01-01T00:00:00Z"}
	}
	if chat.chat.kind == meetingChat {
		out.Meeting = &meetingJSON{Organizer: &identityJSON{ID: chat.members[0].user.ID, IdentityType: "aadUser"}}
	}
	if slices.Contains(expand, "members") {
		list := chat.memberList()
		out.Members = &list
	}
	if slices.Contains(expand, "lastMessagePreview") {
		text := json.RawMessage("null")
		if m := c.lastIn(chat); m != nil {
			text = encode(m.preview(c.knowsUnknown()))
		}
		out.Preview = &text
	}
	return out
}

// lastIn is the newest message that the caller sees; nil when there is none.
func (c *call) lastIn(chat *Channel) *message {
	from := c.visibleFrom(chat)
	for _, m := range slices.Backward(chat.roots) {
		if m.id >= from {
			return m
		}
	}
	return nil
}

func (m *message) preview(known bool) previewJSON {
	w := m.wire(known)
	return previewJSON{ID: w.ID, Created: w.Created, Deleted: m.deleted != 0, Type: w.MessageType, Event: w.EventDetail, Body: w.Body, From: w.From}
}

func (chat *Channel) memberList() []memberJSON {
	list := []memberJSON{}
	for _, m := range chat.members {
		if m.user.gone() {
			continue
		}
		w := m.wire(chat.ID)
		w.VisibleHistory = ptr("0001-01-01T00:00:00Z")
		if m.from != 0 {
			w.VisibleHistory = ptr(timeText(m.from))
		}
		list = append(list, w)
	}
	return list
}

const byLastMessage = "lastMessagePreview/createdDateTime desc"

// listChats lists somebody's chats: in no order, or by their last message; then those without any are left out (observed).
func listChats(c *call) (int, any, error) {
	who := c.token.user
	if c.route.parts[0] == "users" {
		u := c.token.tenant.user(c.params[0])
		switch {
		case u == nil:
			return 0, nil, notFound("No user found with id '%s'.", c.params[0])
		case who != nil && who != u:
			return 0, nil, forbidden("With delegated permissions only the chats of the signed-in user can be listed.")
		}
		who = u
	}
	cur, err := c.start(20, maxMessages)
	if err != nil {
		return 0, nil, err
	}
	if cur.First {
		cur.Order, cur.With = c.query["$orderby"], c.query["$expand"]
	}
	expand, err := expansions(cur.With)
	if err != nil {
		return 0, nil, err
	}
	var mine []*Channel
	for _, chat := range who.tenant.chats {
		if _, in := find(chat.members, who); in {
			mine = append(mine, chat)
		}
	}
	last := func(chat *Channel) int64 {
		if m := c.lastIn(chat); m != nil {
			return m.id
		}
		return 0
	}
	switch {
	case cur.Order == "":
		slices.SortStableFunc(mine, func(a, b *Channel) int { return strings.Compare(a.ID, b.ID) }) // choice: an order of no use
	case cur.Order != byLastMessage:
		return 0, nil, badRequest("The $orderby '%s' is not supported.", cur.Order)
	case c.sim.opts.Cloud.government() || c.sim.opts.Cloud == China:
		return 0, nil, lacking("$orderby on chats")
	default:
		mine = slices.DeleteFunc(mine, func(chat *Channel) bool { return last(chat) == 0 })
		slices.SortStableFunc(mine, func(a, b *Channel) int { return int(last(b) - last(a)) })
	}
	mine, err = filtered(cur.Filter, mine, []string{"topic", "chatType"}, func(chat *Channel, p string) string {
		if p == "chatType" {
			return chat.chat.kind
		}
		if chat.chat.topic == nil {
			return ""
		}
		return *chat.chat.topic
	})
	if err != nil {
		return 0, nil, err
	}
	from := min(int(cur.After), len(mine))
	page := mine[from:min(from+cur.Top, len(mine))]
	out := listJSON{Context: c.context("chats")}
	if from+len(page) < len(mine) {
		next := cur
		next.First, next.Blank = false, c.sim.blankPage(cur)
		if next.Blank {
			page = nil
		}
		next.After = int64(from + len(page))
		out.Next = c.link(next)
	}
	values := []chatJSON{}
	for _, chat := range page {
		values = append(values, c.shownChat(chat, expand))
	}
	out.Count, out.Value = len(values), values
	return http.StatusOK, out, nil
}

func getChat(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	expand, err := expansions(c.query["$expand"])
	if err != nil {
		return 0, nil, err
	}
	out := c.shownChat(chat, expand)
	out.Context = c.context("chats/$entity")
	if out.Preview != nil && string(*out.Preview) != "null" {
		out.PreviewContext = c.context("chats('" + escapeID(chat.ID) + "')/lastMessagePreview/$entity")
	}
	return http.StatusOK, out, nil
}

func listChatMembers(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	list := chat.memberList()
	return http.StatusOK, listJSON{Context: c.context("chats('" + escapeID(chat.ID) + "')/members"), Count: len(list), Value: list}, nil
}

var dateRange = regexp.MustCompile(`^(lastModifiedDateTime|createdDateTime) (gt|lt) (\S+)$`)

// listChatMessages lists messages and notices, deleted ones too. A $filter counts only when $orderby names the same property.
func listChatMessages(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	cur, err := c.start(messagesPerPage, maxMessages)
	if err != nil {
		return 0, nil, err
	}
	if cur.First {
		cur.Order = c.query["$orderby"]
	}
	property, descending := strings.CutSuffix(cur.Order, " desc")
	switch {
	case cur.Order == "":
		property = "lastModifiedDateTime"
	case !descending || property != "lastModifiedDateTime" && property != "createdDateTime":
		return 0, nil, badRequest("QueryOptions to order by '%s' is not supported.", cur.Order)
	case c.sim.opts.Cloud == GCC || c.sim.opts.Cloud == China:
		return 0, nil, lacking("$orderby on chat messages")
	}
	order := func(m *message) int64 { return m.modified }
	if property == "createdDateTime" {
		order = func(m *message) int64 { return m.id }
	}
	within, err := messageRange(cur.Filter, property, cur.Order != "")
	if err != nil {
		return 0, nil, err
	}
	from := c.visibleFrom(chat)
	var list []*message
	for _, m := range chat.roots {
		if m.id >= from && within(m) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *message) int {
		if d := order(b) - order(a); d != 0 {
			return int(d)
		}
		return int(b.id - a.id)
	})
	page, next := c.cut(list, cur, order)
	values, known := []messageJSON{}, c.knowsUnknown()
	for _, m := range page {
		values = append(values, m.wire(known))
	}
	return http.StatusOK, listJSON{Context: c.messageContext(chat, nil), Count: len(values), Next: next, Value: values}, nil
}

// messageRange reads a filter such as "lastModifiedDateTime gt … and lastModifiedDateTime lt …". Of createdDateTime only lt is there.
func messageRange(filter, property string, ordered bool) (func(*message) bool, error) {
	var all []func(*message) bool
	for part := range strings.SplitSeq(filter, " and ") {
		if filter == "" {
			break
		}
		m := dateRange.FindStringSubmatch(part)
		if m == nil || m[1] == "createdDateTime" && m[2] == "gt" {
			return nil, badRequest("Invalid filter clause: %s", part)
		}
		at, err := time.Parse(time.RFC3339Nano, m[3])
		if err != nil {
			return nil, badRequest("Invalid filter clause: %s", part)
		}
		if !ordered || m[1] != property {
			continue // ignored
		}
		all = append(all, func(x *message) bool {
			ms := x.modified
			if m[1] == "createdDateTime" {
				ms = x.id
			}
			if m[2] == "gt" {
				return fromMS(ms).After(at)
			}
			return fromMS(ms).Before(at)
		})
	}
	return func(m *message) bool {
		return !slices.ContainsFunc(all, func(ok func(*message) bool) bool { return !ok(m) })
	}, nil
}

// chatMessage gives the message of the path.
func (c *call) chatMessage() (*message, error) {
	chat, err := c.theChat()
	if err != nil {
		return nil, err
	}
	id := c.path[slices.Index(c.route.parts, "messages")+1]
	m := chat.message(id)
	if m == nil || m.id < c.visibleFrom(chat) {
		return nil, notFound("No message found with id %s", id)
	}
	return m, nil
}

func postChatMessage(c *call) (int, any, error) {
	return c.postInChat(nil)
}

// postInChat writes what the body of the request holds, as an answer to messages.
func (c *call) postInChat(quotes []string) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	draft, err := c.readMessage(postShape)
	if err != nil {
		return 0, nil, err
	}
	if draft.subject != nil {
		return 0, nil, badRequest("Messages of chats have no subject.")
	}
	if err := chat.quote(&draft.content, quotes); err != nil {
		return 0, nil, notFound("A message to be quoted was not found.") // choice
	}
	m := c.sim.put(chat, c.token.user, nil, draft.content, zeroTime)
	m.importance = draft.importance
	c.hostPictures(m)
	c.header.Set("Location", fmt.Sprintf("%s/v1.0/chats/%s/messages/%s", c.origin, chat.ID, m.textID()))
	return http.StatusCreated, c.whole(m), nil
}

// replyWithQuote takes the answer and the ids of what it answers.
func replyWithQuote(c *call) (int, any, error) {
	if err := (shape{"messageIds": nil, "replyMessage": postShape}).check("", c.body); err != nil {
		return 0, nil, err
	}
	var in struct {
		IDs   []string        `json:"messageIds"`
		Reply json.RawMessage `json:"replyMessage"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || len(in.IDs) == 0 || len(in.IDs) > maxQuotes || in.Reply == nil {
		return 0, nil, badRequest("messageIds must name 1 to %d messages, and replyMessage is needed.", maxQuotes)
	}
	c.body = in.Reply
	return c.postInChat(in.IDs)
}

package teams

import (
	"fmt"
	"strings"
	"time"
)

// The JSON forms of Graph, written by hand so that the stand-in does not share the client's SDK. Unset members are
// explicit nulls or empty arrays, as in the documented bodies.

type identityJSON struct {
	Type         string  `json:"@odata.type,omitempty"`
	ID           string  `json:"id"`
	DisplayName  *string `json:"displayName"`
	IdentityType string  `json:"userIdentityType,omitempty"`
	// ApplicationType is of an application.
	ApplicationType string `json:"applicationIdentityType,omitempty"`
	TenantID        string `json:"tenantId,omitempty"`
}

type identitySetJSON struct {
	Application *identityJSON `json:"application"`
	Device      *identityJSON `json:"device"`
	User        *identityJSON `json:"user"`
}

type bodyJSON struct {
	ContentType string  `json:"contentType"`
	Content     *string `json:"content"`
}

type channelIdentityJSON struct {
	TeamID    string `json:"teamId"`
	ChannelID string `json:"channelId"`
}

type attachmentJSON struct {
	ID           string  `json:"id"`
	ContentType  *string `json:"contentType"`
	ContentURL   *string `json:"contentUrl"`
	Content      *string `json:"content"`
	Name         *string `json:"name"`
	ThumbnailURL *string `json:"thumbnailUrl"`
	TeamsAppID   *string `json:"teamsAppId"`
}

type mentionJSON struct {
	ID          int           `json:"id"`
	MentionText string        `json:"mentionText"`
	Mentioned   mentionedJSON `json:"mentioned"`
}

// mentionedJSON passes on what was sent: identity sets are open types.
type mentionedJSON struct {
	Application  map[string]any `json:"application"`
	Device       map[string]any `json:"device"`
	Conversation map[string]any `json:"conversation"`
	User         map[string]any `json:"user"`
	Tag          map[string]any `json:"tag,omitempty"`
}

type reactionJSON struct {
	Type       string          `json:"reactionType"`
	Name       *string         `json:"displayName"`
	ContentURL *string         `json:"reactionContentUrl"`
	Created    string          `json:"createdDateTime"`
	User       identitySetJSON `json:"user"`
}

type messageJSON struct {
	Context         string               `json:"@odata.context,omitempty"`
	ID              string               `json:"id"`
	ReplyToID       *string              `json:"replyToId"`
	Etag            string               `json:"etag"`
	MessageType     string               `json:"messageType"`
	Created         string               `json:"createdDateTime"`
	Modified        string               `json:"lastModifiedDateTime"`
	Edited          *string              `json:"lastEditedDateTime"`
	Deleted         *string              `json:"deletedDateTime"`
	Subject         *string              `json:"subject"`
	Summary         *string              `json:"summary"`
	ChatID          *string              `json:"chatId"`
	Importance      string               `json:"importance"`
	Locale          string               `json:"locale"`
	WebURL          *string              `json:"webUrl"`
	PolicyViolation *struct{}            `json:"policyViolation"`
	EventDetail     map[string]any       `json:"eventDetail"`
	From            *identitySetJSON     `json:"from"`
	Body            bodyJSON             `json:"body"`
	ChannelIdentity *channelIdentityJSON `json:"channelIdentity"`
	Attachments     []attachmentJSON     `json:"attachments"`
	Mentions        []mentionJSON        `json:"mentions"`
	Reactions       []reactionJSON       `json:"reactions"`
	History         []struct{}           `json:"messageHistory"`

	RepliesCount *int           `json:"replies@odata.count,omitempty"`
	RepliesNext  string         `json:"replies@odata.nextLink,omitempty"`
	Replies      *[]messageJSON `json:"replies,omitempty"`
}

// wire is the message as Graph shows it. With knowUnknown the client has sent Prefer: include-unknown-enum-members.
func (m *message) wire(knowUnknown bool) messageJSON {
	c := m.channel
	root := m.thread().textID()
	out := messageJSON{
		ID: m.textID(), Etag: fmt.Sprint(m.modified), MessageType: "message",
		Created: timeText(m.id), Modified: timeText(m.modified), Edited: optionalTime(m.edited), Deleted: optionalTime(m.deleted),
		Importance: m.importance, Locale: "en-us",
		Attachments: []attachmentJSON{}, Mentions: []mentionJSON{}, Reactions: []reactionJSON{}, History: []struct{}{},
	}
	if c.team == nil {
		out.ChatID = &c.ID
	} else {
		out.WebURL = ptr(fmt.Sprintf("https://teams.microsoft.com/l/message/%s/%d?groupId=%s&tenantId=%s&createdTime=%d&parentMessageId=%s",
			escapeID(c.ID), m.id, c.team.ID, c.tenant.ID, m.id, root))
		out.ChannelIdentity = &channelIdentityJSON{TeamID: c.team.ID, ChannelID: c.ID}
	}
	if m.root != nil {
		out.ReplyToID = &root
	}
	if m.event != nil {
		out.EventDetail = m.event
		out.MessageType = "unknownFutureValue"
		if knowUnknown {
			out.MessageType = "systemEventMessage"
		}
	}
	if m.deleted != 0 {
		out.Body = bodyJSON{ContentType: "text"}
		return out
	}
	out.Body = bodyJSON{ContentType: m.content.contentType, Content: &m.content.text}
	out.Subject = m.subject
	if m.author != nil {
		who := userIdentity(m.author, &m.author.Name)
		out.From = &who
	}
	if m.bot != nil {
		out.From = &identitySetJSON{Application: &identityJSON{
			Type: "#microsoft.graph.teamworkApplicationIdentity", ID: m.bot.ID, DisplayName: &m.bot.Name, ApplicationType: "bot",
		}}
	}
	out.Attachments = append(out.Attachments, m.content.attachments...)
	out.Mentions = append(out.Mentions, m.content.mentions...)
	for _, r := range m.reactions {
		one := reactionJSON{Type: r.kind, Created: timeText(r.at), User: userIdentity(r.user, nil)}
		if name, own := strings.CutPrefix(r.kind, ":"); own {
			one.Type, one.Name = "custom", ptr(strings.TrimSuffix(name, ":"))
		}
		out.Reactions = append(out.Reactions, one)
	}
	return out
}

// userIdentity is a person in an identity set. Reactions do not tell the name.
func userIdentity(u *User, name *string) identitySetJSON {
	return identitySetJSON{User: &identityJSON{
		Type: "#microsoft.graph.teamworkUserIdentity", ID: u.ID, DisplayName: name,
		IdentityType: "aadUser", TenantID: u.tenant.ID,
	}}
}

func mentionOf(id int, u *User) mentionJSON {
	return mentionJSON{ID: id, MentionText: u.Name, Mentioned: mentionedJSON{User: map[string]any{
		"@odata.type": "#microsoft.graph.teamworkUserIdentity",
		"id":          u.ID, "displayName": u.Name, "userIdentityType": "aadUser",
	}}}
}

type userJSON struct {
	Context           string   `json:"@odata.context,omitempty"`
	BusinessPhones    []string `json:"businessPhones"`
	DisplayName       string   `json:"displayName"`
	GivenName         *string  `json:"givenName"`
	JobTitle          *string  `json:"jobTitle"`
	Mail              *string  `json:"mail"`
	MobilePhone       *string  `json:"mobilePhone"`
	OfficeLocation    *string  `json:"officeLocation"`
	PreferredLanguage *string  `json:"preferredLanguage"`
	Surname           *string  `json:"surname"`
	UserPrincipalName string   `json:"userPrincipalName"`
	ID                string   `json:"id"`
}

func (u *User) wire() userJSON {
	out := userJSON{BusinessPhones: []string{}, DisplayName: u.displayName(), UserPrincipalName: u.UPN, ID: u.ID}
	if u.Mail != "" {
		out.Mail = &u.Mail
	}
	if given, rest, ok := strings.Cut(u.Name, " "); ok {
		out.GivenName, out.Surname = &given, &rest
	}
	return out
}

type teamJSON struct {
	Context     string  `json:"@odata.context,omitempty"`
	ID          string  `json:"id"`
	Created     *string `json:"createdDateTime"`
	DisplayName string  `json:"displayName"`
	Description *string `json:"description"`
	IsArchived  *bool   `json:"isArchived"`
	TenantID    *string `json:"tenantId"`
	Visibility  *string `json:"visibility"`
	WebURL      *string `json:"webUrl"`
}

func (team *Team) wire() teamJSON {
	created := timeText(team.created.UnixMilli())
	url := fmt.Sprintf("https://teams.microsoft.com/l/team/%s/conversations?groupId=%s&tenantId=%s",
		escapeID(team.General.ID), team.ID, team.tenant.ID)
	return teamJSON{
		ID: team.ID, Created: &created, DisplayName: team.Name, Description: &team.Name, IsArchived: ptr(false),
		TenantID: &team.tenant.ID, Visibility: ptr("private"), WebURL: &url,
	}
}

// brief is the team as joinedTeams shows it: everything but id and names is null.
func (team *Team) brief() teamJSON {
	return teamJSON{ID: team.ID, DisplayName: team.Name, Description: &team.Name}
}

type channelJSON struct {
	Context        string  `json:"@odata.context,omitempty"`
	ODataID        string  `json:"@odata.id,omitempty"`
	ID             string  `json:"id"`
	Created        string  `json:"createdDateTime"`
	DisplayName    string  `json:"displayName"`
	Description    *string `json:"description"`
	Favorite       *bool   `json:"isFavoriteByDefault"`
	Email          *string `json:"email"`
	TenantID       string  `json:"tenantId"`
	WebURL         string  `json:"webUrl"`
	MembershipType string  `json:"membershipType"`
	IsArchived     bool    `json:"isArchived"`
}

func (c *Channel) wire() channelJSON {
	out := channelJSON{
		ID: c.ID, Created: timeText(c.created.UnixMilli()), DisplayName: c.Name,
		TenantID: c.team.tenant.ID, WebURL: c.WebURL, MembershipType: "standard",
	}
	if c.Private {
		out.MembershipType = "private"
	}
	return out
}

type memberJSON struct {
	Context        string   `json:"@odata.context,omitempty"`
	Type           string   `json:"@odata.type"`
	ID             string   `json:"id"`
	Roles          []string `json:"roles"`
	DisplayName    string   `json:"displayName"`
	VisibleHistory *string  `json:"visibleHistoryStartDateTime"`
	UserID         string   `json:"userId"`
	Email          *string  `json:"email"`
	TenantID       string   `json:"tenantId"`
}

func (m member) wire(scope string) memberJSON {
	out := memberJSON{
		Type: "#microsoft.graph.aadUserConversationMember", ID: membershipID(scope, m.user), Roles: []string{},
		DisplayName: m.user.displayName(), UserID: m.user.ID, TenantID: m.user.tenant.ID,
	}
	switch {
	case m.user.guest:
		out.Roles = append(out.Roles, "guest")
	case m.owner:
		out.Roles = append(out.Roles, "owner")
	}
	if m.user.Mail != "" {
		out.Email = &m.user.Mail
	}
	return out
}

// timeText writes epoch milliseconds as Graph does: UTC, trailing zeros of the fraction left out.
func timeText(ms int64) string { return fromMS(ms).Format("2006-01-02T15:04:05.999Z") }

func optionalTime(ms int64) *string {
	if ms == 0 {
		return nil
	}
	return ptr(timeText(ms))
}

// errorDate is the form of dates in error bodies.
func errorDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }

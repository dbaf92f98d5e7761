package mattermost

import (
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// postTypeCall is that of what the Calls plugin posts when somebody starts a call; it changes the post when the call has ended (callEventPostType in
// mattermost-plugin-calls).
const postTypeCall = "custom_calls"

// tellsOf tells of what kind that is which the server, or its Calls plugin, tells in a post; empty: somebody said it, or it is worth no line. Mattermost shows no line
// for what is pinned.
func tellsOf(p *model.Post) bridge.Event {
	if p.OriginalId != "" {
		return ""
	}
	switch p.Type {
	case model.PostTypeJoinChannel, model.PostTypeGuestJoinChannel, model.PostTypeLeaveChannel, model.PostTypeAddToChannel, model.PostTypeAddGuestToChannel,
		model.PostTypeRemoveFromChannel, model.PostTypeJoinTeam, model.PostTypeLeaveTeam, model.PostTypeAddToTeam, model.PostTypeRemoveFromTeam:
		return bridge.EventMembers
	case model.PostTypeDisplaynameChange:
		return bridge.EventRenamed
	case model.PostTypeHeaderChange, model.PostTypePurposeChange:
		return bridge.EventDescription
	case postTypeCall:
		return bridge.EventCalls
	}
	return ""
}

// shown tells whether a post is put: somebody said it, or it tells of an event that is wanted.
func shown(p *model.Post, wanted []bridge.Event) bool {
	return carried(p) || slices.Contains(wanted, tellsOf(p))
}

// subject is whom a post about members is about, beside its writer; empty: nobody else.
func subject(p *model.Post) string {
	for _, prop := range []string{model.PostPropsAddedUserId, "removedUserId"} {
		if id, _ := p.GetProp(prop).(string); model.IsValidId(id) && id != p.UserId {
			return id
		}
	}
	return ""
}

// told gives what a post about an event tells, as said by its writer (the texts of the server are in its own language, and call people). people are those that it
// is about.
func told(p *model.Post, people map[string]person) richtext.Doc {
	prop := func(name string) string {
		text, _ := p.GetProp(name).(string)
		return strings.Join(strings.Fields(text), " ")
	}
	whom := func(name string) string {
		if who := people[subject(p)]; who.name != "" {
			return who.name
		}
		if name := prop(name); name != "" {
			return name
		}
		return "somebody"
	}
	changed := func(what, now string) string {
		if now == "" {
			return "removed " + what
		}
		return "changed " + what + " to “" + now + "”"
	}
	text := ""
	switch p.Type {
	case model.PostTypeJoinChannel, model.PostTypeGuestJoinChannel:
		text = "joined"
	case model.PostTypeLeaveChannel:
		text = "left"
	case model.PostTypeAddToChannel, model.PostTypeAddGuestToChannel:
		text = "added " + whom("addedUsername")
	case model.PostTypeRemoveFromChannel:
		text = "removed " + whom("removedUsername")
	case model.PostTypeJoinTeam:
		text = "joined the team"
	case model.PostTypeLeaveTeam:
		text = "left the team"
	case model.PostTypeAddToTeam:
		text = "added " + whom("addedUsername") + " to the team"
	case model.PostTypeRemoveFromTeam:
		text = "was removed from the team"
	case model.PostTypeDisplaynameChange:
		text = "renamed the channel to “" + prop("new_displayname") + "”"
	case model.PostTypeHeaderChange:
		text = changed("the header of the channel", prop("new_header"))
	case model.PostTypePurposeChange:
		text = changed("the purpose of the channel", prop("new_purpose"))
	case postTypeCall:
		text = "started a call"
		if p.GetProp("end_at") != nil {
			text = "started a call, which has ended"
		}
	}
	return richtext.Normalize(slanted(richtext.Plain(text)))
}

// happened shows a post about an event as a state.
func happened(p *model.Post, e bridge.Event, people map[string]person, config serverConfig) bridge.State {
	s := stateOf(p, people[p.UserId], nil, config)
	s.Event, s.Key, s.Files = e, "", nil
	if !s.Deleted {
		s.Text = told(p, people)
	}
	return s
}

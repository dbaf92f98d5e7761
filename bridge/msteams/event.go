package msteams

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// mostNamed is how many people a line names; further ones are counted.
const mostNamed = 5

// wants tells whether an event of this kind is carried of a conversation.
func (a *account) wants(c bridge.ConversationID, e bridge.Event) bool {
	inbox := a.inbox.Load()
	return inbox != nil && slices.Contains((*inbox).Events(c), e)
}

// event is what a notice of Teams itself tells (page "Get system messages in Microsoft Teams"); its kind is empty where that is worth no line. Names are
// asked for only where it is.
type event struct {
	kind bridge.Event
	by   models.IdentitySetable
	// words tell it, as said by who did it.
	words func() []richtext.Run
}

// eventIn reads a notice of Teams itself. Of the interfaces of the SDK many satisfy one another, so it goes by its types.
func (a *account) eventIn(ctx context.Context, m models.ChatMessageable) event {
	plain := func(text string) func() []richtext.Run {
		return func() []richtext.Run { return []richtext.Run{{Text: text}} }
	}
	switch d := m.GetEventDetail().(type) {
	case *models.CallStartedEventMessageDetail:
		return event{bridge.EventCalls, d.GetInitiator(), plain("started a " + callNamed(d.GetCallEventType()))}
	case *models.CallEndedEventMessageDetail:
		return event{bridge.EventCalls, d.GetInitiator(), plain("The " + callNamed(d.GetCallEventType()) + " has ended.")}
	case *models.CallRecordingEventMessageDetail:
		if s := d.GetCallRecordingStatus(); s == nil || *s != models.SUCCESS_CALLRECORDINGSTATUS {
			return event{}
		}
		return event{bridge.EventCalls, d.GetInitiator(), func() []richtext.Run {
			return []richtext.Run{{Text: "There is a recording: "}, {Text: nonempty(value(d.GetCallRecordingDisplayName()), "Recording"), Link: value(d.GetCallRecordingUrl())}}
		}}
	case *models.ChannelRenamedEventMessageDetail:
		return event{bridge.EventRenamed, d.GetInitiator(), plain("renamed the channel to " + quotedName(d.GetChannelDisplayName()))}
	case *models.TeamRenamedEventMessageDetail:
		return event{bridge.EventRenamed, d.GetInitiator(), plain("renamed the team to " + quotedName(d.GetTeamDisplayName()))}
	case *models.ChannelDescriptionUpdatedEventMessageDetail:
		return event{bridge.EventDescription, d.GetInitiator(), plain("changed the description of the channel to " + quotedName(d.GetChannelDescription()))}
	case *models.TeamDescriptionUpdatedEventMessageDetail:
		return event{bridge.EventDescription, d.GetInitiator(), plain("changed the description of the team to " + quotedName(d.GetTeamDescription()))}
	case *models.MessagePinnedEventMessageDetail:
		return event{bridge.EventPinned, d.GetInitiator(), plain("pinned a message")}
	case *models.MessageUnpinnedEventMessageDetail:
		return event{bridge.EventPinned, d.GetInitiator(), plain("unpinned a message")}
	case *models.MembersAddedEventMessageDetail:
		return a.membership(ctx, d.GetInitiator(), d.GetMembers(), "joined", "added ", "")
	case *models.MembersJoinedEventMessageDetail:
		return a.membership(ctx, d.GetInitiator(), d.GetMembers(), "joined", "", " joined")
	case *models.MembersDeletedEventMessageDetail:
		return a.membership(ctx, d.GetInitiator(), d.GetMembers(), "left", "removed ", "")
	case *models.MembersLeftEventMessageDetail:
		return a.membership(ctx, d.GetInitiator(), d.GetMembers(), "left", "", " left")
	}
	return event{}
}

// membership tells that members have come or gone: themselves, or by what somebody did.
func (a *account) membership(ctx context.Context, by models.IdentitySetable, members []models.TeamworkUserIdentityable, alone, before, behind string) event {
	if len(members) == 0 {
		return event{}
	}
	return event{bridge.EventMembers, by, func() []richtext.Run {
		if by != nil && by.GetUser() != nil && len(members) == 1 && value(by.GetUser().GetId()) == value(members[0].GetId()) {
			return []richtext.Run{{Text: alone}}
		}
		var names []string
		for _, one := range members[:min(len(members), mostNamed)] {
			names = append(names, nonempty(value(one.GetDisplayName()), a.nameOf(ctx, bridge.UserID(value(one.GetId())))))
		}
		return []richtext.Run{{Text: before + enumerated(names, len(members)-len(names)) + behind}}
	}}
}

// enumerated gives names as people list them.
func enumerated(names []string, further int) string {
	switch last := len(names) - 1; {
	case further == 1:
		return strings.Join(names, ", ") + " and one other"
	case further > 1:
		return strings.Join(names, ", ") + " and " + strconv.Itoa(further) + " others"
	case last > 0:
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

func callNamed(kind *models.TeamworkCallEventType) string {
	switch value(kind) {
	case models.MEETING_TEAMWORKCALLEVENTTYPE:
		return "meeting"
	case models.SCREENSHARE_TEAMWORKCALLEVENTTYPE:
		return "screen sharing"
	}
	return "call"
}

// longestQuoted bounds what is quoted of a description, in characters.
const longestQuoted = 500

func quotedName(name *string) string {
	text := []rune(strings.Join(strings.Fields(value(name)), " "))
	if len(text) > longestQuoted {
		text = append(text[:longestQuoted], '…')
	}
	return "“" + string(text) + "”"
}

func nonempty(text, otherwise string) string {
	if strings.TrimSpace(text) == "" {
		return otherwise
	}
	return text
}

// eventState makes a state of a notice of Teams itself.
func (a *account) eventState(ctx context.Context, c bridge.ConversationID, m models.ChatMessageable, e event) bridge.State {
	v := versionOf(m)
	s := bridge.State{
		Conversation: c, ID: idOf(m), Root: bridge.MessageID(value(m.GetReplyToId())), Author: bridge.Author{Name: unknownName},
		Created: created(m), Revision: v.revision, Deleted: v.deleted, Event: e.kind,
	}
	if e.by != nil {
		if who := a.author(ctx, e.by); who != (bridge.Author{}) {
			s.Author = who
		}
	}
	if s.Deleted {
		return s
	}
	runs := e.words()
	for i := range runs {
		runs[i].Style = richtext.Italic
	}
	s.Text = richtext.Normalize(richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}})
	return s
}

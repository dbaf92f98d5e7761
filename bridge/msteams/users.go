package msteams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/idtoken"
)

const (
	// userProperties is what is asked of users. Of oneself the permission User.Read shows it all.
	userProperties = "id,displayName,mail,userPrincipalName,userType,accountEnabled,assignedPlans"
	// guestType is what the directory calls those who belong elsewhere.
	guestType = "Guest"
	// teamsService is the service of Teams' plans in all licences. It is not on a page of Graph; Microsoft's diagnostics show the
	// plan TEAMS1 (57ff2da0-773e-42df-b2af-ffb7a2317929) as "TeamspaceAPI/NA001" ("Teams Phone System troubleshooting").
	teamsService = "TeamspaceAPI"
)

// user is a user of the directory as Graph tells it. What it does not tell is nil: a reading of changes leaves out what has
// not changed.
type user struct {
	ID       string  `json:"id"`
	Name     string  `json:"displayName"`
	Mail     string  `json:"mail"`
	Username string  `json:"userPrincipalName"`
	Type     string  `json:"userType"`
	Enabled  *bool   `json:"accountEnabled"`
	Plans    *[]plan `json:"assignedPlans"`
	Removed  *struct {
		Reason string `json:"reason"`
	} `json:"@removed"`
}

// plan is a part of a licence.
type plan struct {
	Service string `json:"service"`
	Status  string `json:"capabilityStatus"`
}

// lapsed are the states of a plan that cannot be used (page "assignedPlan"). In the state Warning it can.
var lapsed = []string{"Suspended", "LockedOut", "Deleted"}

// licensed tells whether somebody may use Teams. A state that is not known counts as one in which they may.
func licensed(plans []plan) bool {
	return slices.ContainsFunc(plans, func(p plan) bool {
		service, _, _ := strings.Cut(p.Service, "/")
		return strings.EqualFold(service, teamsService) && !slices.ContainsFunc(lapsed, func(s string) bool { return strings.EqualFold(s, p.Status) })
	})
}

// whole tells whether everything that counts has been said.
func (u *user) whole() bool { return u.Removed != nil || u.Enabled != nil && u.Plans != nil }

func (u *user) author() bridge.Author {
	return bridge.Author{ID: bridge.UserID(u.ID), Name: u.Name, Username: u.Username}
}

func (u *user) profile() bridge.Profile {
	p := bridge.Profile{Author: u.author(), Email: u.Mail}
	p.Standing.Guest = strings.EqualFold(u.Type, guestType) || idtoken.External(u.Username)
	p.EmailProven = u.Mail != "" && !p.Standing.Guest
	switch {
	case u.Removed != nil && u.Removed.Reason == "deleted":
		p.Standing.Presence = bridge.Erased
	case u.Removed != nil:
		p.Standing.Presence = bridge.Deleted
	case u.Enabled != nil && !*u.Enabled:
		p.Standing.Presence = bridge.Disabled
	case u.Plans != nil && !p.Standing.Guest && !licensed(*u.Plans): // guests use Teams by the licence of where they are
		p.Standing.Presence = bridge.Unlicensed
	}
	return p
}

// absent tells whether Graph itself has said that there is no such user. A page in between that says 404 has not.
func absent(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == http.StatusNotFound &&
		slices.ContainsFunc([]string{"Request_ResourceNotFound", "ResourceNotFound", "itemNotFound"}, func(code string) bool { return strings.EqualFold(code, answer.code) })
}

// sure keeps what is not certain from looking so: that a user is not there has consequences.
func sure(err error) error {
	var e *bridge.Error
	if errors.As(err, &e) && e.Kind == bridge.Gone {
		e.Kind, e.Scope, e.Hint = bridge.Transient, bridge.ScopeConversation, "what answers in place of Microsoft Graph?"
	}
	return err
}

// Profile asks the directory for a user, and where there is none, whether they can be restored.
func (a *account) Profile(ctx context.Context, u bridge.UserID) (bridge.Profile, error) {
	erased := bridge.Profile{Author: bridge.Author{ID: u}, Standing: bridge.Standing{Presence: bridge.Erased}}
	if !guid.MatchString(string(u)) {
		return erased, nil // no user has such an id
	}
	p := place{user: string(u)}
	var found user
	err := a.app.read(ctx, opProfile, a.app.base+opProfile.address(p), &found)
	if err == nil {
		if !found.whole() || !strings.EqualFold(found.ID, string(u)) {
			return bridge.Profile{}, untold()
		}
		return found.profile(), nil
	}
	if !absent(err) {
		return bridge.Profile{}, sure(err)
	}
	deleted := struct{ ID string }{}
	switch err := a.app.read(ctx, opDeletedUser, a.app.base+opDeletedUser.address(p), &deleted); {
	case err == nil && strings.EqualFold(deleted.ID, string(u)):
		erased.Standing.Presence = bridge.Deleted
		return erased, nil
	case err == nil:
		return bridge.Profile{}, untold()
	case absent(err):
		return erased, nil
	default:
		return bridge.Profile{}, sure(err)
	}
}

// untold is for answers that leave out what counts: Graph does so where the permission does not suffice.
func untold() error {
	return &bridge.Error{Kind: bridge.Unauthorised, Hint: "grant the application permission " + readAllOfUsers + " to the app in Entra, with admin consent",
		Err: errors.New("asking for a user: Graph does not say whether they may use Teams")}
}

// FindUser finds by user principal name, e-mail address or object id.
func (a *account) FindUser(ctx context.Context, name string) (bridge.Profile, error) {
	name = strings.TrimSpace(name)
	nobody := func(problem string) error {
		return &bridge.Error{Kind: bridge.Gone, Hint: "write the user principal name, the e-mail address or the object id", Err: fmt.Errorf("finding the user %q: %s", name, problem)}
	}
	if guid.MatchString(name) {
		p, err := a.Profile(ctx, bridge.UserID(strings.ToLower(name)))
		if err == nil && p.Standing.Presence >= bridge.Deleted {
			err = nobody("there is none with this id")
		}
		return p, err
	}
	if !strings.Contains(name, "@") {
		return bridge.Profile{}, nobody("that is neither an address nor an id")
	}
	literal := "'" + strings.ReplaceAll(name, "'", "''") + "'"
	filter := url.QueryEscape("userPrincipalName eq " + literal + " or mail eq " + literal)
	var page struct {
		Value []user `json:"value"`
	}
	if err := a.app.read(ctx, opFindUser, a.app.base+opFindUser.address(place{})+"&$filter="+filter, &page); err != nil {
		return bridge.Profile{}, sure(err)
	}
	found := page.Value
	if i := slices.IndexFunc(found, func(u user) bool { return strings.EqualFold(u.Username, name) }); i >= 0 {
		found = found[i : i+1]
	}
	switch {
	case len(found) == 0:
		return bridge.Profile{}, nobody("there is none in this tenant")
	case len(found) > 1:
		return bridge.Profile{}, nobody(fmt.Sprintf("there are %d with this address", len(found)))
	case !found[0].whole():
		return bridge.Profile{}, untold()
	}
	return found[0].profile(), nil
}

// Members gives the members of a chat or channel: of a standard channel, those of its team.
func (a *account) Members(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
	p, err := a.channelPlace(c)
	if err != nil {
		return nil, err
	}
	if p.chat != "" {
		now, err := a.chat(ctx, a.lanes, p.chat)
		return now.people(), err
	}
	var all []bridge.UserID
	seen := map[bridge.UserID]bool{}
	err = a.channelMembers(ctx, a.app, p, func(id bridge.UserID, _ string) {
		if id != "" && !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// member is a member of a channel as Graph tells it.
type member struct {
	Type string `json:"@odata.type"`
	User string `json:"userId"`
	Name string `json:"displayName"`
	// Roles hold "owner" of who may decide about the channel, or its team.
	Roles []string `json:"roles"`
}

// memberType is what a member is called who has an account in a directory.
const memberType = "#microsoft.graph.aadUserConversationMember"

// Administers says whether a user is an owner of a channel: of a standard channel, of its team. Nobody owns a chat in that sense.
func (a *account) Administers(ctx context.Context, c bridge.ConversationID, u bridge.UserID) (owner bool, err error) {
	p, err := a.channelPlace(c)
	if err != nil || p.chat != "" {
		return false, err
	}
	err = pages(ctx, a.app, opMembers, p, func(m member) {
		if m.Type == memberType && strings.EqualFold(m.User, string(u)) {
			owner = owner || slices.Contains(m.Roles, "owner")
		}
	})
	return owner, err
}

// channelMembers reads who is in a channel, and how they are called: of a standard channel, those of its team. Somebody may come twice.
func (a *account) channelMembers(ctx context.Context, c *client, p place, found func(id bridge.UserID, name string)) error {
	return pages(ctx, c, opMembers, p, func(m member) {
		if m.Type == memberType {
			found(bridge.UserID(m.User), m.Name)
		}
	})
}

// The mark of a reading is Graph's deltaLink, behind what it was asked for: marks of another version or cloud are no good.
const markOf = "users 1 "

// longestThrottle is how long a reading of the directory waits where Graph throttles it; after as many waits in a row it
// fails. What was read would be lost.
const (
	longestThrottle = 5 * time.Minute
	throttlesBorne  = 5
)

// Directory reads all users, or what has changed since. Of somebody of whom Graph tells only a part, the rest is asked for.
func (a *account) Directory(ctx context.Context, since string, found func([]bridge.Profile) error) (string, error) {
	next := a.app.base + opDirectory.address(place{})
	if since != "" {
		link, ok := strings.CutPrefix(since, markOf)
		if !ok || a.app.trust(link) != nil {
			return "", &bridge.Error{Kind: bridge.Gone, Err: errors.New("reading the directory: the mark is of another version or cloud")}
		}
		next = link
	}
	for {
		var page struct {
			Value []user `json:"value"`
			Next  string `json:"@odata.nextLink"`
			Delta string `json:"@odata.deltaLink"`
		}
		if err := a.directoryPage(ctx, next, &page); err != nil {
			return "", err
		}
		profiles, err := a.profiles(ctx, page.Value, since != "")
		if err != nil {
			return "", err
		}
		if len(profiles) > 0 {
			if err := found(profiles); err != nil {
				return "", err
			}
		}
		switch {
		case page.Next != "" && page.Delta != "" || page.Next == "" && page.Delta == "":
			return "", &bridge.Error{Err: errors.New("reading the directory: a page does not say how it goes on")}
		case page.Delta != "":
			return markOf + page.Delta, nil
		}
		next = page.Next
	}
}

// directoryPage reads one page, and bears that it is throttled.
func (a *account) directoryPage(ctx context.Context, address string, into any) error {
	for n := 1; ; n++ {
		err := a.app.read(ctx, opDirectory, address, into)
		if bridge.KindOf(err) == bridge.Throttled && n <= throttlesBorne && bridge.AfterOf(err) <= longestThrottle {
			if err := pause(ctx, bridge.AfterOf(err)); err != nil {
				return &bridge.Error{Err: fmt.Errorf("reading the directory: %w", err)}
			}
			continue
		}
		var answer *answerError
		if errors.As(err, &answer) && (answer.status == http.StatusGone || strings.EqualFold(answer.code, "syncStateNotFound") || strings.EqualFold(answer.code, "resyncRequired")) {
			return &bridge.Error{Kind: bridge.Gone, Trace: answer.trace(), Err: fmt.Errorf("reading the directory: %w", answer)}
		}
		if answer != nil && answer.status == http.StatusNotFound {
			return sure(err)
		}
		return err
	}
}

// profiles makes profiles of a page. Changes may leave out what has not changed: that is asked for. At first all is said that there is
// to say, and what is left out holds against nobody.
func (a *account) profiles(ctx context.Context, users []user, changes bool) ([]bridge.Profile, error) {
	var all []bridge.Profile
	for _, u := range users {
		if u.ID == "" {
			continue
		}
		p := u.profile()
		if changes && !u.whole() {
			var err error
			if p, err = a.Profile(ctx, bridge.UserID(u.ID)); err != nil {
				return nil, err
			}
		}
		all = append(all, p)
	}
	return all, nil
}

package teams

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// selected reduces an object, or each of a list, to the properties named by $select. All are known ones, else the
// request is refused.
func selected(fields string, v any) (any, error) {
	if fields == "" {
		return v, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(encode(v), &object); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for name, value := range object {
		if strings.HasPrefix(name, "@") {
			out[name] = value
		}
	}
	for name := range strings.SplitSeq(fields, ",") {
		name = strings.TrimSpace(name)
		value, ok := object[name]
		if !ok {
			return nil, badRequest("Could not find a property named '%s'.", name)
		}
		out[name] = value
	}
	return out, nil
}

func selectedEach[T any](fields string, list []T) (any, error) {
	if fields == "" {
		return list, nil
	}
	out := make([]any, 0, len(list))
	for _, v := range list {
		o, err := selected(fields, v)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

var equality = regexp.MustCompile(`^\s*\(?\s*([A-Za-z./]+)\s+eq\s+'((?:[^']|'')*)'\s*\)?\s*$`)

// alternatives takes a filter apart at each "or" that is not in a text.
func alternatives(filter string) (parts []string) {
	from := 0
	for i := range filter {
		if strings.HasPrefix(filter[i:], " or ") && strings.Count(filter[:i], "'")%2 == 0 {
			parts = append(parts, filter[from:i])
			from = i + len(" or ")
		}
	}
	return append(parts, filter[from:])
}

// filtered keeps what a filter of the form "a eq 'x' or b eq 'y'" lets through. get gives the value of a property.
func filtered[T any](filter string, list []T, allowed []string, get func(T, string) string) ([]T, error) {
	if filter == "" {
		return list, nil
	}
	type condition struct{ property, value string }
	var conditions []condition
	for _, part := range alternatives(strings.TrimSuffix(strings.TrimPrefix(filter, "("), ")")) {
		m := equality.FindStringSubmatch(part)
		if m == nil || !slices.Contains(allowed, m[1]) {
			return nil, badRequest("Invalid filter clause: %s", part)
		}
		conditions = append(conditions, condition{m[1], strings.ReplaceAll(m[2], "''", "'")})
	}
	out := []T{}
	for _, v := range list {
		if slices.ContainsFunc(conditions, func(k condition) bool { return strings.EqualFold(get(v, k.property), k.value) }) {
			out = append(out, v)
		}
	}
	return out, nil
}

func listUsers(c *call) (int, any, error) {
	cur, err := c.start(100, 999)
	if err != nil {
		return 0, nil, err
	}
	users, err := filtered(cur.Filter, c.token.tenant.users, []string{"id", "mail", "userPrincipalName", "displayName"},
		func(u *User, p string) string {
			return map[string]string{"id": u.ID, "mail": u.Mail, "userPrincipalName": u.UPN, "displayName": u.displayName()}[p]
		})
	if err != nil {
		return 0, nil, err
	}
	from := min(int(cur.After), len(users))
	page := users[from:min(from+cur.Top, len(users))]
	out := listJSON{Context: c.context("users")}
	if from+len(page) < len(users) {
		next := cur
		next.First, next.Blank = false, c.sim.blankPage(cur)
		if next.Blank {
			page = nil
		}
		next.After = int64(from + len(page))
		out.Next = c.link(next)
	}
	values := make([]any, 0, len(page))
	for _, u := range page {
		v, err := c.selectedUser(cur.Select, u, "")
		if err != nil {
			return 0, nil, err
		}
		values = append(values, v)
	}
	out.Count, out.Value = len(values), values
	return http.StatusOK, out, nil
}

func getMe(c *call) (int, any, error) {
	v, err := c.selectedUser(c.query["$select"], c.token.user, c.context("users/$entity"))
	return http.StatusOK, v, err
}

func getUser(c *call) (int, any, error) {
	u := c.token.tenant.user(c.params[0])
	if t := c.token; t.user != nil && u != t.user && !overlap(t.permissions, readUsers) {
		return 0, nil, refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	if u == nil {
		return 0, nil, refuse(http.StatusNotFound, "Request_ResourceNotFound", "Resource '%s' does not exist or one of its queried reference-property objects are not present.", c.params[0])
	}
	v, err := c.selectedUser(c.query["$select"], u, c.context("users/$entity"))
	return http.StatusOK, v, err
}

// photoSizes are those of the page "Get profilePhoto". Here each is the same picture.
var photoSizes = []string{"48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648"}

func getPhoto(c *call) (int, any, error) {
	u := c.token.tenant.user(c.params[0])
	switch {
	case !slices.Contains(photoSizes, strings.ToLower(c.params[1])):
		return 0, nil, badRequest("The photo size '%s' is not known.", c.params[1])
	case u == nil || u.photo == nil:
		return 0, nil, refuse(http.StatusNotFound, "ImageNotFound", "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")
	}
	return http.StatusOK, rawBody{contentType: "image/jpeg", data: u.photo}, nil
}

func getJoinedTeams(c *call) (int, any, error) {
	u := c.token.user
	if len(c.params) > 0 {
		if u != nil {
			return 0, nil, forbidden("With delegated permissions only /me/joinedTeams is supported.")
		}
		if u = c.token.tenant.user(c.params[0]); u == nil {
			return 0, nil, notFound("No user found with id '%s'.", c.params[0])
		}
	}
	list := []teamJSON{}
	for _, team := range u.tenant.teams {
		if _, ok := find(team.members, u); ok {
			list = append(list, team.brief())
		}
	}
	return onePage(c, "teams", list)
}

// onePage answers a list in one page, reduced to what $select names.
func onePage[T any](c *call, context string, list []T) (int, any, error) {
	values, err := selectedEach(c.query["$select"], list)
	return http.StatusOK, listJSON{Context: c.context(context), Count: len(list), Value: values}, err
}

// team gives the team of the path, where the caller may know of it.
func (c *call) team() (*Team, error) {
	team := c.token.tenant.team(c.params[0])
	if team == nil {
		return nil, notFound("No team found with Group Id %s", c.params[0])
	}
	if u := c.token.user; u != nil {
		if _, ok := find(team.members, u); !ok {
			return nil, forbidden("The user is not a member of the team.")
		}
	}
	return team, nil
}

// channel gives the channel of the path, where the caller may know of it.
func (c *call) channel() (*Channel, error) {
	team, err := c.team()
	if err != nil {
		return nil, err
	}
	ch := team.channel(c.params[1])
	if ch == nil {
		return nil, notFound("No channel found with id %s", c.params[1])
	}
	if !c.sees(ch) {
		return nil, forbidden("The user is not a member of the channel.")
	}
	return ch, nil
}

func (c *call) sees(ch *Channel) bool {
	if c.token.user == nil {
		return true
	}
	_, ok := find(ch.participants(), c.token.user)
	return ok
}

func getTeam(c *call) (int, any, error) {
	team, err := c.team()
	if err != nil {
		return 0, nil, err
	}
	out := team.wire()
	out.Context = c.context("teams/$entity")
	v, err := selected(c.query["$select"], out)
	return http.StatusOK, v, err
}

func listTeamMembers(c *call) (int, any, error) {
	team, err := c.team()
	if err != nil {
		return 0, nil, err
	}
	return c.members("teams('"+team.ID+"')/members", team.ID, team.members)
}

func listChannelMembers(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	return c.members("teams('"+ch.team.ID+"')/channels('"+escapeID(ch.ID)+"')/members", ch.ID, ch.participants())
}

func (c *call) members(context, scope string, members []member) (int, any, error) {
	const prefix = "microsoft.graph.aadUserConversationMember/"
	members, err := filtered(c.query["$filter"], members, []string{prefix + "userId", prefix + "displayName", prefix + "email"},
		func(m member, p string) string {
			return map[string]string{"userId": m.user.ID, "displayName": m.user.Name, "email": m.user.Mail}[strings.TrimPrefix(p, prefix)]
		})
	if err != nil {
		return 0, nil, err
	}
	list := []memberJSON{}
	for _, m := range members {
		if !m.user.gone() {
			list = append(list, m.wire(scope))
		}
	}
	return onePage(c, context, list)
}

func listChannels(c *call) (int, any, error) { return c.channels("channels", false) }

func listAllChannels(c *call) (int, any, error) { return c.channels("allChannels", true) }

// channels lists what the caller sees: a private channel is shown to its members and to apps.
func (c *call) channels(segment string, all bool) (int, any, error) {
	team, err := c.team()
	if err != nil {
		return 0, nil, err
	}
	list := []channelJSON{}
	for _, ch := range team.channels {
		if !c.sees(ch) {
			continue
		}
		v := ch.wire()
		if all {
			v.ODataID = c.origin + "/v1.0/tenants/" + team.tenant.ID + "/teams/" + team.ID + "/channels/" + ch.ID
		}
		list = append(list, v)
	}
	list, err = filtered(c.query["$filter"], list, []string{"membershipType", "displayName"}, func(v channelJSON, p string) string {
		return map[string]string{"membershipType": v.MembershipType, "displayName": v.DisplayName}[p]
	})
	if err != nil {
		return 0, nil, err
	}
	return onePage(c, "teams('"+team.ID+"')/"+segment, list)
}

func getChannel(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	out := ch.wire()
	out.Context = c.context("teams('" + ch.team.ID + "')/channels/$entity")
	v, err := selected(c.query["$select"], out)
	return http.StatusOK, v, err
}

// escapedPath writes a path as nextLinks have it: slashes stay, the rest is escaped where it must be.
func escapedPath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

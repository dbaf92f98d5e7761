package teams

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Throttle are the rate limits of Graph. The zero value has none.
type Throttle struct {
	// On applies the documented limits.
	On bool
	// Factor multiplies every rate, so that tests can be tight (0.1) or generous (10); 0 means 1.
	Factor float64
	// Sustained is the share of a burst rate that holds over 30 seconds for the operations of Teams; 0 means the documented
	// 0.83, and 1 leaves the bursts alone.
	Sustained float64
	// BatchFails makes a batch of which an item was throttled fail as a whole with 424, as one of two pages has it.
	BatchFails bool
	// Limits replaces documented limits by the name of the operation, see DocumentedLimits.
	Limits map[string]Limit
}

// Documented are the limits of the throttling page as they are.
var Documented = Throttle{On: true}

// Limit are requests per second, or per Per. 0 means no limit.
type Limit struct {
	Per       time.Duration // 0: a second, of which over 30 seconds only Throttle.Sustained holds
	AppTenant float64       // per app and tenant
	Resource  float64       // per team or per channel, and app
	User      float64       // per signed-in user, and app
}

// DocumentedLimits gives the burst rates of the throttling page by operation: users, joinedTeams, team, channels,
// channel, members, channelMembers, readMessages, postMessage, listChats, getChat, createChat, renameChat, chatMembers,
// readChatMessages, postChatMessage, writeChatMessage, chatPictures, get (any other read), write (any other write),
// listSubscriptions, getSubscription, writeSubscription and reauthorizeSubscription. Those of users and directory count
// resource units, not requests, and grow with the tenant.
func DocumentedLimits() map[string]Limit {
	return map[string]Limit{
		"users":            {AppTenant: smallTenantUnits, Per: 10 * time.Second},
		"directory":        {AppTenant: smallTenantUnits, Per: 10 * time.Second},
		"joinedTeams":      {AppTenant: 30},
		"team":             {AppTenant: 30, Resource: 4},
		"channels":         {AppTenant: 60, Resource: 4},
		"channel":          {AppTenant: 30, Resource: 1},
		"members":          {AppTenant: 60, Resource: 4},
		"channelMembers":   {AppTenant: 60, Resource: 1},
		"readMessages":     {AppTenant: 20, Resource: 1},
		"postMessage":      {AppTenant: 50, Resource: 1, User: 1},
		"listChats":        {AppTenant: 20, User: 1},
		"getChat":          {AppTenant: 200, Resource: 1, User: 5},
		"createChat":       {AppTenant: 20},
		"renameChat":       {AppTenant: 30, Resource: 1},
		"chatMembers":      {AppTenant: 30 * 60, Resource: 4, Per: time.Minute},
		"readChatMessages": {AppTenant: 20, Resource: 1},
		"postChatMessage":  {AppTenant: 20, Resource: 1, User: 1},
		"writeChatMessage": {AppTenant: 30, Resource: 1},
		"chatPictures":     {AppTenant: 60, Resource: 1},
		"get":              {AppTenant: 30, Resource: 1, User: 1},
		"write":            {AppTenant: 30, Resource: 1, User: 1},

		"listSubscriptions":       {AppTenant: 25, Per: 20 * time.Second},
		"getSubscription":         {AppTenant: 500, Per: 20 * time.Second},
		"writeSubscription":       {AppTenant: 500, Per: 20 * time.Second},
		"reauthorizeSubscription": {AppTenant: 1000, Per: 20 * time.Second},
	}
}

var documentedLimits = DocumentedLimits()

// sustained is the share of the burst rate that holds over a longer window, and that window.
const (
	sustained       = 0.83
	sustainedWindow = 30 * time.Second
)

// limiter remembers, for each thing that is limited, when it was used. Refused requests count as use, as Microsoft
// says they do: coming back early makes it last longer.
type limiter map[string][]time.Time

// pace is how often something may be used.
type pace struct {
	burst int           // uses within per
	per   time.Duration //
	most  int           // uses within window
	// window is the longer one, over which only a share of the burst rate holds.
	window time.Duration
}

// paceOf makes the pace of a rate of so many uses per time, of which a share is sustained.
func paceOf(rate float64, per time.Duration, share float64) pace {
	p := pace{burst: int(math.Floor(rate)), per: per}
	if p.burst < 1 { // less than one: one in a longer time
		p.burst, p.per = 1, time.Duration(float64(per)/rate)
	}
	p.window = max(sustainedWindow, p.per)
	p.most = max(1, int(rate*share*p.window.Seconds()/per.Seconds()))
	return p
}

// allow counts a use that costs so much and tells whether it is within the pace, the share of the burst that is used up,
// and when it would be allowed again.
func (l limiter) allow(key string, p pace, cost int, now time.Time) (ok bool, used float64, retryAfter time.Duration) {
	uses := l[key]
	for len(uses) > 0 && now.Sub(uses[0]) >= p.window {
		uses = uses[1:]
	}
	wait := time.Duration(0)
	if n := len(uses); n+cost > p.burst && n > 0 {
		wait = p.per - now.Sub(uses[max(0, min(n-1, n-p.burst+cost-1))])
	}
	if n := len(uses); n+cost > p.most && n > 0 {
		wait = max(wait, p.window-now.Sub(uses[max(0, min(n-1, n-p.most+cost-1))]))
	}
	uses = slices.Clone(uses)
	for range cost {
		uses = append(uses, now)
	}
	if extra := len(uses) - max(p.most, p.burst); extra > 0 {
		uses = uses[extra:]
	}
	l[key] = uses
	recent := 0
	for _, t := range uses {
		if now.Sub(t) < p.per {
			recent++
		}
	}
	used = float64(recent) / float64(p.burst)
	if wait <= 0 {
		return true, used, 0
	}
	// This refused use counts, too, so the next one is allowed when it has left the burst window.
	return false, used, max(wait, p.per)
}

// throttled counts the call against its limits and refuses it when one is exceeded.
func (c *call) throttled() error {
	conf := c.sim.opts.Throttle
	if !conf.On {
		return nil
	}
	limit, ok := conf.Limits[c.route.limit]
	if !ok {
		limit = documentedLimits[c.route.limit]
	}
	cost := 1
	if identity := c.route.limit == "users" || c.route.limit == "directory"; identity {
		cost = c.units()
		if !ok {
			limit.AppTenant = identityUnits(len(c.token.tenant.users))
		}
	}
	factor, share, per := cmp.Or(conf.Factor, 1), cmp.Or(conf.Sustained, sustained), limit.Per
	if per == 0 {
		per = time.Second
	} else {
		share = 1
	}
	app := c.token.app.ClientID + "/" + c.token.tenant.ID
	dimensions := []struct {
		scope, key string
		rate       float64
	}{
		{"Tenant_Application", app, limit.AppTenant},
		{"Resource_Application", app + "/" + c.resource(), limit.Resource},
		{"User_Application", app + "/" + c.userKey(), limit.User},
	}
	var wait time.Duration
	var highest float64
	scope := ""
	for _, d := range dimensions {
		if d.rate == 0 || d.key == app+"/" {
			continue
		}
		ok, used, after := c.sim.limits.allow(c.route.limit+" "+d.scope+" "+d.key, paceOf(d.rate*factor, per, share), cost, c.sim.opts.Now())
		if used > highest {
			highest = used
		}
		if !ok && after > wait {
			wait, scope = after, d.scope
		}
	}
	c.header.Set("x-ms-resource-unit", strconv.Itoa(cost))
	if highest >= 0.8 {
		c.header.Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(min(highest, 1.8), 'f', 1, 64))
	}
	if scope == "" {
		return nil
	}
	header := http.Header{}
	header.Set("x-ms-throttle-scope", scope+"/ReadWrite/"+c.token.app.ClientID+"/"+c.token.tenant.ID)
	header.Set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
	return &graphError{
		status: http.StatusTooManyRequests, code: "TooManyRequests", message: "Please retry again later.",
		retryAfter: wait, header: header,
	}
}

// Resource units per 10 seconds, per app and tenant, for reads of the directory (throttling-limits, identity).
const (
	smallTenantUnits  = 3500 // under 50 users
	middleTenantUnits = 5000
	largeTenantUnits  = 8000 // over 500 users
)

func identityUnits(users int) float64 {
	switch {
	case users < 50:
		return smallTenantUnits
	case users <= 500:
		return middleTenantUnits
	}
	return largeTenantUnits
}

// units are the resource units that a read of the directory costs: GET users 2 and one object 1; $select makes it one
// cheaper and so does $top under 20, but nothing is free.
func (c *call) units() int {
	cost := 1
	if c.route.template == "/users" {
		cost = 2
	}
	query := c.r.URL.Query()
	if query.Has("$select") {
		cost--
	}
	if top, err := strconv.Atoi(query.Get("$top")); err == nil && top < 20 {
		cost--
	}
	return max(1, cost)
}

// resource is what the per-resource limit is for: the chat, the channel, else the team.
func (c *call) resource() string {
	if id := c.chatID(); id != "" {
		return id
	}
	switch {
	case c.path[0] != "teams":
		return ""
	case len(c.params) > 1:
		return c.params[1]
	default:
		return c.params[0]
	}
}

func (c *call) userKey() string {
	if c.token.user == nil {
		return ""
	}
	return c.token.user.ID
}

// throttle gives the limits in force.
func (s *Sim) throttle() Throttle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.Throttle
}

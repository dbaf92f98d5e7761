package teams

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Throttle are the rate limits of Graph. The zero value has none.
type Throttle struct {
	// On applies the documented limits.
	On bool
	// Factor multiplies every rate, so that tests can be tight (0.1) or generous (10); 0 means 1.
	Factor float64
	// Limits replaces documented limits by the name of the operation, see DocumentedLimits.
	Limits map[string]Limit
}

// Documented are the limits of the throttling page as they are.
var Documented = Throttle{On: true}

// Limit are requests per second. 0 means no limit.
type Limit struct {
	AppTenant float64 // per app and tenant
	Resource  float64 // per team or per channel, and app
	User      float64 // per signed-in user, and app
}

// DocumentedLimits gives the burst rates of the throttling page by operation: users, joinedTeams, team, channels,
// channel, members, channelMembers, readMessages, postMessage, get (any other read) and write (any other write).
func DocumentedLimits() map[string]Limit {
	return map[string]Limit{
		"users":          {AppTenant: 350 / 2}, // 3,500 resource units per 10 s in a small tenant, 2 units each
		"joinedTeams":    {AppTenant: 30},
		"team":           {AppTenant: 30, Resource: 4},
		"channels":       {AppTenant: 60, Resource: 4},
		"channel":        {AppTenant: 30, Resource: 1},
		"members":        {AppTenant: 60, Resource: 4},
		"channelMembers": {AppTenant: 60, Resource: 1},
		"readMessages":   {AppTenant: 20, Resource: 1},
		"postMessage":    {AppTenant: 50, Resource: 1, User: 1},
		"get":            {AppTenant: 30, Resource: 1, User: 1},
		"write":          {AppTenant: 30, Resource: 1, User: 1},
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

// allow counts a use and tells whether it is within the rate, the share of the burst that is used up, and when it would
// be allowed again.
func (l limiter) allow(key string, rate float64, now time.Time) (ok bool, used float64, retryAfter time.Duration) {
	burstWindow := time.Second
	burst := int(math.Floor(rate))
	if burst < 1 { // less than one per second: one in a longer window
		burst, burstWindow = 1, time.Duration(float64(time.Second)/rate)
	}
	window := max(sustainedWindow, burstWindow)
	most := max(1, int(rate*sustained*window.Seconds()))
	uses := l[key]
	for len(uses) > 0 && now.Sub(uses[0]) >= window {
		uses = uses[1:]
	}
	wait := time.Duration(0)
	if n := len(uses); n >= burst {
		wait = burstWindow - now.Sub(uses[n-burst])
	}
	if n := len(uses); n >= most {
		wait = max(wait, window-now.Sub(uses[n-most]))
	}
	uses = append(uses, now)
	if extra := len(uses) - max(most, burst); extra > 0 {
		uses = uses[extra:]
	}
	l[key] = append([]time.Time(nil), uses...)
	recent := 0
	for _, t := range uses {
		if now.Sub(t) < burstWindow {
			recent++
		}
	}
	used = float64(recent) / float64(burst)
	if wait <= 0 {
		return true, used, 0
	}
	// This refused use counts, too, so the next one is allowed when it has left the burst window.
	return false, used, max(wait, burstWindow)
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
	factor := conf.Factor
	if factor == 0 {
		factor = 1
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
		ok, used, after := c.sim.limits.allow(c.route.limit+" "+d.scope+" "+d.key, d.rate*factor, c.sim.opts.Now())
		if used > highest {
			highest = used
		}
		if !ok && after > wait {
			wait, scope = after, d.scope
		}
	}
	c.header.Set("x-ms-resource-unit", "1")
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

// resource is what the per-resource limit is for: the channel, else the team.
func (c *call) resource() string {
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

package gateway

import (
	"context"
	"time"
)

// Readiness tells those who start, stop and watch processes whether Causeway does its work. It is for anybody: of what is wrong it says where, and
// what in fixed words; `causeway status` tells the rest to those who may know.
type Readiness struct {
	// Ready: the store answers, and each account is connected, or parked, which waits for somebody to act and not for Causeway.
	Ready bool
	// Reasons are why it is not ready, or less than all works.
	Reasons []Reason
}

// Reason is something that does not work.
type Reason struct {
	Where string    `json:"where"`
	What  string    `json:"what"`
	Since time.Time `json:"since,omitzero"`
}

// storeTime is how long the store may take to answer.
const storeTime = 5 * time.Second

// Ready tells how ready it is. It asks no service.
func (g *Gateway) Ready(ctx context.Context) Readiness {
	r := Readiness{Ready: true, Reasons: []Reason{}}
	limited, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	failing := g.storing.now("", "")
	switch _, err := g.store.DataVersion(limited); {
	case failing != nil:
		r.not(Reason{"store", "cannot be written", failing.Since})
	case err != nil:
		r.not(Reason{Where: "store", What: "does not answer"})
	}
	for _, a := range g.setup.Load().order {
		s := a.status()
		switch where := "account " + string(s.Name); {
		case s.Connected:
		case s.Trouble == nil:
			r.not(Reason{Where: where, What: "is being connected"})
		default:
			r.Reasons = append(r.Reasons, Reason{where, "is parked", s.Trouble.Since})
		}
	}
	return r
}

func (r *Readiness) not(why Reason) {
	r.Ready = false
	r.Reasons = append(r.Reasons, why)
}

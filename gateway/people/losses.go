package people

import (
	"context"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Lost says that the store has somebody as lost now, as whom Causeway could act before. It returns at once; they are told.
func (p *People) Lost(bridge.ServerID, bridge.UserID, error) { p.changed() }

// lose stores that acting as somebody was refused, unless they have connected anew since that was tried, and has them told.
func (p *People) lose(ctx context.Context, who store.User, tried time.Time, why error) error {
	lost, err := p.o.Store.Lose(ctx, who.Server, who.User, tried, bridge.Cause(why))
	if lost {
		p.Lost(who.Server, who.User, why)
	}
	return err
}

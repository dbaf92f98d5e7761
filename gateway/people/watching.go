package people

import (
	"context"
	"time"
)

// watchEvery is how often the store is asked whether another process, such as `causeway people platform`, has changed it.
const watchEvery = 2 * time.Second

// watch is the duty that notices what other processes have changed.
func (p *People) watch(ctx context.Context) {
	seen, _ := p.o.Store.DataVersion(ctx)
	for pause(ctx, watchEvery) {
		now, err := p.o.Store.DataVersion(ctx)
		if err == nil && now != seen {
			seen = now
			p.changed()
		}
	}
}

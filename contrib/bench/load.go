package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// senders is how many people talk at once under load. Each says the next message when the service has taken the last one, so
// that the order of what one of them says is beyond doubt.
const senders = 4

// talk is one way through a program: say makes one of the people write into the conversation that it reads.
type talk struct {
	who   subject
	say   func(ctx context.Context, sender int, text string) error
	flows []*flow // all that was said this way
}

// rotated gives the programs in another order in each round, so that none always runs before or after another one.
func rotated[T any](all []T, round int) []T {
	at := round % len(all)
	return slices.Concat(all[at:], all[:at])
}

// sizes say how much is measured.
type sizes struct {
	rounds int
	rest   int           // messages at rest, each way
	burst  int           // messages said at once, to find where the search for the rate begins
	step   time.Duration // how long each step of that search lasts
	tries  int           // and how many there are at most
}

// rateTries is how many steps the search for the sustained rate has: from the first on, the last one halves what is open to some 3 %, which is less than a round differs
// from the next.
const rateTries = 6

// rest lets the programs take turns, message by message and in a new order each time, as what one does afterwards may slow the next one
// down. Each is said when the last one has arrived, after a short pause of random length, so that polling is met at any moment. It
// returns the flows in the order of the talks.
func rest(ctx context.Context, b *board, talks []*talk, n int, polled bool) ([]*flow, error) {
	flows := make([]*flow, len(talks))
	for i, t := range talks {
		flows[i] = b.open()
		flows[i].watch(polled)
		t.flows = append(t.flows, flows[i])
	}
	for k := range n {
		for _, i := range rand.Perm(len(talks)) {
			t := talks[i]
			if err := pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond)); err != nil {
				return nil, err
			}
			m := mark{flows[i].series, 0, k}
			flows[i].say(m)
			if err := t.say(ctx, 0, m.text()); err != nil {
				return nil, fmt.Errorf("saying something at rest: %w", err)
			}
			there, err := flows[i].await(ctx, 30*time.Second)
			if err != nil {
				return nil, err
			}
			if !there {
				return nil, fmt.Errorf("%s: message %d of %d at rest has not arrived within 30 s", t.who, k+1, n)
			}
		}
	}
	for _, f := range flows {
		f.watch(false)
	}
	return flows, nil
}

// load says messages at a rate, per second, for so long, and returns the rate that was attained: a service may be slower. Rate 0 is
// as fast as it goes, n messages in all.
func load(ctx context.Context, f *flow, t *talk, rate float64, d time.Duration, n int) (attained float64, err error) {
	var wait sync.WaitGroup
	errs := make([]error, senders)
	began := time.Now()
	for sender := range senders {
		wait.Go(func() { errs[sender] = one(ctx, f, t, sender, rate, began, d, n) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("saying much at once: %w", err)
	}
	_, said, _ := f.under()
	return float64(said) / max(time.Since(began), d).Seconds(), nil
}

// one is one of the senders. Whoever is late hurries, as people do not wait for each other either.
func one(ctx context.Context, f *flow, t *talk, sender int, rate float64, began time.Time, d time.Duration, n int) error {
	for k := 0; ; k++ {
		if rate > 0 {
			at := began.Add(time.Duration((float64(k*senders+sender) / rate) * float64(time.Second)))
			if at.Sub(began) >= d || time.Since(began) >= d {
				return nil
			}
			if err := pause(ctx, time.Until(at)); err != nil {
				return err
			}
		} else if k*senders+sender >= n {
			return nil
		}
		m := mark{f.series, sender, k}
		f.say(m)
		if err := t.say(ctx, sender, m.text()); err != nil {
			return err
		}
	}
}

// drained is how long nothing may arrive until the rest counts as lost, while the search for the rate goes on.
const drained = 5 * time.Second

// sustained searches the highest rate, per second, at which the backlog of a program does not grow. A burst tells where to
// begin. A service may end the connection of a program that is too slow, so again is called after each load, and told whether
// something was lost; it must see to it that the program carries.
func sustained(ctx context.Context, b *board, t *talk, z sizes, again func(lost bool)) (rate float64, err error) {
	f := b.open()
	t.flows = append(t.flows, f)
	if _, err := load(ctx, f, t, 0, 0, z.burst); err != nil {
		return 0, err
	}
	if err := f.drain(ctx, again); err != nil {
		return 0, err
	}
	start := f.throughput()
	if start == 0 {
		return 0, fmt.Errorf("%s: nothing of a burst has arrived", t.who)
	}
	return search(start, z.tries, func(rate float64) (float64, bool, error) { return holds(ctx, b, t, rate, z.step, again) })
}

// drain waits for what is under way, and then for the program.
func (f *flow) drain(ctx context.Context, again func(lost bool)) error {
	there, err := f.await(ctx, drained)
	if err == nil {
		again(!there)
	}
	return err
}

// search brackets the limit from start on in coarse steps and then halves the bracket; it returns the highest rate that was
// attained and held, 0 when none did. try returns the rate that was attained, and whether it held.
func search(start float64, tries int, try func(rate float64) (attained float64, held bool, err error)) (best float64, err error) {
	const coarse = 1.5
	low, high := 0.0, math.Inf(1) // held, did not
	rate := start
	for range tries {
		attained, held, err := try(rate)
		if err != nil {
			return 0, err
		}
		if held {
			low, best = rate, max(best, attained)
		} else {
			high = rate
		}
		switch {
		case held && attained < 0.95*rate: // the service takes no more
			return best, nil
		case math.IsInf(high, 1):
			rate = low * coarse
		case low == 0:
			rate = high / coarse
		default:
			rate = math.Sqrt(low * high)
		}
	}
	return best, nil
}

// holds tries a rate for a while. The backlog grows when at the end more is under way than after a third of the time, by more than a
// twentieth of what was said in between.
func holds(ctx context.Context, b *board, t *talk, rate float64, d time.Duration, again func(lost bool)) (attained float64, held bool, err error) {
	f := b.open()
	t.flows = append(t.flows, f)
	early := make(chan [2]int, 1)
	timer := time.AfterFunc(d/3, func() {
		way, said, _ := f.under()
		early <- [2]int{way, said}
	})
	defer timer.Stop()
	if attained, err = load(ctx, f, t, rate, d, 0); err != nil {
		return 0, false, err
	}
	way, said, _ := f.under()
	then := <-early
	if err := f.drain(ctx, again); err != nil {
		return 0, false, err
	}
	return attained, !grew(then[0], then[1], way, said), nil
}

// grew judges a backlog of way messages when said had been said, against what it was before.
func grew(wayBefore, saidBefore, way, said int) bool {
	allowed := max(senders, (said-saidBefore)/20)
	return way-wayBefore > allowed
}

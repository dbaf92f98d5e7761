package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// carrier is a program that needs some time for each message, one after the other, and may lose some.
type carrier struct {
	board *board
	each  time.Duration
	lose  func(mark) bool

	mu   sync.Mutex
	free time.Time
	wait sync.WaitGroup
}

func (c *carrier) say(_ context.Context, _ int, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.free.Before(now) {
		c.free = now
	}
	c.free = c.free.Add(c.each)
	at := c.free
	c.wait.Go(func() {
		time.Sleep(time.Until(at)) // fake time
		if m, _ := markOf(text); c.lose == nil || !c.lose(m) {
			c.board.seen(text, time.Now())
		}
	})
	return nil
}

func (c *carrier) talk() *talk { return &talk{who: causeway, say: c.say} }

func TestAtRestTheProgramsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		slow, fast := &carrier{board: b, each: 40 * time.Millisecond}, &carrier{board: b, each: 3 * time.Millisecond}
		flows, err := rest(t.Context(), b, []*talk{slow.talk(), fast.talk()}, 10, false)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{40, 3} {
			if got := flows[i].delays; len(got) != 10 || percentile(got, 1) != want || percentile(got, 99) != want {
				t.Errorf("delays of %d: %v", i, got)
			}
		}
	})
}

func TestAMessageThatIsLostAtRestIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := &carrier{board: b, each: time.Millisecond, lose: func(m mark) bool { return m.n == 3 }}
		if _, err := rest(t.Context(), b, []*talk{c.talk()}, 10, false); err == nil {
			t.Error("no error")
		}
	})
}

func TestTheSustainedRateIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := &carrier{board: b, each: 10 * time.Millisecond} // 100 a second
		got, err := sustained(t.Context(), b, c.talk(), sizes{burst: 50, step: 3 * time.Second, tries: 6}, func(lost bool) {
			if lost {
				t.Error("nothing was lost")
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if got < 90 || got > 110 {
			t.Errorf("found %v messages a second, it can 100", got)
		}
		c.wait.Wait()
	})
}

func TestAfterALossTheProgramIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := &carrier{board: b, each: 10 * time.Millisecond, lose: func(m mark) bool { return m.n == 3 }}
		again := 0
		if _, err := sustained(t.Context(), b, c.talk(), sizes{burst: 50, step: time.Second, tries: 2}, func(lost bool) {
			if lost {
				again++
			}
		}); err != nil {
			t.Fatal(err)
		}
		if again != 3 { // the burst and two steps
			t.Errorf("waited %d times for the program", again)
		}
		c.wait.Wait()
	})
}

func TestNobodyIsAlwaysTheFirst(t *testing.T) {
	all := []subject{causeway, bare, matterbridge}
	for round, want := range []subject{causeway, bare, matterbridge, causeway} {
		got := rotated(all, round)
		if got[0] != want || len(got) != 3 || !slices.Equal(slices.Sorted(slices.Values(got)), []subject{causeway, matterbridge, bare}) {
			t.Errorf("round %d: %v", round, got)
		}
	}
	if all[0] != causeway {
		t.Errorf("the programs themselves were rotated: %v", all)
	}
}

func TestSearchGoesUpOrDown(t *testing.T) {
	for limit, want := range map[float64][2]float64{100: {97, 100}, 260: {250, 260}, 31: {30, 31}} {
		got, err := search(100, 12, func(rate float64) (float64, bool, error) { return rate, rate <= limit, nil })
		if err != nil || got < want[0] || got > want[1] {
			t.Errorf("limit %v: %v, %v", limit, got, err)
		}
	}
	// Where no more than 120 can be said, there is no use in trying more.
	tried := 0
	got, err := search(110, 12, func(rate float64) (float64, bool, error) { tried++; return min(rate, 120), true, nil })
	if err != nil || got != 120 || tried != 2 { // 110, 165
		t.Errorf("a slow service: %v after %d tries, %v", got, tried, err)
	}
	if got, err := search(100, 3, func(rate float64) (float64, bool, error) { return rate, false, nil }); got != 0 || err != nil {
		t.Errorf("nothing holds: %v, %v", got, err)
	}
	broken := errors.New("broken")
	if _, err := search(100, 3, func(float64) (float64, bool, error) { return 0, false, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestGrew(t *testing.T) {
	for _, c := range []struct {
		wayBefore, saidBefore, way, said int
		want                             bool
	}{
		{3, 100, 3, 300, false},
		{3, 100, 12, 300, false}, // noise: nine of two hundred
		{3, 100, 15, 300, true},
		{0, 10, 5, 30, true},
		{50, 100, 10, 300, false},
	} {
		if got := grew(c.wayBefore, c.saidBefore, c.way, c.said); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestLoadKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		c := &carrier{board: b, each: time.Millisecond}
		f := b.open()
		attained, err := load(t.Context(), f, c.talk(), 50, 2*time.Second, 0)
		if err != nil || math.Abs(attained-50) > 1 {
			t.Errorf("attained %v, %v", attained, err)
		}
		if there, err := f.await(t.Context(), time.Minute); !there || err != nil {
			t.Errorf("there: %v, %v", there, err)
		}
		if got := count(f.marks(), nil); got.Said != 100 {
			t.Errorf("%v", got)
		}
	})
}

func TestAwaitGivesUpWhenNothingMoreComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		f := b.open()
		f.say(mark{f.series, 0, 0})
		f.say(mark{f.series, 0, 1})
		go func() {
			time.Sleep(900 * time.Millisecond)
			b.seen(mark{f.series, 0, 0}.text(), time.Now())
		}()
		began := time.Now()
		there, err := f.await(t.Context(), time.Second)
		if there || err != nil || time.Since(began) != 1900*time.Millisecond {
			t.Errorf("there %v, %v after %v", there, err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.await(ctx, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestDelaysFromTheAnswerThatShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		f := b.open()
		m := mark{f.series, 0, 0}
		f.say(m)
		time.Sleep(70 * time.Millisecond)
		b.answered([]byte(m.text()), time.Now()) // not watched yet
		f.watch(true)
		time.Sleep(10 * time.Millisecond)
		b.answered([]byte("… "+m.text()+" …"), time.Now())
		time.Sleep(4 * time.Millisecond)
		b.answered([]byte(m.text()), time.Now()) // again: the first one counts
		time.Sleep(time.Millisecond)
		b.seen(m.text(), time.Now())
		if len(f.delays) != 1 || f.delays[0] != 85 || len(f.polled) != 1 || f.polled[0] != 5 {
			t.Errorf("delays %v, polled %v", f.delays, f.polled)
		}
	})
}

func TestBurstRateCountsFromTheFirstWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		f := b.open()
		for n := range 10 {
			f.say(mark{f.series, 0, n})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		for n := range 10 { // all in one lump
			b.seen(mark{f.series, 0, n}.text(), time.Now())
		}
		if got := f.burstRate(); got != 5 {
			t.Errorf("%v messages a second", got)
		}
		if got := b.open().burstRate(); got != 0 {
			t.Errorf("of nothing: %v", got)
		}
	})
}

func TestRecoveryIsOfWhatWasSaidAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		f := b.open()
		m := func(n int) mark { return mark{f.series, 0, n} }
		f.say(m(0))
		f.say(m(1))
		time.Sleep(time.Second)
		disturbed := time.Now()
		time.Sleep(time.Second)
		b.seen(m(0).text(), time.Now()) // was said before
		if got := f.recovery(disturbed); got >= 0 {
			t.Errorf("recovered after %v, with nothing said", got)
		}
		f.say(m(2))
		f.say(m(3))
		time.Sleep(2 * time.Second)
		b.seen(m(2).text(), time.Now())
		time.Sleep(time.Second)
		b.seen(m(3).text(), time.Now())
		if got := f.recovery(disturbed); got != 3*time.Second {
			t.Errorf("recovered after %v", got)
		}
	})
}

package app

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressAfter is how long something must take for a bar to be worth showing.
const progressAfter = time.Second

// turnEvery is how often it is shown that something is still going on.
const turnEvery = 200 * time.Millisecond

// progress shows on the terminal how far something has come. Told takes that, as often as it is known; nil where nobody is watching. End takes the bar
// away again.
func (c *call) progress(doing string) (told func(done, all int64), end func()) {
	f, is := c.Stderr.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	return shownProgress(f, doing, time.Now)
}

// busy shows on the terminal that something is being done of which nobody knows how far it has come, until end is called.
func (c *call) busy(doing string) (end func()) {
	f, is := c.Stderr.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		timer := time.NewTimer(progressAfter)
		defer timer.Stop()
		select {
		case <-done:
			return
		case <-timer.C:
		}
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(doing), progressbar.OptionSetElapsedTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetSpinnerChangeInterval(0)) // by itself it would turn only once it has got on
		defer func() { _ = bar.Finish() }()
		turn := time.NewTicker(turnEvery)
		defer turn.Stop()
		for {
			_ = bar.RenderBlank()
			select {
			case <-done:
				return
			case <-turn.C:
			}
		}
	})
	return func() {
		close(done)
		showing.Wait()
	}
}

func shownProgress(w io.Writer, doing string, now func() time.Time) (told func(done, all int64), end func()) {
	var bar *progressbar.ProgressBar
	began := now()
	told = func(done, all int64) {
		if bar == nil && now().Sub(began) >= progressAfter {
			bar = progressbar.NewOptions64(all, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(doing), progressbar.OptionShowCount(),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		}
		if bar != nil {
			_ = bar.Set64(min(done, all))
		}
	}
	end = func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
	return told, end
}

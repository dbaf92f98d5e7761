package main

import (
	"runtime"
	"time"

	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
	"causeway/contrib/e2e/harness"
)

// partText is the part that measures conversions of texts.
const partText = "text"

// conversions converts texts as the bridges do, one after the other on one core.
func conversions(_ harness.TB, o options, r *Report) {
	rounds, during := o.rounds, time.Second
	if o.quick {
		rounds, during = 1, 10*time.Millisecond
	}
	for range rounds {
		for _, text := range richtexttest.AllMeasured(markdown.Parse) {
			md, ht := markdown.Render(text.Doc), html.Render(text.Doc)
			for _, way := range []struct {
				name    string
				convert func()
			}{
				{there, func() { html.Render(markdown.Parse(md)) }},
				{back, func() { markdown.Render(html.Parse(ht)) }},
			} {
				rate, allocations, allocated := converting(way.convert, during)
				name := text.Name + ", " + way.name
				r.add(partText, name, "conversions/s", causeway, rate)
				r.add(partText, name+", allocations", "per conversion", causeway, allocations)
				r.add(partText, name+", allocated", "KiB/conversion", causeway, allocated)
			}
		}
	}
	r.note("text: a conversion reads the one markup and writes the other, through the neutral form; on one core, beside nothing else.")
}

// converting measures for a while how often a second something can be done, and what is allocated each time.
func converting(convert func(), during time.Duration) (rate, allocations, kib float64) {
	convert() // what is made once is not counted
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, began := 0, time.Now()
	for ; time.Since(began) < during; n++ {
		convert()
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	times := float64(n)
	return times / took.Seconds(), float64(after.Mallocs-before.Mallocs) / times, float64(after.TotalAlloc-before.TotalAlloc) / times / 1024
}

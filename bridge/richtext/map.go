package richtext

import "slices"

// mapRuns gives doc with every run outside code blocks replaced by f, and leaves doc alone.
func (doc Doc) mapRuns(f func(Run) Run) Doc {
	return doc.mapLines(func(runs []Run) []Run {
		out := slices.Clone(runs)
		for i := range out {
			if !out[i].Break {
				out[i] = f(out[i])
			}
		}
		return out
	})
}

// mapLines gives doc with the runs of every paragraph, heading and cell replaced by f, and leaves doc alone.
func (doc Doc) mapLines(f func([]Run) []Run) Doc {
	if doc == nil {
		return nil
	}
	out := slices.Clone(doc)
	for i := range out {
		b := &out[i]
		b.Runs, b.Blocks, b.Items, b.Rows = f(b.Runs), b.Blocks.mapLines(f), slices.Clone(b.Items), slices.Clone(b.Rows)
		for j := range b.Items {
			b.Items[j] = b.Items[j].mapLines(f)
		}
		for j := range b.Rows {
			b.Rows[j] = slices.Clone(b.Rows[j])
			for k := range b.Rows[j] {
				b.Rows[j][k] = f(b.Rows[j][k])
			}
		}
	}
	return out
}

// anyRun tells whether is holds of a run of doc.
func (doc Doc) anyRun(is func(Run) bool) bool {
	for _, b := range doc {
		if slices.ContainsFunc(b.Runs, is) || b.Blocks.anyRun(is) {
			return true
		}
		for _, item := range b.Items {
			if item.anyRun(is) {
				return true
			}
		}
		for _, row := range b.Rows {
			for _, cell := range row {
				if slices.ContainsFunc(cell, is) {
					return true
				}
			}
		}
	}
	return false
}

// MapText gives doc with f applied to the text of every literal run outside code, and leaves doc alone. It is for what
// only one service knows, as ":smile:" on Mattermost. Normalize first: a name may lie in several runs before.
func (doc Doc) MapText(f func(text string) string) Doc {
	return doc.mapRuns(func(r Run) Run {
		if r.Style&InlineCode == 0 && r.Text != r.Link && r.Kind == Literal {
			r.Text = f(r.Text)
		}
		return r
	})
}

// Reduced gives the canonical form of doc for a service that knows none of these styles, and only those mentions, emoji and
// images for which keeps says true: the others are names, words and links.
func (doc Doc) Reduced(styles Style, keeps func(Run) bool) Doc {
	doc = Normalize(doc)
	gone := func(r Run) bool { return r.Kind != Literal && !keeps(r) }
	if doc.anyRun(gone) {
		doc = Normalize(doc.mapRuns(func(r Run) Run {
			if gone(r) {
				r.Kind, r.Who = Literal, ""
			}
			return r
		}))
	}
	// One after the other: bare addresses are found run by run, so the order decides which are.
	if doc.anyRun(func(r Run) bool { return r.Style&styles != 0 }) {
		doc = Normalize(doc.mapRuns(func(r Run) Run { r.Style &^= styles; return r }))
	}
	return doc
}

// Without gives the canonical form of doc in which no run has any of the styles.
func (doc Doc) Without(styles Style) Doc { return doc.Reduced(styles, func(Run) bool { return true }) }

// Literal gives the canonical form of doc in which mentions are names, emoji are words and images are links.
func (doc Doc) Literal() Doc { return doc.Reduced(0, func(Run) bool { return false }) }

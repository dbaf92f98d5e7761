package richtext

import "slices"

// Links gives where the words of doc lead, each address once, in the order in which they come first.
func (doc Doc) Links() []string {
	var all []string
	doc.anyRun(func(r Run) bool {
		if r.Link != "" && r.Kind == Literal && !slices.Contains(all, r.Link) {
			all = append(all, r.Link)
		}
		return false
	})
	return all
}

// MapLinks gives the canonical form of doc with f applied to where its words lead, and leaves doc alone; an address that stands there itself changes,
// too. Those for which f gives "" stay. A doc in which nothing changes is given as it is.
func (doc Doc) MapLinks(f func(address string) string) Doc {
	changes := map[string]string{}
	for _, address := range doc.Links() {
		if other := f(address); other != "" && other != address {
			changes[address] = other
		}
	}
	if len(changes) == 0 {
		return doc
	}
	return Normalize(doc.mapRuns(func(r Run) Run {
		if other := changes[r.Link]; other != "" && r.Kind == Literal {
			if r.Text == r.Link {
				r.Text = other
			}
			r.Link = other
		}
		return r
	}))
}

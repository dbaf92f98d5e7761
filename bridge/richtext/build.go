package richtext

// Prepend gives doc with runs at the start of its first paragraph, or as a paragraph of their own where doc begins
// with anything else. doc is left alone.
func Prepend(doc Doc, runs ...Run) Doc {
	out := make(Doc, 0, len(doc)+1)
	first := Block{Kind: Paragraph, Runs: append([]Run(nil), runs...)}
	if len(doc) > 0 && doc[0].Kind == Paragraph {
		first.Runs = append(first.Runs, doc[0].Runs...)
		doc = doc[1:]
	}
	return append(append(out, first), doc...)
}

// Quoting gives a quote of what author said: the name in bold, then the excerpt.
func Quoting(author string, excerpt Doc) Block {
	return Block{Kind: Quote, Blocks: Prepend(excerpt, Run{Text: Line(author), Style: Bold}, Run{Text: ": "})}
}

// Importance is how much attention the author of a message asks for.
type Importance int

// The importances, by the names that Teams has for them; Mattermost calls Important "important", too.
const (
	Normal Importance = iota
	Important
	Urgent
)

// markers are what stands above a text that is more important than others.
var markers = map[Importance]string{Important: "❗ Important", Urgent: "‼️ Urgent"}

func (i Importance) line() Doc {
	return Doc{{Kind: Paragraph, Runs: []Run{{Text: markers[i], Style: Bold}}}}
}

// Marked gives doc under a line that says how important it is; doc itself when it is as important as others, or has that line. Where a service
// has a word of its own for that, the line is written as it, see [Unmarked].
func Marked(doc Doc, importance Importance) Doc {
	if markers[importance] == "" {
		return doc
	}
	if _, already := Unmarked(doc); already == importance {
		return doc
	}
	return append(importance.line(), doc...)
}

// Unmarked takes off the line that Marked puts above a text, and gives what it says.
func Unmarked(doc Doc) (Doc, Importance) {
	if len(doc) == 0 || doc[0].Kind != Paragraph || len(doc[0].Runs) == 0 || doc[0].Runs[0].Style != Bold {
		return doc, Normal
	}
	hash := doc[:1].Hash()
	for _, importance := range []Importance{Important, Urgent} {
		if hash == importance.line().Hash() {
			return doc[1:], importance
		}
	}
	return doc, Normal
}

// Excerpt gives the beginning of doc, about n characters of text at most, with "…" where something was left out; for
// quoting and for telling which message is meant.
func (doc Doc) Excerpt(n int) Doc {
	doc = Normalize(doc)
	n = max(n, 1)
	if weigh(doc) <= n+1 {
		return doc
	}
	head := Normalize(take(doc, snap(doc, n)))
	last := lastRuns(head)
	if last == nil {
		return append(head, Block{Kind: Paragraph, Runs: []Run{{Text: "…"}}})
	}
	*last = append(*last, Run{Text: " …"})
	return head
}

// lastRuns gives the runs at whose end doc ends; nil when it ends with anything else.
func lastRuns(doc Doc) *[]Run {
	if len(doc) == 0 {
		return nil
	}
	switch last := &doc[len(doc)-1]; last.Kind {
	case Paragraph, Heading:
		return &last.Runs
	case Quote:
		return lastRuns(last.Blocks)
	case List:
		return lastRuns(last.Items[len(last.Items)-1])
	case Table:
		row := last.Rows[len(last.Rows)-1]
		if len(row) > 0 {
			return &row[len(row)-1]
		}
	}
	return nil
}

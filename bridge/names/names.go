// Package names tells apart the names of people that look alike. A relay shows authors from elsewhere by their names among those who are members there,
// and anybody may call themselves what a member is called, or nearly so: with a small l for a large i, or with letters of another alphabet that share their
// shapes (UTS #39). Which members there are is for the service to find out; what their names have in common with an author's, and how the author is
// shown then, is the same everywhere and stands here.
package names

import (
	"slices"
	"strings"
	"unicode"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.mau.fi/util/confusable"
	"golang.org/x/text/cases"
	textrunes "golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"causeway/bridge"
)

// Unadorned gives a name in letters without case, width and accents, without characters that are not shown, white space as one space.
func Unadorned(name string) string {
	bare := transform.Chain(norm.NFKD, textrunes.Remove(textrunes.In(unicode.Mn)), textrunes.Remove(textrunes.In(unicode.Cf)), cases.Fold(), norm.NFKC)
	out, _, err := transform.String(bare, name)
	if err != nil {
		out = strings.ToLower(name)
	}
	return strings.Join(strings.Fields(out), " ")
}

// Of the latest names that somebody was shown under the shapes are remembered: who has said something says more, and finding a shape was a fifth of the CPU time
// of a post and a quarter of all memory that was allocated. Names that are longer than people's are not kept.
const (
	shapesKept  = 4096
	longestKept = 256 // bytes
)

var shapes = func() *lru.Cache[string, string] {
	kept, err := lru.New[string, string](shapesKept)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return kept
}()

// Shape is what two names share that people cannot tell apart at a glance: what Unadorned gives, in the shapes of its letters, whatever alphabet they are of
// (UTS #39). A small l, a large i and a one are one shape. It is empty where nothing of the name is shown.
func Shape(name string) string {
	if shape, known := shapes.Get(name); known {
		return shape
	}
	shape := strings.ReplaceAll(Unadorned(confusable.Skeleton(Unadorned(name))), "i", "l")
	if len(name) <= longestKept {
		shapes.Add(strings.Clone(name), shape)
	}
	return shape
}

// Mixed says whether a word of a name has letters of several alphabets that share shapes. Nobody is called that, but who wants to look like somebody.
func Mixed(name string) bool {
	return slices.ContainsFunc(strings.Fields(name), func(word string) bool {
		alphabets := 0
		for _, alphabet := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(alphabet, r) }) {
				alphabets++
			}
		}
		return alphabets > 1
	})
}

// Apart is how an author is shown whose name could be taken for a member's: with where they come from behind it. here is the protocol of the
// service that shows it, and ours tells by its form whether an id is of that protocol.
func Apart(author bridge.Author, here string, ours func(bridge.UserID) bool) string {
	return author.Name + " (" + elsewhere(author, here, ours, bridge.Protocols()) + ")"
}

// elsewhere says where an author comes from: another server of this protocol, whose ids are known by their form; the one other service that this
// program knows; else just somewhere else.
func elsewhere(author bridge.Author, here string, ours func(bridge.UserID) bool, known []bridge.Protocol) string {
	var others []string
	for _, p := range known {
		if p.Name != here {
			others = append(others, p.Title)
		} else if ours(author.ID) {
			return p.Title
		}
	}
	if len(others) == 1 && author.ID != "" {
		return others[0]
	}
	return "elsewhere"
}

package gateway

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// piece is what one post of a message shows.
type piece struct {
	text  richtext.Doc
	files []bridge.File
}

// hash tells whether a part shows what it should.
func (p piece) hash() string {
	if len(p.files) == 0 {
		return hashOf(p.text)
	}
	h := sha256.New()
	h.Write([]byte(hashOf(p.text)))
	for _, f := range p.files {
		fmt.Fprintf(h, "\x00%s", f.ID)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

func hashOf(text richtext.Doc) string {
	raw, _ := json.Marshal(text) // plain data: cannot fail
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// pieces splits a draft into what single posts show. Files stand in the first ones; more than fit go on in further posts.
func (p planner) pieces(d bridge.Draft) []piece {
	var all []piece
	for _, text := range p.place.account.Bridge.Parts(d) {
		all = append(all, piece{text: text})
	}
	most := p.capabilities().FilesPerPost
	if most <= 0 {
		most = len(d.Files)
	}
	for n, files := 0, d.Files; len(files) > 0; n++ {
		here := min(most, len(files))
		if n == len(all) {
			all = append(all, piece{})
		}
		all[n].files, files = files[:here:here], files[here:]
	}
	return all
}

// policy says which files go from the message's origin to here.
func (p planner) policy(w *store.Work) FilePolicy {
	if origin := p.gateway.table.Load().at(w.Message.Origin); origin != nil {
		return origin.files[w.Conversation]
	}
	return FilePolicy{}
}

// carry gives the step that brings a file here which the message has, or notes that it does not cross; Settled: all that can be here is.
func (p planner) carry(w *store.Work) store.Step {
	policy := p.policy(w)
	if !p.capabilities().Files || policy.Mode == LinkFiles {
		return store.Step{}
	}
	as := w.As
	if first, posted := partOf(w, 0); posted {
		if as = first.Writer; !first.Able {
			return store.Step{}
		}
	}
	var beside []bridge.File
	for n, origin := range w.Message.Body.Files {
		if most := p.capabilities().FilesPerPost; most > 0 && n%most == 0 {
			beside = nil
		}
		f, known := fileOf(w, origin.ID)
		switch {
		case known && f.State == store.FileThere && f.Writer == as:
			beside = append(beside, f.Here)
			continue
		case known && f.State == store.FileLeft:
			continue
		case !known || f.State == store.FileThere || f.Writer != as:
			f = store.File{Origin: origin, Writer: as}
		}
		f.Origin.Name, f.Origin.URL = origin.Name, origin.URL
		if why := policy.refuses(f.Origin); why != "" {
			f.Reason = why
			return store.Step{Op: store.Leave, File: f}
		}
		return store.Step{Op: store.Carry, File: f, As: as, Beside: beside}
	}
	return store.Step{}
}

// fileOf gives what is known here of a file of the message.
func fileOf(w *store.Work, id string) (store.File, bool) {
	for _, f := range w.Files {
		if f.Origin.ID == id && f.State != store.FileLeaving {
			return f, true
		}
	}
	return store.File{}, false
}

// showFiles gives a draft the files that are here, and a line for each of the others.
func (p planner) showFiles(w *store.Work, d *bridge.Draft) {
	lines := slices.Clone(d.Text)
	for _, origin := range w.Message.Body.Files {
		switch f, _ := fileOf(w, origin.ID); f.State {
		case store.FileThere:
			d.Files = append(d.Files, f.Here)
		case store.FileLeft:
			origin.Size = max(origin.Size, f.Origin.Size)
			if p.policy(w).Mode == NoFiles {
				origin.URL = ""
			}
			lines = append(lines, fileLine(origin, f.Reason))
		default: // it is not carried here, by the config or as the message itself is not
			policy, why := p.policy(w), ""
			if policy.Mode == NoFiles {
				origin.URL = ""
			}
			if policy.Mode != LinkFiles {
				why = policy.refuses(origin)
			}
			lines = append(lines, fileLine(origin, why))
		}
	}
	d.Text = lines
}

// discard gives the step that removes a copied file which is not shown any more. Who has uploaded it does that, where Causeway can act
// as them.
func discard(w *store.Work, shown []bridge.File) store.Step {
	for _, f := range w.Files {
		stays := f.State != store.FileLeaving && slices.ContainsFunc(shown, func(s bridge.File) bool { return s.ID == f.Origin.ID })
		if stays || f.State == store.FileLeft && !w.Message.Deleted {
			continue
		}
		step := store.Step{Op: store.Discard, File: f}
		if f.Able {
			step.As = f.Writer
		}
		return step
	}
	return store.Step{}
}

// fileLine stands for a file that does not cross.
func fileLine(f bridge.File, reason string) richtext.Block {
	end := ""
	if f.Size >= 0 {
		end = " (" + fileSize(f.Size) + ")"
	}
	if reason != "" {
		end += ": " + reason
	}
	return richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: fileMark}, {Text: richtext.FileName(f.Name), Link: f.URL}, {Text: end}}}
}

func fileSize(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	units, size := "kMGT", float64(n)/1000
	for size >= 1000 && len(units) > 1 {
		units, size = units[1:], size/1000
	}
	return fmt.Sprintf("%.1f %cB", size, units[0])
}

// crossed is a reason for people, or one that says nothing more.
func crossed(reason string) string { return cmp.Or(reason, "it could not be copied") }

package bridgetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"causeway/bridge"
)

// Attachment is a file as people attach and see it.
type Attachment struct {
	Name, Type string
	Data       []byte
}

var needFiles = need(func(f Features) bool { return f.NoFiles }, "attach files")

// fileLaws: files arrive as they were.
var fileLaws = []Law{
	{Name: "files that people attach are reported and read from any byte on", needs: needFiles, prove: filesAreRead},
	{Name: "uploaded files are seen whole in the post that shows them", needs: needFiles, prove: uploadsAreSeen},
	{Name: "an upload that was cut goes on where it was", needs: needFiles, prove: uploadGoesOn},
	{Name: "a file that is too large is Rejected before it is read", needs: needFiles, prove: tooLargeIsRejected},
	{Name: "an edit shows just its files", needs: needFiles, prove: editShowsFiles},
	{Name: "copied files go with their post", needs: needFiles, prove: filesGo},
	{Name: "a file uploaded as a person is shown in their post", needs: needPeople, prove: filesOfPeople},
}

// content makes bytes of which no two blocks are alike.
func content(size int, seed byte) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i>>12) ^ byte(i*13) ^ seed
	}
	return data
}

// picture is the smallest PNG.
var picture = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82")

// sending makes a bridge that can send files, or leaves the law out.
func (w *world) sending() Place {
	w.Helper()
	p := w.Place()
	w.connect()
	if !w.bridge.Capabilities().Files {
		w.Skip("this service's accounts cannot send files")
	}
	return p
}

// source is a file at its origin, elsewhere. Reading it fails once at cut, when that is not 0.
type source struct {
	Attachment
	members []bridge.UserID
	cut     int64
	resume  string
	offsets []int64
}

var errCut = errors.New("the file was cut off at its origin")

func (s *source) open(_ context.Context, offset int64) (io.ReadCloser, error) {
	s.offsets = append(s.offsets, offset)
	data := bytes.NewReader(s.Data[offset:])
	if s.cut == 0 {
		return io.NopCloser(data), nil
	}
	n := s.cut - offset
	s.cut = 0
	return io.NopCloser(io.MultiReader(io.LimitReader(data, n), failing{})), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

// attempt makes one attempt to upload a source.
func (w *world) attempt(p Place, as bridge.UserID, s *source, beside ...bridge.File) (f bridge.File, err error) {
	err = w.write(func(ctx context.Context) error {
		f, err = w.bridge.Upload(ctx, bridge.Upload{
			Conversation: p.ID, As: as, Members: s.members, Beside: beside, Open: s.open, Resume: s.resume,
			File:     bridge.File{ID: "elsewhere-" + s.Name, Name: s.Name, Size: int64(len(s.Data)), Type: s.Type, URL: "https://elsewhere.example/file"},
			Progress: func(_ context.Context, resume string) error { s.resume = resume; return nil },
		})
		return err
	})
	return f, err
}

// upload carries files, which must succeed.
func (w *world) upload(p Place, as bridge.UserID, all ...Attachment) []bridge.File {
	w.Helper()
	var files []bridge.File
	for _, a := range all {
		f, err := w.attempt(p, as, &source{Attachment: a}, files...)
		if err != nil {
			w.Fatalf("Upload of %s: %v", a.Name, err)
		}
		files = append(files, f)
	}
	return files
}

// showing gives a draft with files that have been uploaded.
func (w *world) showing(d bridge.Draft, files []bridge.File, all ...Attachment) bridge.Draft {
	d.Files = files
	d.Open = func(_ context.Context, f bridge.File) (io.ReadCloser, error) {
		for n := range files {
			if files[n].ID == f.ID {
				return io.NopCloser(bytes.NewReader(all[n].Data)), nil
			}
		}
		return nil, &bridge.Error{Kind: bridge.Gone, Err: errors.New("no such file in the draft")}
	}
	return d
}

// sees waits until people see just these files, in any order, in the first message of a place.
func (w *world) sees(p Place, want ...Attachment) {
	w.Helper()
	w.eventually("people see the files", func() string {
		all := w.Messages(p.ID)
		if len(all) == 0 {
			return "they see no message"
		}
		got, want := sorted(all[0].Files), sorted(want)
		if len(got) != len(want) {
			return fmt.Sprintf("they see %d files, want %d", len(got), len(want))
		}
		for n := range want {
			if got[n].Name != want[n].Name || !bytes.Equal(got[n].Data, want[n].Data) {
				return fmt.Sprintf("they see %q of %d bytes, want %q of %d", got[n].Name, len(got[n].Data), want[n].Name, len(want[n].Data))
			}
		}
		return ""
	})
}

func sorted(all []Attachment) []Attachment {
	return slices.SortedFunc(slices.Values(all), func(a, b Attachment) int { return cmp.Compare(a.Name, b.Name) })
}

func filesAreRead(w *world) {
	p := w.Place()
	w.start(p)
	want := []Attachment{{"notes.txt", "text/plain", content(70_000, 1)}, {"größer & mehr.png", "image/png", picture}}
	id := w.SayFiles(p.ID, Alice, "see these", want...)
	var files []bridge.File
	w.arrives(p, id, func(s bridge.State) string {
		if files = s.Files; len(files) != len(want) {
			return fmt.Sprintf("it has %d files, want %d", len(files), len(want))
		}
		return ""
	})
	slices.SortFunc(files, func(a, b bridge.File) int { return cmp.Compare(a.Name, b.Name) })
	for n, a := range sorted(want) {
		f := files[n]
		if f.Name != a.Name || f.Size >= 0 && f.Size != int64(len(a.Data)) {
			w.Errorf("%q of %d bytes is reported as %q of %d", a.Name, len(a.Data), f.Name, f.Size)
		}
		for _, offset := range []int{0, 1, len(a.Data) / 2, len(a.Data) - 1} {
			got, size, err := w.reads(p, f, int64(offset))
			if err != nil || size != int64(len(a.Data)) || !bytes.Equal(got, a.Data[offset:]) {
				w.Errorf("%q from byte %d on: %d bytes of %d (%v), want %d of %d", a.Name, offset, len(got), size, err, len(a.Data)-offset, len(a.Data))
			}
		}
	}
	lost := files[0]
	lost.ID += "x"
	_, _, err := w.reads(p, lost, 0)
	w.kind("Open of a file that does not exist", err, bridge.Gone)
}

// reads gives a file from a byte on, and how large all of it is.
func (w *world) reads(p Place, f bridge.File, offset int64) ([]byte, int64, error) {
	ctx, cancel := w.limit()
	defer cancel()
	body, known, err := w.bridge.Open(ctx, p.ID, f, offset)
	if w.note(err) != nil {
		return nil, 0, err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	return data, known.Size, w.note(err)
}

func uploadsAreSeen(w *world) {
	p := w.sending()
	want := []Attachment{{"report.pdf", "application/pdf", content(300_000, 2)}, {"shot.png", "image/png", picture}, {"a:b*c?.txt", "text/plain", []byte("odd name")}}
	files := w.upload(p, "", want...)
	if seen := w.Messages(p.ID); len(seen) > 0 {
		w.Errorf("people see %+v before anything was posted", seen)
	}
	w.post(w.showing(w.draft(p, "with files"), files, want...))
	shown := slices.Clone(want)
	shown[2].Name = files[2].Name // services that do not take such names change them
	w.sees(p, shown...)
	twin := w.upload(p, "", want[0]) // the same name again is another file
	w.post(w.showing(w.draft(p, ""), twin, want[0]))
	w.eventually("people see both", func() string {
		all := w.Messages(p.ID)
		if len(all) != 2 || len(all[1].Files) != 1 || !bytes.Equal(all[1].Files[0].Data, want[0].Data) {
			return fmt.Sprintf("they see %d messages", len(all))
		}
		return ""
	})
	w.sees(p, shown...)
}

func uploadGoesOn(w *world) {
	p := w.sending()
	const size = 13 << 20
	s := &source{Attachment: Attachment{"large.bin", "application/octet-stream", content(size, 3)}, cut: size - 1<<20}
	_, err := w.attempt(p, "", s)
	if !errors.Is(err, errCut) {
		w.Fatalf("Upload of a file that was cut: %v, want its error", err)
	}
	if s.resume == "" {
		w.Fatal("nothing was stored by Progress")
	}
	w.stop() // a crash, and a new start
	w.connect()
	s.offsets = nil
	f, err := w.attempt(p, "", s)
	w.must("Upload", err)
	if len(s.offsets) == 0 || s.offsets[0] == 0 {
		w.Errorf("it was read from %v on, want from where it was cut", s.offsets)
	}
	w.post(w.showing(w.draft(p, "large"), []bridge.File{f}, s.Attachment))
	w.sees(p, s.Attachment)
	if len(w.Messages(p.ID)) != 1 {
		w.Errorf("people see %d messages", len(w.Messages(p.ID)))
	}
}

func tooLargeIsRejected(w *world) {
	p := w.sending()
	err := w.write(func(ctx context.Context) error {
		_, err := w.bridge.Upload(ctx, bridge.Upload{
			Conversation: p.ID, File: bridge.File{ID: "elsewhere", Name: "all.bin", Size: 1 << 50},
			Open: func(context.Context, int64) (io.ReadCloser, error) {
				w.complain("a file of a petabyte was read")
				return nil, errCut
			},
			Progress: func(context.Context, string) error { return nil },
		})
		return err
	})
	w.kind("Upload of a petabyte", err, bridge.Rejected)
	if bridge.HintOf(err) == "" {
		w.Errorf("%v does not say why in words for people", err)
	}
}

func editShowsFiles(w *world) {
	p := w.sending()
	if !w.bridge.Capabilities().Edit {
		w.Skip("this service cannot edit")
	}
	one, two := Attachment{"one.txt", "text/plain", []byte("one")}, Attachment{"two.png", "image/png", picture}
	files := w.upload(p, "", one)
	d := w.showing(w.draft(p, "first"), files, one)
	id := w.post(d)
	w.sees(p, one)
	files = append(files, w.upload(p, "", two)...)
	for range 2 {
		w.must("Edit", w.edit(id, w.showing(d, files, one, two)))
		w.sees(p, one, two)
	}
	w.must("Edit", w.edit(id, w.showing(d, files[1:], two)))
	w.sees(p, two)
	w.must("Edit", w.edit(id, w.showing(d, nil)))
	w.sees(p)
	w.shows(p, "first")
}

func filesGo(w *world) {
	p := w.sending()
	can := w.bridge.Capabilities()
	if !can.Delete {
		w.Skip("this service cannot delete")
	}
	file, other := Attachment{"gone.txt", "text/plain", []byte("soon gone")}, Attachment{"stays.txt", "text/plain", []byte("stays")}
	files, others := w.upload(p, "", file), w.upload(p, "", other)
	w.post(w.showing(w.draft(p, "stays"), others, other))
	id := w.post(w.showing(w.draft(p, "goes"), files, file))
	w.must("Delete", w.remove(p, id))
	removes := func() error {
		return w.write(func(ctx context.Context) error { return w.bridge.RemoveFile(ctx, p.ID, "", files[0]) })
	}
	if can.RemoveFiles {
		w.must("RemoveFile", removes())
		w.kind("RemoveFile again", removes(), bridge.Gone)
	}
	w.eventually("the file is gone", func() string {
		if w.FileThere(p.ID, files[0]) {
			return "it is there"
		}
		return ""
	})
	if !w.FileThere(p.ID, others[0]) {
		w.Error("a file of another post is gone, too")
	}
	w.sees(p, other)
}

func filesOfPeople(w *world) {
	p := w.persons(false, Alice)
	if !w.bridge.Capabilities().Files {
		w.Skip("this service's accounts cannot send files")
	}
	file := Attachment{"hers.txt", "text/plain", []byte("hers")}
	alice := w.Person(Alice)
	files := w.upload(p, alice.ID, file)
	w.post(w.showing(w.as(p, Alice, "mine"), files, file))
	w.sees(p, file)
	if seen := w.Messages(p.ID)[0]; seen.Author != alice.Name {
		w.Errorf("it is shown as %q's, want %q's", seen.Author, alice.Name)
	}
	w.RevokePerson(Alice)
	_, err := w.attempt(p, alice.ID, &source{Attachment: file})
	w.kind("Upload as somebody whose grant is lost", err, bridge.Unauthorised)
	if bridge.ScopeOf(err) != bridge.ScopePerson {
		w.Errorf("%v is not about the person", err)
	}
	w.upload(p, "", file) // nobody else is stopped
}

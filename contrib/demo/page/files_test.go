package page_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"causeway/contrib/demo/town"
)

// picture gives a PNG.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fetch downloads a file that a message shows.
func (v *visitor) fetch(m town.View, f town.File) (kind, disposition string, data []byte) {
	v.t.Helper()
	q := url.Values{"side": {strconv.Itoa(int(m.Place))}, "conversation": {m.Conversation}, "message": {m.ID}, "file": {f.ID}}
	answer, err := v.client.Get(v.origin + "/api/file?" + q.Encode())
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	if data, err = io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		v.t.Fatalf("fetching %s: %s %v %s", f.Name, answer.Status, err, data)
	}
	return answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition"), data
}

// TestFilesCross attaches a picture and a page of HTML on either side, with and without words, and fetches both from the other.
func TestFilesCross(t *testing.T) {
	v := visit(t)
	page, pixels := []byte("<script>alert(1)</script>"), picture(t)
	for side, texts := range [2][]string{{"two files", ""}, {"<p>two files</p>", ""}} {
		for i, text := range texts {
			number := strconv.Itoa(2*side + i) // the services rename what is there already
			attached := []map[string]any{{"name": "plan" + number + ".html", "data": page}, {"name": "sketch" + number + ".png", "data": pixels}}
			id := v.act("/api/say", v.as(town.Place(side), 0, map[string]any{"text": text, "files": attached}))
			v.looks(town.Place(side), id, "the files have crossed", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
			v.mu.Lock()
			own := v.messages[side][id]
			both := []town.View{own, v.messages[1-side][own.Twin]}
			v.mu.Unlock()
			for _, m := range both {
				if len(m.Files) != 2 {
					t.Fatalf("side %d shows %+v, want two files", m.Place, m.Files)
				}
				for _, f := range m.Files {
					kind, disposition, data := v.fetch(m, f)
					want, wantKind := page, "application/octet-stream"
					if f.Picture {
						want, wantKind = pixels, "image/png"
					}
					if !bytes.Equal(data, want) || kind != wantKind || disposition != "attachment; filename="+f.Name {
						t.Errorf("side %d, %+v: %s, %s, %q", m.Place, f, kind, disposition, data)
					}
				}
			}
			v.act("/api/edit", v.as(town.Place(side), 0, map[string]any{"id": id, "text": "edited"}))
			v.looks(town.Place(side), id, "an edit leaves the files", func(m town.View) bool {
				return m.Edited && m.State == town.Settled && len(m.Files) == 2 && len(v.messages[1-side][m.Twin].Files) == 2
			})
		}
	}
}

// TestFilesThatAreNotTaken: what is too much, or not there.
func TestFilesThatAreNotTaken(t *testing.T) {
	v := visit(t)
	small := map[string]any{"name": "a.txt", "data": []byte("a")}
	for name, files := range map[string][]map[string]any{
		"one too many": {small, small, small, small, small, small},
		"empty":        {{"name": "a.txt", "data": []byte{}}},
		"without name": {{"data": []byte("a")}},
		"too large":    {{"name": "a.txt", "data": make([]byte, town.MaxFile+1)}},
	} {
		status, text := v.send("/api/say", v.as(town.Left, 0, map[string]any{"text": "with files", "files": files}))
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s, want %d", name, status, text, http.StatusUnprocessableEntity)
		}
	}
	for _, query := range []string{"", "?side=2", "?side=0&file=x", "?side=1&conversation=" + url.QueryEscape(v.places[1][0].ID) + "&message=1&file=0"} {
		answer, err := v.client.Get(v.origin + "/api/file" + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode < 400 || answer.StatusCode > 499 {
			t.Errorf("a file that is not there (%s): %s, want 4xx", query, answer.Status)
		}
	}
}

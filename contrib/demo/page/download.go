package page

import (
	"bytes"
	"cmp"
	"errors"
	"mime"
	"net/http"
	"time"

	"causeway/contrib/demo/town"
)

// download gives a file of a message. Pictures alone are named as what they are, so that the page can show them; no browser runs or shows
// anything else that somebody has attached.
func (p *Page) download(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	side := map[string]town.Place{"0": town.Left, "1": town.Right}
	where, ok := side[q.Get("side")]
	if !ok {
		http.Error(w, "there are two sides, 0 and 1", http.StatusBadRequest)
		return
	}
	f, err := p.stage.Town.Side(where).Fetch(r.Context(), q.Get("conversation"), q.Get("message"), q.Get("file"))
	switch {
	case errors.Is(err, town.ErrNobody), errors.Is(err, town.ErrNoFile):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(town.PictureType(f.Data), "application/octet-stream"))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Data))
}

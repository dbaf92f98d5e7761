package page

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"causeway/contrib/demo/stage"
	"causeway/contrib/demo/town"
)

const (
	// maxBody is the largest body of a request. A config is the longest thing that comes.
	maxBody = 64 << 10
	// maxSaid is the same of what is said, with files in base 64.
	maxSaid = maxBody + town.MaxFiles*town.MaxFile/3*4
)

// act is what a request to do something may hold; each kind uses some of it.
type act struct {
	Side         town.Place    `json:"side"`
	Person       string        `json:"person"`
	People       []string      `json:"people"`
	Conversation string        `json:"conversation"`
	ID           string        `json:"id"`
	Root         string        `json:"root"`
	Text         string        `json:"text"`
	Mentions     []string      `json:"mentions"`
	Emoji        string        `json:"emoji"`
	On           bool          `json:"on"`
	Name         string        `json:"name"`
	Count        int           `json:"count"`
	Restart      bool          `json:"restart"`
	Files        []town.Upload `json:"files"`
}

func (a act) draft() town.Draft {
	return town.Draft{Person: a.Person, Conversation: a.Conversation, Root: a.Root, Text: a.Text, Mentions: a.Mentions, Files: a.Files}
}

// decode reads what is to be done; when it cannot, or it is too early for it, it has answered.
func (p *Page) decode(w http.ResponseWriter, r *http.Request) (a act, ok bool) {
	return p.decodeUpTo(maxBody, w, r)
}

func (p *Page) decodeUpTo(most int64, w http.ResponseWriter, r *http.Request) (a act, ok bool) {
	if !p.stage.Open() {
		http.Error(w, stage.ErrNotOpen.Error(), http.StatusConflict)
		return a, false
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		http.Error(w, "JSON is wanted", http.StatusUnsupportedMediaType)
		return a, false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return a, false
	}
	if a.Side != town.Left && a.Side != town.Right {
		http.Error(w, "there are two sides, 0 and 1", http.StatusBadRequest)
		return a, false
	}
	return a, true
}

// worded reports whether a text may be said; when not, it has answered.
func worded(w http.ResponseWriter, a act) bool {
	switch {
	case strings.TrimSpace(a.Text) == "" && len(a.Files) == 0:
		http.Error(w, "There is nothing to say.", http.StatusUnprocessableEntity)
	case len(a.Text) > town.MaxText:
		http.Error(w, "That is too long for the demonstration.", http.StatusUnprocessableEntity)
	case len(a.Files) > town.MaxFiles || slices.ContainsFunc(a.Files, unfit):
		http.Error(w, "The demonstration takes "+strconv.Itoa(town.MaxFiles)+" files with a message, none of them empty or above "+strconv.Itoa(town.MaxFile>>20)+" MB.", http.StatusUnprocessableEntity)
	default:
		return true
	}
	return false
}

// unfit reports whether a file cannot be attached.
func unfit(f town.Upload) bool { return f.Name == "" || len(f.Data) == 0 || len(f.Data) > town.MaxFile }

// answer tells how something went: the page shows the text of a failure.
func answer(w http.ResponseWriter, result any, err error) {
	if err != nil {
		status := http.StatusConflict
		if errors.Is(err, town.ErrNobody) || errors.Is(err, town.ErrNotConnected) {
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // it fails only when nobody listens any more
}

// done is the answer where there is nothing to tell.
type done struct{}

func (p *Page) say(w http.ResponseWriter, r *http.Request) {
	a, ok := p.decodeUpTo(maxSaid, w, r)
	if !ok || !worded(w, a) {
		return
	}
	id, err := p.stage.Town.Side(a.Side).Say(r.Context(), a.draft())
	answer(w, map[string]string{"id": id}, err)
}

// open opens a direct or group conversation of a person with others.
func (p *Page) open(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.decode(w, r); ok {
		id, err := p.stage.Town.Open(r.Context(), a.Side, a.Person, a.People)
		answer(w, map[string]string{"id": id}, err)
	}
}

func (p *Page) edit(w http.ResponseWriter, r *http.Request) {
	a, ok := p.decode(w, r)
	if !ok || !worded(w, a) {
		return
	}
	answer(w, done{}, p.stage.Town.Side(a.Side).Edit(r.Context(), a.ID, a.draft()))
}

func (p *Page) delete(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.decode(w, r); ok {
		answer(w, done{}, p.stage.Town.Side(a.Side).Delete(r.Context(), a.Person, a.Conversation, a.ID))
	}
}

func (p *Page) react(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.decode(w, r); ok {
		answer(w, done{}, p.stage.Town.Side(a.Side).React(r.Context(), a.Person, a.Conversation, a.ID, a.Emoji, a.On))
	}
}

// causeway kills the program, or starts it.
func (p *Page) causeway(w http.ResponseWriter, r *http.Request) {
	a, ok := p.decode(w, r)
	if !ok {
		return
	}
	if a.On {
		answer(w, done{}, p.stage.Start())
		return
	}
	p.stage.Kill()
	answer(w, done{}, nil)
}

func (p *Page) fault(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.decode(w, r); ok {
		answer(w, done{}, p.stage.SetFault(a.Name, a.On))
	}
}

// talk lets everybody talk, things going wrong meanwhile when on; count 0 stops it.
func (p *Page) talk(w http.ResponseWriter, r *http.Request) {
	a, ok := p.decode(w, r)
	if !ok {
		return
	}
	if a.Count == 0 {
		p.stage.StopTalk()
		answer(w, done{}, nil)
		return
	}
	answer(w, done{}, p.stage.Talk(a.Count, a.On))
}

// shownLog is how much of the end of the log the page shows, in bytes.
const shownLog = 16 << 10

// files is what the page shows of the operator's folder.
type files struct {
	Folder string `json:"folder"`
	Path   string `json:"path"`
	Config string `json:"config"`
	Log    string `json:"log"`
}

func (p *Page) readConfig(w http.ResponseWriter, _ *http.Request) {
	o := p.stage.Operator
	config, err := o.Config()
	log, logErr := o.Log(shownLog)
	answer(w, files{Folder: o.Folder(), Path: o.ConfigPath(), Config: config, Log: log}, errors.Join(err, logErr))
}

// writeConfig replaces the config; when restart, Causeway is then stopped and started again.
func (p *Page) writeConfig(w http.ResponseWriter, r *http.Request) {
	a, ok := p.decode(w, r)
	if !ok {
		return
	}
	err := p.stage.Operator.WriteConfig(a.Text)
	if err == nil && a.Restart {
		err = p.stage.Operator.Restart()
	}
	answer(w, done{}, err)
}

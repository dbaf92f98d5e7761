package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	simteams "causeway/contrib/sim/teams"
)

// partFiles is the part that measures files.
const partFiles = "files"

// fileBytes is what a file of the benchmark has: small enough for no disk to matter, and several fragments of either service.
const fileBytes = 64 << 20

// files moves a file from one stand-in to the other: by Causeway, from the moment that the message was said until its copy is there, and by a bare copy, which reads
// the one and writes the other in one request.
func files(tb harness.TB, o options, r *Report) {
	rounds := o.rounds
	if o.quick {
		rounds = 1
	}
	s := newSims(tb)
	j := s.join(causeway, "files")
	process := harness.StartProcess(tb, s.configure(tb, o.programs.causeway(tb), pollInterval, j).command("run"))
	j.begin(tb)
	user, _ := s.teams.SignIn(s.app, s.bots[bare].user)
	f := &filer{sims: s, joint: j, graph: user, mm: s.bots[bare].token}
	s.mm.Join("acme/files", s.bots[bare].name)
	for n := range rounds {
		for _, way := range []struct {
			name            string
			carried, copied func(tb harness.TB, n int) time.Duration
		}{{there, f.there, f.bareThere}, {back, f.back, f.bareBack}} {
			for who, move := range map[subject]func(harness.TB, int) time.Duration{causeway: way.carried, bare: way.copied} {
				r.add(partFiles, way.name+", "+number(fileBytes>>20)+" MiB", "MB/s", who, fileBytes/move(tb, n).Seconds()/1e6)
			}
		}
	}
	addMemory(tb, r, partFiles, causeway, process.PID())
	process.Stop(tb)
	r.note("files: the bare copy reads from the one stand-in and writes to the other in one request; Causeway reads from what Teams shows every %v, carries the file and posts the message that shows it, in fragments where the service wants them.", pollInterval)
}

// filer moves files.
type filer struct {
	*sims
	joint     *joint
	graph, mm string // tokens of the bare copy
}

func empty(tb harness.TB) *os.File {
	tb.Helper()
	f, err := os.CreateTemp("", "causeway-bench-")
	if err == nil {
		err = os.Remove(f.Name()) // it lives as long as it is open
	}
	if err == nil {
		err = f.Truncate(fileBytes)
	}
	if err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	return f
}

func (f *filer) await(tb harness.TB, there func() bool) time.Duration {
	tb.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if took := time.Since(began); there() {
			return took
		} else if took > harness.Patience {
			tb.Fatalf("a file has not crossed")
		}
	}
}

func (f *filer) there(tb harness.TB, n int) time.Duration {
	tb.Helper()
	id := f.sims.mm.AddFile(personName(0), f.joint.town.Id, fmt.Sprintf("there-%d.bin", n), empty(tb), fileBytes)
	before := len(f.teams.Messages(f.joint.group))
	if _, err := f.sims.mm.PostWith(personName(0), f.joint.town.Id, &model.Post{FileIds: model.StringArray{id}}); err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	return f.await(tb, func() bool { return len(f.teams.Messages(f.joint.group)) > before })
}

func (f *filer) back(tb harness.TB, n int) time.Duration {
	tb.Helper()
	shared, err := f.teams.PutLargeFile(f.people[0], f.joint.group, fmt.Sprintf("back-%d.bin", n), empty(tb), fileBytes)
	if err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	before := len(f.sims.mm.Posts(f.joint.town.Id))
	if _, err := f.teams.Say(f.people[0], f.joint.group, "", simteams.WithFiles(shared)); err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	return f.await(tb, func() bool { return len(f.sims.mm.Posts(f.joint.town.Id)) > before })
}

// ask makes a request and reads a JSON answer.
func (f *filer) ask(tb harness.TB, method, address, token string, body io.Reader, into any) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, address, body)
	if err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.ContentLength = fileBytes
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		tb.Fatalf("%s %s: %d %s (%v)", method, address, answer.StatusCode, text, err)
	}
	if into != nil {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
			tb.Fatalf("moving a file: %v", err)
		}
	}
}

func (f *filer) open(tb harness.TB, address, token string) io.ReadCloser {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), "GET", address, nil)
	if err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		tb.Fatalf("reading a file: %v", err)
	}
	return answer.Body
}

type itemOf struct {
	ID       string `json:"id"`
	Download string `json:"@microsoft.graph.downloadUrl"`
	Parent   struct {
		Drive string `json:"driveId"`
	} `json:"parentReference"`
}

func (f *filer) folder(tb harness.TB) string {
	tb.Helper()
	var folder itemOf
	f.ask(tb, "GET", f.teams.GraphURL()+"/teams/"+f.team.ID+"/channels/"+f.joint.group.ID+"/filesFolder", f.graph, nil, &folder)
	return f.teams.GraphURL() + "/drives/" + folder.Parent.Drive + "/items/" + folder.ID
}

func (f *filer) bareThere(tb harness.TB, n int) time.Duration {
	tb.Helper()
	id := f.sims.mm.AddFile(personName(0), f.joint.town.Id, "bare.bin", empty(tb), fileBytes)
	began := time.Now()
	body := f.open(tb, f.sims.mm.URL()+"/api/v4/files/"+id, f.mm)
	defer body.Close()
	f.ask(tb, "PUT", f.folder(tb)+fmt.Sprintf(":/bare-there-%d.bin:/content", n), f.graph, body, nil)
	return time.Since(began)
}

func (f *filer) bareBack(tb harness.TB, n int) time.Duration {
	tb.Helper()
	name := fmt.Sprintf("bare-back-%d.bin", n)
	if _, err := f.teams.PutLargeFile(f.people[0], f.joint.group, name, empty(tb), fileBytes); err != nil {
		tb.Fatalf("moving a file: %v", err)
	}
	began := time.Now()
	var item itemOf
	f.ask(tb, "GET", f.folder(tb)+":/"+name, f.graph, nil, &item)
	body := f.open(tb, item.Download, "")
	defer body.Close()
	f.ask(tb, "POST", f.sims.mm.URL()+"/api/v4/files?channel_id="+f.joint.town.Id+"&filename=bare.bin", f.mm, body, nil)
	return time.Since(began)
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	simteams "causeway/contrib/sim/teams"
)

// fileBytes is what a file of the benchmark has: small enough for no disk to matter, and several fragments of either service.
const fileBytes = 64 << 20

// BenchmarkFile moves a file from one stand-in to the other: by Causeway, from the moment that the message was said until its copy is
// there, and by a bare copy, which reads the one and writes the other in one request. It reports both, and their ratio.
func BenchmarkFile(b *testing.B) {
	p, err := findPaths(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	s := newSims(b)
	j := s.join(causeway, "files")
	at := s.configure(b, newPrograms(b, p).causeway(b), pollInterval, j)
	harness.StartProcess(b, at.command("run"))
	j.begin(b)
	user, _ := s.teams.SignIn(s.app, s.bots[bare].user)
	f := &filer{sims: s, joint: j, graph: user, mm: s.bots[bare].token}
	s.mm.Join("acme/files", s.bots[bare].name)
	for name, way := range map[string]struct {
		carried, copied func(b *testing.B, n int) time.Duration
	}{
		there: {f.there, f.bareThere}, back: {f.back, f.bareBack},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(fileBytes)
			var ours, theirs time.Duration
			for n := 0; b.Loop(); n++ {
				ours += way.carried(b, n)
				b.StopTimer()
				theirs += way.copied(b, n)
				b.StartTimer()
			}
			b.ReportMetric(fileBytes*float64(b.N)/ours.Seconds()/1e6, "MB/s-causeway")
			b.ReportMetric(fileBytes*float64(b.N)/theirs.Seconds()/1e6, "MB/s-bare")
			b.ReportMetric(ours.Seconds()/theirs.Seconds(), "times-bare")
		})
	}
}

// filer moves files.
type filer struct {
	*sims
	joint     *joint
	graph, mm string // tokens of the bare copy
}

func blank(b *testing.B) *os.File {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err == nil {
		err = f.Truncate(fileBytes)
	}
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func (f *filer) await(b *testing.B, there func() bool) time.Duration {
	b.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if took := time.Since(began); there() {
			return took
		} else if took > harness.Patience {
			b.Fatal("a file has not crossed")
		}
	}
}

func (f *filer) there(b *testing.B, n int) time.Duration {
	b.Helper()
	id := f.sims.mm.AddFile(personName(0), f.joint.town.Id, fmt.Sprintf("there-%d.bin", n), blank(b), fileBytes)
	before := len(f.teams.Messages(f.joint.group))
	if _, err := f.sims.mm.PostWith(personName(0), f.joint.town.Id, &model.Post{FileIds: model.StringArray{id}}); err != nil {
		b.Fatal(err)
	}
	return f.await(b, func() bool { return len(f.teams.Messages(f.joint.group)) > before })
}

func (f *filer) back(b *testing.B, n int) time.Duration {
	b.Helper()
	shared, err := f.teams.PutLargeFile(f.people[0], f.joint.group, fmt.Sprintf("back-%d.bin", n), blank(b), fileBytes)
	if err != nil {
		b.Fatal(err)
	}
	before := len(f.sims.mm.Posts(f.joint.town.Id))
	if _, err := f.teams.Say(f.people[0], f.joint.group, "", simteams.WithFiles(shared)); err != nil {
		b.Fatal(err)
	}
	return f.await(b, func() bool { return len(f.sims.mm.Posts(f.joint.town.Id)) > before })
}

// ask makes a request and reads a JSON answer.
func (f *filer) ask(b *testing.B, method, address, token string, body io.Reader, into any) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, address, body)
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.ContentLength = fileBytes
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		b.Fatalf("%s %s: %d %s (%v)", method, address, answer.StatusCode, text, err)
	}
	if into != nil {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
			b.Fatal(err)
		}
	}
}

func (f *filer) open(b *testing.B, address, token string) io.ReadCloser {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), "GET", address, nil)
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("reading a file: %v", err)
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

func (f *filer) folder(b *testing.B) string {
	b.Helper()
	var folder itemOf
	f.ask(b, "GET", f.teams.GraphURL()+"/teams/"+f.team.ID+"/channels/"+f.joint.group.ID+"/filesFolder", f.graph, nil, &folder)
	return f.teams.GraphURL() + "/drives/" + folder.Parent.Drive + "/items/" + folder.ID
}

func (f *filer) bareThere(b *testing.B, n int) time.Duration {
	b.Helper()
	id := f.sims.mm.AddFile(personName(0), f.joint.town.Id, "bare.bin", blank(b), fileBytes)
	began := time.Now()
	body := f.open(b, f.sims.mm.URL()+"/api/v4/files/"+id, f.mm)
	defer body.Close()
	f.ask(b, "PUT", f.folder(b)+fmt.Sprintf(":/bare-there-%d.bin:/content", n), f.graph, body, nil)
	return time.Since(began)
}

func (f *filer) bareBack(b *testing.B, n int) time.Duration {
	b.Helper()
	name := fmt.Sprintf("bare-back-%d.bin", n)
	if _, err := f.teams.PutLargeFile(f.people[0], f.joint.group, name, blank(b), fileBytes); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var item itemOf
	f.ask(b, "GET", f.folder(b)+":/"+name, f.graph, nil, &item)
	body := f.open(b, item.Download, "")
	defer body.Close()
	f.ask(b, "POST", f.sims.mm.URL()+"/api/v4/files?channel_id="+f.joint.town.Id+"&filename=bare.bin", f.mm, body, nil)
	return time.Since(began)
}

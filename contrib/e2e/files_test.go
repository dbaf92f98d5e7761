package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// noise makes bytes that nothing can compress or guess.
func noise(size int, seed uint64) []byte {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(size)})
	data := make([]byte, size)
	_, _ = source.Read(data) // never fails
	return data
}

// painted makes a PNG of about so many bytes.
func painted(t *testing.T, side int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	dots := noise(side*side*3, 9)
	for i := range side * side {
		img.Set(i%side, i/side, color.NRGBA{dots[3*i], dots[3*i+1], dots[3*i+2], 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// attach lets a person post files, as their client does.
func (p *pair) attach(t *testing.T, u *harness.User, text string, files map[string][]byte) *model.Post {
	t.Helper()
	var ids []string
	client := p.mm.Client(u.Token)
	for _, name := range sortedNames(files) {
		got, _, err := client.UploadFileAsRequestBody(t.Context(), files[name], p.channel.Id, name)
		if err != nil {
			t.Fatalf("uploading %s: %v", name, err)
		}
		ids = append(ids, got.FileInfos[0].Id)
	}
	post, _, err := client.CreatePost(t.Context(), &model.Post{ChannelId: p.channel.Id, Message: text, FileIds: ids})
	if err != nil || len(post.FileIds) != len(ids) {
		t.Fatalf("posting %d files: %+v (%v)", len(ids), post, err)
	}
	return post
}

func sortedNames[T any](files map[string]T) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// showsInTeams complains unless the copy in Teams that says text shows just these files, under these names.
func (p *pair) showsInTeams(text string, want map[string][]byte) string {
	for _, m := range p.relayed() {
		if !strings.Contains(m.Text, text) {
			continue
		}
		if len(m.Files) != len(want) {
			return fmt.Sprintf("%q shows %d files, want %d", text, len(m.Files), len(want))
		}
		for _, f := range m.Files {
			if data, known := want[f.Name]; !known || !bytes.Equal(data, f.Data) {
				return fmt.Sprintf("%q shows %q of %d bytes", text, f.Name, len(f.Data))
			}
		}
		return ""
	}
	return fmt.Sprintf("nothing says %q in Teams", text)
}

// showsInMattermost complains unless the copies that say text, and what follows in their thread, show just these files.
func (p *pair) showsInMattermost(t *testing.T, text string, want map[string][]byte) string {
	t.Helper()
	var root string
	got := map[string][]byte{}
	for _, post := range p.mm.Admin.Read(t, p.channel) {
		if post.UserId != p.bot.Id {
			continue
		}
		if strings.Contains(post.Message, text) {
			root = post.Id
		}
		if root == "" || post.Id != root && post.RootId != root {
			continue
		}
		if len(post.FileIds) > 10 {
			return fmt.Sprintf("a post has %d files", len(post.FileIds))
		}
		// What metadata tells of files is not to be trusted: who reads a post while the server attaches its files, as here, makes it
		// remember for good the few that it had attached by then.
		for _, id := range post.FileIds {
			name, data, err := p.fileInMattermost(t, id)
			if err != nil {
				return err.Error()
			}
			if _, twice := got[name]; twice {
				return name + " is there twice"
			}
			got[name] = data
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%q shows %v, want %v", text, sortedNames(got), sortedNames(want))
	}
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			return fmt.Sprintf("%s has %d bytes, want %d", name, len(got[name]), len(data))
		}
	}
	return ""
}

func (p *pair) fileInMattermost(t *testing.T, id string) (name string, data []byte, err error) {
	t.Helper()
	client := p.mm.Client(p.mm.Admin.Token)
	info, _, err := client.GetFileInfo(t.Context(), id)
	if err != nil {
		return "", nil, err
	}
	data, _, err = client.GetFile(t.Context(), id)
	return info.Name, data, err
}

// TestFilesOfEveryKindCross posts every kind of file on each side and reads it back on the other; then edits change them, and a
// deletion takes the copies along.
func TestFilesOfEveryKindCross(t *testing.T) {
	t.Parallel()
	p := newPair(t, harness.Shared(t).Mattermost, 1)
	p.begin(t)

	small, large := painted(t, 40), painted(t, 900) // 5 kB: in the text; 2.4 MB: a file
	sent := map[string][]byte{
		"notes.txt": []byte("hello"), "größe & co #1%.pdf": noise(70_000, 1), "archive.tar.gz": noise(6<<20, 2),
		"shot.png": small, "photo.png": large, "no ending": noise(3, 3),
	}
	post := p.attach(t, p.people[0], "all kinds from Mattermost", sent)
	p.eventually(t, "files in Teams", func() string { return p.showsInTeams("all kinds from Mattermost", sent) })
	again := p.attach(t, p.people[0], "the same name again", map[string][]byte{"notes.txt": []byte("other")})
	p.eventually(t, "a second file of the same name", func() string {
		return p.showsInTeams("the same name again", map[string][]byte{"notes (2).txt": []byte("other")})
	})

	var shared []teams.File
	want := map[string][]byte{"picture-1": small}
	for n := range 12 {
		name, data := fmt.Sprintf("file %d ß.bin", n), noise(n*1000, uint64(n))
		if n == 11 {
			name, data = "large.zip", noise(7<<20, 11)
		}
		f, err := p.sim.PutFile(p.others[0], p.team, name, data)
		if err != nil {
			t.Fatal(err)
		}
		shared, want[name] = append(shared, f), data
	}
	if _, err := p.sim.Say(p.others[0], p.team, "<p>all kinds from Teams</p>", teams.WithFiles(shared...), teams.WithPictures(small)); err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "files in Mattermost", func() string { return p.showsInMattermost(t, "all kinds from Teams", want) })

	client := p.mm.Client(p.people[0].Token)
	added, _, err := client.UploadFileAsRequestBody(t.Context(), []byte("added"), p.channel.Id, "added.txt")
	if err != nil {
		t.Fatal(err)
	}
	keep := model.StringArray{added.FileInfos[0].Id}
	now := map[string][]byte{"added.txt": []byte("added"), "shot.png": small}
	for _, id := range post.FileIds {
		name, _, err := p.fileInMattermost(t, id)
		if err != nil {
			t.Fatal(err)
		}
		if name == "shot.png" {
			keep = append(keep, id)
		}
	}
	if _, _, err := client.PatchPost(t.Context(), post.Id, &model.PostPatch{FileIds: &keep}); err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "files after an edit", func() string { return p.showsInTeams("all kinds from Mattermost", now) })
	for _, id := range []string{post.Id, again.Id} {
		if _, err := client.DeletePost(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	var others []string
	for _, f := range shared {
		others = append(others, f.Name)
	}
	slices.Sort(others)
	p.eventually(t, "copies that go with their messages, and nothing else", func() string {
		left := p.sim.Folder(p.team)
		return complain(slices.Equal(left, others), left)
	})
}

// largeFile is what moves while Causeway is killed.
const largeFile = 200 << 20

// TestALargeFileArrivesOnceAndWholeAlthoughCausewayIsKilled sends 200 MB each way and kills Causeway in the middle.
func TestALargeFileArrivesOnceAndWholeAlthoughCausewayIsKilled(t *testing.T) {
	t.Parallel()
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres, Settings: map[string]string{"MM_FILESETTINGS_MAXFILESIZE": fmt.Sprint(300 << 20)}})
	p := newPair(t, mm, 1)
	p.begin(t)
	data := noise(largeFile, 5)
	sum := sha256.Sum256(data)

	t.Run("to Teams", func(t *testing.T) {
		slow := p.sim.Inject(teams.Fault{Method: "PUT", Template: "/upload/{id}", Times: -1, Delay: 200 * time.Millisecond})
		p.attach(t, p.people[0], "large from Mattermost", map[string][]byte{"large.bin": data})
		p.people[0].Post(t, p.channel, "behind it")
		p.eventually(t, "the file on its way", func() string { return complain(p.sim.Count("PUT", "/upload/{id}") >= 7) })
		p.causeway.Kill(t)
		slow()
		before := p.sim.Count("PUT", "/upload/{id}")
		if all := strings.Join(p.inTeams(), "\n"); strings.Contains(all, "large from") || strings.Contains(all, "behind it") {
			t.Fatalf("it was there, or overtaken, before Causeway was killed: %s", all)
		}
		p.run(t)
		p.eventually(t, "the file", func() string {
			for _, m := range p.relayed() {
				if strings.Contains(m.Text, "large from") && len(m.Files) == 1 {
					return p.stored(m.Files[0].URL, sum)
				}
			}
			return "it is not there"
		})
		p.eventually(t, "what was said behind it", func() string {
			all := p.inTeams()
			return complain(len(all) > 1 && strings.Contains(all[len(all)-1], "behind it") && strings.Contains(all[len(all)-2], "large from"), all)
		})
		if again := p.sim.Count("PUT", "/upload/{id}") - before; again > 20-5 {
			t.Errorf("%d of 20 fragments were sent after the kill: it has begun anew", again)
		}
		if left := p.sim.Folder(p.team); !slices.Equal(left, []string{"large.bin"}) {
			t.Errorf("the folder holds %v", left)
		}
	})

	t.Run("to Mattermost", func(t *testing.T) {
		var mu sync.Mutex
		var ranges []string
		stop := p.sim.Inject(teams.Fault{Template: "/download/{id}", Times: -1, Where: func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			ranges = append(ranges, r.Header.Get("Range"))
			return false
		}})
		defer stop()
		shared, err := p.sim.PutFile(p.others[0], p.team, "from teams.bin", data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.sim.Say(p.others[0], p.team, "<p>large from Teams</p>", teams.WithFiles(shared)); err != nil {
			t.Fatal(err)
		}
		p.eventually(t, "the file on its way", func() string {
			n, err := bytesBelow(mm.Data(), largeFile/8)
			return complain(err == nil && n, err)
		})
		p.causeway.Kill(t)
		if all := strings.Join(p.inMattermost(t), "\n"); strings.Contains(all, "large from Teams") {
			t.Fatalf("it was there before Causeway was killed")
		}
		p.run(t)
		p.eventually(t, "the file", func() string {
			found := 0
			for _, post := range mm.Admin.Read(t, p.channel) {
				if post.UserId != p.bot.Id || !strings.Contains(post.Message, "large from Teams") {
					continue
				}
				found++
				if len(post.FileIds) != 1 {
					return fmt.Sprintf("it shows %d files", len(post.FileIds))
				}
				got, _, err := mm.Client(mm.Admin.Token).GetFile(t.Context(), post.FileIds[0])
				if err != nil || sha256.Sum256(got) != sum {
					return fmt.Sprintf("%d bytes (%v)", len(got), err)
				}
			}
			return complain(found == 1, found)
		})
		mu.Lock()
		defer mu.Unlock()
		if len(ranges) < 2 || ranges[len(ranges)-1] == "bytes=0-" {
			t.Errorf("it was read by %v: it has begun anew", ranges)
		}
	})
}

// stored complains unless what lies at an address has this sum.
func (p *pair) stored(address string, sum [32]byte) string {
	content, there := p.sim.Stored(address)
	if !there {
		return "nothing lies at " + address
	}
	h := sha256.New()
	n, err := io.Copy(h, content)
	return complain(err == nil && [32]byte(h.Sum(nil)) == sum, n, err)
}

// bytesBelow tells whether there is a file of more than so many bytes in a folder.
func bytesBelow(folder string, least int64) (bool, error) {
	found := false
	err := walkFiles(folder, func(info os.FileInfo) {
		found = found || info.Size() > least && strings.HasPrefix(info.Name(), "from teams")
	})
	return found, err
}

func walkFiles(folder string, see func(os.FileInfo)) error {
	return filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			see(info)
		}
		return nil
	})
}

package teams_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"causeway/contrib/sim/teams"
)

// drives is a world with files, as Graph's pages describe them.
func drives(t *testing.T) (w *world, send func(status int, method, address string, headers map[string]string, body string) map[string]any) {
	w = newWorld(t, teams.Options{})
	return w, func(status int, method, address string, headers map[string]string, body string) map[string]any {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range headers {
			r.Header.Set(k, v)
		}
		answer, err := w.sim.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != status {
			t.Fatalf("%s %s: %d, want %d: %s", method, address, answer.StatusCode, status, data)
		}
		var out map[string]any
		if json.Unmarshal(data, &out) != nil {
			out = map[string]any{"": string(data)}
		}
		return out
	}
}

func TestFilesOfAChannel(t *testing.T) {
	w, send := drives(t)
	access, _ := w.sim.SignIn(w.app, w.ada, "Files.ReadWrite.All")
	small, _ := w.sim.SignIn(w.app, w.ada, "Files.ReadWrite")
	outsider := w.eve
	other, _ := w.sim.SignIn(w.app, outsider, "Files.ReadWrite.All")
	as := func(token, kind string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + token, "Content-Type": kind}
	}
	const graph = "https://graph.example/v1.0"
	folderURL := graph + "/teams/" + w.team.ID + "/channels/" + w.general.ID + "/filesFolder"
	send(403, "GET", folderURL, as(small, ""), "") // it does not reach the sites of teams
	send(403, "GET", folderURL, as(other, ""), "")
	folder := send(200, "GET", folderURL, as(access, ""), "")
	at := graph + "/drives/" + folder["parentReference"].(map[string]any)["driveId"].(string) + "/items/" + folder["id"].(string)
	item := send(201, "PUT", at+":/report.txt:/content", as(access, "text/plain"), "hello")
	if etag := item["eTag"].(string); !strings.HasPrefix(etag, `"{`) || !strings.HasSuffix(etag, `},1"`) || item["name"] != "report.txt" || item["size"] != 5.0 {
		t.Errorf("it is %v", item)
	}
	send(409, "PUT", at+":/report.txt:/content?@microsoft.graph.conflictBehavior=fail", as(access, "text/plain"), "other")
	if again := send(201, "PUT", at+":/report.txt:/content?@microsoft.graph.conflictBehavior=rename", as(access, "text/plain"), "other"); again["name"] != "report 1.txt" {
		t.Errorf("the second is called %v", again["name"])
	}
	send(400, "PUT", at+":/a%3Fb.txt:/content", as(access, "text/plain"), "x")
	share := graph + "/shares/u!" + base64.RawURLEncoding.EncodeToString([]byte(item["webUrl"].(string))) + "/driveItem"
	send(403, "GET", share, as(other, ""), "")
	found := send(200, "GET", share, as(access, ""), "")
	download := found["@microsoft.graph.downloadUrl"].(string)
	send(401, "GET", download, as(access, ""), "")
	if got := send(206, "GET", download, map[string]string{"Range": "bytes=3-"}, ""); got[""] != "lo" {
		t.Errorf("from byte 3 on it says %v", got)
	}
	send(204, "DELETE", graph+"/drives/"+found["parentReference"].(map[string]any)["driveId"].(string)+"/items/"+found["id"].(string), as(access, ""), "")
	send(404, "GET", share, as(access, ""), "")
}

func TestUploadSessions(t *testing.T) {
	w, send := drives(t)
	access, _ := w.sim.SignIn(w.app, w.ada, "Files.ReadWrite.All")
	auth := map[string]string{"Authorization": "Bearer " + access, "Content-Type": "application/json"}
	const graph = "https://graph.example/v1.0"
	folder := send(200, "GET", graph+"/teams/"+w.team.ID+"/channels/"+w.general.ID+"/filesFolder", auth, "")
	at := graph + "/drives/" + folder["parentReference"].(map[string]any)["driveId"].(string) + "/items/" + folder["id"].(string)
	begin := func() string {
		t.Helper()
		return send(200, "POST", at+":/big.bin:/createUploadSession", auth, `{"item":{"@microsoft.graph.conflictBehavior":"fail"}}`)["uploadUrl"].(string)
	}
	const unit = 320 << 10
	put := func(status int, address string, from, n, total int) map[string]any {
		t.Helper()
		return send(status, "PUT", address, map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, total)}, strings.Repeat("x", n))
	}
	address, rival := begin(), begin()
	send(401, "PUT", address, map[string]string{"Authorization": "Bearer " + access, "Content-Range": "bytes 0-0/1"}, "x")
	put(400, address, 0, unit-1, unit+10)
	if next := put(202, address, 0, unit, unit+10)["nextExpectedRanges"]; fmt.Sprint(next) != "[327680-]" {
		t.Errorf("next it expects %v", next)
	}
	put(416, address, 0, unit, unit+10)
	put(416, address, unit+5, 5, unit+10)
	if next := send(200, "GET", address, nil, "")["nextExpectedRanges"]; fmt.Sprint(next) != "[327680-]" {
		t.Errorf("it stands at %v", next)
	}
	if item := put(201, address, unit, 10, unit+10); item["size"] != float64(unit+10) {
		t.Errorf("it is %v", item)
	}
	send(404, "GET", address, nil, "")
	put(409, rival, 0, 10, 10) // another file has taken the name meanwhile
	send(409, "POST", at+":/big.bin:/createUploadSession", auth, `{"item":{"@microsoft.graph.conflictBehavior":"fail"}}`)
	renamed := send(200, "POST", at+":/big.bin:/createUploadSession", auth, `{"item":{"@microsoft.graph.conflictBehavior":"rename"}}`)["uploadUrl"].(string)
	send(204, "DELETE", renamed, nil, "")
	send(404, "GET", renamed, nil, "")
}

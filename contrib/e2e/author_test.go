package e2e

import (
	"io"
	"net/http"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// TestAuthorsAreShownWithNameAndPicture: what comes from Teams stands in Mattermost under its author's name, beside the picture
// that they have there, at an address from which anybody who reads it can fetch it.
func TestAuthorsAreShownWithNameAndPicture(t *testing.T) {
	t.Parallel()
	p := newPair(t, harness.Shared(t).Mattermost, 1)
	const face = "\xff\xd8\xff\xe0 the face of Otto"
	p.others[0].SetPhoto([]byte(face))
	p.begin(t)
	b := p.bridge(t, 1)
	var post *model.Post
	for _, other := range p.mm.Admin.Read(t, p.channel) {
		if other.Id == b.copies["#t0."] {
			post = other
		}
	}
	if name := post.GetProp(model.PostPropsOverrideUsername); name != p.others[0].Name || post.GetProp("from_webhook") != "true" {
		t.Errorf("the author is shown as %v, props %v", name, post.GetProps())
	}
	address, _ := post.GetProp(model.PostPropsOverrideIconURL).(string)
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "image/jpeg" || string(body) != face {
		t.Errorf("%s: %d %v %q %v", address, answer.StatusCode, answer.Header, body, err)
	}
}

package msteams

import (
	"io"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestFilesOfChatsAreSharedWithTheMembersAlone in the OneDrive of who sends them.
func TestFilesOfChatsAreSharedWithTheMembersAlone(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		w.app.SetRedirects(backURI)
		w.connects(a, w.alice)
		alice, err := a.writer(bridge.UserID(w.alice.ID))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it is made once
			if _, err := a.chatFolder(w.Context(), alice); err != nil {
				t.Fatal(err)
			}
			a.folders.Purge()
		}
		if _, err := a.chatFolder(w.Context(), a.relay); bridge.KindOf(err) != bridge.Rejected || bridge.HintOf(err) == "" {
			t.Errorf("a folder of the relay account: %v", err)
		}
		folder, err := a.chatFolder(w.Context(), alice)
		if err != nil || folder.Name != chatFolderName {
			t.Fatalf("%+v (%v)", folder, err)
		}
		var item driveItem
		up := place{drive: folder.Parent.Drive, item: folder.ID, name: "plan.txt"}
		if err := alice.exchange(w.Context(), opPutFile, up, &fileBody{Reader: strings.NewReader("hello"), length: 5}, &item); err != nil {
			t.Fatal(err)
		}
		readers := func() (names []string) {
			for _, u := range []*teams.User{w.owner, w.alice, w.bob, w.relay} {
				if w.sim.CanRead(u, item.addressIn(folder)) {
					names = append(names, u.Name)
				}
			}
			return names
		}
		if got := readers(); len(got) != 1 {
			t.Errorf("before it is shared %v read it", got)
		}
		members := []bridge.UserID{bridge.UserID(w.alice.ID), bridge.UserID(w.bob.ID)}
		for range 2 {
			if err := a.share(w.Context(), alice, place{drive: folder.Parent.Drive, item: item.ID}, members); err != nil {
				t.Fatal(err)
			}
		}
		if got := readers(); len(got) != 2 || got[0] != w.alice.Name || got[1] != w.bob.Name {
			t.Errorf("%v read it", got)
		}

		f := bridge.File{Name: "plan.txt", Size: -1, URL: item.addressIn(folder)}
		reads := func(author *teams.User, f bridge.File) (string, error) {
			body, known, err := a.openInChat(w.Context(), f, 1, bridge.UserID(author.ID), members)
			if err != nil {
				return "", err
			}
			defer body.Close()
			data, err := io.ReadAll(body)
			if known.Size != 5 {
				t.Errorf("it has %d bytes", known.Size)
			}
			return string(data), err
		}
		if text, err := reads(w.alice, f); text != "ello" || err != nil {
			t.Errorf("as its author: %q (%v)", text, err)
		}
		// Bob is not connected, so it is read as Alice: his own, and nothing of hers.
		own, err := w.sim.PutOwnFile(w.bob, "bob.txt", []byte("Bob's"), w.alice)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := reads(w.bob, bridge.File{URL: own.URL}); text != "ob's" || err != nil {
			t.Errorf("as another member: %q (%v)", text, err)
		}
		if text, err := reads(w.bob, f); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("what is not the author's own: %q (%v)", text, err)
		}
		if _, _, err := a.openInChat(w.Context(), f, 0, bridge.UserID(w.bob.ID), nil); bridge.KindOf(err) != bridge.Unsupported || bridge.HintOf(err) == "" {
			t.Errorf("with nobody who is connected: %v", err)
		}
	})
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	"causeway/bridge"
	"causeway/contrib/e2e/harness"
	"causeway/gateway/store"
)

// both is who one person is in Mattermost and in Teams.
type both struct{ mattermost, teams bridge.UserID }

// crowd makes so many people who are on both sides.
func (s *sims) crowd(n int) []both {
	var all []both
	for i := range n {
		name := fmt.Sprint("crowd", i)
		all = append(all, both{bridge.UserID(s.mm.AddUser(name).Id), bridge.UserID(s.tenant.AddUser("Crowd " + fmt.Sprint(i)).ID)})
		s.mm.AddToTeam("acme", name)
	}
	return all
}

// fillPeople connects people in the store of a Causeway that has stopped. Their tokens are none: nobody speaks as them.
func fillPeople(tb harness.TB, dir string, people []both) {
	tb.Helper()
	path := filepath.Join(dir, "causeway.db")
	servers, err := serversIn(tb.Context(), path)
	if err != nil {
		tb.Fatalf("looking for the servers in the store: %v", err)
	}
	keys, err := store.LoadKeys(path + ".key")
	if err != nil {
		tb.Fatalf("connecting people: %v", err)
	}
	s, err := store.Open(tb.Context(), path, keys, store.Options{})
	if err != nil {
		tb.Fatalf("connecting people: %v", err)
	}
	end := func(protocol string, user bridge.UserID) store.End {
		return store.End{Grant: []byte("{}"), Identity: store.Identity{
			Account: bridge.AccountName(protocol + ".sim"), Server: servers[protocol], User: user, Name: string(user), Username: string(user)}}
	}
	for _, b := range people {
		if _, err := s.Connect(tb.Context(), "", [2]store.End{end("mattermost", b.mattermost), end("msteams", b.teams)}, 0); err != nil {
			tb.Fatalf("connecting people: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		tb.Fatalf("connecting people: %v", err)
	}
}

// serversIn gives the servers that a store knows by their protocols.
func serversIn(ctx context.Context, path string) (map[string]bridge.ServerID, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT DISTINCT server FROM conversations")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	servers := map[string]bridge.ServerID{}
	for rows.Next() {
		var server string
		if err := rows.Scan(&server); err != nil {
			return nil, err
		}
		protocol, _, _ := strings.Cut(server, ":")
		servers[protocol] = bridge.ServerID(server)
	}
	return servers, rows.Err()
}

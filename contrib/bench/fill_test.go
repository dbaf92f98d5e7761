package main

import (
	"database/sql"
	"path/filepath"
	"testing"

	"causeway/gateway/store"
)

func TestAStoreIsFilledWithMappedMessages(t *testing.T) {
	job := storeJob{Subject: causeway, Gateways: 2, Messages: 6, Folder: t.TempDir()}
	result, err := job.measure()
	if err != nil || !result.Counts.clean() {
		t.Fatalf("%v, %v", result.Counts, err)
	}
	path := filepath.Join(job.Folder, "causeway.db")
	if err := fill(t.Context(), path, 500); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, want := range map[string]int{
		"SELECT count(*) FROM messages":                     506,
		"SELECT count(*) FROM instances WHERE rank IS NULL": 1012,
		"SELECT count(*) FROM parts WHERE id IS NOT NULL":   1012,
		"SELECT count(DISTINCT key) FROM parts":             506,
		// What is put in is older than all that has left: the next message is not late because of it.
		"SELECT count(*) FROM departures": 2,
		"SELECT count(*) FROM departures d JOIN messages m ON m.origin = d.origin WHERE m.created > d.created":                                           0,
		"SELECT count(*) FROM pragma_integrity_check":                                                                                                    1,
		"SELECT count(*) FROM pragma_foreign_key_check":                                                                                                  0,
		"SELECT count(*) FROM messages m JOIN parts p ON p.id = m.origin_id JOIN instances i ON i.id = p.instance AND i.message = m.id AND i.origin = 1": 506,
	} {
		var got int
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, want %d; %v", query, got, want, err)
		}
	}
	// The store is still one that Causeway opens, with nothing left to do.
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), path, keys, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lacking, err := again.Lacking(t.Context())
	if err != nil || len(lacking) != 0 {
		t.Errorf("conversations that lack something: %v, %v", lacking, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

package mmtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
)

// SayFiles uploads and posts as a client does.
func (s *service) SayFiles(c bridge.ConversationID, who bridgetest.Who, text string, files ...bridgetest.Attachment) bridge.MessageID {
	s.t.Helper()
	token := s.member(who).Token
	var ids []string
	for _, f := range files {
		client := model.NewAPIv4Client(s.World.URL)
		client.SetToken(token)
		info, _, err := client.UploadFileAsRequestBody(s.t.Context(), f.Data, string(c.Channel), f.Name)
		if err != nil {
			s.t.Fatalf("uploading %s: %v", f.Name, err)
		}
		ids = append(ids, info.FileInfos[0].Id)
	}
	var made model.Post
	s.do(token, "POST", "/posts", map[string]any{"channel_id": c.Channel, "message": text, "file_ids": ids}, &made)
	if len(made.FileIds) != len(ids) {
		s.t.Fatalf("the server shows %d of %d files", len(made.FileIds), len(ids))
	}
	return bridge.MessageID(made.Id)
}

// file reads a file as Alice does; nil when it is not there.
func (s *service) file(id string) []byte {
	s.t.Helper()
	status, data := s.fetch("/files/" + id)
	if status != http.StatusOK {
		s.t.Fatalf("reading file %s: HTTP %d", id, status)
	}
	return data
}

func (s *service) fetch(path string) (int, []byte) { return s.fetchAs(s.Alice.Token, path) }

func (s *service) fetchAs(token, path string) (int, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.World.URL+"/api/v4"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var data bytes.Buffer
	if _, err := io.Copy(&data, answer.Body); err != nil {
		s.t.Fatal(fmt.Errorf("reading %s: %w", path, err))
	}
	return answer.StatusCode, data.Bytes()
}

// FileThere asks for it as Alice.
func (s *service) FileThere(_ bridge.ConversationID, f bridge.File) bool {
	s.t.Helper()
	status, _ := s.fetch("/files/" + f.ID)
	return status == http.StatusOK
}

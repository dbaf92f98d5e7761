package mattermost

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// MaxFilesPerPost is how many files a post can show.
const MaxFilesPerPost = 10

// minFirstPart is how much the first part of an upload must hold, unless it is all.
const minFirstPart = 5 << 20

// stored is an uploaded file. Its content lies on disk, in a file without a name, so that a large one costs no memory.
type stored struct {
	info    model.FileInfo
	content *os.File
}

// upload is a resumable upload under way.
type upload struct {
	model.UploadSession
	content *os.File
	locked  bool
}

// newContent makes an empty file without a name, which is gone when nobody holds it.
func newContent() (*os.File, error) {
	f, err := os.CreateTemp("", "mattermost-sim-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func (s *Server) maxFileSize() int64 {
	if s.opts.MaxFileSize > 0 {
		return s.opts.MaxFileSize
	}
	return 100 << 20
}

// addFile stores the description of a file whose content is there. The caller holds s.mu.
func (s *Server) addFile(userID, channelID, name string, content *os.File, size int64) *stored {
	f := &stored{content: content, info: model.FileInfo{
		Id: model.NewId(), CreatorId: userID, ChannelId: channelID, Name: filepath.Base(name), Size: size,
		Extension: strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), "."), CreateAt: s.nowMillis(), UpdateAt: s.nowMillis(),
	}}
	info := model.NewInfo(f.info.Name)
	f.info.MimeType = info.MimeType
	s.files[f.info.Id] = f
	return f
}

// show gives a post those of the files that its user has uploaded to its channel and that no other post shows; the others are left
// out silently. The order is that of the ids.
func (s *Server) show(r *row, userID string, wanted []string) {
	had := r.FileIds
	r.FileIds = nil
	for _, id := range wanted {
		f := s.files[id]
		switch {
		case f == nil || f.info.DeleteAt != 0 || slices.Contains(r.FileIds, id):
		case slices.Contains(had, id), f.info.PostId == "" && f.info.CreatorId == userID && f.info.ChannelId == r.ChannelId:
			f.info.PostId = r.Id
			r.FileIds = append(r.FileIds, id)
		}
	}
	for _, id := range had {
		if !slices.Contains(r.FileIds, id) {
			s.files[id].info.DeleteAt = s.nowMillis()
		}
	}
	slices.Sort(r.FileIds)
	r.files = nil
	for _, id := range r.FileIds {
		r.files = append(r.files, s.files[id])
	}
}

// Attachment is a file that somebody attaches in their client.
type Attachment struct {
	Name string
	Data []byte
}

// PostFiles lets a user write a message with files.
func (s *Server) PostFiles(who, channel, text string, files ...Attachment) (string, error) {
	var ids []string
	for _, a := range files {
		content, err := newContent()
		if err != nil {
			return "", err
		}
		if _, err := content.Write(a.Data); err != nil {
			return "", err
		}
		s.locked(func() {
			f := s.addFile(s.mustUser(who).Id, s.mustChannel(channel).Id, a.Name, content, int64(len(a.Data)))
			ids = append(ids, f.info.Id)
		})
	}
	return s.say(who, &model.Post{Message: text, FileIds: ids}, channel)
}

// AddFile uploads for a user what lies on disk; the Server owns it from now on. It gives the file's id.
func (s *Server) AddFile(who, channel, name string, content *os.File, size int64) (id string) {
	s.locked(func() { id = s.addFile(s.mustUser(who).Id, s.mustChannel(channel).Id, name, content, size).info.Id })
	return id
}

// File gives description and content of a file; nil when it is not there.
func (s *Server) File(id string) (*model.FileInfo, io.Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	if f == nil || f.info.DeleteAt != 0 {
		return nil, nil
	}
	info := f.info
	return &info, io.NewSectionReader(f.content, 0, info.Size)
}

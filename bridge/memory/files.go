package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"causeway/bridge"
)

// file is a file of a channel.
type file struct {
	owner      bridge.UserID
	name, kind string
	data       []byte
	// by is the message that shows it; empty: none yet.
	by bridge.MessageID
	// copied: an account has uploaded it, in a direct or group conversation for these readers.
	copied  bool
	readers []bridge.UserID
}

// upload is a file on its way.
type upload struct {
	conversation bridge.ConversationID
	size         int64
	file
	// done is the file's id, once all of it is there.
	done string
}

// chunk is how much of a file an account sends at once.
const chunk = 64 << 10

func (c *channel) keep(id string, f *file) {
	if c.files == nil {
		c.files = map[string]*file{}
	}
	c.files[id] = f
}

// attach notes which files a message shows now. Those that it showed before are gone, unless the service keeps them.
func (c *channel) attach(m *message) {
	now := m.now()
	for id, f := range c.files {
		shown := !now.deleted && slices.ContainsFunc(now.files, func(s bridge.File) bool { return s.ID == id })
		switch {
		case shown:
			f.by = m.id
		case f.by == m.id && !(f.copied && c.keeps) && (f.copied || now.deleted):
			delete(c.files, id)
		}
	}
}

// told are the files as states show them.
func (c *channel) told(files []bridge.File) []bridge.File {
	if !c.hides {
		return files
	}
	files = slices.Clone(files)
	for i := range files {
		files[i].Size, files[i].Type = -1, ""
	}
	return files
}

// uploads gives the files that people see.
func (c *channel) uploads(files []bridge.File) []Upload {
	var all []Upload
	for _, f := range files {
		if kept := c.files[f.ID]; kept != nil {
			all = append(all, Upload{Name: kept.name, Type: kept.kind, Data: kept.data, Readers: kept.readers})
		}
	}
	return all
}

// Files gives the names of all files of a channel that an account has uploaded, sorted. What no message has shown is among them only with
// [Options.KeepFiles]: elsewhere nobody comes to see it, and nothing can remove it.
func (s *Service) Files(in bridge.ChannelID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, f := range s.channel(in).files {
		if f.copied && (f.by != "" || s.options.KeepFiles) {
			all = append(all, f.name)
		}
	}
	slices.Sort(all)
	return all
}

// Reads tells whether somebody can read a file of a direct or group conversation: who has attached it, the members, and of what an account has
// uploaded those for whom it is.
func (s *Service) Reads(in bridge.ChannelID, id string, user bridge.UserID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	f := c.files[id]
	switch {
	case f == nil:
		return false
	case f.copied:
		return f.owner == user || slices.Contains(f.readers, user)
	}
	return slices.Contains(c.members, user)
}

// LoseFiles takes away what accounts have uploaded to a channel and nothing shows yet.
func (s *Service) LoseFiles(in bridge.ChannelID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	for id, f := range c.files {
		if f.copied && f.by == "" {
			delete(c.files, id)
		}
	}
	clear(s.uploading)
}

// Attach makes a person change the files of a message of theirs.
func (s *Service) Attach(in bridge.ChannelID, id bridge.MessageID, files ...Upload) {
	s.act(in, id, func(c *channel, m *message) {
		v := m.now()
		v.files = nil
		for i, f := range files {
			id := fmt.Sprintf("f%s-%d-%d", m.id, len(m.versions), i+1)
			for _, old := range m.now().files { // the same one stays
				if kept := c.files[old.ID]; kept != nil && kept.name == f.Name && bytes.Equal(kept.data, f.Data) {
					id = old.ID
				}
			}
			v.files = append(v.files, bridge.File{ID: id, Name: f.Name, Size: int64(len(f.Data)), Type: f.Type, URL: c.conversation.Link + "/" + id})
			c.keep(id, &file{owner: m.writer, name: f.Name, kind: f.Type, data: bytes.Clone(f.Data)})
		}
		v.edited = s.clock()
		s.change(c, m, v)
		c.attach(m)
	})
}

// Open reads a file.
func (a *account) Open(ctx context.Context, id bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	var data []byte
	err := a.call(ctx, Call{Op: Open, Conversation: id}, func() error {
		c, err := a.channel(id)
		if err != nil {
			return err
		}
		kept := c.files[f.ID]
		if kept == nil {
			return fault(bridge.Gone, "there is no file %s in %s", f.ID, id)
		}
		data, f.Size, f.Type = kept.data, int64(len(kept.data)), kept.kind
		return nil
	})
	if err != nil {
		return nil, f, err
	}
	return io.NopCloser(bytes.NewReader(data[min(offset, int64(len(data))):])), f, nil
}

// Upload takes a file chunk by chunk. What has arrived stays, and the next attempt goes on behind it.
func (a *account) Upload(ctx context.Context, u bridge.Upload) (bridge.File, error) {
	if a.service.options.NoFiles {
		return bridge.File{}, fault(bridge.Unsupported, "upload: not supported by this service")
	}
	id, offset, err := a.begin(ctx, u)
	if err != nil {
		return bridge.File{}, err
	}
	if id != u.Resume {
		if err := u.Progress(ctx, id); err != nil {
			return bridge.File{}, err
		}
	}
	body, err := u.Open(ctx, offset)
	if err != nil {
		return bridge.File{}, err
	}
	defer body.Close()
	for buffer := make([]byte, chunk); ; {
		n, err := io.ReadFull(body, buffer)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return bridge.File{}, err
		}
		f, err := a.append(ctx, u, id, buffer[:n])
		if err != nil || f.ID != "" {
			return f, err
		}
		if n == 0 {
			return bridge.File{}, fault(bridge.Transient, "upload: the file ends early")
		}
	}
}

// begin starts an upload, or finds the one that was begun before.
func (a *account) begin(ctx context.Context, u bridge.Upload) (id string, offset int64, err error) {
	s := a.service
	err = a.call(ctx, Call{Op: Uploading, Conversation: u.Conversation, As: u.As}, func() error {
		c, err := a.channel(u.Conversation)
		switch {
		case err != nil:
			return err
		case c.shape != bridge.Open && len(u.Members) == 0:
			return fault(bridge.Rejected, "upload: nobody in %s is named who may read it", u.Conversation)
		}
		if known := s.uploading[u.Resume]; known != nil && known.conversation == u.Conversation && known.owner == a.writer(u.As) {
			id, offset = u.Resume, int64(len(known.data))
			return nil
		}
		if most := s.options.MaxFile; most > 0 && u.File.Size > most {
			return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("a file of %d bytes is too large; %d are allowed", u.File.Size, most), Hint: "it is too large"}
		}
		id, offset = "u"+strconv.Itoa(len(s.uploading)+1), 0
		s.uploading[id] = &upload{conversation: u.Conversation, size: u.File.Size, file: file{owner: a.writer(u.As), name: u.File.Name, kind: u.File.Type, copied: true, readers: slices.Clone(u.Members)}}
		return nil
	})
	return id, offset, err
}

// append takes the next bytes and gives the file when they were the last.
func (a *account) append(ctx context.Context, u bridge.Upload, id string, data []byte) (f bridge.File, err error) {
	err = a.call(ctx, Call{Op: Uploading, Conversation: u.Conversation, As: u.As}, func() error {
		c, err := a.channel(u.Conversation)
		if err != nil {
			return err
		}
		up := a.service.uploading[id]
		up.data = append(up.data, data...)
		if int64(len(up.data)) < up.size {
			return nil
		}
		if up.done == "" {
			up.done = "c" + strconv.Itoa(len(c.files)+1) + "-" + id
			kept := up.file
			c.keep(up.done, &kept)
		}
		f = bridge.File{ID: up.done, Name: up.name, Size: up.size, Type: up.kind, URL: c.conversation.Link + "/" + up.done}
		return nil
	})
	return f, err
}

// RemoveFile removes a file that an account has uploaded.
func (a *account) RemoveFile(ctx context.Context, id bridge.ConversationID, as bridge.UserID, f bridge.File) error {
	return a.call(ctx, Call{Op: RemoveFile, Conversation: id, As: as}, func() error {
		c, err := a.channel(id)
		if err != nil {
			return err
		}
		kept := c.files[f.ID]
		if kept == nil {
			return fault(bridge.Gone, "there is no file %s in %s", f.ID, id)
		}
		if !kept.copied {
			return fault(bridge.Rejected, "the file %s in %s is not of an account", f.ID, id)
		}
		delete(c.files, f.ID)
		return nil
	})
}

// shows checks that a post can show the files of a draft: those of its writer that no other one shows.
func (a *account) shows(c *channel, m *message, d bridge.Draft) error {
	if most := a.service.options.FilesPerPost; most > 0 && len(d.Files) > most {
		return fault(bridge.Rejected, "a post can show %d files, not %d", most, len(d.Files))
	}
	var missing []string
	for _, f := range d.Files {
		kept := c.files[f.ID]
		if kept == nil || kept.owner != a.writer(d.As) || kept.by != "" && (m == nil || kept.by != m.id) {
			missing = append(missing, f.ID)
		}
	}
	if len(missing) > 0 {
		return &bridge.Error{Kind: bridge.Rejected, Files: missing, Err: fmt.Errorf("these files are not there: %v", missing)}
	}
	return nil
}

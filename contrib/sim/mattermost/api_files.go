package mattermost

import (
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// content is an answer that is a file, of which a range may be asked for.
type content struct {
	name, kind string
	at         time.Time
	data       io.ReadSeeker
}

func tooLarge(id string) *model.AppError {
	return fail("upload", id, http.StatusRequestEntityTooLarge)
}

// receive copies a request's body to disk while nobody is held up.
func (c *call) receive(to *os.File, offset, most int64) (written int64, err error) {
	c.outside(func() { written, err = io.Copy(io.NewOffsetWriter(to, offset), io.LimitReader(c.r.Body, most)) })
	return written, err
}

// postFile takes a file whose bytes are the body.
func (s *Server) postFile(c *call) (any, *model.AppError) {
	q := c.r.URL.Query()
	ch := s.channels[q.Get("channel_id")]
	switch {
	case s.opts.NoFiles:
		return nil, fail("uploadFileStream", "api.file.attachments.disabled.app_error", http.StatusForbidden)
	case c.r.ContentLength == 0:
		return nil, fail("uploadFileStream", "api.file.upload_file.read_request.app_error", http.StatusBadRequest)
	case strings.HasPrefix(c.r.Header.Get("Content-Type"), "multipart/"):
		return nil, fail("uploadFileStream", "api.file.upload_file.read_request.app_error", http.StatusBadRequest) // not here
	case q.Get("channel_id") == "" || q.Get("filename") == "":
		return nil, fail("uploadFileSimple", "api.context.invalid_url_param.app_error", http.StatusBadRequest)
	case !s.mayInChannel(c.user, ch, "upload_file"):
		return nil, forbidden()
	case c.r.ContentLength > s.maxFileSize():
		return nil, tooLarge("api.file.upload_file.too_large_detailed.app_error")
	}
	to, err := newContent()
	if err != nil {
		return nil, fail("uploadFileSimple", "api.file.write_file.app_error", http.StatusInternalServerError)
	}
	written, err := c.receive(to, 0, s.maxFileSize()+1)
	switch {
	case err != nil:
		return nil, fail("uploadFileSimple", "api.file.write_file.app_error", http.StatusInternalServerError)
	case written > s.maxFileSize():
		return nil, tooLarge("api.file.upload_file.too_large_detailed.app_error")
	}
	f := s.addFile(c.user.Id, ch.Id, q.Get("filename"), to, written)
	c.status = http.StatusCreated
	info := f.info
	return &model.FileUploadResponse{FileInfos: []*model.FileInfo{&info}}, nil
}

func (s *Server) postUpload(c *call) (any, *model.AppError) {
	var u upload
	if err := c.decode(&u.UploadSession); err != nil {
		return nil, err
	}
	ch := s.channels[u.ChannelId]
	switch {
	case s.opts.NoFiles:
		return nil, fail("createUpload", "api.file.attachments.disabled.app_error", http.StatusNotImplemented)
	case !s.mayInChannel(c.user, ch, "upload_file"):
		return nil, forbidden()
	case u.FileSize > s.maxFileSize():
		return nil, tooLarge("api.upload.create.upload_too_large.app_error")
	}
	u.Id, u.UserId, u.Type, u.FileOffset, u.CreateAt = model.NewId(), c.user.Id, model.UploadTypeAttachment, 0, s.nowMillis()
	u.Path = "x/" + u.Id + "/" + u.Filename
	if err := u.IsValid(); err != nil {
		return nil, err
	}
	if ch.DeleteAt != 0 {
		return nil, fail("CreateUploadSession", "app.upload.create.cannot_upload_to_deleted_channel.app_error", http.StatusBadRequest)
	}
	var err error
	if u.content, err = newContent(); err != nil {
		return nil, fail("createUpload", "app.upload.create.save.app_error", http.StatusInternalServerError)
	}
	s.uploads[u.Id] = &u
	c.status = http.StatusCreated
	return u.UploadSession, nil
}

// upload is the one named in the path. One that is complete is gone.
func (c *call) upload() (*upload, *model.AppError) {
	u := c.s.uploads[c.params["upload_id"]]
	if u == nil {
		return nil, fail("GetUpload", "app.upload.get.app_error", http.StatusNotFound)
	}
	return u, nil
}

func (s *Server) getUpload(c *call) (any, *model.AppError) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	if u.UserId != c.user.Id && !s.isAdmin(c.user) {
		return nil, fail("getUpload", "api.upload.get_upload.forbidden.app_error", http.StatusForbidden)
	}
	return u.UploadSession, nil
}

// postUploadData takes the next bytes. What has arrived of a body that breaks off counts, but for the first part of an upload.
func (s *Server) postUploadData(c *call) (any, *model.AppError) {
	u, appErr := c.upload()
	switch {
	case appErr != nil:
		return nil, appErr
	case u.UserId != c.user.Id || !s.mayInChannel(c.user, s.channels[u.ChannelId], "upload_file"):
		return nil, forbidden()
	case c.r.ContentLength > u.FileSize-u.FileOffset:
		return nil, fail("uploadData", "api.upload.upload_data.invalid_content_length", http.StatusBadRequest)
	case u.locked:
		return nil, fail("UploadData", "app.upload.upload_data.concurrent.app_error", http.StatusBadRequest)
	}
	u.locked = true
	written, err := c.receive(u.content, u.FileOffset, u.FileSize-u.FileOffset)
	u.locked = false
	if u.FileOffset == 0 && written < minFirstPart && written != u.FileSize {
		return nil, fail("UploadData", "app.upload.upload_data.first_part_too_small.app_error", http.StatusBadRequest)
	}
	u.FileOffset += written
	switch {
	case err != nil:
		return nil, fail("UploadData", "api.file.append_file.app_error", http.StatusInternalServerError)
	case u.FileOffset < u.FileSize:
		c.status = http.StatusNoContent
		return raw(nil), nil
	}
	delete(s.uploads, u.Id)
	info := s.addFile(u.UserId, u.ChannelId, u.Filename, u.content, u.FileSize).info
	return &info, nil
}

func (c *call) file() (*stored, *model.AppError) {
	f := c.s.files[c.params["file_id"]]
	if f == nil || f.info.DeleteAt != 0 {
		return nil, fail("GetFileInfo", "app.file_info.get.app_error", http.StatusNotFound)
	}
	if f.info.CreatorId != c.user.Id && !c.s.mayRead(c.user, c.s.channels[f.info.ChannelId]) {
		return nil, forbidden()
	}
	return f, nil
}

func (s *Server) getFile(c *call) (any, *model.AppError) {
	f, err := c.file()
	if err != nil {
		return nil, err
	}
	return content{f.info.Name, f.info.MimeType, time.UnixMilli(f.info.UpdateAt), io.NewSectionReader(f.content, 0, f.info.Size)}, nil
}

func (s *Server) getFileInfo(c *call) (any, *model.AppError) {
	f, err := c.file()
	if err != nil {
		return nil, err
	}
	info := f.info
	return &info, nil
}

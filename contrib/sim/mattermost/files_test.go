package mattermost

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestFilesOfAPost(t *testing.T) {
	w := newTown(t, Options{MaxFileSize: 6 << 20})
	upload := func(name string, data []byte) string {
		t.Helper()
		got, _, err := w.asBot.UploadFileAsRequestBody(w.ctx, data, w.channel, name)
		check(t, err)
		return got.FileInfos[0].Id
	}
	ids := []string{upload("a.txt", []byte("one")), upload("b.png", []byte("two")), upload("c", []byte("three"))}
	post, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, FileIds: ids[:2]})
	check(t, err)
	if want := slices.Sorted(slices.Values(ids[:2])); !slices.Equal(post.FileIds, want) || len(post.Metadata.Files) != 2 {
		t.Fatalf("it shows %v, want %v", post.FileIds, want)
	}
	other, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "again", FileIds: ids[:1]})
	check(t, err)
	if len(other.FileIds) != 0 {
		t.Errorf("a file stands in two posts")
	}
	patched, _, err := w.asBot.PatchPost(w.ctx, post.Id, &model.PostPatch{FileIds: &model.StringArray{ids[1], ids[2]}})
	check(t, err)
	if want := slices.Sorted(slices.Values(ids[1:])); !slices.Equal(patched.FileIds, want) || patched.EditAt == 0 {
		t.Errorf("after the change it shows %v, want %v", patched.FileIds, want)
	}
	_, _, err = w.asBot.GetFile(w.ctx, ids[0])
	wantError(t, err, http.StatusNotFound, "app.file_info.get.app_error")
	data, _, err := w.asBot.GetFile(w.ctx, ids[2])
	check(t, err)
	if string(data) != "three" {
		t.Errorf("it holds %q", data)
	}
	_, err = w.asBot.DeletePost(w.ctx, post.Id)
	check(t, err)
	_, _, err = w.asBot.GetFileInfo(w.ctx, ids[2])
	wantError(t, err, http.StatusNotFound, "app.file_info.get.app_error")
	_, _, err = w.asBot.UploadFileAsRequestBody(w.ctx, make([]byte, 6<<20+1), w.channel, "large")
	wantError(t, err, http.StatusRequestEntityTooLarge, "api.file.upload_file.too_large_detailed.app_error")
}

func TestResumableUploads(t *testing.T) {
	w := newTown(t, Options{MaxFileSize: 6 << 20})
	data := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
	us, _, err := w.asBot.CreateUpload(w.ctx, &model.UploadSession{ChannelId: w.channel, Filename: "big.bin", FileSize: int64(len(data))})
	check(t, err)
	_, _, err = w.asBot.UploadData(w.ctx, us.Id, bytes.NewReader(data[:1<<20]))
	wantError(t, err, http.StatusBadRequest, "app.upload.upload_data.first_part_too_small.app_error")
	if info, _, err := w.asBot.UploadData(w.ctx, us.Id, bytes.NewReader(data[:5<<20])); err != nil || info != nil {
		t.Fatalf("the first part: %v (%v)", info, err)
	}
	at, _, err := w.asBot.GetUpload(w.ctx, us.Id)
	check(t, err)
	if at.FileOffset != 5<<20 {
		t.Errorf("it is at %d", at.FileOffset)
	}
	info, _, err := w.asBot.UploadData(w.ctx, us.Id, bytes.NewReader(data[5<<20:]))
	check(t, err)
	if f, content := w.File(info.Id); f.Name != "big.bin" || f.Size != int64(len(data)) {
		t.Errorf("it is %+v", f)
	} else if got, _ := io.ReadAll(content); !bytes.Equal(got, data) {
		t.Errorf("it holds other bytes")
	}
	_, _, err = w.asBot.GetUpload(w.ctx, us.Id)
	wantError(t, err, http.StatusNotFound, "app.upload.get.app_error")
	_, _, err = w.asBot.CreateUpload(w.ctx, &model.UploadSession{ChannelId: w.channel, Filename: "big.bin", FileSize: 6<<20 + 1})
	wantError(t, err, http.StatusRequestEntityTooLarge, "api.upload.create.upload_too_large.app_error")
	w.Forbid("channel_user", "upload_file")
	_, _, err = w.asBot.CreateUpload(w.ctx, &model.UploadSession{ChannelId: w.channel, Filename: "x", FileSize: 1})
	wantError(t, err, http.StatusForbidden, "api.context.permissions.app_error")
}

func TestARangeOfAFile(t *testing.T) {
	w := newTown(t, Options{})
	got, _, err := w.asBot.UploadFileAsRequestBody(w.ctx, []byte("0123456789"), w.channel, "x.txt")
	check(t, err)
	answer, err := w.asBot.DoAPIRequestWithHeaders(w.ctx, "GET", w.asBot.APIURL+"/files/"+got.FileInfos[0].Id, "", map[string]string{"Range": "bytes=7-"})
	check(t, err)
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusPartialContent || string(data) != "789" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q %v", answer.StatusCode, data, answer.Header)
	}
}

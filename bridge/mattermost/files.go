package mattermost

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// describeFiles completes what the server tells of the files of posts. It first stores a post, then attaches its files one by one, and
// remembers what a reader in between was shown (GetFileInfosForPost and attachFilesToPost in its channels/app/post.go, 11.1): such a post
// has all ids in file_ids, and in metadata.files only some, for good. What it does not tell of one file either stays without a name.
func (a *account) describeFiles(ctx context.Context, posts []*model.Post) error {
	for _, p := range posts {
		missing := undescribed(p)
		if len(missing) == 0 {
			continue
		}
		if p.Metadata == nil {
			p.Metadata = &model.PostMetadata{}
		}
		for _, id := range missing {
			if !model.IsValidId(id) {
				continue // it would make another path
			}
			var info model.FileInfo
			err := a.reading(ctx, p.ChannelId, func(by *client) error { return by.get(ctx, "/files/"+id+"/info", &info) })
			switch kind := bridge.KindOf(err); {
			case err == nil:
				p.Metadata.Files = append(p.Metadata.Files, &info)
			case kind == bridge.Transient || kind == bridge.Throttled:
				return fmt.Errorf("asking for a file of a post: %w", err)
			}
		}
	}
	return nil
}

// undescribed gives the ids of those files of a post of which its metadata tells nothing.
func undescribed(p *model.Post) []string {
	if len(p.FileIds) == 0 || p.DeleteAt != 0 || !carried(p) {
		return nil
	}
	told := map[string]bool{}
	for _, f := range described(p) {
		told[f.Id] = true
	}
	return slices.DeleteFunc(slices.Clone(p.FileIds), func(id string) bool { return told[id] })
}

// described gives what a post's metadata tells of its files.
func described(p *model.Post) []*model.FileInfo {
	if p.Metadata == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Metadata.Files), func(f *model.FileInfo) bool { return f == nil })
}

// filesOf gives the files of a post, in the order in which they were uploaded: that in which the server shows them.
func filesOf(p *model.Post, site string) []bridge.File {
	var files []bridge.File
	uploaded := func(a, b *model.FileInfo) int {
		return cmp.Or(cmp.Compare(a.CreateAt, b.CreateAt), cmp.Compare(a.Id, b.Id))
	}
	for _, f := range slices.SortedFunc(slices.Values(described(p)), uploaded) {
		if f.DeleteAt == 0 {
			files = append(files, bridge.File{ID: f.Id, Name: f.Name, Size: f.Size, Type: f.MimeType, URL: fileURL(site, f.Id)})
		}
	}
	for _, id := range undescribed(p) {
		files = append(files, bridge.File{ID: id, Name: "file", Size: -1, URL: fileURL(site, id)})
	}
	return files
}

// fileURL is where a browser that is logged in to Mattermost gets the file.
func fileURL(site, id string) string { return site + "/api/v4/files/" + id }

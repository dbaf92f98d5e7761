package town

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
)

const (
	// MaxFile is the largest file that a person may attach, in bytes.
	MaxFile = 4 << 20
	// MaxFiles is how many of them one message may have.
	MaxFiles = 5
)

// ErrNoFile says that a message shows no such file.
var ErrNoFile = errors.New("there is no such file")

// Upload is a file with its content.
type Upload struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// File is a file as a message shows it.
type File struct {
	ID      string `json:"id"` // unique in its message
	Name    string `json:"name"`
	Size    int64  `json:"size"` // bytes
	Picture bool   `json:"picture,omitempty"`
}

// PictureType gives the media type of a picture that browsers show; empty: it is none.
func PictureType(data []byte) string {
	kind := http.DetectContentType(data)
	if slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		return kind
	}
	return ""
}

// sameFiles reports whether two messages show the same files, as far as services leave them as they are: they rename files, and put
// pictures elsewhere.
func sameFiles(a, b Message) bool {
	sizes := func(m Message) (all []int64) {
		for _, f := range m.Files {
			all = append(all, f.Size)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(sizes(a), sizes(b))
}

// namedPicture gives a picture in a text, which may have no name, one that programs know.
func namedPicture(name string, data []byte) string {
	name = cmp.Or(strings.TrimSpace(name), "picture")
	_, kind, _ := strings.Cut(PictureType(data), "/")
	if kind != "" && !strings.Contains(name, ".") {
		name += "." + kind
	}
	return name
}

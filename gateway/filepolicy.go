package gateway

import (
	"strings"

	"causeway/bridge"
)

// FileMode says what becomes of files.
type FileMode uint8

const (
	// CopyFiles: they are carried. What cannot be is a line with name, size, reason and link.
	CopyFiles FileMode = iota
	// LinkFiles: each is a line with name, size and link.
	LinkFiles
	// NoFiles: each is a line with name and size.
	NoFiles
)

// FilePolicy says which files a gateway carries.
type FilePolicy struct {
	Mode FileMode
	// MaxSize in bytes; 0: whatever the service takes.
	MaxSize int64
	// Allowed and Blocked are media types ("image/png", "image/*") and endings of names (".pdf"), in lower case. Without Allowed
	// everything is that is not blocked.
	Allowed, Blocked []string
}

// refuses says, in words for people, why a file may not cross; empty: it may.
func (p FilePolicy) refuses(f bridge.File) string {
	switch {
	case p.Mode == NoFiles:
		return "files are not carried here"
	case p.MaxSize > 0 && f.Size > p.MaxSize:
		return "it is larger than the " + fileSize(p.MaxSize) + " that are carried here"
	case matches(p.Blocked, f) || len(p.Allowed) > 0 && !matches(p.Allowed, f):
		return "files of this type are not carried here"
	}
	return ""
}

// matches tells whether a file is of one of these types.
func matches(types []string, f bridge.File) bool {
	kind, _, _ := strings.Cut(strings.ToLower(f.Type), ";")
	kind, name := strings.TrimSpace(kind), strings.ToLower(strings.TrimRight(f.Name, ". "))
	for _, t := range types {
		family, all := strings.CutSuffix(t, "*")
		switch {
		case strings.HasPrefix(t, "."):
			if strings.HasSuffix(name, t) {
				return true
			}
		case kind != "" && (kind == t || all && strings.HasPrefix(kind, family)):
			return true
		}
	}
	return false
}

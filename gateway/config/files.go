package config

import (
	"mime"
	"strconv"
	"strings"
)

// Values of Files.Mode.
const (
	FilesCopy = "copy"
	FilesLink = "link"
	FilesOff  = "off"
)

// Files says what a [[gateway]] or [[direct]] does with files.
type Files struct {
	// Mode: they are copied, or each is a line with a link, or without one.
	Mode string
	// MaxSize in bytes; 0: whatever the service takes.
	MaxSize int64
	// Allowed and Blocked are media types ("image/png", "image/*") and endings of names (".pdf"), in lower case.
	Allowed, Blocked []string
}

// fileKeys are the keys of a [[gateway]] and of a [[direct]] that are about files.
var fileKeys = []string{"Files", "MaxFileSize", "AllowedTypes", "BlockedTypes"}

// filePolicy checks what a table says about files.
func (d *decoder) filePolicy(at place, mode, size string, allowed, blocked []string) Files {
	f := Files{Mode: strings.ToLower(strings.TrimSpace(mode)), Allowed: allowed, Blocked: blocked}
	if f.Mode == "" {
		f.Mode = FilesCopy
	}
	d.oneOf(at, "Files", f.Mode, FilesCopy, FilesLink, FilesOff)
	if at.ok("MaxFileSize") && size != "" {
		var ok bool
		if f.MaxSize, ok = byteSize(size); !ok {
			d.mistake(at, "MaxFileSize", strconv.Quote(size)+" is no size", `write a number and kB, MB, GB, KiB, MiB or GiB: "100 MB"`)
		}
	}
	d.fileTypes(at, "AllowedTypes", f.Allowed)
	d.fileTypes(at, "BlockedTypes", f.Blocked)
	if f.Mode != FilesCopy {
		for _, key := range fileKeys[1:] {
			if _, there := at.node.find(key); there && at.ok(key) {
				d.warn(at, key, "has no effect", "nothing is copied with Files = "+strconv.Quote(f.Mode))
			}
		}
	}
	return f
}

// fileTypes checks a list of media types and endings of names, and makes one case of them.
func (d *decoder) fileTypes(at place, key string, list []string) {
	if !at.ok(key) {
		return
	}
	for i, text := range list {
		list[i] = strings.ToLower(strings.TrimSpace(text))
		if !isMediaType(list[i]) {
			d.mistake(at, key, strconv.Quote(text)+" is neither a media type nor the ending of a name", `write "image/png", "image/*" or ".pdf"`)
			return
		}
	}
}

func isMediaType(text string) bool {
	if ending, ok := strings.CutPrefix(text, "."); ok {
		return ending != "" && !strings.ContainsAny(ending, "/\\* ")
	}
	family, kind, two := strings.Cut(text, "/")
	if !two || family == "" || strings.Contains(family, "*") {
		return false
	}
	if kind == "*" {
		kind = "x"
	}
	_, parameters, err := mime.ParseMediaType(family + "/" + kind)
	return err == nil && len(parameters) == 0 && !strings.Contains(kind, "*")
}

// units of sizes, in lower case.
var units = map[string]float64{
	"": 1, "b": 1, "bytes": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// byteSize understands "100 MB" and "1.5GiB".
func byteSize(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(text)
	}
	n, err := strconv.ParseFloat(text[:i], 64)
	unit, known := units[strings.ToLower(strings.TrimSpace(text[i:]))]
	size := n * unit
	return int64(size), err == nil && known && size >= 1 && size < 1<<62
}

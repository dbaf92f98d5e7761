package config

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"causeway/bridge/secret"
)

// Messages here name neither values nor the paths and names that stand in their place: whoever puts a token
// into TokenFile by mistake must not find it in a log.

const envPrefix = "env:"

func (d *decoder) secret(at place, key string, f field, raw any) {
	text, ok := raw.(string)
	if !ok {
		d.mistake(at, key, "must be text in quotation marks, not "+found(raw), "")
		return
	}
	name, fromEnv := strings.CutPrefix(text, envPrefix)
	if !fromEnv {
		d.plainSecret = d.plainSecret || text != ""
		f.value.SetString(text)
		return
	}
	value, there := d.lookupEnv(name)
	shown := "that it names"
	if looksLikeEnvName(name) {
		shown = name
	}
	switch {
	case d.unarmed && value == "" && name != "" && at.path != storageTable:
		f.value.SetString(notHere)
	case name == "":
		d.mistake(at, key, `no name follows "env:"`, `write "env:NAME" with the name of an environment variable`)
	case !there:
		d.mistake(at, key, "the environment variable "+shown+" is not set", "set it for Causeway, or use "+f.name+fileSuffix)
	case value == "":
		d.mistake(at, key, "the environment variable "+shown+" is empty", "set it for Causeway, or use "+f.name+fileSuffix)
	default:
		f.value.SetString(value)
	}
}

// notHere takes the place of a secret that a command does not need; it is as long as a secret must be.
const notHere = "this secret is not in the environment of the command"

// storageTable is the table without whose secrets nothing can be looked at.
const storageTable = "storage"

func looksLikeEnvName(name string) bool {
	for _, r := range name {
		if !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') {
			return false
		}
	}
	return name != ""
}

func (d *decoder) secretFile(at place, key string, f field, raw any) {
	path, ok := raw.(string)
	if !ok {
		d.mistake(at, key, "must be the path of a file in quotation marks, not "+found(raw), "")
		return
	}
	const hint = "write the secret alone into a file, and its path, relative to the folder of the config, here"
	if path == "" {
		d.mistake(at, key, "names no file", hint)
		return
	}
	path = d.resolve(path)
	value, err := secret.File(path).Read()
	if errors.Is(err, secret.ErrEmpty) {
		d.mistake(at, key, "the file is empty", hint)
		return
	}
	if err != nil {
		d.mistake(at, key, "the file cannot be read: "+err.Error(), hint)
		return
	}
	if info, err := checkFile(path); err == nil && othersMayRead(info) {
		d.warn(at, key, "others on this machine may read the file", "chmod 600 it")
	}
	f.value.SetString(value.Reveal())
	if f.path.IsValid() {
		f.path.SetString(path)
	}
}

// checkFile gives what is known of a file, or why it cannot be one to read; a pipe would block the start.
func checkFile(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return info, nil
}

func withoutPath(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// othersMayRead tells nothing on Windows, where Go makes the mode up.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o044 != 0
}

// secretGivenTwice reports a secret that stands in the table both as a value and as a file.
func (d *decoder) secretGivenTwice(at place, fields []field, given []string) {
	has := func(name string) bool {
		return slices.ContainsFunc(given, func(key string) bool { return strings.EqualFold(key, name) })
	}
	for _, f := range fields {
		name, _ := strings.CutSuffix(f.name, fileSuffix)
		if f.secretFile && has(name) && has(f.name) {
			d.mistake(at, f.name, "given beside "+name, "keep one of the two")
		}
	}
}

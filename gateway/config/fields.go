package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"causeway/bridge/secret"
)

var (
	secretType   = reflect.TypeFor[secret.Secret]()
	fileType     = reflect.TypeFor[secret.File]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	textType     = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()
	tomlType     = reflect.TypeFor[toml.Unmarshaler]()
)

// fileSuffix ends the keys that name a file; such a path is relative to the folder of the config.
const fileSuffix = "File"

// field is a key that a settings struct declares.
type field struct {
	name  string
	value reflect.Value
	// secretFile marks the key that names a file with the value of the secret in the field: TokenFile of Token.
	secretFile bool
	// path takes the path of that file, where the settings want to know it; else it is not valid.
	path reflect.Value
}

func (f field) isSecret() bool { return f.value.Type() == secretType }

// isPath says whether the key holds a path of a file, by its name: CAFile.
func (f field) isPath() bool {
	return f.value.Kind() == reflect.String && !f.isSecret() && strings.HasSuffix(f.name, fileSuffix)
}

// fieldsOf gives the keys of structs, each given as a pointer, in the order of declaration. A field is called
// as in Go or as its toml tag says. Each secret K brings a further key KFile, unless the struct has one; when that is a
// secret.File, it is given the path beside the secret.
func fieldsOf(pointers ...any) []field {
	var all []field
	for _, pointer := range pointers {
		v := reflect.ValueOf(pointer).Elem()
		for _, f := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
			if !f.IsExported() || f.Anonymous || name == "-" {
				continue
			}
			if name == "" {
				name = f.Name
			}
			all = append(all, field{name: name, value: v.FieldByIndex(f.Index)})
		}
	}
	for _, f := range all {
		if !f.isSecret() || f.secretFile {
			continue
		}
		name := f.name + fileSuffix
		i := slices.IndexFunc(all, func(other field) bool { return strings.EqualFold(other.name, name) })
		switch {
		case i < 0:
			all = append(all, field{name: name, value: f.value, secretFile: true})
		case all[i].value.Type() == fileType:
			all[i] = field{name: all[i].name, value: f.value, secretFile: true, path: all[i].value}
		}
	}
	return all
}

// named gives the fields that a key is decoded into, whatever its case.
func named(all []field, key string) []field {
	var found []field
	for _, f := range all {
		if strings.EqualFold(f.name, key) {
			found = append(found, f)
		}
	}
	return found
}

// names gives each key once.
func names(all []field) []string {
	var list []string
	seen := map[string]bool{}
	for _, f := range all {
		if !seen[f.name] {
			seen[f.name] = true
			list = append(list, f.name)
		}
	}
	return list
}

// isTable says whether the keys under a type are its fields, so that they are checked one by one.
func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != timeType && !decodesItself(t)
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(textType) || p.Implements(tomlType)
}

// wanted names what a key takes.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == durationType:
		return `a duration such as "2s" or "1m30s"`
	case t == timeType:
		return "a date or time without quotation marks"
	case t.Kind() == reflect.String:
		return "text in quotation marks"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "a whole number of " + t.Kind().String() + "'s range"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return `a list of texts such as ["a", "b"]`
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return "a list in [ ]"
	default:
		return "a table"
	}
}

// found names the kind of a value of the file, never the value.
func found(raw any) string {
	switch raw.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	default:
		return "a list"
	}
}

package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// place is a table of the file, or one element of an array of tables.
type place struct {
	path string // dotted, without brackets: "mattermost.hq"; "" for the file itself
	list bool   // an element of an array of tables
	node *node
}

func (p place) header() string {
	switch {
	case p.path == "":
		return ""
	case p.list:
		return "[[" + p.path + "]]"
	default:
		return "[" + p.path + "]"
	}
}

func (p place) child(key string) place {
	path := shownKey(key)
	if p.path != "" {
		path = p.path + "." + path
	}
	return place{path: path, node: p.node.child(key)}
}

// ok says whether nothing was found wrong with the key, nor with the file that stands in its place.
func (p place) ok(key string) bool {
	return !slices.ContainsFunc(p.node.wrong, func(w string) bool {
		return strings.EqualFold(w, key) || strings.EqualFold(w, key+fileSuffix)
	})
}

// decoder takes one config apart.
type decoder struct {
	file, dir string
	lookupEnv func(string) (string, bool)
	meta      *toml.MetaData
	mistakes  []Mistake
	warnings  []Mistake
	// plainSecret is set when a secret stands in the file itself.
	plainSecret bool
	// unarmed: what the environment lacks is not missed, but for the store.
	unarmed bool
}

// mistake reports what is wrong with a key of a table, at the line of the key, or of the table when it lacks.
// An empty key means the table as a whole.
func (d *decoder) mistake(at place, key, problem, hint string) {
	d.mistakes = append(d.mistakes, d.about(at, key, problem, hint))
	at.node.wrong = append(at.node.wrong, key)
}

func (d *decoder) warn(at place, key, problem, hint string) {
	d.warnings = append(d.warnings, d.about(at, key, problem, hint))
}

func (d *decoder) about(at place, key, problem, hint string) Mistake {
	m := Mistake{File: d.file, Line: at.node.line, Table: at.header(), Problem: problem, Hint: hint}
	if key == "" {
		return m
	}
	written, there := at.node.find(key)
	if there {
		m.Line = at.node.child(written).line
	}
	m.Key = shownKey(written)
	return m
}

// table decodes a table into structs, given as pointers, and reports every key that none of them declares
// through unknown; nil for the usual message.
func (d *decoder) table(at place, keys map[string]toml.Primitive, unknown func(key string, value toml.Primitive), into ...any) {
	fields := fieldsOf(into...)
	if unknown == nil {
		unknown = func(key string, _ toml.Primitive) {
			problem := "unknown key"
			if key == "" {
				problem += ` ""`
			}
			hint, meant := suggest(key, names(fields))
			d.mistake(at, key, problem, hint)
			if meant != "" {
				at.node.wrong = append(at.node.wrong, meant) // do not call it missing as well
			}
		}
	}
	var seen []string
	for _, key := range inOrder(at.node, keys) {
		if i := slices.IndexFunc(seen, func(s string) bool { return strings.EqualFold(s, key) }); i >= 0 {
			d.repeated(at, key, seen[i])
			continue
		}
		seen = append(seen, key)
		targets := named(fields, key)
		if len(targets) == 0 {
			unknown(key, keys[key])
			continue
		}
		for _, f := range targets {
			if at.ok(key) {
				d.field(at, key, f, keys[key])
			}
		}
	}
	d.secretGivenTwice(at, fields, seen)
}

// inOrder gives the keys as they stand in the file, so that the same file always gives the same messages.
func inOrder(n *node, keys map[string]toml.Primitive) []string {
	var list []string
	for _, key := range n.keys {
		if _, there := keys[key]; there {
			list = append(list, key)
		}
	}
	if len(list) == len(keys) {
		return list
	}
	var rest []string
	for key := range keys {
		if !slices.Contains(list, key) {
			rest = append(rest, key)
		}
	}
	slices.Sort(rest)
	return append(list, rest...)
}

func (d *decoder) repeated(at place, key, first string) {
	d.mistake(at, key, "repeats "+shownKey(first)+lineOf(at.node.child(first).line)+", as upper and lower case are the same", "keep one of them")
}

func (d *decoder) field(at place, key string, f field, value toml.Primitive) {
	raw := d.raw(value)
	t := f.value.Type()
	switch {
	case f.secretFile:
		d.secretFile(at, key, f, raw)
	case f.isSecret():
		d.secret(at, key, f, raw)
	case isTable(t):
		d.nested(at.child(key), at, key, value, f.value)
	case t.Kind() == reflect.Slice && isTable(t.Elem()):
		d.list(at, key, value, f.value)
	default:
		d.leaf(at, key, f, value, raw)
	}
}

func (d *decoder) raw(value toml.Primitive) any {
	var raw any
	_ = d.meta.PrimitiveDecode(value, &raw) // into any never fails
	return raw
}

func (d *decoder) nested(inner, at place, key string, value toml.Primitive, target reflect.Value) {
	keys, ok := d.keys(value)
	if !ok {
		d.mistake(at, key, "must be a table, not "+found(d.raw(value)), "write "+inner.header()+" on a line of its own")
		return
	}
	d.table(inner, keys, nil, target.Addr().Interface())
}

// keys gives the keys of a value that is a table.
func (d *decoder) keys(value toml.Primitive) (map[string]toml.Primitive, bool) {
	if _, ok := d.raw(value).(map[string]any); !ok {
		return nil, false
	}
	var keys map[string]toml.Primitive
	err := d.meta.PrimitiveDecode(value, &keys)
	return keys, err == nil
}

func (d *decoder) list(at place, key string, value toml.Primitive, target reflect.Value) {
	inner := at.child(key)
	inner.list = true
	var items []toml.Primitive
	if err := d.meta.PrimitiveDecode(value, &items); err != nil {
		d.mistake(at, key, "must be a list of tables, not "+found(d.raw(value)), "write "+inner.header()+" with two brackets")
		return
	}
	target.Set(reflect.MakeSlice(target.Type(), len(items), len(items)))
	for i, item := range items {
		element := place{path: inner.path, list: true, node: inner.node.item(i)}
		keys, ok := d.keys(item)
		if !ok {
			d.mistake(element, "", "must be a table such as { key = value }, not "+found(d.raw(item)), "")
			at.node.wrong = append(at.node.wrong, key) // how many there are is not known
			continue
		}
		d.table(element, keys, nil, target.Index(i).Addr().Interface())
	}
}

func (d *decoder) leaf(at place, key string, f field, value toml.Primitive, raw any) {
	t := f.value.Type()
	if _, text := raw.(string); t == durationType && !text {
		d.mistake(at, key, "must be "+wanted(t)+", not "+found(raw), "")
		return
	}
	if err := d.meta.PrimitiveDecode(value, f.value.Addr().Interface()); err != nil {
		var own toml.ParseError
		if t != timeType && decodesItself(t) && errors.As(err, &own) {
			d.mistake(at, key, own.Message, "")
			return
		}
		d.mistake(at, key, "must be "+wanted(t), "")
		return
	}
	if f.isPath() && f.value.String() != "" {
		f.value.SetString(d.resolve(f.value.String()))
	}
}

// resolve makes a path relative to the folder of the config.
func (d *decoder) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}

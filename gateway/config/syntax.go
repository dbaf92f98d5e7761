package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntaxWords gives our words for the TOML package's messages, which quote what they found. The first whose
// piece occurs counts.
var syntaxWords = []struct{ piece, problem, hint string }{
	{"already been defined", "this key or table is given twice", "keep one of them"},
	{"already created", "this key or table is given twice, in forms that exclude each other", "write a table or list in one place and one form"},
	{"strings cannot contain newlines", "the text is not closed on its line", "end it with the quotation mark it begins with"},
	{"unexpected EOF; expected '\"", "the text is not closed", "end it with the quotation marks it begins with"},
	{"unexpected EOF; expected \"'", "the text is not closed", "end it with the quotation marks it begins with"},
	{"invalid escape", "the text has a backslash that means nothing", `write \\ for a backslash, or put the text in single quotation marks`},
	{"hexadecimal digits after", "the text has a backslash that means nothing", `write \\ for a backslash, or put the text in single quotation marks`},
	{"Escaped character", "the text has a backslash that means nothing", `write \\ for a backslash, or put the text in single quotation marks`},
	{"table name", "the header of the table is wrong", `write [protocol.name], or [[gateway]] with two brackets on each side`},
	{"table array name", "the header of the table is wrong", `write [protocol.name], or [[gateway]] with two brackets on each side`},
	{"table separator", "the header of the table is wrong", `write [protocol.name], or [[gateway]] with two brackets on each side`},
	{"expected '.' or '='", "no = after the key", `write KEY = "value"`},
	{"key separator", "no = after the key", `write KEY = "value"`},
	{"unexpected '='", "no key before the =", `write KEY = "value"`},
	{"keys cannot start", "no key before the =", `write KEY = "value"`},
	{"top-level item to end", "something follows that does not belong there", "write one key on each line, and # before a comment"},
	{"inline table terminator", "the inline table is not closed, or lacks a comma", "write { key = value, key = value }"},
	{"array terminator", "the list is not closed, or lacks a comma", "write [ a, b ]"},
	{"unexpected comma", "a comma too many", ""},
	{"UTF-8 byte", "not UTF-8", "save the file as UTF-8"},
	{"UTF-16", "not UTF-8", "save the file as UTF-8"},
	{"control characters", "a control character that TOML does not allow", "remove it"},
	{"expected value", "not a value", "put text in quotation marks"},
}

// syntaxMistake words a syntax error. It names the last key only when that is a known one: on a broken line, a
// piece of a secret may look like a key.
func (d *decoder) syntaxMistake(err error, data []byte, protocols Protocols) Mistake {
	m := Mistake{File: d.file, Problem: "not valid TOML", Hint: "put text in quotation marks, and write one key on each line"}
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return m
	}
	m.Line = min(max(syntax.Position.Line, 1), bytes.Count(data, []byte("\n"))+1)
	for _, w := range syntaxWords {
		if strings.Contains(syntax.Message, w.piece) {
			m.Problem, m.Hint = w.problem, w.hint
			break
		}
	}
	last := syntax.LastKey[strings.LastIndexByte(syntax.LastKey, '.')+1:]
	for _, t := range knownKeys(protocols) {
		for _, key := range t.keys {
			if strings.EqualFold(key, last) {
				m.Key = last
			}
		}
	}
	return m
}

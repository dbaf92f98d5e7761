package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// deepest is how far values may be nested in a body; a real one goes five deep.
const deepest = 64

// reader goes through a JSON text once and gives pieces of it without copying them. It accepts exactly what
// encoding/json accepts, only not so deeply nested. After the first mistake of syntax nothing more is read.
type reader struct {
	text []byte
	at   int
	bad  error
}

// literal is a JSON string as it stands in the text, without its quotes.
type literal struct {
	raw     []byte
	escaped bool
}

// text gives the string's meaning.
func (l literal) text() string {
	if !l.escaped && utf8.Valid(l.raw) {
		return string(l.raw)
	}
	quoted := make([]byte, 0, len(l.raw)+2)
	quoted = append(append(append(quoted, '"'), l.raw...), '"')
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return "" // cannot be: the reader has checked it
	}
	return s
}

func (r *reader) fail(what string) {
	if r.bad == nil {
		r.bad = fmt.Errorf("reading notifications: the body is not JSON at byte %d: %s", r.at, what)
	}
}

// peek gives the first byte of the next value or sign; 0 at the end and after a mistake.
func (r *reader) peek() byte {
	if r.bad != nil {
		return 0
	}
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take reads one sign if it is next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

// members reads an object. each is given every member's name and must read its value.
func (r *reader) members(each func(name []byte)) {
	if !r.take('{') {
		r.fail("an object is missing")
		return
	}
	if r.take('}') {
		return
	}
	for r.bad == nil {
		if r.peek() != '"' {
			r.fail("a member's name is missing")
			return
		}
		l := r.literal()
		name := l.raw
		if l.escaped {
			name = []byte(l.text())
		}
		if !r.take(':') {
			r.fail("a colon is missing")
			return
		}
		if each(name); r.bad != nil || r.take('}') {
			return
		}
		if !r.take(',') {
			r.fail("an object does not end")
			return
		}
	}
}

// elements reads a list. each must read one value.
func (r *reader) elements(each func()) {
	if !r.take('[') {
		r.fail("a list is missing")
		return
	}
	if r.take(']') {
		return
	}
	for r.bad == nil {
		if each(); r.bad != nil || r.take(']') {
			return
		}
		if !r.take(',') {
			r.fail("a list does not end")
			return
		}
	}
}

// literal reads a string whose opening quote is next.
func (r *reader) literal() literal {
	r.at++
	begin := r.at
	l := literal{}
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			l.raw = r.text[begin:r.at]
			r.at++
			return l
		case c == '\\':
			l.escaped = true
			if r.escape(); r.bad != nil {
				return literal{}
			}
		case c < ' ':
			r.fail("a control character stands in a string")
			return literal{}
		default:
			r.at++
		}
	}
	r.fail("a string does not end")
	return literal{}
}

// escape reads a backslash and what belongs to it.
func (r *reader) escape() {
	rest := r.text[r.at+1:]
	if len(rest) > 0 {
		switch rest[0] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			r.at += 2
			return
		case 'u':
			if len(rest) >= 5 && hexadecimal(rest[1:5]) {
				r.at += 6
				return
			}
		}
	}
	r.fail("a backslash stands before something that cannot be escaped")
}

func hexadecimal(digits []byte) bool {
	for _, c := range digits {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// skip reads a value of any kind.
func (r *reader) skip() { r.skipFrom(0) }

func (r *reader) skipFrom(depth int) {
	if depth > deepest {
		r.fail("it is nested too deeply")
		return
	}
	switch c := r.peek(); {
	case c == '{':
		r.members(func([]byte) { r.skipFrom(depth + 1) })
	case c == '[':
		r.elements(func() { r.skipFrom(depth + 1) })
	case c == '"':
		r.literal()
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		r.word()
	}
}

// word reads true, false or null.
func (r *reader) word() {
	for _, w := range [...]string{"null", "true", "false"} {
		if bytes.HasPrefix(r.text[r.at:], []byte(w)) {
			r.at += len(w)
			return
		}
	}
	r.fail("a value is missing")
}

func (r *reader) number() {
	r.sign("-")
	if !r.sign("0") && !r.digits() || r.sign(".") && !r.digits() {
		r.fail("a number is incomplete")
		return
	}
	if r.sign("eE") {
		if r.sign("+-"); !r.digits() {
			r.fail("a number is incomplete")
		}
	}
}

func (r *reader) sign(signs string) bool {
	if r.at < len(r.text) && strings.IndexByte(signs, r.text[r.at]) >= 0 {
		r.at++
		return true
	}
	return false
}

func (r *reader) digits() bool {
	begin := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at > begin
}

// end makes sure that nothing follows.
func (r *reader) end() {
	if r.peek(); r.bad == nil && r.at < len(r.text) {
		r.fail("something follows the end")
	}
}

// null reads a null if it is next.
func (r *reader) null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.word()
	return true
}

var errNotText = errors.New("is no text")

// string reads a string of at most limit bytes, or null as an empty one. A value of another kind is read and refused.
func (r *reader) string(limit int) (literal, error) {
	if r.peek() != '"' {
		if r.null() {
			return literal{}, nil
		}
		r.skip()
		return literal{}, errNotText
	}
	l := r.literal()
	if len(l.raw) > limit {
		return literal{}, &LimitError{What: "bytes", Limit: limit}
	}
	return l, nil
}

// named tells whether a member has this name, which is given in small letters: Graph writes both encryptedContent and
// EncryptedContent.
func named(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

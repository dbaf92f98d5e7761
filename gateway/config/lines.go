package config

import (
	"bytes"
	"strings"

	"github.com/BurntSushi/toml"
)

// node is one key of the file: where it stands and what stands under it. The TOML package keeps positions to
// itself and only by key name, which cannot tell the tables of an array apart.
type node struct {
	line  int
	keys  []string // of a table, in the order of the file
	under map[string]*node
	items []*node // of an array
	// wrong holds keys with a mistake; what follows from it is not reported again.
	wrong []string
	// explicit is false for a table that is only implied by the header of one below it.
	explicit bool
}

// child gives the node of a key; for an unknown one, a node at this line.
func (n *node) child(key string) *node {
	if c := n.under[key]; c != nil {
		return c
	}
	return &node{line: n.line}
}

// item gives the node of an array's element.
func (n *node) item(i int) *node {
	if i < len(n.items) {
		return n.items[i]
	}
	return &node{line: n.line}
}

// find gives the key as it is written in the file: exactly so, or in another case, or for a secret as the key
// of its file.
func (n *node) find(key string) (string, bool) {
	if n.under[key] != nil {
		return key, true
	}
	for _, name := range []string{key, key + fileSuffix} {
		for _, k := range n.keys {
			if strings.EqualFold(k, name) {
				return k, true
			}
		}
	}
	return key, false
}

func (n *node) add(key string, line int) *node {
	if c := n.under[key]; c != nil {
		return c
	}
	if n.under == nil {
		n.under = map[string]*node{}
	}
	c := &node{line: line}
	n.under[key] = c
	n.keys = append(n.keys, key)
	return c
}

// walk goes down a dotted key, through the last element of each array of tables on the way.
func (n *node) walk(path []string, line int) *node {
	for _, key := range path {
		n = n.add(key, line)
		if len(n.items) > 0 {
			n = n.items[len(n.items)-1]
		}
	}
	return n
}

// scanner finds the line of every key in a document that the TOML package has accepted. It only has to tell
// structure from strings and comments, so it is forgiving: on anything unexpected it moves on by one byte.
type scanner struct {
	text []byte
	pos  int
	line int
}

// locate gives the tree of keys of a valid TOML document without a byte order mark.
func locate(data []byte) *node {
	s := &scanner{text: data, line: 1}
	root := &node{line: 1}
	table := root
	for s.blank(); s.pos < len(s.text); s.blank() {
		if s.text[s.pos] == '[' {
			table = s.header(root)
		} else {
			s.pair(table)
		}
	}
	return root
}

func (s *scanner) header(root *node) *node {
	line := s.line
	s.advance(1)
	list := s.peek() == '['
	if list {
		s.advance(1)
	}
	path := s.key()
	for s.peek() == ']' {
		s.advance(1)
	}
	if len(path) == 0 {
		return root
	}
	last := len(path) - 1
	n := root.walk(path[:last], line).add(path[last], line)
	if list {
		n.items = append(n.items, &node{line: line})
		return n.items[len(n.items)-1]
	}
	if !n.explicit {
		n.explicit, n.line = true, line
	}
	return n
}

func (s *scanner) pair(table *node) {
	line, start := s.line, s.pos
	path := s.key()
	s.blank()
	if s.peek() == '=' {
		s.advance(1)
	}
	s.blank()
	if len(path) == 0 {
		path = []string{""}
	}
	n := table.walk(path[:len(path)-1], line).add(path[len(path)-1], line)
	s.value(n)
	if s.pos == start {
		s.advance(1)
	}
}

func (s *scanner) value(n *node) {
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.advance(1)
		for s.separators(); s.pos < len(s.text) && s.peek() != ']'; s.separators() {
			item, start := &node{line: s.line}, s.pos
			n.items = append(n.items, item)
			s.value(item)
			if s.pos == start {
				s.advance(1)
			}
		}
		s.advance(1)
	case '{':
		s.advance(1)
		for s.separators(); s.pos < len(s.text) && s.peek() != '}'; s.separators() {
			s.pair(n)
		}
		s.advance(1)
	default: // a number, boolean or date
		for s.pos < len(s.text) && !bytes.ContainsRune([]byte(",]}#\n"), rune(s.peek())) {
			s.advance(1)
		}
	}
}

// key reads a dotted key.
func (s *scanner) key() []string {
	var path []string
	for {
		for s.peek() == ' ' || s.peek() == '\t' {
			s.advance(1)
		}
		start := s.pos
		if c := s.peek(); c == '"' || c == '\'' {
			s.quoted()
			path = append(path, unquote(s.text[start:s.pos]))
		} else {
			for s.pos < len(s.text) && !bytes.ContainsRune([]byte(" \t.=]}\r\n#\"'"), rune(s.peek())) {
				s.advance(1)
			}
			path = append(path, string(s.text[start:s.pos]))
		}
		for s.peek() == ' ' || s.peek() == '\t' {
			s.advance(1)
		}
		if s.peek() != '.' {
			return path
		}
		s.advance(1)
	}
}

// unquote gives what a quoted key stands for; the TOML package knows the escapes.
func unquote(quoted []byte) string {
	var holder struct{ K string }
	if _, err := toml.Decode("K = "+string(quoted), &holder); err != nil {
		return string(quoted)
	}
	return holder.K
}

// quoted moves behind a string of any of the four kinds.
func (s *scanner) quoted() {
	quote := s.text[s.pos]
	fence := []byte{quote}
	if triple := []byte{quote, quote, quote}; bytes.HasPrefix(s.text[s.pos:], triple) {
		fence = triple
	}
	s.advance(len(fence))
	for s.pos < len(s.text) && !bytes.HasPrefix(s.text[s.pos:], fence) {
		if quote == '"' && s.text[s.pos] == '\\' {
			s.advance(1)
		}
		s.advance(1)
	}
	s.advance(len(fence))
	// Up to two quotation marks may stand directly before the closing three.
	for len(fence) == 3 && s.peek() == quote {
		s.advance(1)
	}
}

// blank skips white space and comments.
func (s *scanner) blank() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.advance(1)
		case '#':
			for s.pos < len(s.text) && s.text[s.pos] != '\n' {
				s.advance(1)
			}
		default:
			return
		}
	}
}

func (s *scanner) separators() {
	for s.blank(); s.peek() == ','; s.blank() {
		s.advance(1)
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) advance(n int) {
	for ; n > 0 && s.pos < len(s.text); n-- {
		if s.text[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
}

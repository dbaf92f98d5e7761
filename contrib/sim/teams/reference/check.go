package reference

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mode says what a document is.
type Mode int

const (
	// Answer is what a service sends: what the schema requires must be there.
	Answer Mode = iota
	// Selected is an answer reduced by $select or, as users are, by default: members may be left out.
	Selected
	// Request is what a client sends: members may be left out, but not be null where the schema forbids it.
	Request
)

// Check compares a JSON document with a type, such as "chatMessage": every property is known (annotations with an @ and
// the members of open types excepted), each value has the right JSON type, enum values are known, required members
// are there. It gives all that is wrong, joined.
func (s *Schema) Check(typ string, document []byte, mode Mode) error {
	v, err := decode(document)
	if err != nil {
		return fmt.Errorf("checking a %s: %w", typ, err)
	}
	t := s.find(typ)
	if t == nil {
		return fmt.Errorf("checking a %s: the schema has no such type", typ)
	}
	c := checker{schema: s, mode: mode}
	c.object(typ, t, v)
	return errors.Join(c.wrong...)
}

// CheckList compares a page, {"value": […]}, whose items are of a type.
func (s *Schema) CheckList(typ string, document []byte, mode Mode) error {
	v, err := decode(document)
	if err != nil {
		return fmt.Errorf("checking a list of %s: %w", typ, err)
	}
	t := s.find(typ)
	if t == nil {
		return fmt.Errorf("checking a list of %s: the schema has no such type", typ)
	}
	page, _ := v.(map[string]any)
	items, ok := page["value"].([]any)
	if !ok {
		return fmt.Errorf("checking a list of %s: there is no value", typ)
	}
	c := checker{schema: s, mode: mode}
	for name := range page {
		if name != "value" && !strings.HasPrefix(name, "@odata.") {
			c.report(name, "is not part of a page")
		}
	}
	for i, item := range items {
		c.object(fmt.Sprintf("value[%d]", i), t, item)
	}
	return errors.Join(c.wrong...)
}

func decode(document []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("there is more than one document")
	}
	return v, nil
}

type checker struct {
	schema *Schema
	mode   Mode
	wrong  []error
}

func (c *checker) report(path, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (c *checker) object(path string, t *structured, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		c.report(path, "is %s, not an object", kind(v))
		return
	}
	if name, ok := object["@odata.type"].(string); ok {
		derived := c.schema.find(strings.TrimPrefix(name, "#"))
		switch {
		case derived == nil:
			c.report(path, "@odata.type %s is not in the schema", name)
			return
		case !c.schema.extends(derived, t):
			c.report(path, "@odata.type %s is not a %s", name, t.name)
			return
		}
		t = derived
	}
	for name, value := range object {
		if strings.Contains(name, "@") {
			continue
		}
		p, known, open := c.schema.property(t, name)
		switch {
		case known:
			c.value(path+"."+name, p, value)
		case !open:
			c.report(path, "%s has no property %s", t.name, name)
		}
	}
	if c.mode == Answer {
		required := c.schema.required(t)
		slices.Sort(required)
		for _, name := range required {
			if _, there := object[name]; !there {
				c.report(path, "%s is missing", name)
			}
		}
	}
}

func (c *checker) value(path string, p property, v any) {
	if v == nil {
		if p.required || p.collection && c.mode != Request {
			c.report(path, "is null")
		}
		return
	}
	if !p.collection {
		c.single(path, p.typ, v)
		return
	}
	list, ok := v.([]any)
	if !ok {
		c.report(path, "is %s, not a list", kind(v))
		return
	}
	for i, item := range list {
		c.single(fmt.Sprintf("%s[%d]", path, i), p.typ, item)
	}
}

func (c *checker) single(path, typ string, v any) {
	if t := c.schema.types[typ]; t != nil {
		c.object(path, t, v)
		return
	}
	if e := c.schema.enums[typ]; e != nil {
		c.enumeration(path, typ, e, v)
		return
	}
	if problem := primitive(typ, v); problem != "" {
		c.report(path, "is %s, %s", kind(v), problem)
	}
}

func (c *checker) enumeration(path, typ string, e *enum, v any) {
	text, ok := v.(string)
	if !ok {
		c.report(path, "is %s, not a member of %s", kind(v), typ)
		return
	}
	parts := []string{text}
	if e.flags {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		if !e.members[strings.TrimSpace(part)] {
			c.report(path, "%q is not a member of %s", part, typ)
		}
	}
}

// primitive tells what is wrong with a value of a type of OData itself. Types that the schema subset leaves out are
// taken as they come.
func primitive(typ string, v any) string {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	_, isBool := v.(bool)
	good := true
	switch typ {
	case "Edm.String":
		good = isText
	case "Edm.Guid":
		good = isText && len(text) == 36 && strings.Count(text, "-") == 4
	case "Edm.Boolean":
		good = isBool
	case "Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64":
		_, err := strconv.ParseInt(number.String(), 10, 64)
		good = isNumber && err == nil
	case "Edm.Double", "Edm.Single", "Edm.Decimal":
		good = isNumber || isText && (text == "INF" || text == "-INF" || text == "NaN")
	case "Edm.DateTimeOffset":
		_, err := time.Parse(time.RFC3339Nano, text)
		good = isText && err == nil
	case "Edm.Date":
		_, err := time.Parse(time.DateOnly, text)
		good = isText && err == nil
	case "Edm.Duration":
		good = isText && strings.HasPrefix(strings.TrimPrefix(text, "-"), "P")
	case "Edm.Binary", "Edm.Stream":
		_, err := base64.StdEncoding.DecodeString(text)
		_, urlErr := base64.URLEncoding.DecodeString(text)
		good = isText && (err == nil || urlErr == nil)
	}
	if good {
		return ""
	}
	return "not a valid " + typ
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}

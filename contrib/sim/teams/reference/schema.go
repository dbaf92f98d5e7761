// Package reference checks JSON documents against Microsoft's own schema of Graph (CSDL), for the tests of the Teams
// stand-in and of the bridge. The schema and Microsoft's examples are no part of this project: the environment variable
// GRAPH_REFERENCE names a folder that holds schema.csdl.xml and examples/.
package reference

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Schema is the set of types of a CSDL document.
type Schema struct {
	types map[string]*structured
	enums map[string]*enum
}

// structured is an entity or complex type.
type structured struct {
	name       string
	base       string
	open       bool
	properties map[string]property
}

type property struct {
	typ        string // without Collection(…)
	collection bool
	required   bool // Nullable="false"
	navigation bool
}

type enum struct {
	members map[string]bool
	flags   bool
}

type csdl struct {
	Schemas []struct {
		Namespace string       `xml:"Namespace,attr"`
		Alias     string       `xml:"Alias,attr"`
		Enums     []csdlEnum   `xml:"EnumType"`
		Entities  []csdlStruct `xml:"EntityType"`
		Complex   []csdlStruct `xml:"ComplexType"`
	} `xml:"DataServices>Schema"`
}

type csdlEnum struct {
	Name    string `xml:"Name,attr"`
	Flags   bool   `xml:"IsFlags,attr"`
	Members []struct {
		Name string `xml:"Name,attr"`
	} `xml:"Member"`
}

type csdlStruct struct {
	Name       string         `xml:"Name,attr"`
	Base       string         `xml:"BaseType,attr"`
	Open       bool           `xml:"OpenType,attr"`
	Properties []csdlProperty `xml:"Property"`
	Navigation []csdlProperty `xml:"NavigationProperty"`
}

type csdlProperty struct {
	Name     string `xml:"Name,attr"`
	Type     string `xml:"Type,attr"`
	Nullable string `xml:"Nullable,attr"`
}

// Read reads a CSDL document.
func Read(r io.Reader) (*Schema, error) {
	var doc csdl
	if err := xml.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	s := &Schema{types: map[string]*structured{}, enums: map[string]*enum{}}
	for _, part := range doc.Schemas {
		full := func(name string) string {
			if rest, ok := strings.CutPrefix(name, part.Alias+"."); ok && part.Alias != "" {
				return part.Namespace + "." + rest
			}
			return name
		}
		for _, e := range part.Enums {
			members := map[string]bool{}
			for _, m := range e.Members {
				members[m.Name] = true
			}
			s.enums[part.Namespace+"."+e.Name] = &enum{members: members, flags: e.Flags}
		}
		for _, c := range append(part.Entities, part.Complex...) {
			t := &structured{name: part.Namespace + "." + c.Name, base: full(c.Base), open: c.Open, properties: map[string]property{}}
			for _, p := range c.Properties {
				t.properties[p.Name] = makeProperty(p, full, false)
			}
			for _, p := range c.Navigation {
				t.properties[p.Name] = makeProperty(p, full, true)
			}
			s.types[t.name] = t
		}
	}
	if len(s.types) == 0 {
		return nil, fmt.Errorf("reading the schema: it has no types")
	}
	return s, nil
}

func makeProperty(p csdlProperty, full func(string) string, navigation bool) property {
	out := property{typ: p.Type, navigation: navigation, required: p.Nullable == "false" && !navigation}
	if inner, ok := strings.CutPrefix(p.Type, "Collection("); ok {
		out.collection = true
		out.typ = strings.TrimSuffix(inner, ")")
	}
	out.typ = full(out.typ)
	return out
}

// find gives a type by its name, with or without the namespace microsoft.graph.
func (s *Schema) find(name string) *structured {
	if t := s.types[name]; t != nil {
		return t
	}
	return s.types["microsoft.graph."+name]
}

// property looks a property up in a type and what it is based on, and tells whether the type takes unknown ones.
func (s *Schema) property(t *structured, name string) (p property, known, open bool) {
	for ; t != nil; t = s.types[t.base] {
		open = open || t.open
		if p, ok := t.properties[name]; ok {
			return p, true, open
		}
	}
	return property{}, false, open
}

// required lists the properties that must be there.
func (s *Schema) required(t *structured) (names []string) {
	for ; t != nil; t = s.types[t.base] {
		for name, p := range t.properties {
			if p.required && !p.collection {
				names = append(names, name)
			}
		}
	}
	return names
}

// extends tells whether a type is another one or based on it.
func (s *Schema) extends(t, base *structured) bool {
	for ; t != nil; t = s.types[t.base] {
		if t == base {
			return true
		}
	}
	return false
}

package reference_test

import (
	"fmt"
	"strings"
	"testing"

	"causeway/contrib/sim/teams/reference"
)

const small = `<?xml version='1.0'?><edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="microsoft.graph" Alias="graph">
<EnumType Name="color"><Member Name="red"/><Member Name="blue"/></EnumType>
<EnumType Name="flag" IsFlags="true"><Member Name="a"/><Member Name="b"/></EnumType>
<EntityType Name="entity" Abstract="true"><Property Name="id" Type="Edm.String" Nullable="false"/></EntityType>
<EntityType Name="thing" BaseType="graph.entity">
<Property Name="color" Type="graph.color"/><Property Name="flags" Type="graph.flag"/><Property Name="size" Type="Edm.Int32"/>
<Property Name="at" Type="Edm.DateTimeOffset"/><Property Name="names" Type="Collection(Edm.String)" Nullable="false"/>
<Property Name="box" Type="graph.box"/><NavigationProperty Name="parts" Type="Collection(graph.thing)"/></EntityType>
<EntityType Name="special" BaseType="graph.thing"><Property Name="extra" Type="Edm.Boolean"/></EntityType>
<ComplexType Name="box" OpenType="true"><Property Name="lid" Type="Edm.Boolean" Nullable="false"/></ComplexType>
</Schema></edmx:DataServices></edmx:Edmx>`

func TestCheck(t *testing.T) {
	s, err := reference.Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		document string
		mode     reference.Mode
		want     string // part of what is reported; empty: nothing
	}{
		{`{"id":"1","color":"red","size":3,"at":"2026-01-02T03:04:05.1234567Z","names":["x"],"box":{"lid":true,"any":1},"parts":[{"id":"2"}],"@odata.etag":"x"}`, reference.Answer, ""},
		{`{"id":"1","color":null,"size":null}`, reference.Answer, ""},
		{`{"id":"1","shape":"x"}`, reference.Answer, "no property shape"},
		{`{"id":"1","parts":[{"id":"2","shape":"x"}]}`, reference.Answer, "no property shape"},
		{`{"size":1}`, reference.Answer, "id is missing"},
		{`{"size":1}`, reference.Request, ""},
		{`{"size":1}`, reference.Selected, ""},
		{`{"names":null}`, reference.Selected, "is null"},
		{`{"names":null}`, reference.Request, "is null"},
		{`{"parts":null}`, reference.Selected, "is null"},
		{`{"parts":null}`, reference.Request, ""},
		{`{"id":null}`, reference.Request, "id: is null"},
		{`{"id":1}`, reference.Answer, "not a valid Edm.String"},
		{`{"id":"1","color":"green"}`, reference.Answer, `"green" is not a member`},
		{`{"id":"1","color":"red,blue"}`, reference.Answer, `is not a member`},
		{`{"id":"1","flags":"a, b"}`, reference.Answer, ""},
		{`{"id":"1","flags":"a,c"}`, reference.Answer, `"c" is not a member`},
		{`{"id":"1","size":"3"}`, reference.Answer, "Edm.Int32"},
		{`{"id":"1","size":1.5}`, reference.Answer, "Edm.Int32"},
		{`{"id":"1","at":"yesterday"}`, reference.Answer, "Edm.DateTimeOffset"},
		{`{"id":"1","names":"x"}`, reference.Answer, "not a list"},
		{`{"id":"1","names":null}`, reference.Answer, "is null"},
		{`{"id":"1","names":[1]}`, reference.Answer, "Edm.String"},
		{`{"id":"1","box":{"any":1}}`, reference.Answer, "lid is missing"},
		{`{"id":"1","box":[]}`, reference.Answer, "not an object"},
		{`{"@odata.type":"#microsoft.graph.special","id":"1","extra":true}`, reference.Answer, ""},
		{`{"id":"1","extra":true}`, reference.Answer, "no property extra"},
		{`{"@odata.type":"#microsoft.graph.box","lid":true}`, reference.Answer, "is not a microsoft.graph.thing"},
		{`{"@odata.type":"#microsoft.graph.nothing","id":"1"}`, reference.Answer, "not in the schema"},
		{`{"id":"1"} {"id":"2"}`, reference.Answer, "more than one"},
		{`{"id":`, reference.Answer, "unexpected EOF"},
		{`[]`, reference.Answer, "not an object"},
	} {
		err := s.Check("thing", []byte(c.document), c.mode)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.document, err, c.want)
		}
	}
	for document, want := range map[string]string{
		`{"@odata.count":1,"value":[{"id":"1"}]}`: "",
		`{"value":[{"id":"1"},{"shape":1}]}`:      "value[1]",
		`{"values":[]}`:                           "no value",
		`{"value":[],"more":1}`:                   "not part of a page",
	} {
		err := s.CheckList("thing", []byte(document), reference.Answer)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
	if s.Check("nothing", []byte(`{}`), reference.Answer) == nil || s.CheckList("nothing", []byte(`{}`), reference.Answer) == nil {
		t.Error("a type that is not there was accepted")
	}
	if _, err := reference.Read(strings.NewReader("<x/>")); err == nil {
		t.Error("a schema without types was accepted")
	}
}

// said is a test that records what is done to it.
type said struct{ what string }

func (s *said) Helper()                      {}
func (s *said) Fatalf(f string, args ...any) { s.what = "fatal"; panic(fmt.Sprintf(f, args...)) }
func (s *said) Skipf(f string, args ...any)  { s.what = "skip"; panic(fmt.Sprintf(f, args...)) }

func TestOpenSkipsOrFails(t *testing.T) {
	for _, c := range []struct{ folder, require, want string }{
		{"", "", "skip"}, {"", "1", "fatal"}, {t.TempDir(), "", "fatal"},
	} {
		t.Setenv("GRAPH_REFERENCE", c.folder)
		t.Setenv("REQUIRE_REFERENCE", c.require)
		s := &said{}
		func() {
			defer func() { recover() }()
			reference.Open(s)
		}()
		if s.what != c.want {
			t.Errorf("folder %q, required %q: %s, want %s", c.folder, c.require, s.what, c.want)
		}
	}
}

// stray are the examples that hold a member which the schema of today does not have.
var stray = map[string]string{
	"chatmessage-post-9.response.json":         "has no property onBehalfOf",
	"chatmessage-post-replies-2.response.json": "has no property deleted",
}

// TestDocumentedMessages shows that the check agrees with Microsoft: their examples of messages pass it.
func TestDocumentedMessages(t *testing.T) {
	f := reference.Open(t)
	n := 0
	for _, prefix := range []string{"chatmessage-post-", "chatmessage-get-", "channel-list-messages-", "chatmessage-list-replies-"} {
		names, err := f.Examples(prefix, ".response.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			document, err := f.Example(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "-list-") {
				err = f.CheckList("chatMessage", document, reference.Answer)
			} else {
				err = f.Check("chatMessage", document, reference.Answer)
			}
			if got, want := fmt.Sprint(err), stray[name]; want == "" && err != nil || !strings.HasSuffix(got, want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
			n++
		}
	}
	if n == 0 {
		t.Error("no example was found")
	}
	t.Logf("%d of Microsoft's examples of messages checked against the schema", n)
}

package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// flat gives the line of every key, with the index of each element of a list.
func flat(n *node, path string, into map[string]int) map[string]int {
	for _, key := range n.keys {
		at := strings.TrimPrefix(path+"."+key, ".")
		into[at] = n.under[key].line
		flat(n.under[key], at, into)
	}
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		into[at] = item.line
		flat(item, at, into)
	}
	return into
}

func TestLocateGivesTheLineOfEveryKey(t *testing.T) {
	text := `# comment with = and [table]
top = "a # no comment" # a = 1
"quoted key" = 'b\'
[a.b]   # implied a
x = """
y = 1
[not] \"""
""" # done
z = '''
[not]
'''''
[a]
"d\u0065ep"."x.y" = 1
when = 1979-05-27 07:32:00
list = [
  1, # one
  "]", [ 2, 3 ],

  { k = "}",
    l = 2 }
]
[[c.d]]
n = 1
  [c.d.sub]
  m = 1
[[c.d]]
n = { o = [], p.q = "" }
"" = 1
`
	var decoded map[string]any
	if _, err := toml.Decode(text, &decoded); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"top": 2, "quoted key": 3,
		"a": 12, "a.b": 4, "a.b.x": 5, "a.b.z": 9, "a.deep": 13, "a.deep.x.y": 13, "a.when": 14,
		"a.list": 15, "a.list[0]": 16, "a.list[1]": 17, "a.list[2]": 17, "a.list[2][0]": 17, "a.list[2][1]": 17,
		"a.list[3]": 19, "a.list[3].k": 19, "a.list[3].l": 20,
		"c": 22, "c.d": 22, "c.d[0]": 22, "c.d[0].n": 23, "c.d[0].sub": 24, "c.d[0].sub.m": 25,
		"c.d[1]": 26, "c.d[1].n": 27, "c.d[1].n.o": 27, "c.d[1].n.p": 27, "c.d[1].n.p.q": 27, "c.d[1].": 28,
	}
	if diff := cmp.Diff(want, flat(locate([]byte(text)), "", map[string]int{})); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

func TestLocateCountsLinesOfWindows(t *testing.T) {
	got := flat(locate([]byte("a = 1\r\n\r\n[b]\r\nc = '''\r\n'''\r\nd = 2\r\n")), "", map[string]int{})
	if diff := cmp.Diff(map[string]int{"a": 1, "b": 3, "b.c": 4, "b.d": 6}, got); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

// missing gives the keys of a decoded document that the tree lacks, and those that it has made up.
func missing(n *node, value any, path string) []string {
	var out []string
	switch v := value.(type) {
	case map[string]any:
		for key, under := range v {
			if n.under[key] == nil {
				out = append(out, path+"."+key)
				continue
			}
			out = append(out, missing(n.under[key], under, path+"."+key)...)
		}
		for _, key := range n.keys {
			if _, there := v[key]; !there {
				out = append(out, "made up: "+path+"."+key)
			}
		}
	case []map[string]any:
		for i, item := range v {
			out = append(out, missing(n.item(i), item, fmt.Sprintf("%s[%d]", path, i))...)
		}
		if len(n.items) != len(v) {
			out = append(out, fmt.Sprintf("%s has %d items, not %d", path, len(v), len(n.items)))
		}
	case []any:
		for i, item := range v {
			out = append(out, missing(n.item(i), item, fmt.Sprintf("%s[%d]", path, i))...)
		}
		if len(n.items) != len(v) {
			out = append(out, fmt.Sprintf("%s has %d items, not %d", path, len(v), len(n.items)))
		}
	}
	slices.Sort(out)
	return out
}

// FuzzLocate holds the scanner against the TOML package: both must see the same keys in every valid document.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{
		"a = 1", "a.b = '''\n'''\n[c]\nd = [1, [2], {e = 3}]", "[[a]]\n[[a]]\nb = \"\"\"x\\\"\"\"\"", "\"\\u0041\" = 1\n'' = 2",
		"[a.\"b.c\"]\n x = 1979-05-27T07:32:00Z # x", "a = { b = [ { c = 1 }, ],\n # no\n d.e = '}' }", "[ a . b ]\nc=1\n[[ d . e ]]",
		"a = [ \"\"\"]\"\"\", ''']''' ]", "a = \"\"\nb = ''",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var decoded map[string]any
		if !valid(text, &decoded) {
			locate([]byte(text)) // must only end
			return
		}
		if gone := missing(locate([]byte(text)), decoded, ""); len(gone) > 0 {
			t.Errorf("in %q: %v", text, gone)
		}
	})
}

func valid(text string, into *map[string]any) (ok bool) {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if strings.HasPrefix(text, mark) {
			return false // taken off before
		}
	}
	defer func() {
		if recover() != nil {
			ok = false // a fault of the TOML package
		}
	}()
	_, err := toml.Decode(text, into)
	return err == nil
}

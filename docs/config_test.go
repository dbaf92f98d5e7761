package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	_ "causeway/bridge/mattermost"
	_ "causeway/bridge/msteams"
	"causeway/gateway/config"
)

const configPage = "config.md"

const configHead = `# Every key of the config

<!-- Written by go test ./docs -update from the comments in the code. -->

[config.toml.example](../config.toml.example) shows them in use. Keys are the same in upper and lower case; one that is not
known is a mistake, and all mistakes are reported at once, each with its line. Paths are relative to the folder of the config. A
*secret* is given as a value, as ` + "`\"env:NAME\"`" + ` from an environment variable, or by the key with *File* at its end (` + "`TokenFile`" + `) as the path of a file
that holds it alone. A *duration* is written as ` + "`\"1h30m\"`" + `. – means that there is no default.
`

// structs are the struct types of a folder's code, by name, with their comments.
func structs(t *testing.T, folder string) map[string]*ast.StructType {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*ast.StructType{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					found[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	return found
}

// documented is a key of the config, as a struct declares it.
type documented struct {
	field, key, kind, about string
	inner                   string // of a list of tables: the struct of one
}

// keysOf gives the keys of a struct, in their order. A field without a comment has that of the one before it, which must name it.
func keysOf(t *testing.T, where string, known map[string]*ast.StructType, name string) []documented {
	t.Helper()
	s := known[name]
	if s == nil {
		t.Fatalf("there is no struct %s for %s", name, where)
	}
	var all []documented
	before := ""
	for _, f := range s.Fields.List {
		about := f.Doc.Text()
		if about == "" {
			about = f.Comment.Text()
		}
		for _, name := range f.Names {
			if !name.IsExported() {
				continue
			}
			d := documented{field: name.Name, key: name.Name, about: about}
			if f.Tag != nil {
				if tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("toml"), ","); tag != "" {
					d.key = tag
				}
			}
			if d.about == "" && regexp.MustCompile(`\b`+name.Name+`\b`).MatchString(before) {
				d.about = before
			}
			d.kind, d.inner = kindOf(f.Type)
			switch {
			case d.kind == "": // the path of a secret
				continue
			case d.kind == "text" && strings.HasSuffix(d.field, "File"):
				d.kind = "path"
			case d.inner != "" && known[d.inner] == nil: // a type of its own that is written as a text
				d.kind, d.inner = "text", ""
			}
			if d.about == "" {
				t.Errorf("%s: %s has no comment that says what it is", where, name.Name)
			}
			before = d.about
			all = append(all, d)
		}
	}
	return all
}

// kindOf names the kind of a value.
func kindOf(e ast.Expr) (kind, inner string) {
	switch x := e.(type) {
	case *ast.Ident:
		switch x.Name {
		case "string":
			return "text", ""
		case "bool":
			return "`true` or `false`", ""
		case "int", "int64", "uint16":
			return "number", ""
		}
		return "table", x.Name
	case *ast.StarExpr:
		return kindOf(x.X)
	case *ast.ArrayType:
		kind, inner = kindOf(x.Elt)
		if inner != "" {
			return "list of tables", inner
		}
		return "list of " + kind + "s", ""
	case *ast.SelectorExpr:
		switch x.Sel.Name {
		case "Secret":
			return "secret", ""
		case "Duration":
			return "duration", ""
		case "File":
			return "", ""
		}
	}
	return "value", ""
}

// shown gives a default as it would be written; – for none.
func shown(v reflect.Value) string {
	if !v.IsValid() || v.IsZero() && v.Kind() != reflect.Bool && v.Kind() != reflect.Int {
		return "–"
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		text := value.String()
		for _, zero := range []string{"m0s", "h0m"} { // 1h0m0s
			if strings.HasSuffix(text, zero) {
				text = strings.TrimSuffix(text, zero[1:])
			}
		}
		return fmt.Sprintf("`%q`", text)
	case string:
		return fmt.Sprintf("`%q`", value)
	case fmt.Stringer:
		return "–"
	case bool, int:
		return fmt.Sprintf("`%v`", value)
	}
	return "–"
}

// cell makes a comment one line of a table.
func cell(about string) string {
	about = regexp.MustCompile(` See \[[A-Za-z.]+\]\.`).ReplaceAllString(strings.Join(strings.Fields(about), " "), "")
	about = regexp.MustCompile(`\[([A-Za-z.]+)\]`).ReplaceAllStringFunc(about, func(m string) string {
		if strings.ToLower(m) == m { // a table
			return "`" + m + "`"
		}
		return "`" + strings.Trim(m, "[]") + "`"
	})
	about = regexp.MustCompile(` In code, [^.]*\.([A-Z][A-Za-z]*\.)?`).ReplaceAllString(about, "")
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "{", "`{", "}", "}`").Replace(about)
}

func tableOf(keys []documented, defaults reflect.Value) string {
	var b strings.Builder
	b.WriteString("\n| key | takes | default | |\n|---|---|---|---|\n")
	for _, k := range keys {
		kind := k.kind
		if kind == "secret" {
			kind += ", or `" + k.key + "File`"
		}
		value := "–"
		if defaults.IsValid() {
			value = shown(defaults.FieldByName(k.field))
		}
		if strings.HasPrefix(kind, "secret") || k.inner != "" {
			value = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.key, kind, value, cell(k.about))
	}
	return b.String()
}

// configTables describes every table of the config, from the structs into which it is decoded.
func configTables(t *testing.T) string {
	t.Helper()
	own := structs(t, "../gateway/config")
	cfg, err := config.Parse(configPage, nil, "", func(string) (string, bool) { return "", false }, config.Protocols{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var gateways []documented
	for _, table := range keysOfTables(own["document"]) {
		if table.kind == "list of tables" {
			gateways = append(gateways, table)
			continue
		}
		b.WriteString("\n## [" + table.key + "]\n")
		b.WriteString(tableOf(keysOf(t, table.key, own, table.inner), reflect.ValueOf(*cfg).FieldByName(table.field)))
	}
	b.WriteString("\n## [PROTOCOL.NAME], every account\n")
	b.WriteString(tableOf(keysOf(t, "accounts", own, "accountKeys"), reflect.Value{}))
	protocols := bridge.Protocols()
	slices.SortFunc(protocols, func(x, y bridge.Protocol) int { return strings.Compare(x.Name, y.Name) })
	for _, p := range protocols {
		fmt.Fprintf(&b, "\n## [%s.NAME], an account on %s\n", p.Name, p.Title)
		b.WriteString(tableOf(keysOf(t, p.Name, structs(t, "../bridge/"+p.Name), "Settings"), reflect.ValueOf(p.Settings()).Elem()))
	}
	for _, g := range gateways {
		keys := keysOf(t, g.key, own, g.inner)
		b.WriteString("\n## [[" + g.key + "]]\n")
		b.WriteString(tableOf(keys, reflect.Value{}))
		for _, k := range keys {
			if k.inner != "" {
				b.WriteString("\n## [[" + g.key + "." + k.key + "]] and its like\n")
				b.WriteString(tableOf(keysOf(t, k.key, own, k.inner), reflect.Value{}))
				break // they are all alike
			}
		}
	}
	return b.String()
}

// keysOfTables gives the tables of the config's own; their structs have the comments.
func keysOfTables(s *ast.StructType) []documented {
	var all []documented
	for _, f := range s.Fields.List {
		kind, inner := kindOf(f.Type)
		tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("toml")
		all = append(all, documented{field: f.Names[0].Name, key: tag, kind: kind, inner: inner})
	}
	return all
}

// TestConfigPageSaysWhatTheCodeSays: docs/config.md has every key, with its default and what its comment in the code says.
func TestConfigPageSaysWhatTheCodeSays(t *testing.T) {
	want := configHead + configTables(t)
	if *update {
		if err := os.WriteFile(configPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, read(t, configPage)); diff != "" {
		t.Errorf("docs/config.md (-code +page); go test ./docs -update puts it right:\n%s", diff)
	}
}

// TestConfigPageHasEveryKey counts by another way: what the config itself takes for its keys.
func TestConfigPageHasEveryKey(t *testing.T) {
	protocols := config.Protocols{}
	for _, p := range bridge.Protocols() {
		protocols[p.Name] = p.Settings
	}
	page := read(t, configPage)
	missing := config.Undocumented(nil, protocols)
	if len(missing) < 40 {
		t.Fatalf("only %d keys are known", len(missing))
	}
	for _, one := range missing {
		_, key, _ := strings.Cut(one, "] ")
		if !strings.Contains(page, "`"+strings.TrimLeft(key, "] ")+"`") {
			t.Errorf("docs/config.md lacks %s", one)
		}
	}
}

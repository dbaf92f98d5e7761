package config

import "github.com/BurntSushi/toml"

// Outline tells where a key or table of a TOML file stands, and what stands under it.
type Outline struct{ node *node }

// Line counts from 1.
func (o Outline) Line() int { return o.node.line }

// Keys are those of a table, in the order of the file.
func (o Outline) Keys() []string { return o.node.keys }

// Key gives the place of a key, in the case in which it is written; for an unknown one, that of the table.
func (o Outline) Key(name string) Outline { return Outline{o.node.child(name)} }

// Item gives the place of an array's element; beyond its end, that of the array.
func (o Outline) Item(i int) Outline { return Outline{o.node.item(i)} }

// Read takes a TOML file of another program apart: its values, and where they stand. Its error is of type [Errors] and shows nothing
// of the file, which may hold secrets.
func Read(name string, data []byte) (map[string]any, Outline, error) {
	d := &decoder{file: name}
	root, keys, err := d.syntax(data, nil)
	if err != nil {
		return nil, Outline{}, err
	}
	values := map[string]any{}
	for key, value := range keys {
		values[key] = d.raw(value)
	}
	return values, Outline{root.node}, nil
}

// ShownKey gives a key as it is written in TOML: quoted when it holds more than letters, digits, "-" and "_".
func ShownKey(key string) string { return shownKey(key) }

// ShownText gives a text as it is written in TOML.
func ShownText(text string) (string, error) {
	line, err := toml.Marshal(map[string]string{"k": text})
	if err != nil {
		return "", err
	}
	return string(line[len("k = ") : len(line)-1]), nil
}

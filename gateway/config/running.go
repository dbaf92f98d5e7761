package config

import "github.com/BurntSushi/toml"

// Running is what tells where a Causeway that is running can be asked.
type Running struct {
	Storage Storage
	HTTP    HTTP
}

// LoadRunning reads [storage] and [http] of the file at path. It minds nothing else: whoever asks a Causeway that is
// running need not have the secrets in its environment, and the rest of the file may have been changed since.
func LoadRunning(path string) (*Running, error) {
	d, data, err := read(path)
	if err != nil {
		return nil, err
	}
	root, keys, err := d.syntax(data, nil)
	if err != nil {
		return nil, err
	}
	all := defaults()
	doc := struct {
		Storage Storage `toml:"storage"`
		HTTP    HTTP    `toml:"http"`
	}{all.Storage, all.HTTP}
	d.table(root, keys, func(string, toml.Primitive) {}, &doc)
	d.storage(d.own(root, "storage"), &doc.Storage)
	d.http(d.own(root, "http"), &doc.HTTP)
	if sortByLine(d.mistakes); len(d.mistakes) > 0 {
		return nil, Errors(d.mistakes)
	}
	return &Running{Storage: doc.Storage, HTTP: doc.HTTP}, nil
}

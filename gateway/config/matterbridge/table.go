package matterbridge

import (
	"fmt"
	"strconv"
	"strings"

	"causeway/gateway/config"
)

// table is a table of the old config. Its keys have no case.
type table struct {
	values map[string]any
	at     config.Outline
	// written is each key as it stands in the file, by the key in lower case; the first where there are several.
	written map[string]string
}

func newTable(values map[string]any, at config.Outline) table {
	t := table{values: values, at: at, written: map[string]string{}}
	for _, key := range at.Keys() {
		lower := strings.ToLower(key)
		if _, twice := t.written[lower]; !twice {
			t.written[lower] = key
		}
	}
	return t
}

// keys are in lower case, in the order of the file.
func (t table) keys() []string {
	var all []string
	for _, key := range t.at.Keys() {
		if lower := strings.ToLower(key); t.written[lower] == key {
			all = append(all, lower)
		}
	}
	return all
}

func (t table) value(key string) any { return t.values[t.written[key]] }

func (t table) line(key string) int { return t.at.Key(t.written[key]).Line() }

// text gives a value as Matterbridge reads one where it wants text; empty where there is none.
func (t table) text(key string) string {
	switch v := t.value(key).(type) {
	case nil, map[string]any, []any, []map[string]any:
		return ""
	case string:
		return strings.TrimSpace(v)
	default:
		return fmt.Sprint(v)
	}
}

// yes gives a value as Matterbridge reads one where it wants true or false.
func (t table) yes(key string) bool {
	yes, err := strconv.ParseBool(t.text(key))
	return yes && err == nil
}

// inner gives a table in the table; none where the key is something else.
func (t table) inner(key string) (table, bool) {
	values, ok := t.value(key).(map[string]any)
	return newTable(values, t.at.Key(t.written[key])), ok
}

// list gives the tables of an array, however it is written.
func (t table) list(key string) []table {
	at := t.at.Key(t.written[key])
	var all []table
	switch list := t.value(key).(type) {
	case []map[string]any:
		for i, values := range list {
			all = append(all, newTable(values, at.Item(i)))
		}
	case []any:
		for i, one := range list {
			if values, ok := one.(map[string]any); ok {
				all = append(all, newTable(values, at.Item(i)))
			}
		}
	}
	return all
}

// texts gives a list of texts.
func (t table) texts(key string) []string {
	list, _ := t.value(key).([]any)
	var all []string
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, strings.TrimSpace(text))
		}
	}
	return all
}

// empty says that a value is one that Matterbridge takes for none: to leave it out changes nothing.
func empty(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v) == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case []any:
		return len(v) == 0
	}
	return false
}

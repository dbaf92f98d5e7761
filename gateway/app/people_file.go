package app

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"

	"causeway/gateway"
	"causeway/gateway/people"
)

// typed is an order as it was typed, or what is wrong with it, and where that stands.
type typed struct {
	order     people.Order
	at, wrong string
}

// ordersOfFile reads the names of the file that --file names. words are what all of them have in common: the platform.
func (c *call) ordersOfFile(act people.Act, words []string) ([]typed, error) {
	perLine, common := act.Words, 0
	if act.Name == people.ActPlatform {
		perLine, common = 1, 1
	}
	switch {
	case len(words) < common:
		return nil, peopleUsage("people %s with --file needs PLATFORM", act.Name)
	case len(words) > common:
		return nil, peopleUsage("people %s takes no %q beside --file", act.Name, words[common])
	}
	text, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fmt.Errorf("reading the names: %w", err)
	}
	lines, err := namesOfFile(text, perLine)
	if err != nil {
		return nil, fmt.Errorf("reading the names of %s: %w", c.file, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("there is no name in %s: write one a line, # begins a comment", c.file)
	}
	for i := range lines {
		lines[i].order.Act = act.Name
		lines[i].order.Names = append(lines[i].order.Names, words...)
	}
	return lines, nil
}

// namesOfFile gives an order for each line, or, of an export, for each person.
func namesOfFile(text []byte, perLine int) ([]typed, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // some programs begin a file so
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, strings.Join(exportColumns[:3], ",")) {
		if perLine != 1 {
			return nil, fmt.Errorf("an export does not say who belongs to whom: write two names a line")
		}
		return namesOfExport(text)
	}
	var all []typed
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(line, "#")
		names := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
		if len(names) == 0 {
			continue
		}
		one := typed{order: people.Order{Names: names}}
		if len(names) != perLine {
			one.at = fmt.Sprintf("line %d", number)
			one.wrong = fmt.Sprintf("needs %s, and has %d", gateway.Count(perLine, "name"), len(names))
		}
		all = append(all, one)
	}
	return all, nil
}

// namesOfExport gives everybody of an export once, by the first of their accounts.
func namesOfExport(text []byte) ([]typed, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	header, err := reader.Read()
	if err != nil {
		return nil, err
	}
	at := func(name string) int { return slices.Index(header, name) }
	person, account, id := at("person"), at("account"), at("id")
	if person < 0 || account < 0 || id < 0 {
		return nil, fmt.Errorf("the columns person, account and id must be there")
	}
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	var all []typed
	seen := map[string]bool{}
	for _, row := range rows {
		if p := row[person]; p != "0" && seen[p] {
			continue
		}
		seen[row[person]] = true
		all = append(all, typed{order: people.Order{Names: []string{row[account] + ":" + row[id]}}})
	}
	return all, nil
}

package app

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"causeway/gateway/people"
)

// listPeople prints a line for each account of those of whom all words are true.
func (c *call) listPeople(all []people.Entry, words []string) error {
	found := people.Matching(all, words)
	if len(found) == 0 {
		text := "Nobody has connected or was asked to."
		if len(all) > 0 {
			text = fmt.Sprintf("Nobody of the %d who are known.", len(all))
		}
		_, err := fmt.Fprintln(c.out, text)
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PERSON\tNAME\tACCOUNT\tUSER\tE-MAIL\tSTATE\tNOTIFIED IN\tSINCE")
	for _, e := range found {
		number, since := "-", "-"
		if e.Person != 0 {
			number = strconv.FormatInt(e.Person, 10)
		}
		if !e.Since.IsZero() {
			since = e.Since.Local().Format(time.DateOnly)
		}
		for _, a := range e.Accounts {
			user := a.ID
			if a.Username != "" {
				user = "@" + a.Username
			}
			cells := []string{number, cmp.Or(a.Name, "-"), a.Account, user, cmp.Or(a.Email, "-"), a.Stands(), cmp.Or(e.Preferred, "-"), since}
			for i := range cells {
				cells[i] = oneLine(cells[i])
			}
			_, _ = fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
	}
	return table.Flush()
}

// exportColumns are the fields of an export as CSV, a row for each account of each person. New ones are only added at the end.
var exportColumns = []string{"person", "state", "preferred", "observe", "since", "account", "server", "id", "username", "name", "email",
	"account_state", "reason", "verified", "invitation", "asked"}

func (c *call) export(all []people.Entry) error {
	var out bytes.Buffer
	var err error
	if c.json {
		if all == nil {
			all = []people.Entry{}
		}
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(inUTC(all))
	} else {
		table := csv.NewWriter(&out)
		rows := [][]string{exportColumns}
		for _, e := range all {
			rows = append(rows, exportRows(e)...)
		}
		err = table.WriteAll(rows)
	}
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	_, err = c.out.Write(out.Bytes())
	return err
}

// inUTC makes an export the same wherever it is made.
func inUTC(all []people.Entry) []people.Entry {
	for i := range all {
		all[i].Since = all[i].Since.UTC()
		for j := range all[i].Accounts {
			a := &all[i].Accounts[j]
			a.Verified, a.Asked = a.Verified.UTC(), a.Asked.UTC()
		}
	}
	return all
}

func exportRows(e people.Entry) (rows [][]string) {
	for _, a := range e.Accounts {
		rows = append(rows, []string{strconv.FormatInt(e.Person, 10), e.State, e.Preferred, strconv.FormatBool(e.Observe), stampOf(e.Since), a.Account, a.Server, a.ID,
			harmless(a.Username), harmless(a.Name), harmless(a.Email), a.State, harmless(a.Reason), stampOf(a.Verified), a.Invitation, stampOf(a.Asked)})
	}
	return rows
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// harmless keeps a spreadsheet from taking for a formula what somebody calls themselves (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

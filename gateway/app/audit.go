package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"causeway/gateway/people"
	"causeway/gateway/store"
)

// audits is how many entries `causeway audit` shows when it is not told.
const audits = 50

// audited is an entry as JSON; fields are only ever added.
type audited struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Act    string    `json:"act"`
	About  string    `json:"about"`
	Result string    `json:"result"`
	Failed bool      `json:"failed"`
}

// audit is `causeway audit [NUMBER]`. It works whether or not Causeway runs.
func (c *call) audit(ctx context.Context) error {
	most := audits
	if len(c.args) > 0 {
		var err error
		if most, err = strconv.Atoi(c.args[0]); err != nil || most < 1 {
			v, _ := verbNamed("audit")
			return &usageError{text: fmt.Sprintf("%q is no number of entries", c.args[0]), verb: v}
		}
	}
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	var all []store.Audited
	if storeExists(cfg.Storage) {
		opened, err := openStore(ctx, cfg.Storage)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		if all, err = opened.Audit(ctx, 0, most); err != nil {
			return err
		}
	}
	if c.json {
		list := []audited{}
		for _, a := range all {
			list = append(list, audited{a.At, a.Who, a.Act, a.About, a.Result, a.Failed})
		}
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(c.out, "Nothing has been done by hand yet.")
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "WHEN\tWHO\tWHAT\tWHOM\tRESULT")
	for _, a := range all {
		result := a.Result
		if a.Failed {
			result = "not done: " + result
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", a.At.Local().Format(time.DateTime), oneLine(a.Who), oneLine(a.Act), oneLine(a.About), oneLine(result))
	}
	return table.Flush()
}

// note keeps in the audit log what the operator has done here. An error says that it is done all the same.
func (c *call) note(ctx context.Context, s *store.Store, act, about, result string, failed error) error {
	a := store.Audited{Who: people.OperatorByCommand, Act: act, About: about, Result: result}
	if failed != nil {
		a.Result, a.Failed = failed.Error(), true
	}
	if err := s.Record(ctx, a); err != nil && failed == nil {
		return fmt.Errorf("%s is done, but stands in no audit log: %w", act, err)
	}
	return failed
}

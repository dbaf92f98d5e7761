package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"causeway/contrib/e2e/harness"
)

const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"
	storeBoth     = "both"

	replicaSync  = "sync"
	replicaAsync = "async"
)

// silent is for what tells of connections that were cut on purpose.
var silent = log.New(io.Discard, "", 0)

// options are those of the command.
type options struct {
	seed      uint64
	seeds     int
	seconds   int
	store     string
	instances int
	replica   string
	receive   string
	// pause is the mean time between two acts, calm that between two faults, in milliseconds.
	pause, calm int
	// only are the kinds of faults that may be made; empty: all.
	only []string
	// heal is how long everything may take to be well in the end, settle how long it must stay so.
	heal, settle time.Duration
	// slow is how long it may take until the history is kept.
	slow         time.Duration
	strict       bool
	tags         string
	keep, replay string
	results      string
	mutants      bool
	root         bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := chaos(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// errBroken says that the promise was broken.
var errBroken = errors.New("the promise is broken: see above")

// chaos is the command.
func chaos(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	plans, err := o.plans()
	if err != nil {
		return err
	}
	if err := o.toHarness(ctx); err != nil {
		return err
	}
	if o.mutants {
		return mutants(ctx, o, out)
	}
	var all []*Result
	err = harness.Alone(ctx, func(tb harness.TB) {
		s := startServers(tb, o)
		for _, plan := range plans {
			if r := perform(tb, s, plan, o); r != nil {
				all = append(all, r)
			}
		}
	})
	if len(all) > 0 {
		err = errors.Join(err, table(out, all))
		fmt.Fprintf(out, "\n%s\nfaults: %s\n", total(all), kindsMade(all))
	}
	for _, r := range all {
		if r.broken(o.strict) {
			fmt.Fprintf(out, "\n%s:\n%s\n", r.name(), r.why())
			err = errors.Join(err, errBroken)
		}
	}
	if o.results != "" && len(all) > 0 {
		err = errors.Join(err, keepResults(o, all))
	}
	return err
}

// slowly: what heals later than that is looked into.
const slowly = 30 * time.Second

// perform carries a plan out on servers that others use after it.
func perform(tb harness.TB, s *servers, plan *Plan, o options) (r *Result) {
	began := time.Now()
	err := harness.Alone(tb.Context(), func(tb harness.TB) { r = run(tb, s, plan, o) })
	switch {
	case tb.Context().Err() != nil:
	case err != nil:
		tb.Errorf("seed %d: %v", plan.Seed, err)
	default:
		tb.Logf("seed %d, %s, %s: %d messages, %d faults, %+v, healed after %v, %v in all", plan.Seed, plan.Store, plan.Receive, r.Messages, r.faults, r.Sums,
			r.Healed.Round(100*time.Millisecond), time.Since(began).Round(time.Second))
		if r.Healed > slowly && r.last != "" {
			tb.Logf("seed %d: the last that was wrong: %s", plan.Seed, r.last)
		}
	}
	return r
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	seconds := 60
	if text := os.Getenv("CHAOS_SECONDS"); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil {
			return o, fmt.Errorf("CHAOS_SECONDS: %w", err)
		}
	}
	var only string
	flags.Uint64Var(&o.seed, "seed", 1, "the first seed")
	flags.IntVar(&o.seeds, "seeds", 1, "how many seeds, one after the other")
	flags.IntVar(&o.seconds, "seconds", seconds, "how long people talk with each; CHAOS_SECONDS says so, too")
	flags.StringVar(&o.store, "store", storeBoth, "where Causeway keeps its store: sqlite, postgres, or both in turn")
	flags.IntVar(&o.instances, "instances", 1, "how many Causeways run on one store, in PostgreSQL")
	flags.StringVar(&o.replica, "replica", replicaSync, "how the replica of the store's PostgreSQL follows that takes over: sync; async, which may lose what people did; none")
	flags.StringVar(&o.receive, "receive", "", "how Causeway hears of Teams: poll or rich; left out: by chance")
	flags.IntVar(&o.pause, "pause", 250, "mean time between two things that people do, in milliseconds")
	flags.IntVar(&o.calm, "calm", 2000, "mean time between two faults, in milliseconds")
	flags.StringVar(&only, "faults", "", "the faults that may be made, with commas between them; \"list\" lists them, \"none\" makes none; left out: all")
	flags.DurationVar(&o.heal, "heal", 3*time.Minute, "how long everything may take to be well after the last fault")
	flags.DurationVar(&o.settle, "settle", 5*time.Second, "how long it is then watched whether it stays so")
	flags.BoolVar(&o.strict, "strict", false, "a double counts even where Causeway has removed it")
	flags.StringVar(&o.tags, "tags", "", "build tags for Causeway: mutant_nokey and others, see bridge/mutant")
	flags.BoolVar(&o.mutants, "mutants", false, "take out, one after the other, what keeps the promise, and see that it is found out")
	flags.StringVar(&o.keep, "keep", "failed", "the folder for the histories of runs that failed")
	flags.DurationVar(&o.slow, "slow", time.Minute, "the history is kept, too, of a run that took longer to be well after the last fault")
	flags.StringVar(&o.replay, "replay", "", "the folder of a history: its plan is carried out again")
	flags.StringVar(&o.results, "results", "", "a file to which the table is added, as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if only == "list" {
		for _, k := range kinds {
			fmt.Println(k.name)
		}
		return o, flag.ErrHelp
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if kindNamed(name) == nil && name != "none" {
			return o, fmt.Errorf("-faults: there is no %q; -faults list names them", name)
		}
	}
	o.root = os.Geteuid() == 0
	if o.mutants && o.seeds == 1 {
		o.seeds = 6
	}
	return o, o.check()
}

func (o *options) check() error {
	switch {
	case o.instances < 1 || o.instances > 1 && o.store != storePostgres:
		return errors.New("-instances: one; or several, with -store postgres")
	case !slices.Contains([]string{"", "poll", "rich"}, o.receive):
		return fmt.Errorf("-receive: %q is none of poll and rich", o.receive)
	case !slices.Contains([]string{replicaSync, replicaAsync, "none"}, o.replica):
		return fmt.Errorf("-replica: %q is none of sync, async and none", o.replica)
	case o.seeds < 1 || o.seconds < 1 || o.pause < 1 || o.calm < 2:
		return errors.New("-seeds, -seconds, -pause and -calm are at least 1")
	case o.store != storeSQLite && o.store != storePostgres && o.store != storeBoth:
		return fmt.Errorf("-store: %q is none of sqlite, postgres and both", o.store)
	}
	for _, path := range []*string{&o.keep, &o.replay, &o.results} {
		if *path != "" {
			var err error
			if *path, err = filepath.Abs(*path); err != nil {
				return err
			}
		}
	}
	return nil
}

// plans gives what is to be carried out.
func (o *options) plans() (all []*Plan, err error) {
	if o.replay != "" {
		p, err := readPlan(filepath.Join(o.replay, "plan.json"))
		if err == nil {
			o.store = p.Store
		}
		return []*Plan{p}, err
	}
	for n := range o.seeds {
		one := *o
		if o.store == storeBoth {
			one.store = []string{storeSQLite, storePostgres}[n%2]
		}
		all = append(all, newPlan(o.seed+uint64(n), one))
	}
	return all, nil
}

// toHarness goes to the module in which the harness looks for the Mattermost server's sources.
func (o *options) toHarness(ctx context.Context) error {
	text, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "causeway/contrib/e2e").Output()
	if err == nil {
		err = os.Chdir(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return fmt.Errorf("finding the harness; run this in contrib/chaos: %w", err)
	}
	return nil
}

// build builds Causeway with the tags.
func (o *options) build(tb harness.TB) string {
	tb.Helper()
	if o.tags != "" {
		before := os.Getenv("GOFLAGS")
		os.Setenv("GOFLAGS", strings.TrimSpace(before+" -tags="+o.tags))
		defer os.Setenv("GOFLAGS", before)
	}
	return harness.BuildCauseway(tb)
}

// keepResults adds the table to a file.
func keepResults(o options, all []*Result) error {
	f, err := os.OpenFile(o.results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keeping the results: %w", err)
	}
	defer f.Close()
	fmt.Fprintf(f, "\n## %s\n\n", time.Now().UTC().Format("2006-01-02 15:04"))
	for n, r := range append([]*Result{nil}, all...) {
		if n == 0 {
			var head, rule []string
			for _, c := range columns {
				head, rule = append(head, c.name), append(rule, "---:")
			}
			fmt.Fprintf(f, "| %s |\n| %s |\n", strings.Join(head, " | "), strings.Join(rule, " | "))
			continue
		}
		fmt.Fprintf(f, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	_, err = fmt.Fprintf(f, "\n%s.\n\nFaults: %s.\n", total(all), kindsMade(all))
	return err
}

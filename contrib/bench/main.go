package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"causeway/contrib/e2e/harness"
)

// step is how long each step of the search for the sustained rate lasts.
const (
	step      = 2 * time.Second
	quickStep = 600 * time.Millisecond
)

// options are what the flags say.
type options struct {
	only     []string
	rounds   int
	quick    bool
	programs *programs
	paths    paths
}

// parts are run in this order.
var parts = []struct {
	name string
	run  func(tb harness.TB, o options, r *Report)
}{
	{partText, conversions},
	{partFiles, files},
	{partStore, storePart},
	{partEngines, enginesPart},
	{partDelay, delay},
	{partNotify, notifications},
	{partMatterbridge, againstMatterbridge},
	{partStart, start},
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func main() {
	if child(os.Args[1:]) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is the command.
func bench(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var (
		only    = flags.String("parts", strings.Join(partNames(), ","), "the parts to measure, with commas between them")
		merge   = flags.Bool("merge", false, "keep the other parts as they stand in the file of -json, and replace there those that are measured")
		rounds  = flags.Int("rounds", 3, "how often each figure is measured")
		quick   = flags.Bool("quick", false, "one short round, which shows that everything works; its figures mean nothing")
		jsonTo  = flags.String("json", "", "the file for the table as JSON; empty: beside that of -results, else results.json")
		results = flags.String("results", "", "the file for the table as Markdown, with machine, versions and command")
		profile = flags.String("profile", "", "write CPU, allocation and block profiles of the parts store, delay and notify to this folder, instead of measuring")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := options{only: strings.Split(*only, ","), rounds: *rounds, quick: *quick}
	for _, name := range o.only {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("-parts: there is no part %q; the parts are %s", name, strings.Join(partNames(), ", "))
		}
	}
	if o.rounds < 1 {
		return errors.New("-rounds: at least one")
	}
	var err error
	if o.paths, err = findPaths(ctx); err != nil {
		return err
	}
	if *jsonTo == "" {
		*jsonTo = "results.json"
		if *results != "" {
			*jsonTo = strings.TrimSuffix(*results, filepath.Ext(*results)) + ".json"
		}
	}
	for _, path := range []*string{jsonTo, results, profile} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return fmt.Errorf("finding %s: %w", *path, err)
			}
		}
	}
	// The harness looks for the Mattermost server's sources in the module of the working directory.
	if err := os.Chdir(o.paths.e2e); err != nil {
		return fmt.Errorf("going to the harness: %w", err)
	}
	if *profile != "" {
		return harness.Alone(ctx, func(tb harness.TB) {
			o.programs = newPrograms(tb, o.paths)
			profiles(tb, o, *profile)
		})
	}
	r, before := &Report{}, &Report{}
	if *merge {
		if before, err = readReport(*jsonTo); err != nil {
			return err
		}
	}
	this := Run{Command: command(args)}
	if this.Versions, err = versions(ctx, o.paths); err != nil {
		return err
	}
	if this.Machine, err = thisMachine(os.TempDir()); err != nil {
		return err
	}
	failed := measure(ctx, o, r)
	if ctx.Err() != nil {
		return failed
	}
	if this.Parts = r.measuredParts(); len(this.Parts) > 0 {
		r.Runs = []Run{this}
	}
	broken := r.Broken
	r.merge(before)
	return errors.Join(failed, publish(r, *jsonTo, *results), promise(broken))
}

// command is how the benchmark was called, without the folders of this machine.
func command(args []string) string {
	words := []string{"go run ."}
	for _, a := range args {
		if filepath.IsAbs(a) {
			a = filepath.Base(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// measure runs the parts. One that fails keeps nobody from the figures of the others.
func measure(ctx context.Context, o options, r *Report) error {
	var failed error
	for _, p := range parts {
		if !slices.Contains(o.only, p.name) {
			continue
		}
		began := time.Now()
		err := harness.Alone(ctx, func(tb harness.TB) {
			o := o
			o.programs = newPrograms(tb, o.paths)
			p.run(tb, o, r)
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %v\n", p.name, time.Since(began).Round(time.Second))
	}
	return failed
}

// publish prints the table and writes the files.
func publish(r *Report, jsonTo, results string) error {
	if err := r.print(os.Stdout); err != nil {
		return err
	}
	fmt.Println()
	for _, line := range r.firstMarks() {
		fmt.Println(line)
	}
	if err := r.save(jsonTo); err != nil {
		return err
	}
	if results != "" {
		if err := r.markdown(results); err != nil {
			return err
		}
	}
	return nil
}

// promise is the error of promises that this run has found broken.
func promise(broken []string) error {
	if len(broken) == 0 {
		return nil
	}
	return fmt.Errorf("the promise is broken: Causeway has lost, doubled or reordered messages:\n%s", strings.Join(broken, "\n"))
}

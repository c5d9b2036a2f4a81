package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// bench is one run.
type bench struct {
	binary string // the service under test
	dir    string // removed at the end
	cache  string // where big data folders are kept for the next run
	rounds int
	slot   time.Duration
	only   *regexp.Regexp
	rng    *rand.Rand
	say    func(string, ...any) // progress
	report report
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "bare" {
		fail(serveBare())
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "nbd" {
		fail(serveNBD(os.Args[2:]))
		return
	}
	fail(run())
}

func fail(err error) {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// options are the command line.
type options struct {
	binary, folder, json, only string
	rounds                     int
	slot                       time.Duration
	seed                       uint64
	quick, quiet               bool
}

func readOptions(args []string) (o options, only *regexp.Regexp, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.binary, "binary", "./breezeblock", "the service under test: static and stripped")
	flags.StringVar(&o.folder, "dir", os.TempDir(), "a folder on a real disk, for data; big ones stay there for the next run")
	flags.StringVar(&o.json, "json", "", "write the result to this file, too")
	flags.StringVar(&o.only, "only", "", "measure the groups that match this expression: http get, http get cold, http put, store 64, store 1, page deep, page encode, page memory, start, idle memory, binary size, engine, backup, nbd")
	flags.IntVar(&o.rounds, "rounds", 7, "paired rounds of each row; the goals ask for 5 at least")
	flags.DurationVar(&o.slot, "slot", time.Second, "how long each side of a round runs; whole seconds with wrk")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of the order in which things are measured")
	flags.BoolVar(&o.quick, "quick", false, "three rounds: to see that it works, not to judge by")
	flags.BoolVar(&o.quiet, "quiet", false, "the table alone, no line for each slot")
	if err = flags.Parse(args); err != nil {
		return o, nil, err
	}
	if o.quick {
		o.rounds = 3
	}
	if o.rounds < 1 || o.rounds > 1000 || o.slot < 50*time.Millisecond || o.slot > time.Minute {
		return o, nil, errors.New("-rounds must be from 1 to 1000 and -slot from 50ms to 1m")
	}
	only, err = regexp.Compile(o.only)
	return o, only, err
}

func run() (err error) {
	o, only, err := readOptions(os.Args[1:])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{rounds: o.rounds, slot: o.slot, only: only, cache: o.folder, rng: rand.New(rand.NewPCG(o.seed, o.seed))}
	b.say = func(format string, args ...any) {
		if !o.quiet {
			fmt.Fprintf(os.Stderr, format, args...)
		}
	}
	if b.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if _, err := os.Stat(b.binary); err != nil {
		return fmt.Errorf("%w: build it first (make build), or name it by -binary", err)
	}
	system, memory, err := fileSystem(o.folder)
	if err != nil {
		return err
	}
	if memory {
		return fmt.Errorf("%s is %s, which is no disk: name a folder on one by -dir", o.folder, system)
	}
	if b.dir, err = os.MkdirTemp(o.folder, "breezeblock-bench-run-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.report = report{Machine: describe(system), Rounds: o.rounds, Slot: o.slot.String(), Seed: o.seed}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.tell(o.json)
}

// measure fills the report, row by row.
func (b *bench) measure(ctx context.Context) error {
	for _, rows := range []func(context.Context) error{b.httpRows, b.storeRows, b.jobRows, b.pagingRows, b.startRows, b.engineRows, b.backupRows, b.nbdRows} {
		if err := rows(ctx); err != nil {
			return err
		}
	}
	if len(b.report.Rows) == 0 {
		return fmt.Errorf("no row matches %q", b.only)
	}
	return nil
}

func (b *bench) tell(file string) error {
	if err := b.report.writeTable(os.Stdout); err != nil || file == "" {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(b.report.writeJSON(f), f.Close())
}

// wants tells whether any of the groups is to be measured.
func (b *bench) wants(groups ...string) bool {
	for _, g := range groups {
		if b.only.MatchString(g) {
			return true
		}
	}
	return false
}

func (b *bench) add(r row) {
	r.judge()
	b.report.Rows = append(b.report.Rows, r)
}

// with adds a note, which stands below the table.
func (r row) with(note string) row {
	r.Notes = append(r.Notes, note)
	return r
}

// startBare starts this program as the bare server.
func (b *bench) startBare(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startProcess(ctx, nil, self, "bare")
}

func describe(system string) machine {
	m := machine{Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), FileSystem: system}
	m.Processor, m.Kernel = here()
	if info, found := debug.ReadBuildInfo(); found {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Commit = s.Value
			}
		}
	}
	return m
}

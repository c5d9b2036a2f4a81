package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const clientModule = "github.com/gophercloud/gophercloud/v2"

// timeout bounds one test.
const timeout = 2 * time.Minute

// atOnce keeps the tests' volumes and snapshots well below the first quotas.
const atOnce = 4

func main() {
	build := flag.String("build", "", "compile the tests into this folder and do not run them")
	binaries := flag.String("binaries", "", "folder with the compiled tests")
	data := flag.String("data", "", "the server's data folder, with openrc and openrc-admin")
	flag.Parse()
	var err error
	switch {
	case *build != "":
		err = compile(*build)
	case *binaries != "" && *data != "":
		err = run(*binaries, *data)
	default:
		err = errors.New("give -build DIR, or -binaries DIR and -data DIR")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compile makes one test binary for each suite, in a writable copy of the module.
func compile(into string) error {
	dir, err := command("", "go", "list", "-m", "-f", "{{.Dir}}", clientModule)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "gophercloud")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	root := filepath.Join(work, "src") // CopyFS makes files 0666 less the mask, not read-only like the cache
	if err := os.CopyFS(root, os.DirFS(strings.TrimSpace(dir))); err != nil {
		return err
	}
	for _, s := range suites {
		out, err := filepath.Abs(filepath.Join(into, s.folder+".test"))
		if err != nil {
			return err
		}
		if _, err := command(root, "go", "test", "-mod=mod", "-tags", "acceptance", "-c", "-o", out,
			"./internal/acceptance/openstack/blockstorage/"+s.folder); err != nil {
			return err
		}
	}
	return nil
}

// command runs a program and gives what it wrote; its error has the rest.
func command(dir string, argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, complaints.String())
	}
	return out.String(), nil
}

// run runs every test of every suite and prints the table.
func run(binaries, data string) error {
	environments := map[user][]string{}
	for who, file := range map[user]string{demo: "openrc", admin: "openrc-admin"} {
		env, err := readOpenrc(filepath.Join(data, file))
		if err != nil {
			return err
		}
		environments[who] = env
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	var outputs strings.Builder
	passed, failed, left := 0, 0, 0
	for _, s := range suites {
		binary, err := filepath.Abs(filepath.Join(binaries, s.folder+".test"))
		if err != nil {
			return err
		}
		if err := s.complete(binary); err != nil {
			return err
		}
		for _, o := range s.all(binary, environments) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.1f s\n", o.result, s.folder, o.test, s.run[o.test], o.took.Seconds())
			if o.result == "pass" {
				passed++
				continue
			}
			failed++
			fmt.Fprintf(&outputs, "\n--- %s %s\n%s", s.folder, o.test, o.output)
		}
		for _, test := range slices.Sorted(maps.Keys(s.left)) {
			left++
			fmt.Fprintf(table, "left out\t%s\t%s\t\t%s\n", s.folder, test, s.left[test])
		}
	}
	table.Flush()
	io.WriteString(os.Stdout, outputs.String())
	fmt.Printf("gophercloud: %d passed, %d failed, %d left out\n", passed, failed, left)
	if failed > 0 {
		return errors.New("some of gophercloud's tests failed")
	}
	return nil
}

// outcome is what became of one test.
type outcome struct {
	test, result, output string
	took                 time.Duration
}

// all runs the tests of a suite, atOnce of them at a time: they mostly wait.
func (s suite) all(binary string, environments map[user][]string) []outcome {
	tests := slices.Sorted(maps.Keys(s.run))
	outcomes := make([]outcome, len(tests))
	var running sync.WaitGroup
	var others sync.RWMutex
	free := make(chan struct{}, atOnce)
	for i, test := range tests {
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			if test == s.alone {
				others.Lock()
				defer others.Unlock()
			} else {
				others.RLock()
				defer others.RUnlock()
			}
			start := time.Now()
			env := append(slices.Clone(environments[s.run[test]]), "OS_BRANCH="+s.branch)
			result, output := one(binary, test, env)
			outcomes[i] = outcome{test, result, output, time.Since(start)}
		})
	}
	running.Wait()
	return outcomes
}

// complete checks that every test of the binary is run or left out with a reason.
func (s suite) complete(binary string) error {
	listed, err := command("", binary, "-test.list", ".")
	if err != nil {
		return err
	}
	for _, test := range strings.Fields(listed) {
		_, runs := s.run[test]
		_, leaves := s.left[test]
		if runs == leaves {
			return fmt.Errorf("tests.go must either run %s of %s or leave it out", test, s.folder)
		}
	}
	if known := len(s.run) + len(s.left); known != len(strings.Fields(listed)) {
		return fmt.Errorf("tests.go names %d tests of %s; it has %d", known, s.folder, len(strings.Fields(listed)))
	}
	return nil
}

// one runs a single test. A test that skipped itself has not passed.
func one(binary, test string, env []string) (result, output string) {
	cmd := exec.Command(binary, "-test.v", "-test.run", "^"+test+"$", "-test.timeout", timeout.String())
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = filepath.Dir(binary)
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case err != nil:
		return "FAIL", text
	case strings.Contains(text, "--- PASS: "+test+" "):
		return "pass", text
	default:
		return "FAIL (skipped itself)", text
	}
}

// readOpenrc reads the lines export NAME=value of an openrc file.
func readOpenrc(name string) ([]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var env []string
	for line := range strings.Lines(string(text)) {
		assignment, is := strings.CutPrefix(strings.TrimSpace(line), "export ")
		if !is {
			continue
		}
		key, value, _ := strings.Cut(assignment, "=")
		value = strings.Trim(value, `'"`)
		env = append(env, key+"="+value)
		if key == "OS_USER_DOMAIN_NAME" { // gophercloud knows one domain only, by another name
			env = append(env, "OS_DOMAIN_NAME="+value)
		}
	}
	return env, nil
}

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/config"
)

func TestCheckTellsEverySettingAndItsOrigin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "settings.toml")
	if err := os.WriteFile(file, []byte("region = \"Elsewhere\"\nmetrics-token = \"secret-of-metrics\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := run(t, []string{"BREEZEBLOCK_DIALECT=cinder", "BREEZEBLOCK_DEMO_PASSWORD=secret-of-demo"},
		"check", "--data", filepath.Join(dir, "none"), "--config", file, "--read-timeout", "7s")
	if code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if strings.Contains(out, "secret-of") {
		t.Errorf("it tells a secret: %s", out)
	}
	for _, s := range config.Settings() {
		if !regexp.MustCompile(`(?m)^` + s.Name + ` +\S.* +(default|environment|flag|file .*)$`).MatchString(out) {
			t.Errorf("setting %s is not told with its origin: %s", s.Name, out)
		}
	}
	for _, want := range []string{
		`region +Elsewhere +file ` + regexp.QuoteMeta(file), `metrics-token +\(set\) +file `, `demo-password +\(set\) +environment`,
		`admin-password +\(unset\) +default`, `dialect +cinder +environment`, `read-timeout +7s +flag`, `token-lifetime +24h +default`,
		`database .*: works`, `driver layers .*: works`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(out) {
			t.Errorf("no line %s in: %s", want, out)
		}
	}
}

func TestCheckTellsOfADatabaseWithoutItsPassword(t *testing.T) {
	t.Parallel()
	code, out := run(t, []string{"BREEZEBLOCK_DATABASE=postgres://u:secret-of-rows@127.0.0.1:1/x?connect_timeout=1"}, "check", "--data", filepath.Join(t.TempDir(), "none"))
	if code != 1 || !strings.Contains(out, "does not work") || strings.Contains(out, "secret-of-rows") {
		t.Errorf("ended with %d: %s", code, out)
	}
}

func TestCheckMakesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, data := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "empty")} {
		if strings.HasSuffix(data, "empty") {
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		before := contents(t, dir)
		code, out := run(t, nil, "check", "--data", data)
		if code != 0 || strings.Count(out, "made on first start") != 2 {
			t.Errorf("%s: ended with %d: %s", data, code, out)
		}
		if after := contents(t, dir); len(after) != len(before) {
			t.Errorf("%s: it made files: %v", data, after)
		}
	}
}

func TestCheckSaysThatAServerRunsAndThatAllWorksAfterwards(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
	demo := l.logIn("demo", "demo-secret")
	if code, out := run(t, nil, "check", "--data", data); code != 1 || !strings.Contains(out, "in use by another server") {
		t.Errorf("beside a server: ended with %d: %s", code, out)
	}
	snap := demo.snapshot(demo.volume()) // it goes on
	l.signal(os.Interrupt)
	l.exit()
	if code, out := run(t, nil, "check", "--data", data); code != 0 || strings.Count(out, ": works") != 2 {
		t.Errorf("after the server: ended with %d: %s", code, out)
	}
	demo.p = launch(t, nil, "--data", data).process
	demo.show(snap)
}

func TestSettingThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "check"} {
		for setting, args := range map[string][]string{
			"listen":       {"--listen", "0.0.0.0:0"},
			"dialect":      {"--dialect", "nova"},
			"read-timeout": {"--read-timeout", "soon"},
			"config":       {"--config", "/nowhere.toml"},
		} {
			code, out := run(t, nil, append([]string{command, "--data", filepath.Join(t.TempDir(), "none")}, args...)...)
			if code != 1 || !strings.Contains(out, "setting "+setting+":") {
				t.Errorf("%s %v: ended with %d: %s", command, args, code, out)
			}
		}
	}
}

func TestVersionTellsWithWhatItWasBuilt(t *testing.T) {
	t.Parallel()
	code, out := run(t, nil, "version")
	if code != 0 || !strings.HasPrefix(out, "breezeblock ") || !strings.Contains(out, runtime.Version()) || !strings.Contains(out, runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("ended with %d: %s", code, out)
	}
}

func TestKeysAreRotatedBesideARunningServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
	before := l.logIn("demo", "demo-secret")
	staged, err := os.ReadFile(filepath.Join(data, "keys", "0"))
	if err != nil {
		t.Fatal(err)
	}
	if code, out := run(t, nil, "keys", "rotate", "--data", data); code != 0 {
		t.Fatalf("ended with %d: %s", code, out)
	}
	if primary, err := os.ReadFile(filepath.Join(data, "keys", "2")); err != nil || string(primary) != string(staged) {
		t.Errorf("the staged key is not primary now: %v", err)
	}
	before.must("GET", "/volumes", "", nil)
	after := l.logIn("demo", "demo-secret")
	after.must("GET", "/volumes", "", nil)
	if code, out := run(t, nil, "keys", "rotate", "--data", filepath.Join(t.TempDir(), "none")); code != 1 {
		t.Errorf("where no keys are it ended with %d: %s", code, out)
	}
}

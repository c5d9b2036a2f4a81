package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openrc reads a file as a shell that sources it would.
func openrc(t *testing.T, path string) map[string]string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `set -eu; . "$0"; env`, path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	for line := range bytes.Lines(out) {
		if name, value, found := strings.Cut(strings.TrimSuffix(string(line), "\n"), "="); found && strings.HasPrefix(name, "OS_") {
			set[name] = value
		}
	}
	return set
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestFirstStartMakesAFolderThatOnlyItsOwnerReadsAndLoginsThatWork(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "new", "data")
	l := launch(t, nil, "--data", data, "--log-level", "debug")
	if m := mode(t, data); m != 0o700 {
		t.Errorf("the folder has mode %o", m)
	}
	var secrets []string
	for file, name := range map[string]string{"openrc": "demo", "openrc-admin": "admin"} {
		path := filepath.Join(data, file)
		if m := mode(t, path); m != 0o600 {
			t.Errorf("%s has mode %o", file, m)
		}
		set := openrc(t, path)
		password := set["OS_PASSWORD"]
		delete(set, "OS_PASSWORD")
		want := map[string]string{
			"OS_AUTH_URL": l.url + "/identity/v3", "OS_IDENTITY_API_VERSION": "3", "OS_USERNAME": name, "OS_PROJECT_NAME": name,
			"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne",
		}
		if diff := cmp.Diff(want, set); diff != "" || len(password) < 20 {
			t.Errorf("%s: password of %d bytes; %s", file, len(password), diff)
		}
		s := l.logIn(name, password)
		s.snapshot(s.volume())
		secrets = append(secrets, password, s.token)
	}
	if secrets[0] == secrets[2] {
		t.Error("both users have the same password")
	}
	for name, text := range contents(t, data) { // everything in it, whatever it is
		if !strings.HasPrefix(text[1:], "rw-------") && !strings.HasPrefix(text[1:], "rwx------") {
			t.Errorf("%s has mode %.10s", name, text)
		}
	}
	l.signal(os.Interrupt)
	if code := l.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, secret := range secrets {
		if strings.Contains(l.out.String(), secret) {
			t.Errorf("the output tells a secret: %s", l.out)
		}
	}
	if !strings.Contains(l.out.String(), "source "+filepath.Join(data, "openrc")) {
		t.Errorf("the output does not say what to paste: %s", l.out)
	}
}

func TestSecondStartKeepsTheAccountsAndOnlyCorrectsTheAddress(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	first := launch(t, nil, "--data", data)
	demo := first.logIn("demo", openrc(t, filepath.Join(data, "openrc"))["OS_PASSWORD"])
	volume := demo.volume()
	first.signal(os.Interrupt)
	first.exit()
	before, err := os.ReadFile(filepath.Join(data, "openrc"))
	if err != nil {
		t.Fatal(err)
	}
	// What its owner wrote below stays, and what its owner took away stays away.
	own := string(before) + "export OS_CACERT='/a/b.pem'\n# OS_AUTH_URL is above\n"
	if err := os.WriteFile(filepath.Join(data, "openrc"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, "openrc-admin")); err != nil {
		t.Fatal(err)
	}
	second := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=ignored now"}, "--data", data)
	after, err := os.ReadFile(filepath.Join(data, "openrc"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(own, first.url, second.url, 1); string(after) != want || first.url == second.url {
		t.Errorf("openrc is\n%s\nwant\n%s", after, want)
	}
	if m := mode(t, filepath.Join(data, "openrc")); m != 0o600 {
		t.Errorf("openrc has mode %o", m)
	}
	if _, err := os.Stat(filepath.Join(data, "openrc-admin")); !os.IsNotExist(err) {
		t.Errorf("openrc-admin was made again: %v", err)
	}
	demo.p = second.process // its token survives, and the volume
	demo.must("GET", "/volumes/"+volume, "", nil)
	second.logIn("demo", openrc(t, filepath.Join(data, "openrc"))["OS_PASSWORD"])
}

func TestPasswordsOfTheFirstStartMayBeGiven(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	const odd = `it's "$HOME" \ and ` + "`date`" // and no shell must touch it
	l := launch(t, []string{"BREEZEBLOCK_ADMIN_PASSWORD=given for admin", "BREEZEBLOCK_DEMO_PASSWORD=" + odd}, "--data", data, "--log-level", "debug")
	l.logIn("admin", "given for admin")
	l.logIn("demo", odd)
	if got := openrc(t, filepath.Join(data, "openrc"))["OS_PASSWORD"]; got != odd {
		t.Errorf("openrc gives the password %q", got)
	}
	if strings.Contains(l.out.String(), "given for admin") || strings.Contains(l.out.String(), "$HOME") {
		t.Errorf("the output tells a password: %s", l.out)
	}
}

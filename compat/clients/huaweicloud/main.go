package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long a step may wait for what must come.
const patience = 30 * time.Second

func main() {
	data := flag.String("data", "", "the server's data folder, with openrc and openrc-admin")
	iam := flag.String("iam", "", "scheme://host:port of the identity listener: the vendor's SDK drops a path")
	binary := flag.String("breezeblock", "", "the server's binary, for one that throttles")
	old := flag.String("old", "", "the id of a disk that is old enough for the recycle bin, in the project named like the region")
	flag.Parse()
	if *data == "" || *iam == "" || *binary == "" || *old == "" {
		fmt.Fprintln(os.Stderr, "give -data DIR, -iam URL, -breezeblock FILE and -old ID")
		os.Exit(2)
	}
	c, err := logIn(filepath.Join(*data, "openrc"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer c.revoke()
	c.iam, c.binary, c.old, c.admin = *iam, *binary, *old, filepath.Join(*data, "openrc-admin")
	r := &record{}
	vendorSteps(r, c)
	telekomSteps(r, c)
	fmt.Printf("huaweicloud: %d passed, %d failed\n", r.passed, r.failed)
	if r.failed > 0 {
		os.Exit(1)
	}
}

// record counts steps; those after one that others rest on are not tried.
type record struct{ passed, failed int }

// step runs one and says what came of it.
func (r *record) step(name string, run func() error) bool {
	start := time.Now()
	err := run()
	result := "pass"
	if err != nil {
		result = "FAIL"
		r.failed++
	} else {
		r.passed++
	}
	fmt.Printf("%s  %s  %.1f s\n", result, name, time.Since(start).Seconds())
	if err != nil {
		fmt.Printf("      %v\n", err)
	}
	return err == nil
}

// until asks until it is so, or tells what it was last.
func until(what string, ask func() (done bool, now string, err error)) error {
	for end := time.Now().Add(patience); ; {
		done, now, err := ask()
		if err != nil || done {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: still %s after %s", what, now, patience)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// cloud is where the server is, and an access key of the user of an openrc.
type cloud struct {
	identity, iam, service, region, user string // identity without /v3, below the service; iam on a host of its own
	access, secret, token, project       string // project is the one of the openrc, not the one named like the region
	binary, old, admin                   string // the server's binary, an old disk, the administrator's openrc
}

// logIn makes an access key, as a user would before using an SDK.
func logIn(openrc string) (*cloud, error) {
	text, err := os.ReadFile(openrc)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, is := strings.Cut(strings.TrimPrefix(line, "export "), "="); is {
			env[name] = strings.Trim(value, "'")
		}
	}
	c := &cloud{identity: strings.TrimSuffix(env["OS_AUTH_URL"], "/v3"), region: env["OS_REGION_NAME"]}
	c.service = strings.TrimSuffix(c.identity, "/identity")
	user := map[string]any{"name": env["OS_USERNAME"], "password": env["OS_PASSWORD"], "domain": map[string]any{"name": env["OS_USER_DOMAIN_NAME"]}}
	project := map[string]any{"name": env["OS_PROJECT_NAME"], "domain": map[string]any{"name": env["OS_PROJECT_DOMAIN_NAME"]}}
	var token struct {
		Token struct{ User, Project struct{ ID string } }
	}
	header, err := c.post("/v3/auth/tokens", map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}},
		"scope":    map[string]any{"project": project},
	}}, &token)
	if err != nil {
		return nil, err
	}
	c.token, c.user, c.project = header.Get("X-Subject-Token"), token.Token.User.ID, token.Token.Project.ID
	var made struct {
		Credential struct{ Access, Secret string }
	}
	_, err = c.post("/v3.0/OS-CREDENTIAL/credentials", map[string]any{"credential": map[string]any{"user_id": c.user}}, &made)
	c.access, c.secret = made.Credential.Access, made.Credential.Secret
	return c, err
}

// revoke removes the access key again.
func (c *cloud) revoke() {
	_, _ = c.call("DELETE", c.identity+"/v3.0/OS-CREDENTIAL/credentials/"+c.access, http.StatusNoContent, nil, nil)
}

// post asks identity to make something.
func (c *cloud) post(path string, body, into any) (http.Header, error) {
	return c.call("POST", c.identity+path, http.StatusCreated, body, into)
}

func (c *cloud) call(method, url string, status int, body, into any) (http.Header, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, url, sent)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("X-Auth-Token", c.token)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	if got.StatusCode != status {
		return nil, fmt.Errorf("%s %s: %s", method, url, got.Status)
	}
	return got.Header, json.NewDecoder(got.Body).Decode(into)
}

// needType has the administrator make a volume type of the vendor's, unless there
// is one.
func (c *cloud) needType(name string) error {
	admin, err := logIn(c.admin)
	if err != nil {
		return err
	}
	defer admin.revoke()
	url := admin.service + "/v3/" + admin.project + "/types"
	var all struct {
		Types []struct{ Name string } `json:"volume_types"`
	}
	if _, err := admin.call("GET", url, http.StatusOK, nil, &all); err != nil {
		return err
	}
	for _, t := range all.Types {
		if t.Name == name {
			return nil
		}
	}
	_, err = admin.call("POST", url, http.StatusOK, map[string]any{"volume_type": map[string]any{"name": name, "extra_specs": map[string]string{"evs:performance": name}}}, &all)
	return err
}

// want compares what came with what should have.
func want(what, got, wanted string) error {
	if got != wanted {
		return fmt.Errorf("%s is %q, want %q", what, got, wanted)
	}
	return nil
}

// text is *p, or empty.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

var errNothing = errors.New("the answer has none of it")

package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// door is the way into a server for a number of callers.
type door struct {
	client  *http.Client
	url     string
	callers []Caller
	tokens  []string // of callers
}

// letIn logs in demo, other and admin, and makes other, a second member with a
// project of its own, before.
func (d *door) letIn() error {
	d.callers = []Caller{{Name: "demo"}, {Name: "other"}, {Name: "admin", Admin: true}}
	d.tokens = make([]string, len(d.callers))
	if err := d.logIn(2); err != nil {
		return err
	}
	if err := d.addMember("other"); err != nil {
		return err
	}
	return errors.Join(d.logIn(0), d.logIn(1))
}

// call sends one request to the API; path is below /v3/{project}.
func (d *door) call(who int, method, path string, body any) (int, []byte, error) {
	return d.send(d.tokens[who], method, "/v3/"+d.callers[who].Project+path, body)
}

func (d *door) send(token, method, path string, body any) (int, []byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	request, err := http.NewRequest(method, d.url+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		request.Header.Set("X-Auth-Token", token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if bytes.HasPrefix(text, []byte(`{"revert"`)) {
		request.Header.Set("OpenStack-API-Version", "volume 3.40")
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	if subject := answer.Header.Get("X-Subject-Token"); subject != "" {
		text = append([]byte(subject+"\n"), text...)
	}
	return answer.StatusCode, text, err
}

// must is send for what has to succeed; into takes the answer.
func (d *door) must(token, method, path string, body, into any) error {
	status, text, err := d.send(token, method, path, body)
	if err != nil || status >= 300 {
		return errors.Join(err, fmt.Errorf("%s %s: answered %d %s", method, path, status, text))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// logIn gets a token for a caller and notes the project's id.
func (d *door) logIn(who int) error {
	name, domain := d.callers[who].Name, members{"id": "default"}
	status, text, err := d.send("", "POST", "/identity/v3/auth/tokens", members{"auth": members{
		"identity": members{"methods": []string{"password"}, "password": members{"user": members{"name": name, "domain": domain, "password": secret}}},
		"scope":    members{"project": members{"name": name, "domain": domain}}}})
	if err != nil || status != http.StatusCreated {
		return errors.Join(err, fmt.Errorf("log in as %s: answered %d %s", name, status, text))
	}
	token, body, _ := bytes.Cut(text, []byte("\n"))
	var told struct {
		Token struct{ Project struct{ ID string } }
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return err
	}
	d.tokens[who], d.callers[who].Project = string(token), told.Token.Project.ID
	return nil
}

// addMember makes a project and a user of that name who is a member of it.
func (d *door) addMember(name string) error {
	admin, base := d.tokens[2], "/identity/v3"
	var project, user struct{ Project, User struct{ ID string } }
	if err := d.must(admin, "POST", base+"/projects", members{"project": members{"name": name, "domain_id": "default"}}, &project); err != nil {
		return err
	}
	if err := d.must(admin, "POST", base+"/users", members{"user": members{"name": name, "domain_id": "default", "password": secret}}, &user); err != nil {
		return err
	}
	var roles struct {
		Roles []struct{ ID, Name string }
	}
	if err := d.must(admin, "GET", base+"/roles", nil, &roles); err != nil {
		return err
	}
	for _, role := range roles.Roles {
		if role.Name == "member" {
			return d.must(admin, "PUT", base+"/projects/"+project.Project.ID+"/users/"+user.User.ID+"/roles/"+role.ID, nil, nil)
		}
	}
	return errors.New("there is no role member")
}

// see reads everything as an administrator.
func (d *door) see() (Seen, error) {
	seen := Seen{Usage: map[string]map[string]Usage{}}
	base := "/v3/" + d.callers[2].Project
	var list struct{ Volumes, Snapshots []Shown }
	for _, noun := range []string{"volumes", "snapshots"} {
		if err := d.must(d.tokens[2], "GET", base+"/"+noun+"/detail?all_tenants=1", nil, &list); err != nil {
			return seen, err
		}
	}
	seen.Volumes, seen.Snapshots = list.Volumes, list.Snapshots
	for _, c := range d.callers {
		usage, err := d.usage(c.Project)
		if err != nil {
			return seen, err
		}
		seen.Usage[c.Project] = usage
	}
	return seen, nil
}

// typeNames are the types of a new database; "" is all of them.
var typeNames = []string{"", "__DEFAULT__", "SATA", "SAS", "GPSSD", "SSD", "ESSD"}

// usage is what a quota set says that a project uses.
func (d *door) usage(project string) (map[string]Usage, error) {
	var told struct {
		Set map[string]json.RawMessage `json:"quota_set"`
	}
	if err := d.must(d.tokens[2], "GET", "/v3/"+d.callers[2].Project+"/os-quota-sets/"+project+"?usage=true", nil, &told); err != nil {
		return nil, err
	}
	usage := map[string]Usage{}
	for _, name := range typeNames {
		suffix := ""
		if name != "" {
			suffix = "_" + name
		}
		var u Usage
		for resource, into := range map[string]*int64{"volumes": &u.Volumes, "snapshots": &u.Snapshots, "gigabytes": &u.Gigabytes} {
			var line struct {
				InUse int64 `json:"in_use"`
			}
			if err := json.Unmarshal(told.Set[resource+suffix], &line); err != nil {
				return nil, fmt.Errorf("quota %s%s: %w", resource, suffix, err)
			}
			*into = line.InUse
		}
		usage[name] = u
	}
	return usage, nil
}

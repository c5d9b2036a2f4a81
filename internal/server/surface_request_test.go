package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// bodies are requests that rows take; ids in braces are filled in.
var bodies = map[string]string{
	"snapshot.update":              `{"snapshot":{"name":"n","description":"d","display_name":"m","display_description":null}}`,
	"snapshot.create":              `{"snapshot":{"volume_id":"{volume}","name":"n","description":"d","metadata":{"k":"v"},"force":true}}`,
	"snapshot.reset_status":        `{"os-reset_status":{"status":"available"}}`,
	"snapshot.update_status":       `{"os-update_snapshot_status":{"status":"available","progress":"80%"}}`,
	"volume.create":                `{"volume":{"size":1,"name":"n","description":"d","metadata":{"k":"v"},"volume_type":"SSD","availability_zone":"az1","multiattach":false}}`,
	"volume.update":                `{"volume":{"name":"n","description":"d","metadata":{"k":"v"}}}`,
	"volume.extend":                `{"os-extend":{"new_size":2}}`,
	"volume.reset_status":          `{"os-reset_status":{"status":"available","attach_status":"detached","migration_status":"none"}}`,
	"volume.attach":                `{"os-attach":{"instance_uuid":"{volume}","mountpoint":"/dev/vdb","mode":"rw","host_name":"h"}}`,
	"volume.detach":                `{"os-detach":{"attachment_id":"{volume}"}}`,
	"volume.set_bootable":          `{"os-set_bootable":{"bootable":true}}`,
	"volume.set_readonly":          `{"os-update_readonly_flag":{"readonly":false}}`,
	"quota.update":                 `{"quota_set":{"volumes":20,"gigabytes":-1,"tenant_id":"{project}"}}`,
	"quota_class.update":           `{"quota_class_set":{"volumes":20,"gigabytes_SSD":-1,"class_name":"default"}}`,
	"token.create":                 `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"x","password":"y","domain":{"name":"Default"}}}},"scope":{"project":{"id":"{project}","domain":{"id":"default"}}}}}`,
	"project.create":               `{"project":{"name":"p{#}","description":"d","domain_id":"default","enabled":true,"parent_id":"default"}}`,
	"project.update":               `{"project":{"name":"p{#}","description":"d","enabled":true}}`,
	"user.create":                  `{"user":{"name":"u{#}","password":"w","domain_id":"default","email":"e","default_project_id":"{project}","enabled":true}}`,
	"user.update":                  `{"user":{"name":"u{#}","password":"w","email":"e","default_project_id":null}}`,
	"user.password":                `{"user":{"original_password":"w","password":"w"}}`,
	"attachment.create":            `{"attachment":{"volume_uuid":"{volume}","instance_uuid":"{volume}","connector":{"host":"h","mode":"rw","mountpoint":"m"}}}`,
	"attachment.update":            `{"attachment":{"connector":{"host":"h","mode":"ro","mountpoint":"m"}}}`,
	"volume.initialize_connection": `{"os-initialize_connection":{"connector":{"host":"h","mode":"ro"}}}`,
	"volume.terminate_connection":  `{"os-terminate_connection":{"connector":{"host":"h"}}}`,
	"group_type.create":            `{"group_type":{"name":"k{#}","description":"d","is_public":true,"group_specs":{"k":"v","n":null}}}`,
	"group_type.update":            `{"group_type":{"name":"k{#}","description":"d","is_public":true}}`,
	"group_spec.create":            `{"group_specs":{"k":"v","k2":null}}`,
	"group_spec.update":            `{"k":"v"}`,
	"group.create":                 `{"group":{"name":"n","description":"d","group_type":"{group_type}","volume_types":["SSD","__DEFAULT__"],"availability_zone":"az1"}}`,
	"group.update":                 `{"group":{"name":"n{#}","description":"d","add_volumes":"{volume}","remove_volumes":"{volume}"}}`,
	"group.delete":                 `{"delete":{"delete-volumes":true}}`,
	"group.create_from_src":        `{"create-from-src":{"name":"n","description":"d","source_group_id":"{group}"}}`,
	"group.reset_status":           `{"reset_status":{"status":"available"}}`,

	"group.failover_replication":       `{"failover_replication":{"allow_attached_volume":true,"secondary_backend_id":"x"}}`,
	"group_snapshot.create":            `{"group_snapshot":{"group_id":"{group}","name":"n","description":"d"}}`,
	"group_snapshot.update":            `{"group_snapshot":{"name":"n","description":"d"}}`,
	"group_snapshot.reset_status":      `{"reset_status":{"status":"available"}}`,
	"consistencygroup.create":          `{"consistencygroup":{"name":"n","description":"d","volume_types":"SSD,__DEFAULT__","availability_zone":"az1"}}`,
	"consistencygroup.create_from_src": `{"consistencygroup-from-src":{"name":"n","description":"d","source_cgid":"{group}"}}`,
	"consistencygroup.update":          `{"consistencygroup":{"name":"n{#}","description":"d","add_volumes":"{volume}"}}`,
	"consistencygroup.put":             `{"consistencygroup":{"name":"n{#}","description":"d","remove_volumes":"{volume}"}}`,
	"consistencygroup.delete":          `{"consistencygroup":{"force":true}}`,
	"cgsnapshot.create":                `{"cgsnapshot":{"consistencygroup_id":"{group}","name":"n","description":"d"}}`,

	"volume.retype":          `{"os-retype":{"new_type":"SAS","migration_policy":"never"}}`,
	"type.create":            `{"volume_type":{"name":"t{#}","description":"d","extra_specs":{"k":"v"},"os-volume-type-access:is_public":true}}`,
	"type.update":            `{"volume_type":{"name":"t{#}","description":"d","is_public":false}}`,
	"type.specs.set":         `{"extra_specs":{"k":"v","multiattach":"<is> True"}}`,
	"type.specs.update":      `{"k":"v"}`,
	"type.access.add":        `{"addProjectAccess":{"project":"{project}"}}`,
	"type.access.remove":     `{"removeProjectAccess":{"project":"{project}"}}`,
	"type.encryption.create": `{"encryption":{"provider":"luks","control_location":"front-end","cipher":"aes-xts-plain64","key_size":256}}`,
	"type.encryption.update": `{"encryption":{"provider":"luks","control_location":"back-end","cipher":null,"key_size":null}}`,
	"default_type.set":       `{"default_type":{"volume_type":"SSD"}}`,
	"qos.create":             `{"qos_specs":{"name":"q{#}","consumer":"both","read_iops_sec":"5"}}`,
	"qos.set":                `{"qos_specs":{"consumer":"front-end","k":"v"}}`,
	"qos.delete_keys":        `{"keys":["k"]}`,
	"backup.create":          `{"backup":{"volume_id":"{volume}","name":"n","description":"d","container":"c","incremental":false,"force":true,"metadata":{"k":"v"}}}`,
	"backup.update":          `{"backup":{"name":"n","description":"d","metadata":{"k":"v"}}}`,
	"backup.restore":         `{"restore":{"volume_id":"{volume}","name":"n"}}`,
	"backup.import_record":   `{"backup-record":{"backup_service":"s","backup_url":"eyJpZCI6Ins="}}`,
	"backup.reset_status":    `{"os-reset_status":{"status":"available"}}`,
	"transfer.create":        `{"transfer":{"volume_id":"{volume}","name":"n"}}`,
	"volume_transfer.create": `{"transfer":{"volume_id":"{volume}","name":"n","no_snapshots":true}}`,
	"transfer.accept":        `{"accept":{"auth_key":"0123456789abcdef"}}`,
	"volume_transfer.accept": `{"accept":{"auth_key":"0123456789abcdef"}}`,
	"service.enable":         `{"host":"h","binary":"cinder-volume"}`,
	"service.get_log":        `{"binary":"cinder-api","server":"","prefix":"b"}`,
	"volume_manage.manage":   `{"volume":{"host":"h@fake#fake","ref":{"source-name":"{volume}"},"name":"n","volume_type":"SSD"}}`,
	"snapshot_manage.manage": `{"snapshot":{"volume_id":"{volume}","ref":{"source-name":"{snapshot}"},"name":"n"}}`,
	"volume.revert":          `{"revert":{"snapshot_id":"{snapshot}"}}`,
}

// bodyOf is a body that the row takes.
func (c *caller) bodyOf(row *wire.Route) string {
	if several := nativeBodies[row.Name]; len(several) > 0 {
		return pick(c.rng, several)
	}
	if body := bodies[row.Name]; body != "" {
		return body
	}
	switch {
	case row.Action != "":
		return fmt.Sprintf(`{%q:{}}`, row.Action)
	case strings.HasSuffix(row.Name, "metadata.set"):
		return `{"meta":{"k":"v"}}`
	case strings.Contains(row.Name, "metadata."):
		return `{"metadata":{"k":"v","k2":"v2"}}`
	}
	return `{}`
}

// odd are JSON texts to put in the place of others.
var odd = []string{
	"null", "true", "0", "-1", "-0", "1.5", "1e0", "1e400", "2147483648", "99999999999999999999", strings.Repeat("9", 5000),
	`""`, `" "`, `"\u0000"`, `"\ud800"`, "\"\xff\"", `"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("\U0001F600", 64) + `"`,
	`"` + strings.Repeat("y", 70000) + `"`, `"++1"`, `"1"`, `"+1"`, `"none"`, `"a\nb"`, `"\u202e"`, `"'; DROP TABLE volumes; --"`, `"%s%n"`,
	"[]", "{}", `[[]]`, `{"":""}`, `{"a":{"a":{"a":1}}}`, strings.Repeat("[", 1000) + strings.Repeat("]", 1000), strings.Repeat(`{"a":`, 12000), "", ",", "}",
	`"snapshot"`, `"volume"`, `"name"`, `"id"`, `"Default"`, `"available"`, `"deleted"`, `"in-use"`, `"error_deleting"`,
}

// oddTexts are for ids, keys and values of queries, before they are escaped.
var oddTexts = []string{
	"", ".", "..", "../..", "a/b", "x.json", "\x00", "\xff\xfe", "%", "%2e", "*", "null", "None", "detail", "default", "action", "metadata",
	strings.Repeat("z", 6000), "\U0001F600", "'", `"`, "<b>", "a b", ";", "&", "0", "-1", "1", "9999999999999999999999", "true", "name:asc,id:desc",
	"created_at", "name", "display_name:desc", "status", "size", "id", "nonsense", "{'a':'b'}", `{"k":"v","k":"w"}`, "{'a'", "az1", "available",
	"00000000-0000-0000-0000-000000000000", strings.Repeat("name,", 3000),
}

var queryKeys = []string{
	"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "with_count", "name", "status", "volume_id", "project_id",
	"metadata", "bootable", "size", "availability_zone", "consumes_quota", "user_id", "multiattach", "cascade", "usage", "enabled",
	"include_names", "instance_id", "attach_status", "domain_id", "user.id", "scope.project.id", "nocatalog", "_method", "x", "", "since", "max_results", "next_token", "starting_offset",
	"vol_type_id", "force", "is_public", "extra_specs",
}

var methods = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FOO", "put", "CONNECT"}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// oneIn is true once in n times.
func (c *caller) oneIn(n int) bool { return c.rng.IntN(n) == 0 }

// id is an id of the noun that the actor may play with, or something odd.
func (c *caller) id(noun string, a *actor) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.vault[noun]; kept != "" && !a.admin && c.oneIn(3) {
		return kept
	}
	if known := c.ids[noun]; len(known) > 0 && !c.oneIn(8) {
		return pick(c.rng, known)
	}
	if known := c.ids[pick(c.rng, []string{"volume", "snapshot", "project", "user", "role"})]; len(known) > 0 && c.oneIn(2) {
		return pick(c.rng, known)
	}
	return pick(c.rng, oddTexts)
}

// request makes the text of a request to some row.
func (c *caller) request(a *actor, as user) (method, text string) {
	row := &c.rows[c.rng.IntN(len(c.rows))]
	method = row.Method
	if c.oneIn(12) {
		method = pick(c.rng, methods)
	}
	target := c.path(row, a, as)
	if c.oneIn(2) {
		target += "?" + c.query()
	}
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\n", method, target)
	c.headers(&head, as)
	body := ""
	if (method != "GET" && method != "DELETE" && method != "HEAD") || c.oneIn(30) {
		body = c.body(row, a)
	}
	if row.Action != "" && !c.oneIn(3) {
		body = c.fill(c.bodyOf(row), a)
	}
	if c.oneIn(10) && body != "" {
		return method, fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head.String(), len(body), body)
	}
	return method, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head.String(), len(body), body)
}

// path is the row's path with ids in it, sometimes bent.
func (c *caller) path(row *wire.Route, a *actor, as user) string {
	path := row.Path
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			break
		}
		wild, after, _ := strings.Cut(rest, "}")
		noun := nounOf(strings.TrimSuffix(wild, "_id"))
		if noun == "target" {
			noun = "project"
		}
		id := c.id(noun, a)
		if noun == "project" && !a.admin && c.oneIn(2) { // an administrator could delete what it stands on
			id = as.project
		}
		path = before + url.PathEscape(id) + after
	}
	if prefix := pick(c.rng, prefixes(*row)); prefix != "" {
		project := "/" + as.project
		switch c.rng.IntN(12) {
		case 0:
			project = ""
		case 1:
			project = "/" + c.vault["project"]
		case 2:
			project = "/" + url.PathEscape(pick(c.rng, oddTexts))
		}
		path = prefix + project + path
	}
	if c.oneIn(10) {
		at := c.rng.IntN(len(path) + 1)
		path = path[:at] + pick(c.rng, []string{"/", "//", "/../", "/./", "%2F", "%2e%2e", ".json", "%00", "%ff", "%", ";", "\\", "/detail", "/metadata/"}) + path[at:]
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

func (c *caller) query() string {
	var pairs []string
	for range 1 + c.rng.IntN(4) {
		key, value := pick(c.rng, queryKeys), pick(c.rng, oddTexts)
		if c.oneIn(3) {
			key = pick(c.rng, nativeKeys)
		}
		if c.oneIn(4) {
			value = pick(c.rng, nativeTexts)
		} else if c.oneIn(3) {
			value = fmt.Sprint(c.rng.IntN(4))
		}
		pairs = append(pairs, url.QueryEscape(key)+"="+url.QueryEscape(value))
	}
	if c.oneIn(20) {
		pairs = append(pairs, "%zz", "a;b", "%ff=%00")
	}
	return strings.Join(pairs, "&")
}

func (c *caller) headers(head *strings.Builder, as user) {
	host := "h"
	if c.oneIn(10) {
		host = pick(c.rng, []string{"", "h:1", "[::1]:2", "a'b", "h%41", "user@h"})
	}
	fmt.Fprintf(head, "Host: %s\r\nX-Auth-Token: %s\r\n", host, as.token)
	version := fmt.Sprintf("volume 3.%d", c.rng.IntN(75))
	if c.oneIn(10) {
		version = pick(c.rng, []string{"", "volume latest", "volume", "volume 3.9999999999999999999", "volume 2.0", ",,,", "volume \xff.1", "x 1.1, volume 3.5", "volume3.3"})
	}
	fmt.Fprintf(head, "OpenStack-API-Version: %s\r\n", version)
	kind := "application/json"
	if c.oneIn(20) {
		kind = pick(c.rng, []string{"", "text/plain", "application/json; charset=x", "APPLICATION/JSON", "application/vnd.openstack.volume+json"})
	}
	fmt.Fprintf(head, "Content-Type: %s\r\n", kind)
	for _, extra := range []string{
		"X-Subject-Token: " + as.token, "X-Subject-Token: \xff", "X-Service-Token: x", "X-Project-Id: " + c.vault["project"], "X-Roles: admin",
		"X-Forwarded-Host: evil\"", "Accept: application/vnd.openstack.volume+json", "X-HTTP-Method-Override: DELETE", "Content-Type: text/html",
		"X-Client-Token: 6f2d1c1e-0b2a-4a62-8f11-000000000001", "X-Client-Token: \xff", "X-Sdk-Date: 20261122T000000Z",
		"Authorization: SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + strings.Repeat("0", 64),
	} {
		if c.oneIn(30) || (c.oneIn(3) && strings.HasPrefix(extra, "X-Subject")) {
			head.WriteString(extra + "\r\n")
		}
	}
}

// fill puts ids and a number where a body wants them.
func (c *caller) fill(body string, a *actor) string {
	for _, noun := range []string{"volume", "snapshot", "project", "group", "group_type", "backup", "image", "user"} {
		if wanted := "{" + noun + "}"; strings.Contains(body, wanted) {
			id, _ := jsontext.AppendQuote(nil, c.id(noun, a))
			body = strings.ReplaceAll(body, wanted, string(id[1:len(id)-1]))
		}
	}
	return strings.ReplaceAll(body, "{#}", fmt.Sprint(c.rng.IntN(50)))
}

// body is one that the row takes, mostly with something in it put in another's place.
func (c *caller) body(row *wire.Route, a *actor) string {
	text := []byte(c.fill(c.bodyOf(row), a))
	for range c.rng.IntN(3) {
		if len(text) > 4000 { // nested deeply, by the replacement before
			break
		}
		spans := spansOf(text)
		if len(spans) == 0 {
			break
		}
		at := pick(c.rng, spans)
		text = bytes.Join([][]byte{text[:at[0]], []byte(pick(c.rng, odd)), text[at[1]:]}, nil)
	}
	if len(text) > 0 && c.oneIn(10) {
		text[c.rng.IntN(len(text))] = byte(c.rng.IntN(256))
	}
	return string(text)
}

// spansOf are the places of the names and values in a JSON text.
func spansOf(text []byte) (spans [][2]int) {
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return spans
		}
		end := int(dec.InputOffset())
		switch token.Kind() {
		case '{', '[':
			if whole, err := jsontext.NewDecoder(bytes.NewReader(text[end-1:]), jsontext.AllowDuplicateNames(true)).ReadValue(); err == nil {
				spans = append(spans, [2]int{end - 1, end - 1 + len(whole)})
			}
		case '}', ']':
		default:
			length := len(token.String())
			if token.Kind() == '"' {
				quoted, _ := jsontext.AppendQuote(nil, token.String())
				length = len(quoted)
			}
			if end >= length {
				spans = append(spans, [2]int{end - length, end})
			}
		}
	}
}

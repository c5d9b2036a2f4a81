package cinder_test

import (
	"strings"
	"testing"
)

func TestTypesAreListedWithTheDefault(t *testing.T) {
	s := newSite(t, "cinder")
	a := s.want(s.do(s.demo, "GET", "/v3/{p}/types", ""), 200, `"os-volume-type-access:is_public":true`)
	for _, name := range []string{"__DEFAULT__", "SATA", "SAS", "GPSSD", "SSD", "ESSD"} {
		s.want(a, 200, `"name":"`+name+`"`)
	}
	standard := s.want(s.do(s.demo, "GET", "/v3/{p}/types/default", ""), 200, `"name":"__DEFAULT__"`)
	if strings.Contains(standard.body, "os-volume-type-access") {
		t.Errorf("the default tells who may use it: %s", standard.body)
	}
	s.want(s.do(s.demo, "GET", "/v2/{p}/types/"+standard.text("volume_type", "id"), ""), 200, `"Default Volume Type"`)
	s.want(s.do(s.demo, "GET", "/v3/{p}/types/"+noSuchID, ""), 404, "itemNotFound")
	byID := s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1,"volume_type":"`+standard.text("volume_type", "id")+`"}}`)
	s.want(byID, 202, `"volume_type":"__DEFAULT__"`)
}

func TestZonesAndExtensions(t *testing.T) {
	s := newSite(t, "evs")
	s.want(s.do(s.demo, "GET", "/v3/{p}/os-availability-zone", ""), 200, `{"availabilityZoneInfo":[{"zoneName":"az1","zoneState":{"available":true}}]}`)
	s.want(s.do(s.demo, "GET", "/v2/{p}/extensions", ""), 200, `"alias":"os-quota-sets"`)
}

func TestQuotaIsReadAndSet(t *testing.T) {
	s := newSite(t, "cinder")
	of := func(u user, rest string) string {
		return "/v3/" + u.project + "/os-quota-sets/" + s.demo.project + rest
	}
	set := func(body string) answer { return s.do(s.admin, "PUT", of(s.admin, ""), body) }
	s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `{"quota_set":{"volumes":10,"per_volume_gigabytes":-1,"snapshots":10,"gigabytes":1000,"backups":10,"backup_gigabytes":1000,`)
	s.want(s.do(s.demo, "GET", of(s.demo, "/defaults"), ""), 200, `"volumes_SSD":-1`)
	for _, word := range []string{"True", "true", "TRUE", "1"} {
		s.want(s.do(s.demo, "GET", of(s.demo, "?usage="+word), ""), 200, `"volumes":{"limit":10,"in_use":0,"reserved":0}`)
	}
	s.want(s.do(s.demo, "GET", of(s.demo, "?usage=maybe"), ""), 400, "usage")
	s.want(s.do(s.demo, "GET", "/v3/{p}/os-quota-sets/"+s.admin.project, ""), 403, "forbidden")
	s.want(s.do(s.demo, "PUT", of(s.demo, ""), `{"quota_set":{"volumes":99}}`), 403, "forbidden")

	for body, has := range map[string]string{
		`{"quota_set":{"volumes":-2}}`: "volumes", `{"quota_set":{"volumes":"x"}}`: "volumes", `{"quota_set":{"bogus":1}}`: "bogus",
		`{"quota_set":{"volumes":1.5}}`: "volumes", `{"quota_set":[]}`: "quota_set", `{}`: "quota_set", `{"quota_set":{},"x":1}`: "x",
		`{"quota_set":{"volumes_NOPE":1}}`: "volumes_NOPE", `{"quota_set":{"volumes":2147483648}}`: "volumes",
	} {
		s.want(set(body), 400, has)
	}
	s.want(set(`{"quota_set":{"volumes":2,"volumes_SSD":1,"tenant_id":"x","gigabytes":"50"}}`), 200, `"volumes":2`)
	a := s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `"gigabytes":50`)
	s.want(a, 200, `"volumes_SSD":1`)
	s.volume(`{"size":1,"volume_type":"SSD"}`)
	s.want(s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1,"volume_type":"SSD"}}`), 413, "volumes_SSD")
	s.volume(`{"size":1,"volume_type":"SAS"}`)
	s.want(s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1,"volume_type":"SAS"}}`), 413, "VolumeLimitExceeded")
	s.want(s.do(s.demo, "GET", of(s.demo, "?usage=True"), ""), 200, `"volumes_SSD":{"limit":1,"in_use":1,"reserved":0}`)
	s.want(s.do(s.demo, "GET", "/v3/{p}/limits", ""), 200, `"maxTotalVolumes":2`)
	s.want(s.do(s.admin, "GET", "/v3/{p}/limits?project_id="+s.demo.project, "", "volume 3.39"), 200, `"maxTotalVolumes":2`)
	s.want(s.do(s.admin, "GET", "/v3/{p}/limits?project_id="+s.demo.project, "", "volume 3.38"), 200, `"maxTotalVolumes":10`)
}

func TestVersionDocuments(t *testing.T) {
	nobody := user{}
	s := newSite(t, "evs")
	s.want(s.send(nobody, "GET", s.URL+"/", ""), 300, `"version":"3.50"`)
	s.want(s.send(nobody, "GET", s.URL+"/v2", ""), 200, `"id":"v2.0"`)
	s.want(s.send(nobody, "GET", s.URL+"/v2/", ""), 200, `"id":"v2.0"`)
	s.want(s.send(nobody, "GET", s.URL+"/v3", ""), 200, `"id":"v3.0"`)
	s.want(s.send(nobody, "GET", s.URL+"/v3/", ""), 200, s.URL+"/v3/")
	s.want(s.send(nobody, "GET", s.URL+"/healthcheck", ""), 200, `{"detailed":false,"reasons":["OK"]}`)

	c := newSite(t, "cinder")
	a := c.want(c.send(nobody, "GET", c.URL+"/", ""), 300, `{"versions":[{"id":"v3.0","status":"CURRENT","version":"3.70"`)
	if got := a.header.Get("OpenStack-API-Version"); got != "volume 3.0" {
		t.Errorf("got OpenStack-API-Version %q", got)
	}
	c.want(c.send(nobody, "GET", c.URL+"/v3", ""), 401, "Unauthorized")
	c.want(c.send(nobody, "GET", c.URL+"/v3/", ""), 401, "Unauthorized")
	c.want(c.send(c.demo, "GET", c.URL+"/v3/", ""), 200, `"id":"v3.0"`)
	a = c.want(c.send(c.demo, "GET", c.URL+"/v3", ""), 302, "")
	if got := a.header.Get("Location"); got != c.URL+"/v3/" || a.header.Get("Vary") != "" {
		t.Errorf("got Location %q, Vary %q", got, a.header.Get("Vary"))
	}
}

// schedulerHost is where the scheduler runs.
func (s *site) schedulerHost() string {
	a := s.want(s.do(s.admin, "GET", "/v3/{p}/os-services?binary=cinder-scheduler", ""), 200, `"binary":"cinder-scheduler"`)
	host, _ := a.at("services").([]any)[0].(map[string]any)["host"].(string)
	return host
}

func TestServicesAreOfAHostAndItsBackends(t *testing.T) {
	s := newSite(t, "cinder")
	host := s.schedulerHost()
	for query, count := range map[string]int{"host=" + host: 3, "host=" + host + "@": 0, "host=" + host[:3]: 0, "host=" + host + "&binary=cinder-volume": 1} {
		a := s.want(s.do(s.admin, "GET", "/v3/{p}/os-services?"+query, ""), 200, `"services":`)
		if got := strings.Count(a.body, `"binary"`); got != count {
			t.Errorf("?%s gives %d services, want %d: %s", query, got, count, a.body)
		}
	}
}

func TestServiceIsNotDisabledWithoutTheReasonThatTheCallIsFor(t *testing.T) {
	s := newSite(t, "cinder")
	host := s.schedulerHost()
	for _, reason := range []string{"", `,"disabled_reason":null`, `,"disabled_reason":""`, `,"disabled_reason":"  "`} {
		s.want(s.do(s.admin, "PUT", "/v3/{p}/os-services/disable-log-reason", `{"host":"`+host+`","binary":"cinder-scheduler"`+reason+`}`), 400, "disabled_reason")
	}
	if a := s.do(s.admin, "GET", "/v3/{p}/os-services", ""); strings.Count(a.body, `"status":"enabled"`) != 3 {
		t.Errorf("refused calls changed something: %s", a.body)
	}
	s.want(s.do(s.admin, "PUT", "/v3/{p}/os-services/disable-log-reason", `{"host":"`+host+`","binary":"cinder-scheduler","disabled_reason":"x"}`), 200, `"disabled_reason":"x"`)
}

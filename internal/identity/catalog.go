package identity

import (
	"crypto/sha256"
	"encoding/hex"
)

// Bases is where clients reach us, without a slash at the end.
type Bases struct {
	Service  string // scheme://host of block storage and images
	Identity string // what stands before /v3 of identity
}

// CatalogEntry is one service of the catalog.
type CatalogEntry struct {
	ID        string
	Type      string
	Name      string
	Endpoints []Endpoint
}

// Endpoint is one address of a service. Region serves as region_id, too.
type Endpoint struct {
	ID        string
	Interface string
	Region    string
	URL       string
}

// interfaces are the kinds of endpoint; all of ours lead to the same place.
var interfaces = [...]string{"public", "internal", "admin"}

// offered is every service there is. Source: client-wire sections 2 (the names and
// paths that clients look for) and 10; the name and path of evs are Assumed.
var offered = [...]struct {
	kind, name, path string
	identity         bool
	perProject       bool
}{
	{kind: "identity", name: "keystone", path: "/v3", identity: true},
	{kind: "block-storage", name: "cinder", path: "/v3/", perProject: true},
	{kind: "volumev3", name: "cinderv3", path: "/v3/", perProject: true},
	{kind: "volumev2", name: "cinderv2", path: "/v2/", perProject: true},
	{kind: "evs", name: "evs", path: "/v2/", perProject: true},
	{kind: "image", name: "glance", path: "/image"},
}

// Catalog lists the services as a token of projectID sees them. Without a project
// those whose address needs one are left out. Ids are the same on every start.
func (s *Service) Catalog(bases Bases, projectID string) []CatalogEntry {
	entries := make([]CatalogEntry, 0, len(offered))
	for _, o := range offered {
		url := bases.Service + o.path
		switch {
		case o.identity:
			url = bases.Identity + o.path
		case o.perProject && projectID == "":
			continue
		case o.perProject:
			url += projectID
		}
		entries = append(entries, s.entry(o.kind, o.name, url))
	}
	return entries
}

// Services lists every service, its addresses written as templates.
func (s *Service) Services(bases Bases) []CatalogEntry { return s.Catalog(bases, "$(project_id)s") }

// Region is the one region there is.
func (s *Service) Region() string { return s.region }

func (s *Service) entry(kind, name, url string) CatalogEntry {
	e := CatalogEntry{ID: derivedID("service", kind), Type: kind, Name: name}
	for _, face := range interfaces {
		e.Endpoints = append(e.Endpoints, Endpoint{
			ID: derivedID("endpoint", kind, face, s.region), Interface: face, Region: s.region, URL: url,
		})
	}
	return e
}

// derivedID makes an id of 32 hex digits out of what it stands for.
func derivedID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

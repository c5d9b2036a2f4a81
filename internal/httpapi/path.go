package httpapi

import (
	"net/url"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// address is what a path says: the version, the project if it names one, and the
// rest, which the mux matches.
type address struct {
	api     wire.Versions // NoVersion when the path begins with no version
	project string        // empty when the path names none
	path    string        // /v3/snapshots/…: what the mux sees
	public  string        // the cleaned path, with the project, for links
}

// versions are the prefixes of the block-storage API.
var versions = []struct {
	prefix string
	api    wire.Versions
}{{"/v3", wire.V3}, {"/v2.1", wire.V21}, {"/v2", wire.V2}, {"/v1", wire.V1}, {"/v5", wire.V5}}

// decoded is the path of a URL with its escapes read. Dots among escapes climb
// nowhere: what looks like ../x may be a key that a client escaped with care, and
// DELETE must not reach another object then. The slash at the end finds no row.
func decoded(u *url.URL) string {
	dotted := func() bool {
		return strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./")
	}
	if u.RawPath != "" && dotted() {
		return u.Path + "/"
	}
	return u.Path
}

// canonical reads a decoded path. It collapses doubled slashes, resolves dots,
// cuts a .json suffix on versioned paths, and takes the project out: on /v3 a
// first segment of [0-9a-f-]+ is the project, elsewhere the first segment always
// is. A slash at the end stays, so that it finds no row. Source: recordings url-*.
func canonical(path string) address {
	path = clean(path)
	for _, v := range versions {
		rest, found := strings.CutPrefix(path, v.prefix)
		if !found || (rest != "" && rest[0] != '/') {
			continue
		}
		return versioned(v.prefix, v.api, clean(strings.TrimSuffix(path, ".json")))
	}
	return address{api: wire.NoVersion, path: path, public: path}
}

func versioned(prefix string, api wire.Versions, path string) address {
	a := address{api: api, path: path, public: path}
	rest := path[len(prefix):]
	if rest == "" || rest == "/" {
		return a
	}
	first, after := rest[1:], ""
	if i := strings.IndexByte(first, '/'); i >= 0 {
		first, after = first[:i], first[i:]
	}
	if api == wire.V3 && !isProject(first) {
		return a
	}
	a.project, a.path = first, prefix+after
	if after == "" {
		a.path = prefix + "/{}" // a project alone is no address; no row has this path
	}
	return a
}

// isProject tells whether a segment is made of [0-9a-f-] alone.
func isProject(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '-' {
			return false
		}
	}
	return s != ""
}

// clean collapses slashes and resolves . and .. and keeps a slash at the end, which
// dots at the end leave too. Source: RFC 3986 section 5.2.4.
func clean(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") && strings.HasPrefix(path, "/") {
		return path
	}
	var kept []string
	slash := false
	for segment := range strings.SplitSeq(path, "/") {
		slash = segment == "" || segment == "." || segment == ".."
		if !slash {
			kept = append(kept, segment)
		} else if segment == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
	}
	cleaned := "/" + strings.Join(kept, "/")
	if slash && len(kept) > 0 {
		cleaned += "/"
	}
	return cleaned
}

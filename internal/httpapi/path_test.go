package httpapi

import (
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func TestPathsAreReadAsRecorded(t *testing.T) {
	const project = "538439eb029c4e678717f6216f91e6a0"
	for _, tc := range []struct {
		name, sent string
		want       address
	}{
		{"v3 with a project", "/v3/" + project + "/snapshots/s", address{wire.V3, project, "/v3/snapshots/s", "/v3/" + project + "/snapshots/s"}},
		{"v3 without a project", "/v3/snapshots/s", address{wire.V3, "", "/v3/snapshots/s", "/v3/snapshots/s"}},
		{"doubled slashes collapse", "/v3//" + project + "//snapshots/s", address{wire.V3, project, "/v3/snapshots/s", "/v3/" + project + "/snapshots/s"}},
		{"dots are resolved", "/v3/" + project + "/snapshots/x/../s", address{wire.V3, project, "/v3/snapshots/s", "/v3/" + project + "/snapshots/s"}},
		{"dots at the end leave a slash", "/v3/volumes/v/metadata/..", address{wire.V3, "", "/v3/volumes/v/", "/v3/volumes/v/"}},
		{"a dot at the end leaves a slash", "/v3/volumes/v/.", address{wire.V3, "", "/v3/volumes/v/", "/v3/volumes/v/"}},
		{"dots before .json too", "/v3/volumes/v/metadata/...json", address{wire.V3, "", "/v3/volumes/v/", "/v3/volumes/v/"}},
		{"dots do not climb out", "/../../v3/snapshots/s", address{wire.V3, "", "/v3/snapshots/s", "/v3/snapshots/s"}},
		{".json is cut", "/v3/" + project + "/snapshots/s.json", address{wire.V3, project, "/v3/snapshots/s", "/v3/" + project + "/snapshots/s"}},
		{".JSON is not", "/v3/snapshots/s.JSON", address{wire.V3, "", "/v3/snapshots/s.JSON", "/v3/snapshots/s.JSON"}},
		{"a slash at the end stays", "/v3/" + project + "/snapshots/", address{wire.V3, project, "/v3/snapshots/", "/v3/" + project + "/snapshots/"}},
		{"an upper-case project is no project", "/v3/ABC/snapshots/s", address{wire.V3, "", "/v3/ABC/snapshots/s", "/v3/ABC/snapshots/s"}},
		{"v2 always has a project", "/v2/any/snapshots/s", address{wire.V2, "any", "/v2/snapshots/s", "/v2/any/snapshots/s"}},
		{"v2.1 is not v2", "/v2.1/p/cloudvolumes", address{wire.V21, "p", "/v2.1/cloudvolumes", "/v2.1/p/cloudvolumes"}},
		{"v30 is no version", "/v30/x", address{wire.NoVersion, "", "/v30/x", "/v30/x"}},
		{"V3 is no version", "/V3/x", address{wire.NoVersion, "", "/V3/x", "/V3/x"}},
		{"a project alone finds no row", "/v3/" + project, address{wire.V3, project, "/v3/{}", "/v3/" + project}},
		{"the version document", "/v3/", address{wire.V3, "", "/v3/", "/v3/"}},
	} {
		if got := canonical(tc.sent); got != tc.want {
			t.Errorf("%s: %q: got %+v, want %+v", tc.name, tc.sent, got, tc.want)
		}
	}
}

// Whatever is sent, the canonical path is clean, and reading it again changes nothing.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"/v3/abc/snapshots/s", "//v2//x/../y.json", "/v3/../v2/./a//", "", "*", "/v3/%2f", "/v2.1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		a := canonical(path)
		if strings.Contains(a.path, "//") || strings.Contains(a.path+"/", "/../") || strings.Contains(a.path+"/", "/./") || !strings.HasPrefix(a.path, "/") {
			t.Fatalf("%q became %q", path, a.path)
		}
		if clean(clean(path)) != clean(path) {
			t.Fatalf("cleaning %q twice differs", path)
		}
	})
}

func TestReadingACleanPathAllocatesOnce(t *testing.T) {
	const path = "/v3/538439eb029c4e678717f6216f91e6a0/snapshots/169aff0f-caf1-44d6-8df2-7505bca7fee6"
	// One: the path without its project.
	if n := testing.AllocsPerRun(100, func() { canonical(path) }); n > 1 {
		t.Errorf("got %v allocations, want at most 1", n)
	}
}

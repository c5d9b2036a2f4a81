package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestVersionHeaderIsReadAsRecorded(t *testing.T) {
	for _, tc := range []struct {
		sent   string
		want   Microversion
		told   string
		refuse Reason
	}{
		{"volume 3.0", 0, "volume 3.0", 0},
		{"volume 3.50", 50, "volume 3.50", 0},
		{"volume latest", 50, "volume 3.50", 0},
		{"compute 2.1, volume 3.41", 41, "volume 3.41", 0},
		{"volumev3 3.41", 41, "volume 3.41", 0},
		{"volume  3.41", 41, "volume 3.41", 0},
		{"volume 3.51", 0, "volume 3.51", UnknownVersion},
		{"volume 4.0", 0, "volume 4.0", UnknownVersion},
		{"volume 1.0", 0, "", UnknownVersion},
		{"volume 3.999999999999999999999999", 0, "volume 3.999999999999999999999999", UnknownVersion},
		{"volume 0.0", 0, "", BadVersion},
		{"volume 3", 0, "", BadVersion},
		{"volume 3.07", 0, "", BadVersion},
		{"volume +3.1", 0, "", BadVersion},
		{"volume LATEST", 0, "", BadVersion},
		{"volume", 0, "", BadVersion},
		{"volume3.41", 0, "", BadVersion},
		{"volume 3.41 x", 0, "", BadVersion},
		{"compute 2.1", 0, "", BadVersion},
		{"3.41", 0, "", BadVersion},
		{"", 0, "", BadVersion},
	} {
		got, told, err := negotiate(http.Header{versionHeader: {tc.sent}}, 50)
		if tc.refuse != 0 {
			if refusal, is := err.(*Refusal); !is || refusal.Reason != tc.refuse || told != tc.told {
				t.Errorf("%q: got %v told %q, want reason %v told %q", tc.sent, err, told, tc.refuse, tc.told)
			}
			continue
		}
		if err != nil || got != tc.want || told != tc.told {
			t.Errorf("%q: got %v %q %v, want %v %q", tc.sent, got, told, err, tc.want, tc.told)
		}
	}
}

func quote(s string) jsontext.Value {
	b, _ := jsontext.AppendQuote(nil, s)
	return b
}

func TestTextsAreHeldToTheDialectsRules(t *testing.T) {
	evs, cinder := EVS(), Cinder()
	for _, tc := range []struct {
		name    string
		dialect Dialect
		rule    TextField
		sent    string
		want    string
		refused bool
	}{
		{"255 bytes", evs, Name, strings.Repeat("a", 255), strings.Repeat("a", 255), false},
		{"256 bytes", evs, Name, strings.Repeat("a", 256), "", true},
		{"85 three-byte characters", evs, Name, strings.Repeat("中", 85), strings.Repeat("中", 85), false},
		{"86 three-byte characters", evs, Name, strings.Repeat("中", 86), "", true},
		{"255 three-byte characters in cinder", cinder, Name, strings.Repeat("中", 255), strings.Repeat("中", 255), false},
		{"256 in cinder", cinder, Name, strings.Repeat("中", 256), "", true},
		{"measured before trimming", evs, Name, strings.Repeat("a", 255) + " ", "", true},
		{"trimmed as Python does", evs, Name, "\u3000\t\x1c a \u00a0\n", "a", false},
		{"inner newline in a name", evs, Name, "a\nb", "", true},
		{"inner newline in a name in cinder", cinder, Name, "a\nb", "a\nb", false},
		{"NUL in a name in cinder", cinder, Name, "a\x00b", "", true},
		{"DEL in a description", evs, Description, "a\u007fb", "", true},
		{"emoji in a description", evs, Description, "a😀", "a😀", false},
		{"emoji in a description in cinder", cinder, Description, "a😀", "", true},
		{"zero-width in a description in cinder", cinder, Description, "a\u200bb", "", true},
		{"leading tab in a description in cinder", cinder, Description, "\ta", "", true},
		{"leading tab in a description", evs, Description, "\ta", "a", false},
		{"two trailing newlines in a description in cinder", cinder, Description, "a\n\n", "", true},
		{"trailing newline in a description", cinder, Description, "a\n", "a", false},
	} {
		got, err := tc.dialect.ReadText(quote(tc.sent), "field", tc.rule)
		if (err != nil) != tc.refused || got.Value != tc.want {
			t.Errorf("%s: got %q, %v", tc.name, got.Value, err)
		}
		if err != nil && !strings.Contains(err.Error(), "field") {
			t.Errorf("%s: %q does not name the field", tc.name, err)
		}
	}
}

func exchange(body string) *Exchange {
	r := httptest.NewRequest("PUT", "/v3/snapshots/s", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	d := EVS()
	return NewExchange(httptest.NewRecorder(), r, &d, "req-1", "http://h")
}

func TestOfDuplicateKeysTheLastWins(t *testing.T) {
	x := exchange(`{"snapshot":{"name":5,"name":"b"},"snapshot":{"name":"c","name":"\u0064"}}`)
	if err := x.ReadBody(); err != nil {
		t.Fatal(err)
	}
	change, err := ReadSnapshotChange(x)
	if err != nil || change.Name.To.Value != "d" || change.Description.Given {
		t.Errorf("got %+v, %v", change, err)
	}
}

func TestBodiesThatAreNoJSONAreMalformed(t *testing.T) {
	for _, body := range []string{"not json", "{", `{"a":1}{"b":2}`, "{'a':1}", "\xef\xbb\xbf{}", `{"a":"` + "\xff" + `"}`, `{"a":"\ud800"}`, "{\"a\":\"b\nc\"}", `{"a":NaN}`, "[1,]"} {
		x := exchange(body)
		if refusal, is := x.ReadBody().(*Refusal); !is || refusal.Reason != Malformed {
			t.Errorf("%q: got %v", body, refusal)
		}
	}
}

// Whatever the body, reading it never panics, and what it accepts is within the limits.
func FuzzSnapshotChange(f *testing.F) {
	for _, seed := range []string{
		`{"snapshot":{"name":"n","description":null}}`, `{"snapshot":{"display_name":"\u0000"}}`, `{"snapshot":[]}`,
		`[[[[]]]]`, `{"snapshot":{"name":"` + strings.Repeat("é", 130) + `"}}`, `{"a":{},"snapshot":{}}`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := exchange(body)
		if x.ReadBody() != nil || !x.Body.Given {
			return
		}
		change, err := ReadSnapshotChange(x)
		if err != nil {
			if block.KindOf(err) != block.Invalid {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(change.Name.To.Value) > block.MaxText || len(change.Description.To.Value) > block.MaxText {
			t.Fatalf("%q: a text is too long", body)
		}
		if !change.Name.Given && !change.Description.Given {
			t.Fatalf("%q: nothing changes", body)
		}
	})
}

// The next link keeps the query and never doubles the marker.
func FuzzNextLink(f *testing.F) {
	f.Add("limit=2&marker=x&a=%41")
	f.Add("&&=;%zz")
	f.Fuzz(func(t *testing.T, query string) {
		x := exchange("")
		x.Path, x.Request.URL.RawQuery = "/v3/snapshots", query
		link := x.NextLink("id")
		if strings.Count(link, "marker=id") < 1 || !strings.HasPrefix(link, "http://h/v3/snapshots?") {
			t.Fatalf("%q gave %q", query, link)
		}
	})
}

// A PUT's body is read on the hot path. What is left: the buffer's limit, the
// members of two objects, their names and the two texts.
func TestReadingAnUpdateAllocatesLittle(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector pools drop what they are given; make allocs counts")
	}
	const body, most = `{"snapshot": {"name": "snap-001", "description": "Daily backup"}}`, 10
	x := exchange(body)
	from := strings.NewReader(body)
	n := testing.AllocsPerRun(200, func() {
		from.Reset(body)
		x.Request.Body = io.NopCloser(from)
		if err := x.ReadBody(); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSnapshotChange(x); err != nil {
			t.Fatal(err)
		}
		x.End()
	})
	if n > most {
		t.Errorf("got %v allocations, want at most %d", n, most)
	}
}

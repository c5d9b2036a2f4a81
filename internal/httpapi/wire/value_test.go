package wire

import (
	"errors"
	"math"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestWholeNumbersAreReadAsPythonReadsThem(t *testing.T) {
	for sent, want := range map[string]int64{
		"3": 3, `"3"`: 3, `"+3"`: 3, `"007"`: 7, "-1": -1, `"-1"`: -1, "100": 100,
		`"++3"`: refused, `"+-3"`: refused, `"--3"`: refused, `"+"`: refused, `"-"`: refused, `""`: refused, `" "`: refused,
		`"3_0"`: refused, `"0x3"`: refused, `"٣"`: refused, "1.5": refused, "1e1": refused, "true": refused, "null": refused, "[3]": refused,
		"101": refused, "-2": refused, strings.Repeat("9", 400): refused, "-" + strings.Repeat("9", 400): refused,
	} {
		got, err := ReadInt(jsontext.Value(sent), "size", -1, 100)
		if want == refused {
			if block.KindOf(err) != block.Invalid || !strings.Contains(err.Error(), "size") {
				t.Errorf("%.40s: got %d, %v; want a refusal that names size", sent, got, err)
			}
		} else if err != nil || got != want {
			t.Errorf("%.40s: got %d, %v; want %d", sent, got, err, want)
		}
	}
}

const refused = math.MinInt64

func TestPagingNumbersOfAnyLengthAreNumbers(t *testing.T) {
	for sent, want := range map[string]string{
		" 5 ": "", "+5": "", "99999999999999999999": "limit", "-1": "positive", "-99999999999999999999": "positive",
		"": "integer", "1.5": "integer", "five": "integer", "++5": "integer", strings.Repeat("9", 5000): "limit",
	} {
		page, err := ReadPage(url.Values{"limit": {sent}}, nil)
		switch want {
		case "", "limit":
			if err != nil || page.Limit < 5 || page.Limit > block.MaxPage {
				t.Errorf("limit %.40q: got %d, %v", sent, page.Limit, err)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("limit %.40q: got %v, want a word on %s", sent, err, want)
			}
		}
	}
	if _, err := ReadPage(url.Values{"offset": {"99999999999999999999"}}, nil); err == nil || !strings.Contains(err.Error(), "2147483647") {
		t.Errorf("a huge offset: got %v", err)
	}
}

// A query of many pairs costs what it is long, not the square of it.
func TestNextLinkOfAnEndlessQueryIsCheap(t *testing.T) {
	query := strings.Repeat("%01&", 10000)
	x := &Exchange{Request: httptest.NewRequest("GET", "/v3/volumes?"+query, nil), Base: "http://h", Path: "/v3/volumes"}
	link := x.NextLink("last")
	if want := "http://h/v3/volumes?" + strings.Repeat("%01=&", 10000) + "marker=last"; link != want {
		t.Errorf("got %.100s of %d bytes, want %d", link, len(link), len(want))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x.NextLink("last")
	runtime.ReadMemStats(&after)
	if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(20*len(query)); took > limit {
		t.Errorf("it took %d bytes, want at most %d", took, limit)
	}
}

// Of a key given twice the last counts, and the first does no harm.
func TestTheLastOfDuplicatesCounts(t *testing.T) {
	items, err := ReadItems(jsontext.Value(`{"a":1,"b":"x","a":"y"}`), "metadata")
	if err != nil || len(items) != 2 || items["a"] != "y" || items["b"] != "x" {
		t.Errorf("got %v, %v", items, err)
	}
	if _, err := ReadItems(jsontext.Value(`{"a":"y","a":1}`), "metadata"); err == nil || !strings.Contains(err.Error(), "metadata.a") {
		t.Errorf("a last one of a wrong type: got %v", err)
	}
}

func TestObjectsOfEndlessKeysAreRefused(t *testing.T) {
	object := func(n int) jsontext.Value {
		return jsontext.Value(`{"k":0` + strings.Repeat(`,"k":1`, n-1) + `}`)
	}
	if members, err := ObjectOf(object(maxMembers), "quota_set"); err != nil || len(members) != maxMembers {
		t.Errorf("as many as may be: got %d, %v", len(members), err)
	}
	for _, n := range []int{maxMembers + 1, 10 * maxMembers} {
		if _, err := ObjectOf(object(n), "quota_set"); block.KindOf(err) != block.Invalid || !strings.Contains(err.Error(), "quota_set has more than 2000 keys") {
			t.Errorf("%d: got %v", n, err)
		}
	}
}

type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }
func (b brokenBody) Close() error             { return nil }

func TestABodyThatBreaksIsNotCalledSlow(t *testing.T) {
	r := httptest.NewRequest("PUT", "/", nil)
	r.ContentLength, r.Body = -1, brokenBody{errors.New("malformed chunked encoding")}
	dialect := EVS()
	x := NewExchange(httptest.NewRecorder(), r, &dialect, "", "")
	if refusal, is := errors.AsType[*Refusal](x.ReadBody()); !is || refusal.Reason != Malformed {
		t.Errorf("got %v, want Malformed", refusal)
	}
}

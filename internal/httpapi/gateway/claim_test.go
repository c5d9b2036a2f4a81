package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// oneKey is a house with one key and one project.
type oneKey struct{ accessKey, secret, project string }

func (k oneKey) Signer(_ context.Context, accessKey, _ string) (*identity.Signer, error) {
	if accessKey != k.accessKey {
		return nil, &identity.Error{Kind: identity.Unauthenticated}
	}
	return &identity.Signer{AccessKey: accessKey, Secret: k.secret}, nil
}

func (k oneKey) Signed(_ context.Context, _ *identity.Signer, scope identity.SignedScope) (*identity.Token, error) {
	if scope.ProjectID != "" && scope.ProjectID != k.project {
		return nil, identity.Errorf(identity.Forbidden, "no role")
	}
	return &identity.Token{UserID: "u", ProjectID: k.project}, nil
}

// ask hands one request to a gate whose clock stands at the time in its X-Sdk-Date.
func ask(t testing.TB, r *http.Request, log io.Writer) (*identity.Token, error) {
	t.Helper()
	now, _ := time.Parse(dateLayout, r.Header.Get("X-Sdk-Date"))
	g := New(Config{Keys: oneKey{"AccessKey", "SecretKey", "p"}, Log: slog.New(slog.NewJSONHandler(log, nil)), Now: func() time.Time { return now }})
	dialect := wire.EVS()
	x := wire.NewExchange(httptest.NewRecorder(), r, &dialect, "req-1", "http://h")
	defer x.End()
	return g.Authenticate(x, r.URL.Path, "")
}

// The vendor's own vector. Source: huaweicloud-sdk-go-v3 core/auth/signer/signer_test.go.
func TestTheVendorsVectorHolds(t *testing.T) {
	const signature = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"
	request := func(target, signature string) *http.Request {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("X-Sdk-Date", "20060102T150405Z")
		r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature="+signature)
		return r
	}
	token, err := ask(t, request("https://example.huaweicloud.com/path?limit=1", signature), io.Discard)
	if err != nil || token.UserID != "u" {
		t.Fatalf("got %v, %v", token, err)
	}
	for name, r := range map[string]*http.Request{
		"another query":     request("https://example.huaweicloud.com/path?limit=2", signature),
		"another path":      request("https://example.huaweicloud.com/paths?limit=1", signature),
		"below a prefix":    request("https://example.huaweicloud.com/identity/path?limit=1", signature),
		"another signature": request("https://example.huaweicloud.com/path?limit=1", "0"+signature[1:]),
	} {
		if _, err := ask(t, r, io.Discard); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestUnreadableClaimsAreToldApart(t *testing.T) {
	const sum = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"
	for _, tc := range []struct {
		name, authorization string
		reason              Reason
	}{
		{"nothing behind", "SDK-HMAC-SHA256", Unreadable},
		{"no key", "SDK-HMAC-SHA256 SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"empty key", "SDK-HMAC-SHA256 Access=, SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"long key", "SDK-HMAC-SHA256 Access=" + strings.Repeat("A", 65) + ", SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"both kinds of key", "SDK-HMAC-SHA256 Access=A, Credential=A/20060102///sdk_request, SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"twice", "SDK-HMAC-SHA256 Access=A, Access=A, SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"short signature", "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + sum[2:], Unreadable},
		{"long signature", "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + sum + "00", Unreadable},
		{"no hex", "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + "zz" + sum[2:], Unreadable},
		{"header twice", "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date;x-sdk-date, Signature=" + sum, Unreadable},
		{"upper case", "SDK-HMAC-SHA256 Access=A, SignedHeaders=X-Sdk-Date, Signature=" + sum, Unreadable},
		{"too many headers", "SDK-HMAC-SHA256 Access=A, SignedHeaders=" + strings.Repeat("a;", 64) + "x-sdk-date, Signature=" + sum, Unreadable},
		{"short scope", "SDK-HMAC-SHA256 Credential=A/20060102//sdk_request, SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"another day", "SDK-HMAC-SHA256 Credential=A/20060103///sdk_request, SignedHeaders=x-sdk-date, Signature=" + sum, Unreadable},
		{"date not signed", "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=" + sum, HeaderMissing},
		{"a signed header is gone", "SDK-HMAC-SHA256 Access=A, SignedHeaders=accept;x-sdk-date, Signature=" + sum, HeaderMissing},
		{"another algorithm", "SDK-HMAC-SM3 Access=A, SignedHeaders=x-sdk-date, Signature=" + sum, UnknownAlgorithm},
		{"a derived algorithm", "V11-HMAC-SHA256 Credential=A/x, SignedHeaders=x-sdk-date, Signature=" + sum, UnknownAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/path", nil)
			r.Header.Set("X-Sdk-Date", "20060102T150405Z")
			r.Header.Set("Authorization", tc.authorization)
			if !Signs(r.Header) {
				t.Error("not taken for a signature")
			}
			var log strings.Builder
			_, err := ask(t, r, &log)
			var line struct{ Reason string }
			if json.Unmarshal([]byte(log.String()), &line) != nil || line.Reason != string(tc.reason) {
				t.Errorf("the log says %s, want reason %q", log.String(), tc.reason)
			}
			if err == nil || err.Error() != errUnsigned().Error() {
				t.Errorf("the caller is told %v", err)
			}
		})
	}
}

// The window is fifteen minutes to the second, to both sides; what our clock has of a
// second counts.
func TestTheWindowEndsToTheSecond(t *testing.T) {
	signed := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	for off, fits := range map[time.Duration]bool{
		0: true, Window: true, -Window: true, Window - time.Second: true, Window + time.Nanosecond: false, -Window - time.Nanosecond: false,
		Window + time.Second: false, -Window - time.Second: false, 24 * time.Hour: false, -24 * time.Hour: false, 290 * 365 * 24 * time.Hour: false,
	} {
		err := (&Claim{Date: signed, dateText: "x"}).fresh(signed.Add(off))
		if misfit, is := errors.AsType[*misfit](err); (err == nil) != fits || is != !fits || is && misfit.reason != ClockOff {
			t.Errorf("%s off: %v", off, err)
		}
	}
	if err := (&Claim{Date: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}).fresh(signed); err == nil { // further than a Duration holds
		t.Error("a date in the year 9999 is taken")
	}
	if err := (&Claim{Date: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}).fresh(signed); err == nil {
		t.Error("a date in the year 0 is taken")
	}
}

func TestOneSignatureAndOneDate(t *testing.T) {
	const one = "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"
	for name, header := range map[string]http.Header{
		"two signatures": {"Authorization": {one, one}, "X-Sdk-Date": {"20060102T150405Z"}},
		"two dates":      {"Authorization": {one}, "X-Sdk-Date": {"20060102T150405Z", "20060102T150405Z"}},
		"a long one":     {"Authorization": {one + strings.Repeat(" ", maxClaim)}, "X-Sdk-Date": {"20060102T150405Z"}},
	} {
		r := httptest.NewRequest("GET", "/path", nil)
		r.Header = header
		if _, err := ReadClaim(r); err == nil {
			t.Errorf("%s: taken", name)
		} else if misfit, is := errors.AsType[*misfit](err); !is || misfit.reason != Unreadable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokensOfOthersAreNoSignatures(t *testing.T) {
	for _, v := range []string{"", "Basic QTpC", "Bearer SDK-x", "sdk-hmac-sha256 x"} {
		if Signs(http.Header{"Authorization": {v}}) {
			t.Errorf("%q is taken for a signature", v)
		}
	}
}

// FuzzSignature holds every Authorization header, path and query to an answer.
func FuzzSignature(f *testing.F) {
	f.Add("SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature=5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624", "/path", "limit=1", "20060102T150405Z")
	f.Add("SDK-HMAC-SHA256 Credential=AccessKey/20060102///sdk_request, SignedHeaders=host;x-sdk-date, Signature=00", "/a b/%2F", "a=1&a=0&B=+", "20060102T150405Z")
	f.Add("SDK-HMAC-SHA256 Access=A,,=", "", "%zz", "x")
	f.Fuzz(func(t *testing.T, authorization, path, query, date string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("X-Sdk-Date", date)
		r.Header.Set("Authorization", authorization)
		if token, err := ask(t, r, io.Discard); err == nil && token == nil {
			t.Error("neither a token nor an error")
		}
	})
}

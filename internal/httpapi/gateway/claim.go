package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// Window is how far a signature's date may be from our clock, before or after.
	// Source: Huawei, signing, X-Sdk-Date.
	Window = 15 * time.Minute

	algorithm  = "SDK-HMAC-SHA256"
	dateLayout = "20060102T150405Z"
	dateHeader = "x-sdk-date"
	hashHeader = "x-sdk-content-sha256"
	// unsigned is the content hash of those who do not hash.
	unsigned = "UNSIGNED-PAYLOAD"
	// endOfScope ends the scope of a derived key.
	endOfScope = "sdk_request"

	maxSigned    = 64   // headers in one signature
	maxClaim     = 8192 // bytes of an Authorization header
	maxAccessKey = 64
)

// Claim is what an Authorization header says: who signed, when, and what.
type Claim struct {
	AccessKey string
	Date      time.Time
	Headers   []string // lower case, in the order in which they were signed

	dateText  string
	scope     string // DATE/REGION/SERVICE/sdk_request of a derived key; empty for the other dialect
	list      string // Headers as sent
	signature [sha256.Size]byte
}

// Signs tells whether a request claims to be signed, with whatever algorithm.
func Signs(h http.Header) bool {
	for _, v := range h["Authorization"] {
		if name, _, _ := strings.Cut(v, " "); strings.HasPrefix(name, "SDK-") || strings.HasPrefix(name, "V11-HMAC-") {
			return true
		}
	}
	return false
}

// ReadClaim reads the Authorization header of both dialects:
//
//	SDK-HMAC-SHA256 Access=AK, SignedHeaders=a;b, Signature=HEX
//	SDK-HMAC-SHA256 Credential=AK/DATE/REGION/SERVICE/sdk_request, SignedHeaders=a;b, Signature=HEX
//
// and holds it to the request: each header that it names is there. Source: client-wire 6.
func ReadClaim(r *http.Request) (*Claim, error) {
	given := r.Header["Authorization"]
	if len(given) != 1 || len(given[0]) > maxClaim {
		return nil, wrong(Unreadable, "%d Authorization headers, or one longer than %d bytes", len(given), maxClaim)
	}
	name, rest, _ := strings.Cut(given[0], " ")
	if name != algorithm {
		return nil, wrong(UnknownAlgorithm, "the algorithm is %.40q, not %s", name, algorithm)
	}
	c := &Claim{}
	if err := c.readParts(rest); err != nil {
		return nil, err
	}
	return c, c.hold(r)
}

// readParts reads NAME=VALUE, NAME=VALUE, each once.
func (c *Claim) readParts(text string) error {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, is := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := parts[name]; !is || twice || len(parts) == 4 {
			return wrong(Unreadable, "the header is no list of Access or Credential, SignedHeaders and Signature")
		}
		parts[name] = value
	}
	access, plain := parts["Access"]
	credential, derived := parts["Credential"]
	if plain == derived || len(parts) != 3 {
		return wrong(Unreadable, "the header has not one each of Access or Credential, SignedHeaders and Signature")
	}
	c.AccessKey = access
	if derived {
		c.AccessKey, c.scope, _ = strings.Cut(credential, "/")
		if strings.Count(c.scope, "/") != 3 || !strings.HasSuffix(c.scope, "/"+endOfScope) {
			return wrong(Unreadable, "Credential is not AK/DATE/REGION/SERVICE/%s", endOfScope)
		}
	}
	if c.AccessKey == "" || len(c.AccessKey) > maxAccessKey {
		return wrong(Unreadable, "the access key has %d bytes; 1 to %d", len(c.AccessKey), maxAccessKey)
	}
	n, err := hex.Decode(c.signature[:], []byte(first(parts["Signature"], hex.EncodedLen(sha256.Size)+1)))
	if err != nil || n != sha256.Size {
		return wrong(Unreadable, "Signature is not %d hex digits", hex.EncodedLen(sha256.Size))
	}
	c.list = parts["SignedHeaders"]
	c.Headers = strings.Split(c.list, ";")
	if len(c.Headers) > maxSigned {
		return wrong(Unreadable, "SignedHeaders names %d headers; %d at most", len(c.Headers), maxSigned)
	}
	return nil
}

// first is s, or as much of it as is too long already.
func first(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// hold checks that the headers named are there, and reads the date.
func (c *Claim) hold(r *http.Request) error {
	for i, name := range c.Headers {
		if name == "" || strings.ToLower(name) != name || slices.Contains(c.Headers[:i], name) {
			return wrong(Unreadable, "SignedHeaders names %.40q, which is empty, not in lower case, or there twice", name)
		}
		if len(headerOf(r, name)) == 0 {
			return wrong(HeaderMissing, "the signed header %.40q is not there", name)
		}
	}
	if !slices.Contains(c.Headers, dateHeader) {
		return wrong(HeaderMissing, "%s is not signed", dateHeader)
	}
	dates := headerOf(r, dateHeader)
	date, err := time.Parse(dateLayout, dates[0])
	if err != nil || len(dates) != 1 {
		return wrong(Unreadable, "%s is %.40q, not like %s", dateHeader, dates[0], dateLayout)
	}
	c.Date, c.dateText = date, dates[0]
	if day, _, _ := strings.Cut(c.scope, "/"); c.scope != "" && !strings.HasPrefix(c.dateText, day+"T") {
		return wrong(Unreadable, "the scope's day %.40q is not that of %s", day, dateHeader)
	}
	return nil
}

// fresh refuses a date outside the window.
func (c *Claim) fresh(now time.Time) error {
	if off := now.Sub(c.Date); off > Window || off < -Window {
		return wrong(ClockOff, "signed at %s, which is %s from our clock", c.dateText, off.Round(time.Second))
	}
	return nil
}

// matches tells whether secret made the signature over one of the texts. Each is
// tried, whatever the ones before gave.
func (c *Claim) matches(secret string, texts []string) bool {
	key := []byte(secret)
	toSign := algorithm + "\n" + c.dateText + "\n"
	if c.scope != "" {
		key = []byte("SDK" + secret)
		for part := range strings.SplitSeq(c.scope, "/") {
			key = mac(key, part)
		}
		toSign += c.scope + "\n"
	}
	fits := false
	for _, text := range texts {
		if hmac.Equal(mac(key, toSign+hexSum([]byte(text))), c.signature[:]) {
			fits = true
		}
	}
	return fits
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexSum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// headerOf is a header by its name in lower case; net/http keeps Host elsewhere.
func headerOf(r *http.Request, name string) []string {
	if name == "host" {
		return []string{r.Host}
	}
	return r.Header[http.CanonicalHeaderKey(name)]
}

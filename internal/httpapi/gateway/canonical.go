package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// texts are the canonical requests that a signature of c may be over: one, or two
// where a derived key's request does not tell which. Source: client-wire 6, and the
// SDKs' signers.
func (c *Claim) texts(r *http.Request, path string, body []byte) ([]string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong(Unreadable, "the query cannot be read: %v", err)
	}
	if c.scope == "" {
		return []string{c.over(r, path, canonicalQuery(query), c.contentHash(r, body))}, nil
	}
	texts := []string{c.over(r, path, derivedQuery(query), c.contentHash(r, body))}
	if r.Method == http.MethodPost && len(body) == 0 && len(query) > 0 && !c.signsHash() { // no body: the query is hashed in its place
		texts = append(texts, c.over(r, path, "", hexSum([]byte(query.Encode()))))
	}
	return texts, nil
}

// over makes the text for a query and a body's hash.
func (c *Claim) over(r *http.Request, path, query, hash string) string {
	return strings.Join([]string{r.Method, canonicalPath(path), query, c.canonicalHeaders(r), c.list, hash}, "\n")
}

// signsHash tells whether the signature names the body's hash.
func (c *Claim) signsHash() bool { return slices.Contains(c.Headers, hashHeader) }

// contentHash is the header's, when it is signed, and the body's own otherwise.
func (c *Claim) contentHash(r *http.Request, body []byte) string {
	if c.signsHash() {
		return headerOf(r, hashHeader)[0]
	}
	return hexSum(body)
}

// canonicalPath escapes each segment; a slash stands at the end, always.
func canonicalPath(path string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(path, "/") {
		escape(&b, segment)
		b.WriteByte('/')
	}
	text := b.String()
	if strings.HasSuffix(path, "/") { // the last segment was empty
		text = text[:len(text)-1]
	}
	if text == "" || text[0] != '/' {
		text = "/" + text
	}
	return text
}

// canonicalQuery sorts by key, then by value, and repeats keys.
func canonicalQuery(query url.Values) string {
	var b strings.Builder
	for _, key := range sortedKeys(query, strings.Compare) {
		for _, value := range slices.Sorted(slices.Values(query[key])) {
			pair(&b, key, value)
		}
	}
	return b.String()
}

// derivedQuery sorts the escaped keys without regard to case; only a key's first
// value counts.
func derivedQuery(query url.Values) string {
	var b strings.Builder
	for _, key := range sortedKeys(query, func(a, b string) int {
		return strings.Compare(strings.ToLower(escaped(a)), strings.ToLower(escaped(b)))
	}) {
		pair(&b, key, query.Get(key))
	}
	return b.String()
}

func sortedKeys(query url.Values, compare func(a, b string) int) []string {
	keys := make([]string, 0, len(query))
	for key := range query {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	slices.SortStableFunc(keys, compare)
	return keys
}

func pair(b *strings.Builder, key, value string) {
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	escape(b, key)
	b.WriteByte('=')
	escape(b, value)
}

// canonicalHeaders writes name:value and a line's end for each header that is signed.
// The dialects differ in what repeats and in white space within values.
func (c *Claim) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, name := range c.Headers {
		values := headerOf(r, name)
		if c.scope != "" {
			b.WriteString(name + ":" + foldSpace(values[0]) + "\n")
			continue
		}
		for _, value := range slices.Sorted(slices.Values(values)) {
			b.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
		}
	}
	return b.String()
}

// foldSpace makes one space of each run of white space.
func foldSpace(s string) string {
	var b strings.Builder
	space := false
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\n', '\v', '\f', '\r':
			space = true
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteByte(s[i])
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

func escaped(s string) string {
	var b strings.Builder
	escape(&b, s)
	return b.String()
}

// escape writes s with everything escaped but letters, digits and - _ . ~
func escape(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
}

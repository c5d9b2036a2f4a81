package replay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Body is a request body as recorded: text, bytes, or a description of a long one.
type Body struct {
	Text   *string // may hold placeholders
	Bytes  []byte  // from base64, or rebuilt; no placeholders
	Absent bool
}

// described is a body that is not spelled out in the recording.
type described struct {
	Base64 *string `json:"base64"`
	Size   int     `json:"bytes"`
	SHA256 string  `json:"sha256"`
	Starts string  `json:"starts"`
}

// UnmarshalJSON takes null, a string, {base64} and {bytes, sha256, starts}; it
// fails when what was rebuilt has another digest than the recorded bytes.
func (b *Body) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		b.Absent = true
		return nil
	}
	if text[0] == '"' {
		return json.Unmarshal(text, &b.Text)
	}
	var d described
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	if d.Base64 != nil {
		raw, err := base64.StdEncoding.DecodeString(*d.Base64)
		b.Bytes = raw
		return err
	}
	raw, err := d.rebuild()
	b.Bytes = raw
	return err
}

// rebuild goes on as the text starts: spaces, letters or brackets, closed properly.
// Source: recordings/README.md, "What is compared".
func (d described) rebuild() ([]byte, error) {
	if d.Starts == "" {
		return nil, fmt.Errorf("a body of %d bytes says nothing of how it starts", d.Size)
	}
	repeated := d.Starts[len(d.Starts)-1]
	prefix := []byte(d.Starts)
	for len(prefix) > 0 && prefix[len(prefix)-1] == repeated {
		prefix = prefix[:len(prefix)-1]
	}
	var body []byte
	switch repeated {
	case '[':
		closing := []byte("}}") // {"snapshot": {"name": [[[ … ]]]}}
		depth := (d.Size - len(prefix) - len(closing)) / 2
		body = append(prefix, bytes.Repeat([]byte("["), depth)...)
		body = append(body, bytes.Repeat([]byte("]"), depth)...)
		body = append(body, closing...)
	case ' ':
		body = append(prefix, bytes.Repeat([]byte(" "), d.Size-len(prefix)-1)...)
		body = append(body, '}')
		if digest(body) != d.SHA256 { // the document was closed before the padding
			body[len(body)-1] = ' '
		}
	default:
		closing := []byte(`"}}`)
		body = append(prefix, bytes.Repeat([]byte{repeated}, d.Size-len(prefix)-len(closing))...)
		body = append(body, closing...)
	}
	if digest(body) != d.SHA256 {
		return nil, fmt.Errorf("the body that starts %q could not be rebuilt: its digest differs", d.Starts)
	}
	return body, nil
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

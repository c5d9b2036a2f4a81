package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
)

// ReadPairs reads the value of a metadata filter: a dictionary as Python or JSON
// writes it, {'k': 'v', "k2": "v2"}, of strings only. Of a key given twice the last
// counts, as in Python. It has no items, or more than block.MaxMetadataItems, or
// is no such dictionary: false. Source: recordings list-filter-metadata-*; EVS 6.3.
func ReadPairs(text string) (map[string]string, bool) {
	if !utf8.ValidString(text) {
		return nil, false
	}
	p := pairs{rest: text}
	if !p.take('{') {
		return nil, false
	}
	items := map[string]string{}
	for !p.take('}') {
		key, ok := p.quoted()
		if !ok || !p.take(':') {
			return nil, false
		}
		value, ok := p.quoted()
		if !ok {
			return nil, false
		}
		items[key] = value
		if len(items) > block.MaxMetadataItems {
			return nil, false
		}
		if p.take(',') {
			continue
		}
		if !p.take('}') {
			return nil, false
		}
		break
	}
	p.skip()
	return items, p.rest == "" && len(items) > 0
}

// pairs reads what is left of a dictionary's text.
type pairs struct{ rest string }

func (p *pairs) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take takes c, with the white space before it, if it comes next.
func (p *pairs) take(c byte) bool {
	p.skip()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// quoted takes a string in single or double quotes; Python 2 put a u before it.
func (p *pairs) quoted() (string, bool) {
	p.skip()
	if strings.HasPrefix(p.rest, "u'") || strings.HasPrefix(p.rest, `u"`) {
		p.rest = p.rest[1:]
	}
	if p.rest == "" || (p.rest[0] != '\'' && p.rest[0] != '"') {
		return "", false
	}
	quote := p.rest[0]
	p.rest = p.rest[1:]
	var text strings.Builder
	for p.rest != "" {
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case c == quote:
			return text.String(), true
		case c == '\n':
			return "", false
		case c != '\\':
			text.WriteByte(c)
		case !p.escape(&text):
			return "", false
		}
	}
	return "", false
}

// plainEscapes are the letters after a backslash that Python's repr and JSON use.
var plainEscapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', '/': '/', 'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}

// escape takes what follows a backslash. Python writes \x, \u and \U of letters
// it finds unprintable; of JSON's pairs of surrogates the halves are refused.
func (p *pairs) escape(text *strings.Builder) bool {
	if p.rest == "" {
		return false
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	digits := 0
	switch c {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		plain, known := plainEscapes[c]
		text.WriteByte(plain)
		return known
	}
	if len(p.rest) < digits {
		return false
	}
	var r rune
	for i := range digits {
		d := strings.IndexByte("0123456789abcdef", p.rest[i]|0x20)
		if d < 0 || r > utf8.MaxRune {
			return false
		}
		r = r<<4 | rune(d)
	}
	p.rest = p.rest[digits:]
	if !utf8.ValidRune(r) {
		return false
	}
	text.WriteRune(r)
	return true
}

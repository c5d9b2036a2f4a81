package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

// TextField is which rule a text follows.
type TextField int

const (
	Name TextField = iota
	Description
)

// texts are the four keys that an object's texts may have, in the order in which
// the schema looks at them: the later of a pair wins over the earlier when present.
var texts = [...]struct {
	key  string
	rule TextField
}{
	{"display_name", Name}, {"name", Name},
	{"display_description", Description}, {"description", Description},
}

// ReadTexts reads name and description. Each of the four spellings is checked,
// also the one that loses; name and description win by being there.
// Source: both seeds; EVS 6.4.
func (x *Exchange) ReadTexts(members Members) (name, description block.TextChange, err error) {
	for _, t := range texts {
		value, given := members.Get(t.key)
		if !given {
			continue
		}
		text, err := x.Dialect.ReadText(value, t.key, t.rule)
		if err != nil {
			return name, description, err
		}
		if t.rule == Name {
			name = block.TextChange{Given: true, To: text}
		} else {
			description = block.TextChange{Given: true, To: text}
		}
	}
	return name, description, nil
}

// ReadText reads a name or description: a string or null; as sent at most
// block.MaxText long, then trimmed as Python's strip does, then looked through for
// characters the dialect refuses (descriptions in dialect cinder as sent, as
// recorded). Source: update-snapshot.md 43-58; design.md section 4; recordings description-*.
func (d *Dialect) ReadText(value jsontext.Value, field string, rule TextField) (block.Text, error) {
	var null block.Text
	switch value.Kind() {
	case 'n':
		return null, nil
	case '"':
	default:
		return null, errType(value, field, "a string or null")
	}
	sent := unquote(value)
	if length, unit := d.textLength(sent); length > block.MaxText {
		return null, errField(field, "it is too long, %d %s; at most %d are allowed.",
			length, unit, block.MaxText)
	}
	text := trim(sent)
	looked := text
	if rule == Description && d.BasicPlaneDescriptions {
		looked = strings.TrimSuffix(sent, "\n") // before trimming; Cinder's pattern lets one newline end it
	}
	if r, bad := d.refusedCharacter(looked, rule); bad {
		return null, errField(field, "the character U+%04X is not allowed.", r)
	}
	return block.SetText(text), nil
}

func (d *Dialect) textLength(s string) (int, string) {
	if d.TextInCharacters {
		return utf8.RuneCountInString(s), "characters"
	}
	return len(s), "bytes of UTF-8"
}

// refusedCharacter finds the first character that the dialect refuses.
func (d *Dialect) refusedCharacter(s string, rule TextField) (rune, bool) {
	for _, r := range s {
		switch {
		case r == 0:
			return r, true
		case r >= ' ' && r < 0x7f:
		case rule == Description && d.BasicPlaneDescriptions:
			if r > 0xffff || !unicode.IsGraphic(r) {
				return r, true
			}
		case unicode.IsControl(r) && (rule == Description || d.PlainNames):
			return r, true
		}
	}
	return 0, false
}

// trim removes white space at both ends as Python's str.strip does, which also
// takes the four information separators U+001C to U+001F.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f)
	})
}

// unquote gives the text of a JSON string that was checked before.
func unquote(value jsontext.Value) string {
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c == '\\' {
			text, _ := jsontext.AppendUnquote(nil, value)
			return string(text)
		}
	}
	return string(inner)
}

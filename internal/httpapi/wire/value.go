package wire

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

// ReadString reads a string; null and every other type are refused.
func ReadString(value jsontext.Value, field string) (string, error) {
	if value.Kind() != '"' {
		return "", errType(value, field, "a string")
	}
	return unquote(value), nil
}

// ReadBool reads a boolean, or one of the words that Cinder takes for it.
// Source: recordings create-force-*; Cinder parameter_types boolean.
func ReadBool(value jsontext.Value, field string) (bool, error) {
	switch value.Kind() {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	case '"':
		switch word := unquote(value); {
		case slices.Contains([]string{"True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t"}, word):
			return true, nil
		case slices.Contains([]string{"False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f"}, word):
			return false, nil
		}
	}
	return false, errType(value, field, "a boolean")
}

// ReadInt reads a whole number, or its digits in a string, from least to most.
// Source: recordings extend-string, volume-create-size-*.
func ReadInt(value jsontext.Value, field string, least, most int64) (int64, error) {
	text := ""
	switch value.Kind() {
	case '0':
		text = string(value)
	case '"':
		text = unquote(value)
	default:
		return 0, errType(value, field, "an integer")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // too long for us is then the largest, or the least
		return 0, errType(value, field, "an integer")
	}
	if n < least || n > most {
		return 0, errField(field, "it must be from %d to %d, not %.24s.", least, most, text)
	}
	return n, nil
}

// ReadTruncated is ReadInt of a number that may have decimals, which do not count.
// Source: EVS 6.1 and 7.1, size and count.
func ReadTruncated(value jsontext.Value, field string, least, most int64) (int64, error) {
	if value.Kind() == '0' {
		const exact = 1 << 53
		if n, err := strconv.ParseFloat(string(value), 64); err == nil && n > -exact && n < exact {
			value = jsontext.Value(strconv.FormatInt(int64(n), 10))
		}
	}
	return ReadInt(value, field, least, most)
}

// ReadMetadata reads the member named field: an object of strings within their
// lengths, or null, or nothing. Here everything that breaks a rule is Invalid.
// Source: recordings create-metadata-*.
func ReadMetadata(members Members, field string) (map[string]string, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return nil, nil
	}
	items, err := ReadItems(value, field)
	if err != nil {
		return nil, err
	}
	if err := block.CheckMetadata(items); err != nil {
		return nil, block.On(cmp.Or(block.AboutOf(err), field), errField(field, "%s", block.MessageOf(err)))
	}
	return items, nil
}

// ReadItems reads an object of strings; of duplicates the last wins.
func ReadItems(value jsontext.Value, field string) (map[string]string, error) {
	members, err := ObjectOf(value, field)
	if err != nil {
		return nil, err
	}
	return ItemsOf(members, field)
}

// ItemsOf makes items of members that are strings; of duplicates the last wins.
func ItemsOf(members Members, field string) (_ map[string]string, err error) {
	items := make(map[string]string, len(members))
	for _, m := range slices.Backward(members) { // so an earlier one of a wrong type does no harm
		if _, given := items[m.Name]; given {
			continue
		}
		if items[m.Name], err = ReadString(m.Value, field+"."+shorten(m.Name)); err != nil {
			return nil, block.On(field+AboutType, err)
		}
	}
	return items, nil
}

// ReadStrings reads an array of at most so many strings of block.MaxText characters each.
func ReadStrings(value jsontext.Value, field string, most int) ([]string, error) {
	if value.Kind() != '[' {
		return nil, errType(value, field, "an array")
	}
	var items []jsontext.Value
	if err := json.Unmarshal(value, &items, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, errMalformed()
	}
	if len(items) > most {
		return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it has %d items; at most %d are allowed.", field, len(items), most)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		text, err := ReadString(item, field)
		if err != nil {
			return nil, err
		}
		if n := utf8.RuneCountInString(text); n > block.MaxText {
			return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: an item has %d characters; at most %d are allowed.", field, n, block.MaxText)
		}
		texts[i] = text
	}
	return texts, nil
}

// UUID reads the id of another object: a UUID, or null, which is nothing's id.
// Source: recordings create-volume-null, create-volume-not-uuid.
func (m Members) UUID(field, noun string) (string, error) {
	value, given := m.Get(field)
	if !given {
		return "", block.On(field+".none", block.Errorf(block.Invalid, "%s is a required property.", quoted(field)))
	}
	if value.Kind() == 'n' {
		return "", block.On(field, block.Errorf(block.NotFound, "%s None could not be found.", noun))
	}
	id, err := ReadString(value, field)
	if err != nil {
		return "", err
	}
	if !IsUUID(id) {
		return "", errField(field, "%s is not a UUID.", quoted(id))
	}
	return id, nil
}

// IsUUID tells whether s is a UUID in its usual form, upper or lower case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// AboutType ends what an error is about when a field's type is wrong.
const AboutType = ".type"

func errType(value jsontext.Value, field, wanted string) error {
	return block.On(field+AboutType, errField(field, "it must be %s, not %s.", wanted, kindName(value)))
}

// errField is what is wrong with a field of the request.
func errField(field, format string, args ...any) error {
	wrong := fmt.Sprintf(format, args...)
	return block.On(field, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: %s", field, wrong))
}

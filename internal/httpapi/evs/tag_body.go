package evs

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Members of the bodies of calls on tags.
const (
	tagsKey    = "tags"
	actionKey  = "action"
	matchesKey = "matches"
)

// readAction reads the member action, which must be one of two words.
func readAction(x *wire.Exchange, one, two string) (string, wire.Members, error) {
	top, err := x.Top()
	if err != nil {
		return "", nil, err
	}
	value, _ := top.Get(actionKey)
	word := ""
	if value.Kind() == '"' {
		if word, err = wire.ReadString(value, actionKey); err != nil {
			return "", nil, err
		}
	}
	if word != one && word != two {
		return "", nil, block.On(actionKey, block.Errorf(block.Invalid, "Invalid input for field/attribute action: it must be %s or %s.", one, two))
	}
	return word, top, nil
}

// readArray reads a member that is an array of at most so many objects.
func readArray(members wire.Members, field string, most int, tooMany string) ([]wire.Members, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return nil, nil
	}
	if value.Kind() != '[' {
		return nil, block.On(field, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it must be an array of objects.", field))
	}
	var items []jsontext.Value
	if err := json.Unmarshal(value, &items, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, block.On(field, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it cannot be read.", field))
	}
	if len(items) > most {
		return nil, block.On(tooMany, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it has %d items; at most %d are allowed.", field, len(items), most))
	}
	all := make([]wire.Members, len(items))
	for i, item := range items {
		var err error
		if all[i], err = wire.ObjectOf(item, field); err != nil {
			return nil, block.On(field, err)
		}
	}
	return all, nil
}

// readTagList reads [{"key": …, "value": …}], at least one; a key may come once.
// Without values only the keys count. Source: EVS 11, batch.
func readTagList(members wire.Members, values bool) (map[string]string, error) {
	items, err := readArray(members, tagsKey, block.MaxTags, block.AboutTagCount)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, block.On(tagsKey, block.Errorf(block.Invalid, "Invalid input for field/attribute tags: at least one tag is needed."))
	}
	tags := make(map[string]string, len(items))
	for _, item := range items {
		key, err := readWord(item, "key")
		if err != nil {
			return nil, err
		}
		value := ""
		if values {
			if value, err = readWord(item, "value"); err != nil {
				return nil, err
			}
		}
		if _, again := tags[key]; again {
			return nil, block.On(block.AboutTag, block.Errorf(block.Invalid, "Invalid tags: the key %.64q comes twice.", key))
		}
		if err := block.CheckTag(key, value); err != nil {
			return nil, err
		}
		tags[key] = value
	}
	return tags, nil
}

// readWord reads the key or the value of a tag.
func readWord(item wire.Members, field string) (string, error) {
	value, given := item.Get(field)
	if !given {
		return "", block.On(block.AboutTag, block.Errorf(block.Invalid, "Invalid tags: each tag needs a %s.", field))
	}
	text, err := wire.ReadString(value, "tags."+field)
	return text, block.On(block.AboutTag, err)
}

// readTagObject reads {"k": "v"}. Source: EVS 11, os-vendor-tags.
func readTagObject(value jsontext.Value, field string) (map[string]string, error) {
	tags, err := wire.ReadItems(value, field)
	if err != nil {
		return nil, block.On(block.AboutTag, err)
	}
	return tags, block.CheckTags(tags)
}

// readSearch reads what a query or a count by tags asks for. Source: EVS 11, query.
func readSearch(top wire.Members, paged bool) (q listQuery, err error) {
	if paged {
		if err := readSearchPage(&q, top); err != nil {
			return q, err
		}
	}
	items, err := readArray(top, tagsKey, block.MaxTagMatches, tagsKey)
	if err != nil {
		return q, err
	}
	condition, err := readMatches(items)
	if err != nil {
		return q, err
	}
	if len(condition.Matches) > 0 {
		q.Tags = append(q.Tags, condition)
	}
	return q, readFieldMatches(&q, top)
}

// readSearchPage reads limit and offset, which clients send as strings, too.
func readSearchPage(q *listQuery, top wire.Members) error {
	q.Limit = block.MaxPage
	if value, given := top.Get("limit"); given {
		n, err := wire.ReadInt(value, "limit", math.MinInt64, math.MaxInt64)
		switch {
		case err != nil:
			return err
		case n > block.MaxPage:
			return block.On("limit.large", block.Errorf(block.Invalid, "limit must be at most %d, not %d.", block.MaxPage, n))
		case n < 1:
			return block.On("limit", block.Errorf(block.Invalid, "limit must be an integer from 1 to %d.", block.MaxPage))
		}
		q.Limit = int(n)
	}
	if value, given := top.Get("offset"); given {
		n, err := wire.ReadInt(value, "offset", 0, block.MaxOffset)
		if err != nil {
			return err
		}
		q.Offset = int(n)
	}
	return nil
}

// readMatches reads [{"key": …, "values": […]}]: keys and values come once each,
// and without values any will do.
func readMatches(items []wire.Members) (all block.TagCondition, err error) {
	known := map[string]bool{}
	for _, item := range items {
		m := block.TagMatch{}
		if m.Key, err = readWord(item, "key"); err != nil {
			return all, err
		}
		if known[m.Key] {
			return all, block.On(block.AboutTag, block.Errorf(block.Invalid, "Invalid tags: the key %.64q comes twice.", m.Key))
		}
		known[m.Key] = true
		if value, given := item.Get("values"); given {
			if m.Values, err = wire.ReadStrings(value, "values", block.MaxTagMatches); err != nil {
				return all, block.On(block.AboutTag, err)
			}
		}
		if err := checkMatch(m); err != nil {
			return all, err
		}
		all.Matches = append(all.Matches, m)
	}
	return all, nil
}

// checkMatch holds a key and its values to what tags can be.
func checkMatch(m block.TagMatch) error {
	if err := block.CheckTag(m.Key, ""); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, value := range m.Values {
		if known[value] {
			return block.On(block.AboutTag, block.Errorf(block.Invalid, "Invalid tags: the value %.64q of %s comes twice.", value, m.Key))
		}
		known[value] = true
		if err := block.CheckTag(m.Key, value); err != nil {
			return err
		}
	}
	return nil
}

// maxFieldMatches is how many keys matches knows.
const maxFieldMatches = 2

// readFieldMatches reads matches: a part of the name, and the type of service.
func readFieldMatches(q *listQuery, top wire.Members) error {
	items, err := readArray(top, matchesKey, maxFieldMatches, matchesKey)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, item := range items {
		var words [2]string
		for i, field := range [2]string{"key", "value"} {
			value, _ := item.Get(field)
			if value.Kind() != '"' {
				return errMatches("each item needs a key and a value, both strings")
			}
			if words[i], err = wire.ReadString(value, matchesKey+"."+field); err != nil {
				return err
			}
		}
		key, value := words[0], words[1]
		if known[key] {
			return errMatches("a key comes twice")
		}
		known[key] = true
		if utf8.RuneCountInString(value) > block.MaxText || strings.ContainsRune(value, 0) {
			return errMatches("a value has at most 255 characters, and no NUL")
		}
		switch key {
		case "resource_name":
			q.Filters = append(q.Filters, block.Filter{Field: block.FieldName, Op: block.Contains, Value: value})
		case "service_type":
			q.none = q.none || !strings.EqualFold(value, serviceType)
		default:
			return errMatches("a key must be resource_name or service_type")
		}
	}
	return nil
}

func errMatches(wrong string) error {
	return block.On(matchesKey, block.Errorf(block.Invalid, "Invalid input for field/attribute matches: %s.", wrong))
}

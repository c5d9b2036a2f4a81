package wire

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestMetadataFilterReadsPythonAndJSONDictionaries(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{'env':'prod'}`:                        {"env": "prod"},
		`{'env':'prod','k':'1'}`:                {"env": "prod", "k": "1"},
		`{"env": "prod", "k": "1"}`:             {"env": "prod", "k": "1"},
		` { u'env' : u"prod" , } `:              {"env": "prod"},
		`{'a': "it's", "b": 'say "x"'}`:         {"a": "it's", "b": `say "x"`},
		`{'a': 'it\'s \\ \n'}`:                  {"a": "it's \\ \n"},
		`{'\x41': '\u4e2d', 'e': '\U0001F600'}`: {"A": "中", "e": "😀"},
		`{'中': ''}`:                             {"中": ""},
		`{'a': '1', 'a': '2'}`:                  {"a": "2"},
	} {
		got, ok := ReadPairs(text)
		if !ok || !maps.Equal(got, want) {
			t.Errorf("%s: got %v %v, want %v", text, got, ok, want)
		}
	}
}

func TestMetadataFilterThatIsNoDictionaryOfStringsIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "garbage", "{}", "{'a'}", "{'a':}", "{'a':1}", "{'a': None}", "{'a': 'b'", "{'a': 'b'}x", "{'a': 'b' 'c': 'd'}",
		"{'a': ['b']}", "{'a': {'b': 'c'}}", "['a']", "'a'", `{'a': 'b\`, `{'a': 'b\q'}`, `{'a': '\x4'}`, `{'a': '\ud800'}`,
		`{'a': '\U00110000'}`, `{'a': '\Uffffffff'}`, "{'a': '\xff'}", "{'a': 'b\nc'}", "{,}", "{'a': 'b',,}", "{a: 'b'}",
		"{" + strings.Repeat("'", 10000), "__import__('os')",
	} {
		if got, ok := ReadPairs(text); ok {
			t.Errorf("%.80q: got %v, want it refused", text, got)
		}
	}
}

func FuzzMetadataFilter(f *testing.F) {
	for _, seed := range []string{`{'env': 'prod'}`, `{"a": "\u0041", u'b': '\x00'}`, "{", `{'a': '\`, "{'a': 'b',}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, ok := ReadPairs(text)
		if ok == (len(items) == 0) && ok {
			t.Fatalf("%q: accepted without items", text)
		}
		if len(items) > block.MaxMetadataItems {
			t.Fatalf("%q: %d items", text, len(items))
		}
		for key, value := range items {
			if ok && (!utf8.ValidString(key) || !utf8.ValidString(value)) {
				t.Fatalf("%q: %q: %q is no UTF-8", text, key, value)
			}
		}
	})
}

package replay

import (
	"testing"

	"github.com/breezeblock/breezeblock/compat/client"
)

func TestPlaceholdersAreExpandedAndOtherTextIsKept(t *testing.T) {
	n := newNames(&client.Target{VolumeURL: "http://127.0.0.1:1"})
	n.setSnapshot("ab12-cd")
	n.values["new_create-all"] = "0f00"
	for _, tc := range []struct{ name, text, want string }{
		{"an id in a path", "/v3/x/snapshots/{snapshot}", "/v3/x/snapshots/ab12-cd"},
		{"capitals", "{SNAPSHOT-UPPER}", "AB12-CD"},
		{"no dashes", "{snapshot-no-dashes}", "ab12cd"},
		{"braces around an id", "%7B{snapshot}%7D", "%7Bab12-cd%7D"},
		{"what a row made", "{new_create-all}", "0f00"},
		{"a letter in front is encoded whole", "/snapshots/%3{snapshot}", "/snapshots/%61b12-cd"},
		{"a digit in front is encoded whole", "%3{new_create-all}", "%3{new_create-all}"},
		{"braces that are text", "{0} {name}", "{0} {name}"},
		{"the host of a link", "http://HOST/v3/", "http://127.0.0.1:1/v3/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "a digit in front is encoded whole" {
				n.setSnapshot("9b12-cd")
				tc.text, tc.want = "%3{snapshot}", "%39b12-cd"
			}
			if got := n.expand(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

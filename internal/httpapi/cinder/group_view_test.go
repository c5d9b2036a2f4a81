package cinder

import (
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Whose a group is, administrators are told from 3.58. Source: Cinder views/groups.py.
func TestGroupsTellAdministratorsWhoseTheyAre(t *testing.T) {
	g := &block.Group{ID: "g", ProjectID: "whose"}
	s := &block.GroupSnapshot{ID: "s", ProjectID: "whose"}
	for _, tc := range []struct {
		mv    wire.Microversion
		admin bool
		told  bool
	}{{57, true, false}, {58, true, true}, {58, false, false}, {70, false, false}} {
		x, _ := exchange(wire.Cinder(), wire.V3, tc.mv, "/groups")
		for noun, text := range map[string]string{
			"group":          string((&groupView{x: x, admin: tc.admin}).appendItem(nil, g)),
			"group snapshot": string(appendGroupSnapshot(nil, x, s, tc.admin)),
		} {
			if strings.Contains(text, "whose") != tc.told {
				t.Errorf("%s at 3.%d, administrator %v: %s", noun, tc.mv, tc.admin, text)
			}
		}
	}
}

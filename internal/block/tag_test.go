package block_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestCheckTags(t *testing.T) {
	full := map[string]string{}
	for n := range block.MaxTags {
		full["k"+strconv.Itoa(n)] = ""
	}
	over := map[string]string{"one-more": ""}
	for key := range full {
		over[key] = ""
	}
	for _, tc := range []struct {
		name  string
		tags  map[string]string
		about string
	}{
		{"none", nil, ""},
		{"every kind of letter", map[string]string{"aZ09-_中": "aZ09-_.中"}, ""},
		{"an empty value", map[string]string{"k": ""}, ""},
		{"longest", map[string]string{strings.Repeat("中", 36): strings.Repeat("文", 43)}, ""},
		{"ten", full, ""},
		{"eleven", over, block.AboutTagCount},
		{"an empty key", map[string]string{"": "v"}, block.AboutTag},
		{"a key one too long", map[string]string{strings.Repeat("k", 37): "v"}, block.AboutTag},
		{"a value one too long", map[string]string{"k": strings.Repeat("v", 44)}, block.AboutTag},
		{"a value far too long", map[string]string{"k": strings.Repeat("v", 100000)}, block.AboutTag},
		{"a space", map[string]string{"k k": "v"}, block.AboutTag},
		{"a full stop in a key", map[string]string{"k.k": "v"}, block.AboutTag},
		{"an equals sign", map[string]string{"k": "a=b"}, block.AboutTag},
		{"a NUL in a key", map[string]string{"\x00": "v"}, block.AboutTag},
		{"a NUL in a value", map[string]string{"k": "\x00"}, block.AboutTag},
		{"what is no UTF-8", map[string]string{"k": "\xff"}, block.AboutTag},
	} {
		err := block.CheckTags(tc.tags)
		if block.AboutOf(err) != tc.about || (err != nil) != (tc.about != "") {
			t.Errorf("%s: got %v about %q, want %q", tc.name, err, block.AboutOf(err), tc.about)
		}
		if err != nil && block.KindOf(err) != block.Invalid {
			t.Errorf("%s: got kind %d", tc.name, block.KindOf(err))
		}
	}
}

// wantTags checks what a caller sees of an object's tags.
func (r *rig) wantTags(c block.Caller, kind block.TagKind, id, want string) {
	r.t.Helper()
	got, err := r.service.Tags(r.t.Context(), c, kind, id)
	if err != nil || fmt.Sprint(got) != want {
		r.t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

func TestTagsGoWhereTheirObjectGoes(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, snap, offer, key := r.offered(false)
		const over = false
		_, err := r.service.SetTags(t.Context(), demo, block.TagVolume, v.ID, map[string]string{"a": "1"}, over)
		r.must(err)
		_, err = r.service.SetTags(t.Context(), demo, block.TagSnapshot, snap.ID, map[string]string{"b": "2"}, over)
		r.must(err)
		if _, err := r.service.SetTags(t.Context(), taker, block.TagVolume, v.ID, map[string]string{"a": "x"}, over); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger writes tags: %v, want NotFound", err)
		}
		_, err = r.service.AcceptTransfer(t.Context(), taker, offer.ID, key)
		r.must(err)
		r.wantTags(taker, block.TagVolume, v.ID, "map[a:1]")
		r.wantTags(taker, block.TagSnapshot, snap.ID, "map[b:2]")
		if _, err := r.service.Tags(t.Context(), demo, block.TagVolume, v.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("the giver still sees tags: %v, want NotFound", err)
		}
		if all, err := r.service.ProjectTags(t.Context(), demo, block.TagVolume); err != nil || len(all) != 0 {
			t.Errorf("the giver's project has the tags %v, %v", all, err)
		}
		r.must(r.service.DeleteVolume(t.Context(), taker, v.ID, true))
		r.settle(time.Second)
		for kind, id := range map[block.TagKind]string{block.TagVolume: v.ID, block.TagSnapshot: snap.ID} {
			if left, err := r.store.Tags(t.Context(), kind, []string{id}); err != nil || len(left) != 0 {
				t.Errorf("of %s the tags %v are left, %v", kind, left, err)
			}
		}
	})
}

func TestVolumeIsMadeWithItsTagsOrNotAtAll(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		made := r.volume(block.NewVolume{Size: 1, Tags: map[string]string{"a": "1"}})
		r.wantTags(demo, block.TagVolume, made.ID, "map[a:1]")
		_, err := r.service.CreateVolume(t.Context(), demo, block.NewVolume{Size: 1, Tags: map[string]string{"a b": "1"}})
		if block.KindOf(err) != block.Invalid || block.AboutOf(err) != block.AboutTag {
			t.Errorf("got %v about %q, want Invalid about a tag", err, block.AboutOf(err))
		}
		r.uses("demo", block.Usage{Volumes: 1, Gigabytes: 1})
	})
}

package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/identity"
)

// testIdentityAccessKeys holds access keys to the promises of every noun here, and
// to those of their own: a limit for each user, and an end with its user.
func testIdentityAccessKeys(t *testing.T, p *people) {
	key := func(id, user string) *identity.AccessKey {
		return &identity.AccessKey{ID: id, UserID: user, Sealed: "sealed-" + id, Description: "d\"'\x01é", Enabled: true, CreatedAt: then}
	}
	add := func(k *identity.AccessKey, most int) error {
		return p.ChangeIdentity(t.Context(), func(tx identity.Tx) error { return tx.AddAccessKey(k, most) })
	}
	for _, k := range []*identity.AccessKey{key("B", "u1"), key("A", "u1"), key("C", "u2")} {
		if err := add(k, 2); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		k    *identity.AccessKey
		most int
		kind identity.Kind
	}{
		"beyond the limit": {key("D", "u1"), 2, identity.Invalid},
		"of nobody":        {key("D", "u9"), 2, identity.NotFound},
		"taken":            {key("A", "u2"), 9, identity.Conflict},
	} {
		if err := add(tc.k, tc.most); identity.KindOf(err) != tc.kind {
			t.Errorf("%s: got %v, want kind %d", name, err, tc.kind)
		}
	}
	if got, err := p.AccessKey(t.Context(), "A"); err != nil || !cmp.Equal(got, key("A", "u1")) {
		t.Errorf("A comes back as %+v, %v", got, err)
	}
	if got, err := p.AccessKeys(t.Context(), "u1", 9); err != nil || len(got) != 2 || got[0].ID != "A" || got[1].ID != "B" {
		t.Errorf("u1 has %v, %v", got, err)
	}
	if got, err := p.AccessKeys(t.Context(), "u1", 1); err != nil || len(got) != 1 {
		t.Errorf("one of u1's: %v, %v", got, err)
	}
	stale := key("A", "u1")
	p.must(func(tx identity.Tx) error {
		k, err := tx.AccessKey("A")
		if err != nil {
			return err
		}
		k.Description, k.Enabled = "changed", false
		return tx.SaveAccessKey(k)
	})
	p.must(func(tx identity.Tx) error { return tx.UseAccessKey("A", then.Add(time.Hour)) })
	p.must(func(tx identity.Tx) error { return tx.UseAccessKey("gone", then) })
	want := key("A", "u1")
	want.Description, want.Enabled, want.Version, want.LastUsedAt = "changed", false, 1, then.Add(time.Hour)
	if got, err := p.AccessKey(t.Context(), "A"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("changed to %+v, %v", got, err)
	}
	for name, work := range map[string]func(identity.Tx) error{
		"a stale row is written": func(tx identity.Tx) error { return tx.SaveAccessKey(stale) },
	} {
		if err := p.ChangeIdentity(t.Context(), work); identity.KindOf(err) != identity.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.must(func(tx identity.Tx) error { return tx.DropAccessKey("B") })
	p.must(func(tx identity.Tx) error { return tx.DropUser("u1") })
	for _, id := range []string{"A", "B", "nothing"} {
		if got, err := p.AccessKey(t.Context(), id); identity.KindOf(err) != identity.NotFound {
			t.Errorf("%s: got %v, %v; want NotFound", id, got, err)
		}
		err := p.ChangeIdentity(t.Context(), func(tx identity.Tx) error { return tx.DropAccessKey(id) })
		if identity.KindOf(err) != identity.NotFound {
			t.Errorf("drop %s again: %v", id, err)
		}
	}
	if _, err := p.AccessKey(t.Context(), "C"); err != nil {
		t.Errorf("another user's key: %v", err)
	}
}

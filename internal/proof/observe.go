package proof

import (
	"fmt"
	"slices"
	"strings"
)

// Seen is what the service shows of itself between two calls.
type Seen struct {
	Volumes, Snapshots []Shown
	Usage              map[string]map[string]Usage // by project, by type; "" is all types; nil: not looked at
}

// Observe holds what the service shows to the model and takes over what work in
// the background has done meanwhile. It fails when a row differs, has come or gone
// by itself, has changed its status as no work may, or when usage is not the count.
func (m *Model) Observe(seen Seen) error {
	shown := map[string]Shown{}
	for noun, all := range map[Noun][]Shown{AVolume: seen.Volumes, ASnapshot: seen.Snapshots} {
		for _, s := range all {
			if r := m.Rows[s.ID]; r == nil || r.Noun != noun {
				return fmt.Errorf("a %s that nobody made: %s, %s", noun, s.ID, s.Status)
			}
			shown[s.ID] = s
		}
	}
	for _, id := range slices.Clone(m.Made) {
		r := m.Rows[id]
		if r == nil {
			continue
		}
		s, there := shown[id]
		if err := m.took(r, s, there, shown); err != nil {
			return err
		}
		if !there {
			delete(m.Rows, id)
			continue
		}
		if err := r.equals(s); err != nil {
			return err
		}
	}
	if seen.Usage == nil {
		return nil
	}
	return m.usageIs(seen.Usage)
}

// waiting are the statuses that say that something is being done.
var waiting = []string{"creating", "extending", "deleting", "rollbacking", "reverting", "restoring"}

// took is what work may have made of a row.
func (m *Model) took(r *Row, s Shown, there bool, shown map[string]Shown) error {
	waits := slices.Contains(waiting, r.Status)
	if !there {
		_, parent := shown[r.Parent]
		if r.Status == "deleting" || (r.loose && waits) || (r.Noun == ASnapshot && !parent) {
			return nil
		}
		return fmt.Errorf("it went by itself: %s", r)
	}
	if s.Status == r.Status && (!r.loose || s.Size == r.Size) {
		return nil
	}
	wrong := fmt.Errorf("it became %s with %d GB by itself: %s", s.Status, s.Size, r)
	if r.loose {
		return r.tookLoose(s, waits, wrong)
	}
	switch {
	case m.rolled(r, s.Status):
	case r.Status == "creating" && s.Status == "available":
	case r.Status == "creating" && s.Status == "error" && (m.Trouble || m.sourceGone(r)):
	case r.Status == "extending" && s.Status == "available":
		r.Size, r.grows = r.Size+r.grows, 0
	case r.Status == "extending" && s.Status == "error_extending" && m.Trouble:
		r.odd, r.grows = true, 0
	case r.Status == "deleting" && s.Status == "error_deleting" && m.Trouble:
		r.vouched = true // its bytes are gone, or not
	default:
		return wrong
	}
	r.Status = s.Status
	return nil
}

// tookLoose is what work may have made of a row whose status an administrator set
// meanwhile: work that failed may say so, but none makes it available.
func (r *Row) tookLoose(s Shown, waits bool, wrong error) error {
	if s.Size < r.Size || (!waits && s.Status != r.Status && !strings.HasPrefix(s.Status, "error")) {
		return wrong
	}
	if s.Status != "extending" && r.grows != 0 { // whichever of its extensions it was
		r.ghosts, r.grows = append(r.ghosts, r.grows), 0
	}
	r.Status, r.Size = s.Status, s.Size
	return nil
}

// sourceGone tells whether what a volume is made from is not there any more.
func (m *Model) sourceGone(r *Row) bool {
	if r.Source == "" {
		return false
	}
	from := m.Rows[r.Source]
	return from == nil || from.Status == "deleting"
}

// usageIs holds the service's figures to the count of the rows.
func (m *Model) usageIs(usage map[string]map[string]Usage) error {
	for _, c := range m.Callers {
		count, haunted := m.Count(c.Project), m.haunted(c.Project)
		for of, u := range usage[c.Project] {
			n := count[of]
			if over := u.Gigabytes - n.Gigabytes; over < 0 || over > haunted || u.Volumes != n.Volumes || u.Snapshots != n.Snapshots {
				return fmt.Errorf("project %s uses %+v of type %q by its quota, but %+v by its rows", c.Name, u, of, n)
			}
		}
		for of, n := range count {
			if _, told := usage[c.Project][of]; !told {
				return fmt.Errorf("project %s has %+v of type %q, and the quota does not tell", c.Name, n, of)
			}
		}
	}
	return nil
}

// Held is one object that the driver holds.
type Held struct {
	Volume, Snapshot string // Snapshot is empty for the volume itself
	Size             int64  // GiB
	Stamp            int64  // what was written last
}

// Quiet holds the service to what must be true when no work is left: no row waits,
// usage is the count to the gigabyte, and rows and driver agree.
func (m *Model) Quiet(seen Seen, held []Held) error {
	for _, r := range m.Rows {
		r.ghosts = nil // whatever they held must be free by now
	}
	if err := m.Observe(seen); err != nil {
		return err
	}
	for _, id := range m.Made {
		r := m.Rows[id]
		if r == nil {
			continue
		}
		if slices.Contains(waiting, r.Status) && !r.vouched {
			return fmt.Errorf("it waits for ever: %s", r)
		}
	}
	return m.bytesAre(held)
}

// bytesAre holds the driver's objects to the rows, both ways.
func (m *Model) bytesAre(held []Held) error {
	objects := map[string]Held{}
	for _, h := range held {
		id := h.Volume
		if h.Snapshot != "" {
			id = h.Snapshot
		}
		r := m.Rows[id]
		if r != nil && r.Noun == AVolume && h.Snapshot != "" && r.Source == h.Volume && (r.Status == "error" || r.vouched) {
			continue // what a clone that was given up has left on its source; it goes with the clone
		}
		if r == nil || (h.Snapshot != "" && r.Parent != h.Volume) {
			return fmt.Errorf("the driver holds %+v, which has no row", h)
		}
		objects[id] = h
	}
	for _, id := range m.Made {
		r := m.Rows[id]
		if r == nil || r.vouched || !slices.Contains([]string{"available", "in-use", "error_extending", "error_rollbacking"}, r.Status) {
			continue
		}
		h, there := objects[id]
		if !there {
			return fmt.Errorf("the driver holds nothing of it: %s", r)
		}
		if h.Size < r.Size || (h.Size > r.Size && !r.odd) {
			return fmt.Errorf("the driver holds %d GB of it: %s", h.Size, r)
		}
		if h.Stamp != r.stamp && r.stamp != unsure {
			return fmt.Errorf("it holds what was written %d., and must hold what was written %d.: %s", h.Stamp, r.stamp, r)
		}
	}
	return nil
}

// WayOut is a call that takes one step towards an empty service, or false when
// it is empty: every row must let its owner, or at worst an administrator, delete it.
// The caller settles and observes after each.
func (m *Model) WayOut() (Op, bool) {
	for _, noun := range []Noun{ASnapshot, AVolume} {
		for _, id := range m.live(noun) {
			r := m.Rows[id]
			op := Op{Verb: Delete, Noun: noun, ID: id, Who: m.owner(r.Project)}
			if !slices.Contains(deletable[noun], r.Status) || r.Attached > 0 {
				op.Verb, op.Who = ForceDelete, m.admin()
			}
			return op, true
		}
	}
	return Op{}, false
}

func (m *Model) owner(project string) int {
	return slices.IndexFunc(m.Callers, func(c Caller) bool { return c.Project == project })
}

func (m *Model) admin() int {
	return slices.IndexFunc(m.Callers, func(c Caller) bool { return c.Admin })
}

package proof

import (
	"fmt"
	"maps"
	"slices"
)

// Caller is one user with a project.
type Caller struct {
	Name    string
	Project string // id
	Admin   bool
}

// Row is one volume or snapshot as the model knows it.
type Row struct {
	Noun     Noun
	ID       string
	Project  string
	Status   string
	Size     int64 // GiB
	Type     string
	Text     string // name and description; empty is null
	Items    map[string]string
	Parent   string // of a snapshot: its volume
	Source   string // of a volume: the object it is made from
	Attached int    // hosts: 0 or 1
	marked   bool   // it was attached once, and says ever since that it may be written

	// What the API does not show.
	grows     int64   // GiB that an extension which still runs has reserved
	ghosts    []int64 // GiB of extensions that an administrator has overruled
	loose     bool    // an administrator has set the status while work was going on
	vouched   bool    // an administrator gave it its status: nobody promises bytes
	odd       bool    // an extension failed: the driver may hold more than the row says
	stamp     int64   // what was written last
	rolledTo  int64   // what a volume that is being rolled back will hold
	described string  // the description, where it is not Text
}

// Model is what the service must look like from outside.
type Model struct {
	Callers []Caller
	Rows    map[string]*Row
	Made    []string // ids of all objects ever, in order
	Limits  map[string]map[string]int64
	// Trouble tells that something went wrong beneath the service: without it
	// every piece of work must end well.
	Trouble bool
}

// NewModel makes the model of an empty service.
func NewModel(callers ...Caller) *Model {
	m := &Model{Callers: callers, Rows: map[string]*Row{}, Limits: map[string]map[string]int64{}}
	for _, c := range callers {
		m.Limits[c.Project] = map[string]int64{}
	}
	return m
}

// defaults are the limits of a project that nobody set. Source: design.md section 2.
var defaults = map[string]int64{"volumes": 10, "snapshots": 10, "gigabytes": 1000}

// limit is one limit; -1 is none.
func (m *Model) limit(project, resource string) int64 {
	if n, set := m.Limits[project][resource]; set {
		return n
	}
	if n, known := defaults[resource]; known {
		return n
	}
	return -1
}

// Written notes that stamp was written into the volume that op names, and tells
// its id; empty when it cannot be said what a snapshot or clone that is being made
// would then hold, or whether there is anything to write to.
func (m *Model) Written(op Op, stamp int64) string {
	id := m.pick(m.Callers[m.admin()], op, AVolume)
	vol := m.Rows[id]
	if vol == nil || vol.vouched || vol.loose || (vol.Status != "available" && vol.Status != "in-use") {
		return ""
	}
	for _, r := range m.Rows {
		if (r.Parent == id || r.Source == id) && (r.Status == "creating" || r.loose) {
			return ""
		}
	}
	vol.stamp = stamp
	return id
}

// live are the ids of the objects of a noun, oldest first.
func (m *Model) live(noun Noun) []string {
	var ids []string
	for _, id := range m.Made {
		if r := m.Rows[id]; r != nil && r.Noun == noun {
			ids = append(ids, id)
		}
	}
	return ids
}

// nobody is the id of an object that never was.
const nobody = "00000000-0000-4000-8000-000000000000"

// pick turns a number into an id: mostly of an object that the caller may reach,
// sometimes of any, and, below 0, of one that has gone.
func (m *Model) pick(who Caller, op Op, noun Noun) string {
	if op.ID != "" {
		return op.ID
	}
	if op.Target < 0 {
		for _, id := range slices.Backward(m.Made) {
			if m.Rows[id] == nil {
				return id
			}
		}
		return nobody
	}
	ids := m.live(noun)
	if op.Target%4 != 3 {
		ids = slices.DeleteFunc(ids, func(id string) bool { return m.reach(who, noun, id) == nil })
	}
	if len(ids) == 0 {
		return nobody
	}
	return ids[op.Target/4%len(ids)]
}

// reach is the row if the caller may see it.
func (m *Model) reach(who Caller, noun Noun, id string) *Row {
	r := m.Rows[id]
	if r == nil || r.Noun != noun || (!who.Admin && r.Project != who.Project) {
		return nil
	}
	return r
}

// snapshotsOf are the snapshots of a volume.
func (m *Model) snapshotsOf(volume string) []*Row {
	var rows []*Row
	for _, id := range m.live(ASnapshot) {
		if m.Rows[id].Parent == volume {
			rows = append(rows, m.Rows[id])
		}
	}
	return rows
}

func (m *Model) add(r *Row) {
	m.Rows[r.ID] = r
	m.Made = append(m.Made, r.ID)
}

// Usage is what a project uses of one type, or of all.
type Usage struct{ Volumes, Snapshots, Gigabytes int64 }

// Count counts the rows: what the service must say that a project uses, by type;
// "" is all types. An extension that still runs counts with its new size.
func (m *Model) Count(project string) map[string]Usage {
	count := map[string]Usage{}
	for _, r := range m.Rows {
		if r.Project != project {
			continue
		}
		for _, of := range []string{"", r.Type} {
			u := count[of]
			u.Gigabytes += r.Size + r.grows
			if r.Noun == AVolume {
				u.Volumes++
			} else {
				u.Snapshots++
			}
			count[of] = u
		}
	}
	return count
}

// haunted are the gigabytes that overruled extensions of a project may still hold.
func (m *Model) haunted(project string) (most int64) {
	for _, r := range m.Rows {
		if r.Project == project {
			for _, n := range r.ghosts {
				most += n
			}
		}
	}
	return most
}

// within tells whether a change fits the project's limits: 0, or the answer 413.
func (m *Model) within(project, typeName string, change Usage) bool {
	count := m.Count(project)
	for of, suffix := range map[string]string{"": "", typeName: "_" + typeName} {
		u := count[of]
		for _, line := range []struct {
			resource     string
			used, change int64
		}{
			{"volumes", u.Volumes, change.Volumes},
			{"snapshots", u.Snapshots, change.Snapshots},
			{"gigabytes", u.Gigabytes, change.Gigabytes},
		} {
			limit := m.limit(project, line.resource+suffix)
			if line.change > 0 && limit >= 0 && line.used+line.change > limit {
				return false
			}
		}
	}
	return true
}

func (r *Row) String() string {
	if r == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %s: %s, %d GB of %s, text %q, items %v, project %s", r.Noun, r.ID, r.Status, r.Size, r.Type, r.Text, r.Items, r.Project)
}

// merged are the items after a call.
func merged(stored map[string]string, key, value string, replace bool) map[string]string {
	items := map[string]string{}
	if !replace {
		maps.Copy(items, stored)
	}
	items[key] = value
	return items
}

package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// task is one kind of job, with what it works on.
type task struct {
	name    string
	prepare func(*rig) error // makes what must be there, with work that goes well
	start   func(*rig) error // queues the job; r.id is its object
	want    string           // status in the end; empty: gone
	broken  string           // status when it is given up
}

var tasks = []task{
	{"volume.create", nil, (*rig).createVolume, "available", "error"},
	{"volume.extend", (*rig).createVolume, (*rig).extendVolume, "available", "error_extending"},
	{"volume.delete", (*rig).createVolume, (*rig).deleteVolume, "", "error_deleting"},
	{"volume.delete with snapshots", (*rig).createSnapshot, (*rig).deleteVolume, "", "error_deleting"},
	{"snapshot.create", (*rig).createVolume, (*rig).addSnapshot, "available", "error"},
	{"snapshot.delete", (*rig).createSnapshot, (*rig).deleteSnapshot, "", "error_deleting"},
	{"volume.create from a snapshot", (*rig).createSnapshot, (*rig).restoreVolume, "available", "error"},
	{"volume.create from a volume", (*rig).createVolume, (*rig).cloneVolume, "available", "error"},
	{"volume.rollback", (*rig).createSnapshot, (*rig).rollBack, "available", "error_rollbacking"},
	{"volume.rollback with a safety snapshot", (*rig).createSnapshot, (*rig).rollBackSafely, "available", "error_rollbacking"},
	{"volume.rollback by revert", (*rig).createSnapshot, (*rig).revert, "available", "error"},
}

var mishaps = []mishap{twice, failing, losing, alwaysFail, dyingFirst, dyingAfter, frozen, frozenPast}

// Each kind of job, at each transaction and each call of the driver: done twice,
// failing once, losing its answer, failing for good; the worker dead there, or
// standing still there while another takes over, and then going on. Whatever
// comes, the object ends as it should, rows, usage and driver agree, what comes
// late is refused, and everything can be deleted.
func TestJobsSurviveMishapsAtEveryPoint(t *testing.T) {
	for _, task := range tasks {
		t.Run(task.name, func(t *testing.T) { runTask(t, task, openFake, nil, mishaps) })
	}
}

// The same at every point of a job that cannot succeed: it is given up all the same.
func TestJobsThatFailAreGivenUpAtEveryPoint(t *testing.T) {
	broken := func(d driver.Driver) driver.Driver {
		m := newMeddler(d)
		m.fault(Op{Word: "any", Mode: Fails, Count: 1 << 30})
		return m
	}
	hard := []mishap{twice, failing, losing, dyingFirst, dyingAfter, frozen, frozenPast}
	for _, task := range tasks {
		task.want = task.broken
		t.Run(task.name, func(t *testing.T) { runTask(t, task, openFake, broken, hard) })
	}
}

// The driver that ships keeps its fences as the fake does.
func TestJobsSurviveMishapsOnLayers(t *testing.T) {
	for _, task := range tasks {
		t.Run(task.name, func(t *testing.T) { runTask(t, task, openLayers, nil, mishaps) })
	}
}

// A job that this version does not know, written by another, is given up, and its
// object gets a status with an exit.
func TestJobOfAnotherVersionIsGivenUp(t *testing.T) {
	dir := folder(t)
	synctest.Test(t, func(t *testing.T) {
		r, err := newRig(dir, openFake)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close(t)
		for _, status := range []block.VolumeStatus{block.VolumeCreating, block.VolumeExtending, block.VolumeDeleting, "migrating-by-2.0"} {
			if err := errors.Join(r.createVolume(), r.work(time.Second), r.strange(status), r.work(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if is := block.VolumeStatus(r.status()); !strings.HasPrefix(string(is), "error") {
				t.Errorf("a volume that was %s is %s", status, is)
			}
			if err := errors.Join(r.leftovers(), r.empty()); err != nil {
				t.Errorf("%s: %v", status, err)
			}
		}
	})
}

// strange gives the volume a status, and a job whose kind nobody knows.
func (r *rig) strange(status block.VolumeStatus) error {
	return r.store.InTx(context.Background(), func(tx block.Tx) error {
		stored, err := tx.Volume(r.volume)
		if err != nil {
			return err
		}
		vol := *stored
		vol.Status = status
		return errors.Join(tx.SaveVolume(&vol), tx.Enqueue(&jobs.Job{
			ID: parts().NewHex(), Kind: "volume.migrate", ResourceID: vol.ID, ProjectID: vol.ProjectID, Args: `{"to":"elsewhere"}`}))
	})
}

func openFake(string) (driver.Driver, error) { return fake.New(), nil }

func openLayers(dir string) (driver.Driver, error) { return layers.Open(dir, layers.Options{}) }

// runTask runs a task undisturbed, to learn its points, and then with each mishap
// at each of them. Harm is done to the worker's driver in every run.
func runTask(t *testing.T, task task, open func(string) (driver.Driver, error), harm func(driver.Driver) driver.Driver, mishaps []mishap) {
	t.Parallel()
	dir := folder(t)
	var failed []error
	ran := 0
	synctest.Test(t, func(t *testing.T) {
		r, err := newRig(dir, open)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close(t)
		r.harm = harm
		points, err := r.run(task, -1, noMishap, "")
		if err != nil {
			t.Fatalf("undisturbed: %v", err)
		}
		for _, m := range mishaps {
			for i, point := range points {
				if m == twice && harm != nil && point != "transaction" {
					continue // it fails the first time
				}
				ran++
				if _, err := r.run(task, i, m, point); err != nil {
					failed = append(failed, fmt.Errorf("%d. point of %q, %s, %s: %w", i, points, point, m, err))
					if len(failed) > 2 {
						return
					}
				}
			}
		}
	})
	for _, err := range failed {
		t.Error(err)
	}
	t.Logf("%d mishaps", ran)
}

// run runs the task once, the mishap at the i-th point, and tells the points
// that were passed.
func (r *rig) run(task task, i int, m mishap, point string) ([]string, error) {
	if task.prepare != nil {
		if err := task.prepare(r); err != nil {
			return nil, err
		}
		if err := r.work(time.Minute); err != nil {
			return nil, err
		}
	}
	if err := task.start(r); err != nil {
		return nil, err
	}
	w := hire(r.store, r.harmed(), r.attempts(), i, m)
	points, err := r.meet(task, w, point)
	if err != nil {
		return nil, err
	}
	if err := r.leftovers(); err != nil {
		return nil, err
	}
	return points, r.empty()
}

// meet waits for the mishap and what comes of it.
func (r *rig) meet(task task, w *worker, point string) ([]string, error) {
	defer w.dismiss()
	stops := slices.Contains([]mishap{dyingFirst, dyingAfter, frozen, frozenPast}, w.mishap)
	if !stops {
		time.Sleep(10 * time.Minute) // longer than all attempts
		points := w.points()
		if w.met != point {
			return nil, fmt.Errorf("the mishap came at %q, not at %q", w.met, point)
		}
		if w.mishap == alwaysFail && point == "transaction" { // nothing can be written: nothing can be over
			w.dismiss()
			if err := r.work(10 * time.Minute); err != nil {
				return nil, err
			}
		}
		return points, r.ends(task, w.mishap == alwaysFail)
	}
	select {
	case <-w.stopped:
	case <-time.After(10 * time.Minute):
	}
	if w.met != point {
		return nil, fmt.Errorf("the mishap came at %q, not at %q", w.met, point)
	}
	other := hire(r.store, r.harmed(), r.attempts(), -1, noMishap)
	time.Sleep(15 * time.Minute) // a lease and all attempts
	other.dismiss()
	if err := r.ends(task, false); err != nil {
		return nil, fmt.Errorf("another worker took over: %w", err)
	}
	return nil, r.late(w)
}

// late lets a worker that has lost its lease go on, and checks that nothing comes
// of it. A driver may call a deletion done that another has done before.
func (r *rig) late(w *worker) error {
	before, err := r.rows()
	if err != nil {
		return err
	}
	w.goOn()
	time.Sleep(time.Minute) // by then all that it still does is done
	w.dismiss()
	synctest.Wait()
	after, err := r.rows()
	if err != nil {
		return err
	}
	for _, got := range w.tooLate() {
		again := errors.Is(got, errDone) && strings.HasPrefix(got.Error(), "delete")
		if !again && !errors.Is(got, driver.ErrFenced) && !errors.Is(got, errBroken) {
			return fmt.Errorf("a call of the driver by a worker that has lost its lease was not refused: %w", got)
		}
	}
	if before != after {
		return fmt.Errorf("a worker that has lost its lease changed\n%s\nto\n%s", before, after)
	}
	return nil
}

// ends holds the object to the status it must have in the end.
func (r *rig) ends(task task, mayFail bool) error {
	status := r.status()
	if status == task.want || (mayFail && status == task.broken) {
		return nil
	}
	return fmt.Errorf("it ends as %q, must be %q; jobs: %s", status, task.want, r.jobs())
}

// status is that of the task's object; empty when it is gone.
func (r *rig) status() string {
	ctx := context.Background()
	if v, err := r.store.Volume(ctx, r.id); err == nil {
		return string(v.Status)
	}
	if s, err := r.store.Snapshot(ctx, r.id); err == nil {
		return string(s.Status)
	}
	return ""
}

func (r *rig) jobs() (text string) {
	live, err := r.store.LiveJobs(context.Background(), "", 100)
	for _, j := range live {
		text += fmt.Sprintf("%s of %s is %s, attempt %d, %s; ", j.Kind, j.ResourceID, j.State, j.Attempt, j.Error)
	}
	if err != nil {
		text += err.Error()
	}
	return text
}

// model makes a model of what the rows say, to hold driver and usage to it.
func (r *rig) model() (*Model, error) {
	ctx := context.Background()
	m := NewModel(Caller{Name: "member", Project: member.ProjectID})
	vols, err := r.store.Volumes(ctx, block.List{Limit: block.MaxPage})
	if err != nil {
		return nil, err
	}
	for _, v := range vols {
		m.add(&Row{Noun: AVolume, ID: v.ID, Project: v.ProjectID, Status: string(v.Status), Size: int64(v.Size),
			Type: v.TypeID, Source: v.SourceVolumeID + v.SnapshotID, odd: v.Status == block.VolumeErrorExtending})
	}
	snaps, err := r.store.Snapshots(ctx, block.List{Limit: block.MaxPage})
	if err != nil {
		return nil, err
	}
	for _, s := range snaps {
		m.add(&Row{Noun: ASnapshot, ID: s.ID, Project: s.ProjectID, Status: string(s.Status), Size: int64(s.Size),
			Type: s.TypeID, Parent: s.VolumeID})
	}
	return m, nil
}

// leftovers looks for jobs that are not over, rows that wait, usage that is not
// the count, and objects without row or rows without object.
func (r *rig) leftovers() error {
	if jobs := r.jobs(); jobs != "" {
		return fmt.Errorf("jobs are left: %s", jobs)
	}
	m, err := r.model()
	if err != nil {
		return err
	}
	for _, row := range m.Rows {
		if slices.Contains(waiting, row.Status) {
			return fmt.Errorf("it waits for ever: %s", row)
		}
	}
	usage, err := r.usage()
	if err != nil {
		return err
	}
	held, err := holdings(context.Background(), r.disk)
	if err != nil {
		return err
	}
	return errors.Join(m.usageIs(usage), m.bytesAre(held))
}

func (r *rig) usage() (map[string]map[string]Usage, error) {
	used, err := r.store.Usages(context.Background(), member.ProjectID)
	usage := map[string]Usage{}
	for typeID, u := range used {
		usage[typeID] = Usage{u.Volumes, u.Snapshots, u.Gigabytes}
	}
	return map[string]map[string]Usage{member.ProjectID: usage}, err
}

// rows are all rows, and what the driver holds, as text.
func (r *rig) rows() (string, error) {
	m, err := r.model()
	if err != nil {
		return "", err
	}
	usage, err := r.usage()
	if err != nil {
		return "", err
	}
	held, err := holdings(context.Background(), r.disk)
	slices.SortFunc(held, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Volume, b.Volume), cmp.Compare(a.Snapshot, b.Snapshot))
	})
	text := fmt.Sprintln(usage, held)
	for _, id := range m.Made {
		text += m.Rows[id].String() + "\n"
	}
	return text, err
}

// empty deletes everything, as its owner or at worst an administrator may, and
// checks that nothing is left of it.
func (r *rig) empty() error {
	ctx := context.Background()
	m, err := r.model()
	if err != nil {
		return err
	}
	for _, id := range slices.Concat(m.live(ASnapshot), m.live(AVolume)) {
		plain, force := r.front.DeleteVolume(ctx, member, id, false), error(nil)
		if m.Rows[id].Noun == ASnapshot {
			plain = r.front.DeleteSnapshot(ctx, member, id)
		}
		if block.KindOf(plain) == block.WrongStatus && m.Rows[id].Noun == ASnapshot {
			force = r.front.ForceDeleteSnapshot(ctx, chief, id)
		} else {
			force = plain
		}
		if force != nil {
			return fmt.Errorf("%s cannot be deleted: %w", m.Rows[id], errors.Join(plain, force))
		}
		if err := r.work(time.Second); err != nil {
			return err
		}
	}
	if m, err = r.model(); err != nil {
		return err
	}
	held, err := holdings(ctx, r.disk)
	if err == nil && len(m.Rows)+len(held) > 0 {
		err = fmt.Errorf("%d rows and %v are left after all was deleted", len(m.Rows), held)
	}
	return errors.Join(err, r.leftovers())
}

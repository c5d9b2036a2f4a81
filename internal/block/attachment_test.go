package block_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// wires is a data path whose clients cannot be cut off while it is stuck.
type wires struct {
	mu       sync.Mutex
	stuck    bool
	revoked  []string
	adjusted []string // volume and IOPS
}

func (w *wires) Locate(id string) block.Location { return block.Location{Kind: "nbd", Name: id} }

func (w *wires) Adjust(id string, limits block.IOLimits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.adjusted = append(w.adjusted, fmt.Sprintf("%s %d", id, limits.TotalIOPS))
}

func (w *wires) Revoke(ctx context.Context, id string) error {
	w.mu.Lock()
	stuck := w.stuck
	w.mu.Unlock()
	if stuck {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Minute):
			return errors.New("a request hangs")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = append(w.revoked, id)
	return nil
}

func (w *wires) set(stuck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = stuck
}

// cut tells whether a connection's clients were cut off.
func (w *wires) cut(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.revoked, id)
}

// onWires runs a test with a runner, a data path and a volume that is available.
func onWires(t *testing.T, multiattach bool, test func(*rig, *wires, *block.Volume), faults ...fake.Fault) {
	onRig(t, faults, func(r *rig) {
		w := &wires{}
		r.wires = w
		r.serve()
		r.start()
		v := r.volume(block.NewVolume{Size: 1, Multiattach: multiattach})
		r.settle(time.Second)
		test(r, w, v)
		r.healthy()
	})
}

func (r *rig) attach(v *block.Volume, host string) *block.Attachment {
	r.t.Helper()
	a, err := r.service.CreateAttachment(r.t.Context(), demo, block.NewAttachment{VolumeID: v.ID, ServerID: host, Connector: &block.Connector{Host: host, JSON: host}})
	r.must(err)
	r.must(r.service.CompleteAttachment(r.t.Context(), demo, a.ID))
	return a
}

// opens checks whether a connection may be used.
func (r *rig) opens(a *block.Attachment, want bool) {
	r.t.Helper()
	if _, err := r.service.Export(r.t.Context(), a.ConnectionID); (err == nil) != want || (err != nil && block.KindOf(err) != block.NotFound) {
		r.t.Errorf("attachment %s: got %v, want it open: %v", a.ID, err, want)
	}
}

func TestAVolumeIsNotFreeWhileADetachedClientIsStillAtWork(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		a := r.attach(v, "one")
		r.opens(a, true)
		w.set(true)
		left, err := r.service.DeleteAttachment(t.Context(), demo, a.ID)
		if err != nil || len(left) != 1 || left[0].Status != block.AttachmentDetaching {
			t.Errorf("got %v, %v, want it still detaching", left, err)
		}
		r.volumeIs(v.ID, block.VolumeDetaching)
		r.opens(a, false)
		x, err := r.service.ExplainVolume(t.Context(), demo, v.ID)
		r.explains(x, err, "detaching", "cut off")
		r.must(r.service.RollDetaching(t.Context(), demo, v.ID))
		r.volumeIs(v.ID, block.VolumeDetaching)
		if err := r.service.DeleteVolume(t.Context(), demo, v.ID, false); block.KindOf(err) != block.WrongStatus {
			t.Errorf("got %v, want it kept", err)
		}
		w.set(false)
		r.settle(5 * time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		if !w.cut(a.ConnectionID) {
			t.Errorf("%s was not cut off", a.ConnectionID)
		}
	})
}

func TestAClientThatIsNeverCutOffLeavesAVolumeThatCanBeDetachedAgain(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		a := r.attach(v, "one")
		w.set(true)
		_, err := r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)
		r.settle(24 * time.Hour)
		r.volumeIs(v.ID, block.VolumeInUse)
		if got, err := r.service.Attachment(t.Context(), demo, a.ID); err != nil || got.Status != block.AttachmentErrorDetaching {
			t.Errorf("got %+v, %v", got, err)
		}
		r.opens(a, false)
		x, err := r.service.ExplainVolume(t.Context(), demo, v.ID)
		r.must(err)
		if !strings.Contains(x.Next, "could not be cut off") {
			t.Errorf("got %+v", x)
		}
		d, err := r.service.Diagnose(t.Context(), false)
		if err != nil || len(d.Findings) != 1 || d.Findings[0].Problem != block.StatusProblem {
			t.Errorf("the doctor finds %+v, %v", d.Findings, err)
		}
		w.set(false)
		left, err := r.service.DeleteAttachment(t.Context(), demo, a.ID)
		if err != nil || len(left) != 0 {
			t.Errorf("got %v, %v", left, err)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.settle(time.Minute)
	})
}

func TestASharedVolumeIsFreeWithItsLastAttachment(t *testing.T) {
	onWires(t, true, func(r *rig, _ *wires, v *block.Volume) {
		one, two := r.attach(v, "one"), r.attach(v, "two")
		r.volumeIs(v.ID, block.VolumeInUse)
		left, err := r.service.DeleteAttachment(t.Context(), demo, one.ID)
		if err != nil || len(left) != 1 || left[0].ID != two.ID {
			t.Errorf("got %v, %v", left, err)
		}
		r.volumeIs(v.ID, block.VolumeInUse)
		r.opens(one, false)
		r.opens(two, true)
		_, err = r.service.DeleteAttachment(t.Context(), demo, two.ID)
		r.must(err)
		r.volumeIs(v.ID, block.VolumeAvailable)
		for i := range block.MaxAttachments {
			r.attach(v, string(rune('a'+i)))
		}
		_, err = r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID})
		if block.KindOf(err) != block.WrongStatus {
			t.Errorf("one too many: got %v", err)
		}
		r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
		r.settle(time.Minute)
		r.empty()
	})
}

func TestAnotherClientOfAnAttachmentGetsAnotherName(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		a := r.attach(v, "one")
		same, err := r.service.UpdateAttachment(t.Context(), demo, a.ID, &block.Connector{Host: "one", JSON: "one"})
		if err != nil || same.ConnectionID != a.ConnectionID {
			t.Errorf("the same client: got %+v, %v", same, err)
		}
		next, err := r.service.UpdateAttachment(t.Context(), demo, a.ID, &block.Connector{Host: "two", JSON: "two"})
		if err != nil || next.ConnectionID == a.ConnectionID || next.HostName != "two" {
			t.Errorf("another client: got %+v, %v", next, err)
		}
		r.opens(a, false)
		r.opens(next, true)
		if !w.cut(a.ConnectionID) || w.cut(next.ConnectionID) {
			t.Errorf("cut off: the client before %v, the one after %v", w.cut(a.ConnectionID), w.cut(next.ConnectionID))
		}
		if err := r.service.SetVolumeReadonly(t.Context(), demo, v.ID, true); block.KindOf(err) != block.WrongStatus {
			t.Errorf("readonly while attached: got %v", err)
		}
		_, err = r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)
		r.must(r.service.SetVolumeReadonly(t.Context(), demo, v.ID, true))
		if err := r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{ServerID: "s", Mode: "rw"}); block.KindOf(err) != block.Invalid {
			t.Errorf("to write a volume that may only be read: got %v", err)
		}
		read := r.attach(v, "three")
		if x, err := r.service.Export(t.Context(), read.ConnectionID); err != nil || !x.ReadOnly || read.Mode != block.ModeReadOnly {
			t.Errorf("got %+v, %v, want it read-only", x, err)
		}
	})
}

package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// later makes the first extension wait for its second attempt.
var later = fake.Fault{Call: fake.Extend, Nth: 1, Err: errors.New("not now")}

// grow begins to extend a volume that is attached.
func (r *rig) grow(v *block.Volume) {
	r.t.Helper()
	const inUse = true
	r.must(r.service.ExtendVolume(r.t.Context(), demo, v.ID, 2, inUse))
	r.settle(time.Millisecond)
	r.volumeIs(v.ID, block.VolumeExtending)
}

// grown checks that an extension was done, whatever came between.
func (r *rig) grown(v *block.Volume, want block.VolumeStatus) {
	r.t.Helper()
	r.settle(5 * time.Minute)
	r.volumeIs(v.ID, want)
	got, err := r.service.Volume(r.t.Context(), demo, v.ID)
	if err != nil || got.Size != 2 || got.ExtendTo != 0 {
		r.t.Errorf("got %+v, %v, want it grown", got, err)
	}
}

func TestAnAttachmentThatIsCompletedAgainDoesNotEndAnExtension(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		a := r.attach(v, "one")
		r.grow(v)
		r.must(r.service.CompleteAttachment(t.Context(), demo, a.ID))
		r.volumeIs(v.ID, block.VolumeExtending)
		r.grown(v, block.VolumeInUse)
	}, later)
}

func TestAVolumeThatIsDetachedWhileItGrowsRestsAsItsAttachmentsHaveIt(t *testing.T) {
	for name, tc := range map[string]struct {
		more  *block.Connector // of a second attachment of the same server; nil: it is only reserved
		stuck bool
		want  block.VolumeStatus
	}{
		"reserved":  {nil, false, block.VolumeReserved},
		"attaching": {&block.Connector{Host: "two", JSON: "two"}, false, block.VolumeAttaching},
		"detaching": {nil, true, block.VolumeReserved},
	} {
		t.Run(name, func(t *testing.T) {
			onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
				a := r.attach(v, "one")
				_, err := r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID, ServerID: "one", Connector: tc.more})
				r.must(err)
				r.volumeIs(v.ID, block.VolumeInUse)
				r.grow(v)
				w.set(tc.stuck)
				_, err = r.service.DeleteAttachment(t.Context(), demo, a.ID)
				r.must(err)
				r.settle(30 * time.Second)
				w.set(false)
				r.grown(v, tc.want)
			}, later)
		})
	}
}

func TestAForcedDeletionThatFailsLeavesNoWayToTheBytes(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		a := r.attach(v, "one")
		r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
		r.opens(a, false)
		r.settle(24 * time.Hour)
		r.volumeIs(v.ID, block.VolumeErrorDeleting)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.opens(a, false)
		if !w.cut(a.ConnectionID) {
			t.Error("the client is still there")
		}
		next := r.attach(v, "two")
		r.opens(a, false)
		r.opens(next, true)
	}, fake.Fault{Call: fake.Delete, Err: errors.New("never")})
}

func TestAVolumeChangesHandsOnlyWithoutClients(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		a := r.attach(v, "one")
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		offer := func() error {
			_, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
			return err
		}
		if err := offer(); block.KindOf(err) != block.WrongStatus {
			t.Errorf("with an attachment: got %v", err)
		}
		_, err := r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)

		r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
		host := &block.Connector{Host: "two", JSON: "two"}
		_, err = r.service.InitializeConnection(t.Context(), demo, v.ID, host)
		r.must(err)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		if err := offer(); block.KindOf(err) != block.WrongStatus {
			t.Errorf("with a connection: got %v", err)
		}
		if err := r.service.UnmanageVolume(t.Context(), admin, v.ID); block.KindOf(err) != block.WrongStatus {
			t.Errorf("unmanage with a connection: got %v", err)
		}
		r.must(r.service.TerminateConnection(t.Context(), demo, v.ID, host))
		r.must(offer())
	})
}

func TestAHostThatIsAttachedToReadGetsAConnectionToRead(t *testing.T) {
	onWires(t, true, func(r *rig, _ *wires, v *block.Volume) {
		r.must(r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{HostName: "reader", Device: "/dev/vdb", Mode: block.ModeReadOnly}))
		r.must(r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{HostName: "writer", Device: "/dev/vdb", Mode: block.ModeReadWrite}))
		for host, readOnly := range map[string]bool{"reader": true, "writer": false, "another": false} {
			got, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: host, JSON: host})
			if err != nil || got.ReadOnly != readOnly {
				t.Errorf("%s: got %+v, %v, want read-only %v", host, got, err, readOnly)
				continue
			}
			if x, err := r.service.Export(t.Context(), got.Name); err != nil || x.ReadOnly != readOnly {
				t.Errorf("%s: the export: %+v, %v", host, x, err)
			}
		}
	})
}

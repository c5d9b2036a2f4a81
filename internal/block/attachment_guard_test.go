package block_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// refused checks the kind of an error and, unless text is empty, a part of what it says.
func (r *rig) refused(what string, err error, kind block.Kind, text string) {
	r.t.Helper()
	if err == nil || block.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		r.t.Errorf("%s: got %v, want kind %v and %q", what, err, kind, text)
	}
}

func TestAttachmentsOfAnotherProjectAreNotThere(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		stranger := block.Caller{UserID: "s", ProjectID: "elsewhere"}
		a := r.attach(v, "one")
		_, shown := r.service.Attachment(t.Context(), stranger, a.ID)
		_, updated := r.service.UpdateAttachment(t.Context(), stranger, a.ID, &block.Connector{Host: "two", JSON: "two"})
		_, deleted := r.service.DeleteAttachment(t.Context(), stranger, a.ID)
		_, made := r.service.CreateAttachment(t.Context(), stranger, block.NewAttachment{VolumeID: v.ID})
		for what, err := range map[string]error{
			"show": shown, "update": updated, "delete": deleted, "create": made,
			"complete":   r.service.CompleteAttachment(t.Context(), stranger, a.ID),
			"detach":     r.service.DetachVolume(t.Context(), stranger, v.ID, a.ID),
			"terminate":  r.service.TerminateConnection(t.Context(), stranger, v.ID, nil),
			"begin":      r.service.BeginDetaching(t.Context(), stranger, v.ID),
			"force":      r.service.ForceDetachVolume(t.Context(), stranger, v.ID, a.ID, nil),
			"unreserve":  r.service.UnreserveVolume(t.Context(), stranger, v.ID),
			"initialize": second(r.service.InitializeConnection(t.Context(), stranger, v.ID, &block.Connector{Host: "two"})),
		} {
			r.refused(what, err, block.NotFound, "")
		}
		if list, err := r.service.Attachments(t.Context(), stranger, block.List{}, true); err != nil || len(list) != 0 {
			t.Errorf("a stranger's list: %v, %v", list, err)
		}
		r.opens(a, true)
		if w.cut(a.ConnectionID) {
			t.Error("a stranger cut the client off")
		}
	})
}

// One client at a time has a volume that is not shared, however many attachments one
// server may have of it while it moves.
func TestAVolumeThatIsNotSharedHasOneClient(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		a := r.attach(v, "server")
		next, err := r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID, ServerID: "server"})
		r.must(err)
		_, err = r.service.UpdateAttachment(t.Context(), demo, next.ID, &block.Connector{Host: "two", JSON: "two"})
		r.refused("a second client", err, block.Conflict, "duplicate connectors")
		r.opens(a, true)
		_, err = r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)
		next, err = r.service.UpdateAttachment(t.Context(), demo, next.ID, &block.Connector{Host: "two", JSON: "two"})
		r.must(err)
		r.opens(next, true)
	})
}

func TestAVolumeInErrorIsNotAttached(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		reserved, err := r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID})
		r.must(err)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeError))
		_, err = r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID})
		r.refused("create", err, block.WrongStatus, "error state")
		_, err = r.service.UpdateAttachment(t.Context(), demo, reserved.ID, &block.Connector{Host: "one", JSON: "one"})
		r.refused("update", err, block.Conflict, "error state")
	})
}

// What os-initialize_connection gave to a host ends with the attachment of that host.
func TestDetachingEndsTheConnectionsOfItsHost(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		_, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"})
		r.refused("a connection to what is available", err, block.WrongStatus, "")
		r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
		info, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"})
		r.must(err)
		r.must(r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{HostName: "one", Mode: block.ModeReadWrite}))
		_, err = r.service.Export(t.Context(), info.Name)
		r.must(err)
		r.must(r.service.BeginDetaching(t.Context(), demo, v.ID))
		r.must(r.service.DetachVolume(t.Context(), demo, v.ID, ""))
		_, err = r.service.Export(t.Context(), info.Name)
		r.refused("the connection", err, block.NotFound, "")
		if !w.cut(info.Name) {
			t.Error("the client was not cut off")
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
	})
}

// A volume that was only reserved is not available while a client is still at work.
func TestAReservedVolumeIsNotFreeWhileAClientIsStillAtWork(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
		first, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"})
		r.must(err)
		_, err = r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "two"})
		r.must(err)
		r.must(r.service.TerminateConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"}))
		r.volumeIs(v.ID, block.VolumeAttaching) // the other host has it
		w.set(true)
		r.must(r.service.UnreserveVolume(t.Context(), demo, v.ID))
		r.volumeIs(v.ID, block.VolumeDetaching)
		w.set(false)
		r.settle(5 * time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		if !w.cut(first.Name) {
			t.Error("the first client was not cut off")
		}
	})
}

func TestConnectionsHaveABound(t *testing.T) {
	onWires(t, true, func(r *rig, _ *wires, v *block.Volume) {
		r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
		host := func(i int) *block.Connector { return &block.Connector{Host: strings.Repeat("h", i+1)} }
		for i := range 2 * block.MaxAttachments {
			_, err := r.service.InitializeConnection(t.Context(), demo, v.ID, host(i))
			r.must(err)
		}
		_, err := r.service.InitializeConnection(t.Context(), demo, v.ID, host(2*block.MaxAttachments))
		r.refused("one too many", err, block.WrongStatus, "may not have more")
		_, err = r.service.InitializeConnection(t.Context(), demo, v.ID, host(0))
		r.must(err) // asked again, it is none more
	})
}

// The status says available because somebody set it; whoever is attached has the
// volume open all the same.
func TestAVolumeWithClientsIsNeitherGivenNorOverwritten(t *testing.T) {
	for _, how := range []string{"attached", "connected"} {
		t.Run(how, func(t *testing.T) {
			onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
				b := r.backup(block.NewBackup{VolumeID: v.ID})
				i := r.image(demo)
				r.must(r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(1<<20)), -1))
				r.settle(time.Minute)
				r.backupIs(b.ID, block.BackupAvailable)
				if how == "attached" {
					r.must(r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{ServerID: "s", Mode: block.ModeReadWrite}))
				} else {
					r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
					_, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"})
					r.must(err)
					r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeError))
					r.refused("reimage", r.service.ReimageVolume(t.Context(), demo, v.ID, i.ID, true), block.WrongStatus, "must not be in use")
				}
				snap, err := r.service.CreateSnapshot(t.Context(), demo, block.NewSnapshot{VolumeID: v.ID, Force: true})
				if how == "connected" { // in error, it has none
					r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
					snap, err = r.service.CreateSnapshot(t.Context(), demo, block.NewSnapshot{VolumeID: v.ID})
				}
				r.must(err)
				r.settle(time.Second)
				r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
				to := block.Rollback{VolumeID: v.ID, SnapshotID: snap.ID}
				r.refused("rollback", second(r.service.RollBack(t.Context(), demo, to)), block.WrongStatus, "must not be")
				r.refused("revert", second(r.service.RevertVolume(t.Context(), demo, to)), block.WrongStatus, "must not be")
				_, _, offered := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
				r.refused("transfer", offered, block.WrongStatus, "must not be")
				_, _, restored := r.service.RestoreBackup(t.Context(), demo, b.ID, v.ID, block.Text{})
				r.refused("restore", restored, block.WrongStatus, "must not be")
				r.refused("unmanage", r.service.UnmanageVolume(t.Context(), admin, v.ID), block.WrongStatus, "must not be")
				r.volumeIs(v.ID, block.VolumeAvailable)
				r.must(r.service.DeleteSnapshot(t.Context(), demo, snap.ID))
				r.must(r.service.DeleteBackup(t.Context(), demo, b.ID))
				r.settle(time.Minute)
				r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
				r.settle(time.Minute)
			})
		})
	}
}

// Deleting cuts off whoever has the volume open before its bytes go, and leaves
// nothing by which anybody could come back.
func TestForceDeleteCutsClientsOffAndLeavesNoWayBack(t *testing.T) {
	onWires(t, true, func(r *rig, w *wires, v *block.Volume) {
		one, two := r.attach(v, "one"), r.attach(v, "two")
		r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
		r.settle(time.Minute)
		r.volumeIs(v.ID, "")
		if !w.cut(one.ConnectionID) || !w.cut(two.ConnectionID) {
			t.Error("a client was not cut off")
		}
		for _, a := range []*block.Attachment{one, two} {
			if _, err := r.store.Connection(t.Context(), a.ConnectionID); block.KindOf(err) != block.NotFound {
				t.Errorf("connection %s is left: %v", a.ConnectionID, err)
			}
			if _, err := r.store.Attachment(t.Context(), a.ID); block.KindOf(err) != block.NotFound {
				t.Errorf("attachment %s is left: %v", a.ID, err)
			}
		}
		r.empty()
	})
}

// Also a deletion that is not forced, of a volume that is available only because
// somebody said so.
func TestDeletionCutsOffWhoeverIsConnectedStill(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, v *block.Volume) {
		r.must(r.service.ReserveVolume(t.Context(), demo, v.ID))
		info, err := r.service.InitializeConnection(t.Context(), demo, v.ID, &block.Connector{Host: "one"})
		r.must(err)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
		r.settle(time.Minute)
		r.volumeIs(v.ID, "")
		if !w.cut(info.Name) {
			t.Error("the client was not cut off")
		}
		if _, err := r.store.Connection(t.Context(), info.Name); block.KindOf(err) != block.NotFound {
			t.Errorf("the connection is left: %v", err)
		}
		r.empty()
	})
}

package block_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func (r *rig) verification(id string) *block.Verification {
	r.t.Helper()
	v, err := r.service.VolumeVerification(r.t.Context(), demo, id)
	r.must(err)
	return v
}

func TestVerificationGoesOnBesideOtherWork(t *testing.T) {
	onRig(t, hang(fake.Check, 1), func(r *rig) {
		v, s := r.pair()
		begun, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		r.must(err)
		r.settle(time.Minute)
		again, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		if err != nil || again.ID != begun.ID || again.Status != block.Verifying {
			t.Errorf("a second one: got %+v, %v, want the one under way", again, err)
		}
		r.rollBack(v, s, false) // its lane is not the volume's
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.healthyUnverified()
		r.settle(20 * time.Minute)
		if got := r.verification(v.ID); got.Status != block.Verifying {
			t.Errorf("after 20 minutes it is %s: a large volume takes longer", got.Status)
		}
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		r.volumeIs(v.ID, "")
		if _, err := r.store.Verification(t.Context(), v.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("the report of a volume that is gone: %v", err)
		}
		r.settle(time.Minute)
		r.empty()
	})
}

// healthyUnverified is healthy without a look at the bytes.
func (r *rig) healthyUnverified() {
	r.t.Helper()
	d, err := r.service.Diagnose(r.t.Context(), false)
	r.must(err)
	for _, f := range d.Findings {
		r.t.Errorf("%s: %s %s: %s", f.Problem, f.Object, f.ID, f.Says)
	}
}

func TestVerificationThatFailsSaysSoWithoutAHostsFiles(t *testing.T) {
	secret := fmt.Errorf("open /srv/secret/pool: %w", driver.ErrBusy)
	onRig(t, []fake.Fault{{Call: fake.Check, Err: secret}}, func(r *rig) {
		v, _ := r.pair()
		_, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		r.must(err)
		r.settle(10 * time.Minute)
		got := r.verification(v.ID)
		if got.Status != block.VerificationErr || got.FinishedAt.IsZero() || !strings.Contains(got.Error, "secret") || got.Cause() != driver.ErrBusy.Error() {
			t.Errorf("got %+v, cause %q", got, got.Cause())
		}
		again, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		if err != nil || again.ID == got.ID {
			t.Errorf("once more: got %+v, %v", again, err)
		}
	})
}

func TestVerificationWhoseJobWasEndedCanBeAskedForAnew(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, _ := r.pair()
		r.stop()
		begun, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		r.must(err)
		r.must(r.store.InTx(t.Context(), func(tx block.Tx) error {
			live, err := tx.LiveJobsOf(begun.ID)
			if err != nil || len(live) != 1 {
				return errors.Join(err, fmt.Errorf("%d jobs", len(live)))
			}
			return tx.EndJob(live[0])
		}))
		again, err := r.service.VerifyVolume(t.Context(), demo, v.ID, false)
		if err != nil || again.ID == begun.ID {
			t.Fatalf("got %+v, %v, want another", again, err)
		}
		r.start()
		r.settle(time.Second)
		if got := r.verification(v.ID); got.Status != block.Verified || got.ID != again.ID {
			t.Errorf("got %+v", got)
		}
		r.healthy()
	})
}

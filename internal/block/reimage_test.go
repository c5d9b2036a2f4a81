package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// overwritable is a volume with bytes at its beginning, inside and at its end, a
// snapshot of that, and an image of 5 MiB, which takes 1 GiB.
func (r *rig) overwritable(size block.Size) (v *block.Volume, snap *block.Snapshot, i *block.Image, bits []byte) {
	r.t.Helper()
	v = r.volume(block.NewVolume{Size: size})
	r.settle(time.Second)
	for _, off := range []int64{0, 3 << 20, far, size.Bytes() - 512} {
		r.write(v.ID, off, bytes.Repeat([]byte("before"), 512/6))
	}
	snap = r.snapshot(v.ID)
	i, bits = r.image(demo), content(5<<20)
	r.must(r.service.UploadImage(r.t.Context(), demo, i.ID, bytes.NewReader(bits), -1))
	r.settle(time.Second)
	return v, snap, i, bits
}

func TestAnImageOverwritesAllOfAVolumeAndNoSnapshotOfIt(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, snap, i, bits := r.overwritable(2)
		flushes := r.bytes.Count(fake.Flush)
		r.must(r.service.ReimageVolume(t.Context(), demo, v.ID, i.ID, false))
		r.volumeIs(v.ID, block.VolumeDownloading)
		r.refused("once more meanwhile", r.service.ReimageVolume(t.Context(), demo, v.ID, i.ID, true), block.WrongStatus, "")
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.holds(v.ID, 0, bits)
		for _, off := range []int64{5 << 20, far, v.Size.Bytes() - 512} {
			r.holds(v.ID, off, make([]byte, 512))
		}
		if r.bytes.Count(fake.Flush) == flushes {
			t.Error("the volume is called available before its bytes are durable")
		}
		got, err := r.service.Volume(t.Context(), demo, v.ID)
		if err != nil || !got.Bootable || got.ImageMetadata["image_id"] != i.ID {
			t.Errorf("got %+v, %v", got, err)
		}
		r.rollBack(v, snap, false)
		r.settle(time.Second)
		r.holds(v.ID, far, []byte("before"))
		r.healthy()
	})
}

func TestOnlyAVolumeThatRestsIsOverwritten(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		i := r.image(demo)
		queued := r.image(demo)
		r.must(r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(1<<20)), -1))
		again := func(reserved bool) error { return r.service.ReimageVolume(t.Context(), demo, v.ID, i.ID, reserved) }
		r.refused("with an image without bytes", r.service.ReimageVolume(t.Context(), demo, v.ID, queued.ID, false), block.Invalid, "")
		large := r.image(demo)
		r.must(r.service.UploadImage(t.Context(), demo, large.ID, bytes.NewReader(content(1<<20)), -1))
		_, err := r.service.UpdateImage(t.Context(), demo, large.ID, func(i *block.Image) error { i.MinDisk = 9; return nil })
		r.must(err)
		r.refused("with one that is too large", r.service.ReimageVolume(t.Context(), demo, v.ID, large.ID, false), block.Invalid, "")
		a := r.attach(v, "one")
		r.refused("in use", again(true), block.WrongStatus, "")
		_, err = r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)
		_, err = r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: v.ID})
		r.must(err)
		r.volumeIs(v.ID, block.VolumeReserved)
		r.refused("reserved, and nobody said so", again(false), block.WrongStatus, "")
		r.must(again(true))
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeReserved) // as it was
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeError))
		r.must(again(false))
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeReserved)
	})
}

// Whatever fails once is done again; what fails for good leaves a volume that can be
// deleted.
func TestOverwritingSurvivesAFailureAtEachCall(t *testing.T) {
	calls := []fake.Call{fake.Open, fake.ReadAt, fake.WriteAt, fake.WriteZeroes, fake.Flush}
	first, last := map[fake.Call]int{}, map[fake.Call]int{}
	overwrite := func(r *rig, check func(v *block.Volume, bits []byte)) {
		r.start()
		v, _, i, bits := r.overwritable(1)
		for _, call := range calls {
			first[call] = r.bytes.Count(call) + 1
		}
		r.must(r.service.ReimageVolume(r.t.Context(), demo, v.ID, i.ID, false))
		r.settle(10 * time.Minute)
		for _, call := range calls {
			last[call] = r.bytes.Count(call)
		}
		check(v, bits)
	}
	exact := func(r *rig) {
		overwrite(r, func(v *block.Volume, bits []byte) {
			r.volumeIs(v.ID, block.VolumeAvailable)
			r.holds(v.ID, 0, bits)
			r.holds(v.ID, far, make([]byte, 512))
			r.healthy()
		})
	}
	onRig(t, nil, exact)
	from, to := maps.Clone(first), maps.Clone(last) // of work that nothing disturbs
	broken := errors.New("the disk is broken")
	for _, call := range calls {
		some := slices.Compact([]int{from[call], to[call]})
		if testing.Short() {
			some = some[len(some)-1:]
		}
		for _, nth := range some {
			t.Run(fmt.Sprintf("%s %d", call, nth), func(t *testing.T) {
				onRig(t, []fake.Fault{{Call: call, Nth: nth, Err: broken}}, func(r *rig) {
					exact(r)
					if last[call] <= nth {
						t.Errorf("call %d was the last one: nothing was done again", nth)
					}
				})
			})
		}
	}
	onRig(t, []fake.Fault{{Call: fake.WriteZeroes, Err: driver.ErrInvalid}}, func(r *rig) {
		overwrite(r, func(v *block.Volume, _ []byte) {
			r.volumeIs(v.ID, block.VolumeError)
			r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
			r.settle(time.Minute)
			r.volumeIs(v.ID, "")
		})
	})
}

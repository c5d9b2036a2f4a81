package nbd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// pattern is n bytes that tell where they belong.
func pattern(n int, seed uint64) []byte {
	p := make([]byte, n)
	chacha := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	_, _ = chacha.Read(p) // never fails
	return p
}

func TestBytesComeBackAsTheyWereWritten(t *testing.T) {
	for _, structured := range []bool{true, false} {
		for _, n := range []int{1, 511, 4096, 65535, 65536, 65537, 1<<20 + 1, 32 << 20} {
			t.Run(fmt.Sprintf("structured=%v/%d", structured, n), func(t *testing.T) {
				r := serve(t, one(t, newDisk(33<<20)))
				c := attachSimple(t, r, "vol")
				if structured {
					c = attach(t, r, "vol")
				}
				data := pattern(n, uint64(n))
				c.want(0, write, 0, 77, uint32(n), data)
				if r := c.want(0, read, 0, 77, uint32(n), nil); !bytes.Equal(r.data, data) {
					t.Error("other bytes came back")
				} else if structured && r.off != 77 {
					t.Errorf("the chunk is of offset %d", r.off)
				}
			})
		}
	}
}

func TestCommandsAreCheckedAsTheProtocolSays(t *testing.T) {
	const size, top = 1 << 20, 1<<64 - 1
	big := make([]byte, 1<<20+1)
	for _, tc := range []struct {
		name        string
		kind, flags uint16
		off         uint64
		n           uint32
		payload     []byte
		want        uint32
	}{
		{"read up to the end", read, 0, size - 4096, 4096, nil, 0},
		{"read past the end", read, 0, size - 4095, 4096, nil, einval},
		{"read far past the end", read, 0, 1 << 62, 1, nil, einval},
		{"read where offset and length wrap around", read, 0, top, 1, nil, einval},
		{"read where the sum wraps to zero", read, 0, top - 4095, 4096, nil, einval},
		{"read nothing", read, 0, 0, 0, nil, einval},
		{"read unfragmented", read, df, 0, 4096, nil, 0},
		{"read with FUA", read, fua, 0, 4096, nil, 0},
		{"read with a flag of another command", read, noHole, 0, 4096, nil, einval},
		{"read with an unknown flag", read, 1 << 15, 0, 4096, nil, einval},
		{"read too much of a small export", read, 0, 0, size + 1, nil, einval},
		{"write past the end", write, 0, size - 1, 2, []byte("ab"), enospc},
		{"write where the sum wraps", write, 0, top, 2, []byte("ab"), enospc},
		{"write more than there is", write, 0, 0, size + 1, big, enospc},
		{"write with an unknown flag", write, 1 << 7, 0, 2, []byte("ab"), einval},
		{"write unfragmented", write, df, 0, 2, []byte("ab"), einval},
		{"write nothing", write, 0, 0, 0, nil, einval},
		{"flush", flush, 0, 0, 0, nil, 0},
		{"flush with FUA", flush, fua, 0, 0, nil, 0},
		{"flush with a flag of another command", flush, reqOne, 0, 0, nil, einval},
		{"trim", trim, 0, 0, 4096, nil, 0},
		{"trim past the end", trim, 0, size, 1, nil, einval},
		{"trim 4 GiB", trim, 0, 0, 1<<32 - 1, nil, einval},
		{"zero", zeroes, 0, 0, size, nil, 0},
		{"zero and keep the space", zeroes, noHole | fua, 0, 4096, nil, 0},
		{"zero past the end", zeroes, 0, 1, size, nil, enospc},
		{"zero fast or not at all", zeroes, fastZero, 0, 4096, nil, einval},
		{"status", status, 0, 0, size, nil, 0},
		{"status of one extent", status, reqOne, 0, size, nil, 0},
		{"status past the end", status, 0, size - 1, 2, nil, einval},
		{"cache", cache, 0, 0, 4096, nil, einval},
		{"resize", 8, 0, 0, 0, nil, einval},
		{"an unknown command", 0xabcd, 0, 0, 4096, nil, einval},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := attach(t, serve(t, oneRich(t, newRichDisk(size))), "vol")
			c.want(tc.want, tc.kind, tc.flags, tc.off, tc.n, tc.payload)
			c.want(0, read, 0, 0, 512, nil) // it goes on with the next request
		})
	}
}

func TestWithoutStructuredRepliesThereIsNoStatusAndNoUnfragmentedRead(t *testing.T) {
	c := attachSimple(t, serve(t, one(t, newDisk(4096))), "vol")
	if c.flags&dfFlag != 0 {
		t.Error("DF is offered")
	}
	c.want(einval, read, df, 0, 512, nil)
	c.want(einval, status, 0, 0, 512, nil)
	c.want(einval, trim, 0, 0, 512, nil)
	c.want(0, read, 0, 0, 512, nil)
}

func TestRequestsThatEndTheConnection(t *testing.T) {
	for _, tc := range []struct {
		name string
		send []byte
	}{
		{"a read of more than 32 MiB", command(read, 0, 1, 0, 32<<20+1, nil)},
		{"a write of more than 32 MiB", command(write, 0, 1, 0, 32<<20+1, nil)},
		{"a write of 4 GiB", command(write, 0, 1, 0, 1<<32-1, nil)},
		{"no request", []byte("some-bytes-that-are-no-request")},
		{"a reply", pack(uint32(0x67446698), make([]byte, 24))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDisk(64 << 20)
			r := serve(t, one(t, d))
			other := attach(t, r, "vol")
			c := attach(t, r, "vol")
			c.put(tc.send)
			c.wantEnd()
			eventually(t, "one warning was logged", func() bool { return len(r.log.with(`"WARN"`)) == 1 })
			if len(r.log.with("some-bytes")) != 0 {
				t.Error("what came was logged")
			}
			other.want(0, write, 0, 0, 1, []byte("x")) // the others go on
		})
	}
}

func TestFlushAndFUAReachTheDevice(t *testing.T) {
	d := newRichDisk(1 << 20)
	c := attach(t, serve(t, oneRich(t, d)), "vol")
	for _, tc := range []struct {
		name        string
		kind, flags uint16
		payload     []byte
		flushes     int32
	}{
		{"write", write, 0, make([]byte, 4096), 0},
		{"write with FUA", write, fua, make([]byte, 4096), 1},
		{"flush", flush, 0, nil, 1},
		{"zero", zeroes, 0, nil, 0},
		{"zero with FUA", zeroes, fua, nil, 1},
		{"trim with FUA", trim, fua, nil, 1},
		{"read with FUA", read, fua, nil, 0},
	} {
		before, n := d.flushes.Load(), uint32(4096)
		if tc.kind == flush {
			n = 0
		}
		c.want(0, tc.kind, tc.flags, 0, n, tc.payload)
		if got := d.flushes.Load() - before; got != tc.flushes {
			t.Errorf("%s: %d flushes of the device, want %d", tc.name, got, tc.flushes)
		}
		if tc.flushes > 0 && d.unflushed() != 0 {
			t.Errorf("%s was answered before it was durable", tc.name)
		}
	}
}

func TestAFlushOnOneConnectionCoversTheWritesOfAll(t *testing.T) {
	d := newDisk(1 << 20)
	r := serve(t, one(t, d))
	var clients []*client
	for i := range 4 {
		c := attach(t, r, "vol")
		c.want(0, write, 0, uint64(i)*4096, 4096, make([]byte, 4096))
		clients = append(clients, c)
	}
	clients[3].want(0, flush, 0, 0, 0, nil)
	if d.unflushed() != 0 || d.opened.Load() != 1 {
		t.Errorf("%d writes are not durable, the device was opened %d times", d.unflushed(), d.opened.Load())
	}
}

func TestZeroesReadAsZeroes(t *testing.T) {
	const size = 5 << 20
	plain, rich := newDisk(size), newRichDisk(size)
	for _, tc := range []struct {
		name    string
		exports map[string]nbd.Export
	}{{"on a device that cannot zero", one(t, plain)}, {"on one that can", oneRich(t, rich)}} {
		t.Run(tc.name, func(t *testing.T) {
			c := attach(t, serve(t, tc.exports), "vol")
			c.want(0, write, 0, 0, size, pattern(size, 1))
			c.want(0, zeroes, 0, 100, size-200, nil)
			want := pattern(size, 1)
			clear(want[100 : size-100])
			if r := c.want(0, read, 0, 0, size, nil); !bytes.Equal(r.data, want) {
				t.Error("other bytes came back")
			}
			c.want(0, zeroes, noHole, 0, 8192, nil)
		})
	}
	if n := rich.kept.Load(); n != 1 {
		t.Errorf("the space was to be kept %d times, want once", n)
	}
}

func TestBlockStatusTellsExtents(t *testing.T) {
	const hole, zero = 3, 2
	d := newRichDisk(64 * block)
	c := attach(t, serve(t, oneRich(t, d)), "vol")
	c.want(0, zeroes, 0, 2*block, 3*block, nil)
	c.want(0, zeroes, noHole, 5*block, block, nil)
	for _, tc := range []struct {
		name  string
		flags uint16
		off   uint64
		n     uint32
		want  []byte
	}{
		{"all", 0, 0, 64 * block, pack(uint32(2*block), uint32(0), uint32(3*block), uint32(hole), uint32(block), uint32(zero), uint32(58*block), uint32(0))},
		{"one", reqOne, 0, 64 * block, pack(uint32(2*block), uint32(0))},
		{"one, cut at the end of the request", reqOne, block, 100, pack(uint32(100), uint32(0))},
		{"inside a hole", 0, 2*block + 1, block, pack(uint32(block), uint32(hole))},
		{"one across blocks of one state", reqOne, 2*block + 1, 64, pack(uint32(64), uint32(hole))},
	} {
		if r := c.want(0, status, tc.flags, tc.off, tc.n, nil); !bytes.Equal(r.data, tc.want) {
			t.Errorf("%s: %x, want %x", tc.name, r.data, tc.want)
		}
	}
	all := attach(t, serve(t, one(t, newDisk(4096))), "vol")
	if r := all.want(0, status, 0, 0, 4096, nil); !bytes.Equal(r.data, pack(uint32(4096), uint32(0))) {
		t.Errorf("a device without extents is %x", r.data)
	}
}

func TestAnAnswerAboutExtentsHasALimit(t *testing.T) {
	d := newRichDisk(8192 * block)
	for at := int64(0); at < 8192; at += 2 {
		d.states[at] = nbd.ExtentHole
	}
	c := attach(t, serve(t, oneRich(t, d)), "vol")
	if r := c.want(0, status, 0, 0, 8192*block, nil); len(r.data) != 2048*8 {
		t.Errorf("%d extents in one answer", len(r.data)/8)
	}
}

func TestErrorsOfTheDeviceBecomeErrorsOfTheProtocol(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want uint32
	}{
		{fmt.Errorf("pool p: %w", driver.ErrNoSpace), enospc},
		{fmt.Errorf("layer 3: %w", driver.ErrDamaged), eio},
		{driver.ErrReadOnly, eperm},
		{driver.ErrFenced, eio},
		{driver.ErrInvalid, eio},
		{fmt.Errorf("device: %w", fs.ErrClosed), eshutdown},
		{syscall.EIO, eio},
		{errors.New("anything"), eio},
		{fmt.Errorf("device: %w", syscall.EBADF), eio},
	} {
		t.Run(tc.err.Error(), func(t *testing.T) {
			d := newRichDisk(1 << 20)
			r := serve(t, oneRich(t, d))
			for _, c := range []*client{attach(t, r, "vol"), attachSimple(t, r, "vol")} {
				d.before = func(string) error { return tc.err }
				c.want(tc.want, read, 0, 0, 4096, nil)
				c.want(tc.want, read, 0, 0, 1<<20, nil)
				c.want(tc.want, write, 0, 0, 4, []byte("abcd"))
				c.want(tc.want, write, fua, 0, 4, []byte("abcd"))
				c.want(tc.want, flush, 0, 0, 0, nil)
				c.want(tc.want, zeroes, 0, 0, 4096, nil)
				c.want(tc.want, trim, 0, 0, 4096, nil)
				if c.structured {
					c.want(tc.want, status, 0, 0, 4096, nil)
				}
				d.before = nil
				c.want(0, read, 0, 0, 4096, nil)
			}
			if n := len(r.log.with("a device failed")) + len(r.log.with("found no space")); n > 2 {
				t.Errorf("%d lines were logged by two connections", n)
			}
		})
	}
}

// nowaitDisk has half of its bytes at hand.
type nowaitDisk struct {
	*disk
	atHand atomic.Int32 // reads that did not have to wait
}

func (d *nowaitDisk) open(ctx context.Context) (driver.Device, error) {
	_, err := d.disk.open(ctx)
	return d, err
}

func (d *nowaitDisk) ReadNowait(p []byte, off int64) error {
	if off >= d.Size()/2 {
		return syscall.EAGAIN
	}
	d.atHand.Add(1)
	_, err := d.ReadAt(p, off)
	return err
}

func TestReadsThatNeedNotWaitAreFound(t *testing.T) {
	d := &nowaitDisk{disk: newDisk(1 << 20)}
	one(t, d.disk)
	c := attach(t, serve(t, map[string]nbd.Export{"vol": {Open: d.open}}), "vol")
	data := pattern(1<<20, 1)
	c.want(0, write, 0, 0, 1<<20, data)
	for off := uint64(0); off < 1<<20; off += 64 << 10 {
		if r := c.want(0, read, 0, off, 4096, nil); !bytes.Equal(r.data, data[off:off+4096]) {
			t.Errorf("other bytes came back from %d", off)
		}
	}
	if n := d.atHand.Load(); n != 8 {
		t.Errorf("%d reads were answered from what is at hand, want 8", n)
	}
}

func TestManyConnectionsWriteAndReadAtOnce(t *testing.T) {
	const conns, depth, share, rounds = 4, 16, 1 << 20, 60
	r := serve(t, one(t, newDisk(conns*share)))
	var all sync.WaitGroup
	for i := range conns {
		c := attach(t, r, "vol")
		all.Go(func() {
			c.pipeline(t, depth, rounds, uint64(i*share), share)
		})
	}
	all.Wait()
}

// pipeline keeps depth requests in flight in [from, from+share): each slot writes,
// then reads what it wrote, in its own place.
func (c *client) pipeline(t *testing.T, depth, rounds int, from, share uint64) {
	type slot struct {
		data    []byte
		off     uint64
		reading bool
	}
	random := rand.New(rand.NewPCG(from, 1))
	slots := make([]slot, depth)
	each := share / uint64(depth)
	begin := func(i int) []byte {
		n := 1 + random.IntN(int(each))
		if random.IntN(2) == 0 {
			n = 1 + random.IntN(4096)
		}
		slots[i] = slot{data: pattern(n, random.Uint64()), off: from + uint64(i)*each}
		return command(write, uint16(random.IntN(2)), uint64(i), slots[i].off, uint32(n), slots[i].data)
	}
	// A client that does not read while it writes can block the server, and itself.
	outgoing := make(chan []byte, depth)
	defer close(outgoing)
	go func() {
		for b := range outgoing {
			_, _ = c.Write(b) // a failure shows where the reply is missing
		}
	}()
	for i := range slots {
		outgoing <- begin(i)
	}
	for done := 0; done < rounds*depth; done++ {
		r := c.receive(func(cookie uint64) (uint16, uint32) {
			if s := slots[cookie]; s.reading {
				return read, uint32(len(s.data))
			}
			return write, 0
		})
		i, s := int(r.cookie), &slots[r.cookie]
		if r.code != 0 || (s.reading && !bytes.Equal(r.data, s.data)) {
			t.Errorf("slot %d at %d: error %d or other bytes", i, s.off, r.code)
			return
		}
		var next []byte
		if s.reading {
			next = begin(i)
		} else {
			s.reading = true
			next = command(read, 0, uint64(i), s.off, uint32(len(s.data)), nil)
		}
		outgoing <- next
	}
}

package nbd

import (
	"math"
	"testing"
	"time"
)

func TestRequestsAreServedInPlaceWhileTheyAreQuick(t *testing.T) {
	var p pace
	for i := range 1000 {
		took := 3 * time.Microsecond
		if i%100 == 99 {
			took = time.Second // lost the processor
		}
		if !p.quick() {
			t.Fatalf("request %d makes a detour", i)
		}
		p.took(took)
	}
	inPlace := 0
	for range 10 * (detour + 1) {
		if p.quick() {
			inPlace++
			p.took(100 * time.Microsecond)
		}
	}
	if inPlace > 20 {
		t.Errorf("%d slow requests were served in place", inPlace)
	}
	for range 20 * (detour + 1) {
		if p.quick() {
			p.took(3 * time.Microsecond)
		}
	}
	if !p.quick() {
		t.Error("quick requests still make a detour")
	}
}

func TestABucketNeverOverflows(t *testing.T) {
	var b bucket
	at := time.Unix(1e9, 0)
	now := func() time.Time { return at }
	b.set(QoS{IOPS: 1, BytesPerSecond: 1})
	for range 3 { // the third takes a wait beyond what a Duration holds
		if d := b.take(now, math.MaxUint32, true); d <= 0 {
			t.Errorf("waits %v", d)
		}
	}
	b.set(QoS{IOPS: -1, BytesPerSecond: -1})
	if d := b.take(now, 1, true); d != 0 {
		t.Errorf("a limit below zero is one: %v", d)
	}
}

func TestPayloadsFitTheirBuffers(t *testing.T) {
	var p pools
	for _, n := range []int{1, 4095, 4096, 4097, 65536, 1<<20 + 1, maxPayload} {
		b := p.buffer(n)
		if len(b.b) != n || cap(b.b) > 2*max(n, 4096) {
			t.Errorf("%d bytes: length %d, capacity %d", n, len(b.b), cap(b.b))
		}
		p.giveBuffer(b)
		if again := p.buffer(1); len(again.b) != 1 {
			t.Errorf("length %d", len(again.b))
		}
	}
}

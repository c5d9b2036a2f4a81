package backup_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/breezeblock/breezeblock/internal/backup"
)

// What a power cut leaves is what was flushed: a manifest must not be durable before
// all that it refers to is, and a backup is not told before its manifest is.
func TestAManifestComesAfterOneFlushAndBeforeAnother(t *testing.T) {
	k := newKit()
	var mu sync.Mutex
	var calls []string
	k.objects.Before = func(call, name string) error {
		mu.Lock()
		defer mu.Unlock()
		if folder, _, _ := strings.Cut(name, "/"); call == "flush" || (call == "put" && folder != "writers") {
			calls = append(calls, strings.TrimSpace(call+" "+folder))
		}
		return nil
	}
	if _, err := k.Write(t.Context(), sourceOf("one", randomDisk(seeded(1), 3*mib))); err != nil {
		t.Fatal(err)
	}
	said := strings.Join(calls, ", ")
	if !strings.HasSuffix(said, "put indexes, flush, put manifests, flush") || strings.Count(said, "manifests") != 1 {
		t.Errorf("the store was asked: %s; want the chunks and indexes, a flush, the manifest, a flush", said)
	}
}

// The chunk at the end of a device is shorter than others: of a device that grew or
// shrank it is another one, though nobody wrote to it.
func TestADeviceThatGrewOrShrankIsBackedUpWhole(t *testing.T) {
	const odd = 2*mib + 512
	for name, size := range map[string]int{"grew within the chunk": odd + 512, "grew beyond it": 4 * mib, "shrank within the chunk": odd - 256, "shrank to fewer": mib + 512} {
		t.Run(name, func(t *testing.T) {
			k := newKit()
			before := &disk{data: make([]byte, odd)}
			fill(seeded(2), before.data)
			if _, err := k.Write(t.Context(), sourceOf("before", before)); err != nil {
				t.Fatal(err)
			}
			now := &disk{data: make([]byte, size)}
			copy(now.data, before.data)
			source := sourceOf("after", now)
			source.Parent = "before"
			source.Pieces = func(context.Context, func(int64, int64, bool) error) error { return nil }
			if _, err := k.Write(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			restored := &disk{data: make([]byte, size)}
			fill(seeded(3), restored.data)
			if err := k.Restore(t.Context(), backup.Restoration{ID: "after", Into: restored}); err != nil || !bytes.Equal(restored.data, now.data) {
				t.Errorf("it is restored with %v, and differs", err)
			}
		})
	}
}

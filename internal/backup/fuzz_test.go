package backup

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"
)

func testPress(t testing.TB) *press {
	t.Helper()
	s, err := newSecrets(make([]byte, keyLength))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPress(s, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// Whatever bytes an object holds: open gives what was packed, or ErrDamaged.
func FuzzBox(f *testing.F) {
	p := testPress(f)
	for _, plain := range [][]byte{{1}, bytes.Repeat([]byte("ab"), 500)} {
		box, err := p.pack(chunkKind, "chunks/00/11", plain)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(slices.Clone(box))
	}
	f.Fuzz(func(t *testing.T, box []byte) {
		plain, err := p.open(chunkKind, "chunks/00/11", box, nil)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
			return
		}
		if len(plain) == 0 || len(plain) > maxPlain {
			t.Errorf("%d plain bytes", len(plain))
		}
		if _, err := p.open(manifestKind, "chunks/00/11", box, nil); err == nil {
			t.Error("it opens as another kind")
		}
		if _, err := p.open(chunkKind, "chunks/00/12", box, nil); err == nil {
			t.Error("it opens under another name")
		}
	})
}

// What lies inside a box is ours, and yet its decoder is not to be trusted with more than it says.
func FuzzUnpack(f *testing.F) {
	p := testPress(f)
	f.Add(byte(codecZstd), p.encoder.EncodeAll(bytes.Repeat([]byte{5}, 4000), nil), 4000)
	f.Add(byte(codecPlain), []byte("abc"), 3)
	f.Fuzz(func(t *testing.T, codec byte, body []byte, length int) {
		plain, err := p.unpack("x", codec, body, length, nil)
		if err == nil && (len(plain) != length || length > maxPlain && codec == codecZstd) {
			t.Errorf("%d bytes for %d", len(plain), length)
		}
	})
}

// Whatever a manifest holds: it is refused, or comes back as it was.
func FuzzManifest(f *testing.F) {
	for _, m := range []Manifest{
		{ID: "a", Size: 512, Created: time.UnixMicro(1).UTC(), indexes: make([]name, 1)},
		{ID: "b", Parent: "a", Size: 40000 * ChunkSize, Chunks: 7, Created: time.UnixMicro(1).UTC(), Note: []byte("n"), indexes: make([]name, 2)},
	} {
		f.Add(m.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
			return
		}
		if again := m.append(nil); !bytes.Equal(again, b) {
			t.Errorf("it came back as %x, and was %x", again, b)
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add(make([]byte, 64), 2)
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		if names, err := parseIndex(b, count); err == nil && len(names) != count {
			t.Errorf("%d names, want %d", len(names), count)
		}
	})
}

func TestNoTwoBoxesShareKeyAndNonce(t *testing.T) {
	p, seen := testPress(t), map[string]bool{}
	for range 1000 {
		box, err := p.pack(chunkKind, "chunks/00/11", []byte("the same bytes"))
		if err != nil {
			t.Fatal(err)
		}
		drawn := string(box[saltAt:boxHeader])
		if seen[drawn] {
			t.Fatal("two boxes have the same salt and nonce")
		}
		seen[drawn] = true
	}
}

func TestNamesOfObjectsGoBothWays(t *testing.T) {
	n := testPress(t).secrets.name(chunkKind, []byte("x"))
	for _, k := range []kind{chunkKind, indexKind} {
		if back, ok := nameOf(k, n.object(k)); !ok || back != n || CheckName(n.object(k)) != nil {
			t.Errorf("%s came back as %v, %v", n.object(k), back, ok)
		}
	}
	for _, object := range []string{"", "chunks/", "chunks/00/zz", n.object(indexKind), n.object(chunkKind) + "0"} {
		if _, ok := nameOf(chunkKind, object); ok {
			t.Errorf("%q is taken for a chunk", object)
		}
	}
}

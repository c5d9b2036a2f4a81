package layers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Limits of what a manifest may say.
const (
	maxManifest  = 1 << 20 // bytes of the file
	maxLayers    = 1000    // of a volume; each is open files while the volume is
	maxSnapshots = 1024    // of a volume; the API stops at 256
	maxSegments  = 64      // of a layer
	minGrain     = 4096    // bytes; the page of the kernel's cache
	maxGrain     = 1 << 20 // bytes
)

// manifest is what a volume is made of. The layers form a tree: each stands on its
// parent, a snapshot is a place in it, and the chain of a volume or snapshot is
// its layer with all that is beneath. (Today it is a line; a rollback that keeps
// later snapshots will make it branch.)
type manifest struct {
	Volume    string     `json:"volume"`
	Size      int64      `json:"size"`    // bytes
	Grain     int64      `json:"grain"`   // bytes; the pool's
	Segment   int64      `json:"segment"` // bytes; the pool's
	Fence     int64      `json:"fence"`   // the newest seen
	From      *origin    `json:"from,omitempty"`
	Next      int        `json:"next"` // number of the next layer to be made
	Head      int        `json:"head"` // number of the layer that takes the writes
	Layers    []layer    `json:"layers"`
	Snapshots []snapshot `json:"snapshots"`
}

// origin is the snapshot that a clone was made from. It may be long gone.
type origin struct {
	Volume   string `json:"volume"`
	Snapshot string `json:"snapshot"`
}

// layer is one layer; a parent is listed before its children. Open layers are the
// head and, while a snapshot is being made, the one beneath it.
type layer struct {
	Number int    `json:"number"`           // names its files
	Parent int    `json:"parent"`           // 0: it stands on nothing
	Size   int64  `json:"size"`             // bytes
	Grains int64  `json:"grains,omitempty"` // of a sealed layer: how many have data
	Map    string `json:"map,omitempty"`    // of a sealed layer: SHA-256 of its bitmap file
}

func (l *layer) sealed() bool { return l.Map != "" }

// snapshot is a name for the volume as it was.
type snapshot struct {
	ID    string `json:"id"`
	Layer int    `json:"layer"` // the topmost it sees; 0: nothing had been written
	Size  int64  `json:"size"`  // bytes
}

// The first line of each small file: what it is, the version of its format, and
// the SHA-256 of all that follows. A program that does not know the version
// refuses the file.
const (
	manifestMagic = "breezeblock-volume 1 "
	poolMagic     = "breezeblock-pool 1 "
)

var errFormat = errors.New("not what it ought to be")

// seal puts the first line before body.
func sealText(magic string, body []byte) []byte {
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(magic), []byte(hex.EncodeToString(sum[:])), []byte("\n"), body)
}

// unsealText checks and takes off the first line.
func unsealText(magic string, text []byte) ([]byte, error) {
	line, body, found := bytes.Cut(text, []byte("\n"))
	sum, ours := bytes.CutPrefix(line, []byte(magic))
	if !found || !ours {
		return nil, fmt.Errorf("%w: it does not begin with %q", errFormat, magic)
	}
	if want := sha256.Sum256(body); string(sum) != hex.EncodeToString(want[:]) {
		return nil, fmt.Errorf("%w: its checksum does not fit", errFormat)
	}
	return body, nil
}

// unmarshalStrict decodes one JSON value without unknown keys.
func unmarshalStrict(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errFormat, err)
	}
	if dec.More() {
		return fmt.Errorf("%w: more follows the value", errFormat)
	}
	return nil
}

// encode writes the manifest as parseManifest reads it, for people too.
func (m *manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	text := sealText(manifestMagic, append(body, '\n'))
	if len(text) > maxManifest {
		return nil, fmt.Errorf("%w: the manifest would have %d bytes", driver.ErrInvalid, len(text))
	}
	return text, nil
}

// parseManifest reads a manifest and checks all that the rest relies on.
func parseManifest(text []byte) (*manifest, error) {
	if len(text) > maxManifest {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errFormat, maxManifest)
	}
	body, err := unsealText(manifestMagic, text)
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := unmarshalStrict(body, m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	return m, nil
}

// check tells the first thing that makes no sense.
func (m *manifest) check() error {
	if err := errors.Join(driver.CheckID(m.Volume), driver.CheckSize(m.Size), checkGeometry(m.Grain, m.Segment)); err != nil {
		return err
	}
	if m.From != nil {
		if err := errors.Join(driver.CheckID(m.From.Volume), driver.CheckID(m.From.Snapshot)); err != nil {
			return err
		}
	}
	switch {
	case (m.Size-1)/m.Segment >= maxSegments:
		return fmt.Errorf("size %d needs more than %d segments", m.Size, maxSegments)
	case len(m.Layers) == 0 || len(m.Layers) > maxLayers:
		return fmt.Errorf("%d layers", len(m.Layers))
	case len(m.Snapshots) > maxSnapshots:
		return fmt.Errorf("%d snapshots", len(m.Snapshots))
	case m.Fence < 0 || m.Next < 1:
		return fmt.Errorf("fence %d, next %d", m.Fence, m.Next)
	}
	if err := m.checkLayers(); err != nil {
		return err
	}
	return m.checkSnapshots()
}

func checkGeometry(grain, segment int64) error {
	if grain < minGrain || grain > maxGrain || grain&(grain-1) != 0 {
		return fmt.Errorf("grain %d", grain)
	}
	if segment < grain || segment > driver.MaxSize || segment%grain != 0 {
		return fmt.Errorf("segment %d", segment)
	}
	return nil
}

func (m *manifest) checkLayers() error {
	before := map[int]*layer{}
	for i := range m.Layers {
		l := &m.Layers[i]
		if l.Number < 1 || l.Number >= m.Next || before[l.Number] != nil {
			return fmt.Errorf("layer number %d", l.Number)
		}
		if l.Size <= 0 || l.Size > m.Size || l.Size%driver.SizeUnit != 0 {
			return fmt.Errorf("layer %d: size %d", l.Number, l.Size)
		}
		if l.Parent != 0 {
			parent := before[l.Parent]
			if parent == nil || parent.Size > l.Size {
				return fmt.Errorf("layer %d: parent %d", l.Number, l.Parent)
			}
			if !parent.sealed() && (l.Number != m.Head || l.sealed()) {
				return fmt.Errorf("layer %d: parent %d is not sealed", l.Number, l.Parent)
			}
		}
		if l.sealed() {
			sum, err := hex.DecodeString(l.Map)
			if err != nil || len(sum) != sha256.Size || l.Grains < 1 || l.Grains > (l.Size-1)/m.Grain+1 {
				return fmt.Errorf("layer %d: map %.70q of %d grains", l.Number, l.Map, l.Grains)
			}
		} else if l.Grains != 0 {
			return fmt.Errorf("layer %d: open with %d grains", l.Number, l.Grains)
		}
		before[l.Number] = l
	}
	head := before[m.Head]
	if head == nil || head.sealed() || head.Size != m.Size {
		return fmt.Errorf("head %d", m.Head)
	}
	for _, l := range before {
		if !l.sealed() && l != head && l.Number != head.Parent {
			return fmt.Errorf("layer %d is neither sealed nor the head", l.Number)
		}
	}
	return nil
}

func (m *manifest) checkSnapshots() error {
	seen := map[string]bool{}
	for _, s := range m.Snapshots {
		if err := driver.CheckID(s.ID); err != nil || seen[s.ID] {
			return fmt.Errorf("snapshot %.80q, or twice", s.ID)
		}
		seen[s.ID] = true
		l := m.layer(s.Layer)
		if s.Size <= 0 || s.Size > m.Size || s.Size%driver.SizeUnit != 0 ||
			(s.Layer != 0 && (l == nil || !l.sealed() || l.Size > s.Size)) {
			return fmt.Errorf("snapshot %s: layer %d, size %d", s.ID, s.Layer, s.Size)
		}
	}
	return nil
}

// clone copies m so that it can be changed beside it.
func (m *manifest) clone() *manifest {
	c := *m
	c.Layers, c.Snapshots = slices.Clone(m.Layers), slices.Clone(m.Snapshots)
	return &c
}

// layer finds a layer by number, or nil.
func (m *manifest) layer(number int) *layer {
	if i := slices.IndexFunc(m.Layers, func(l layer) bool { return l.Number == number }); i >= 0 {
		return &m.Layers[i]
	}
	return nil
}

// snapshot finds a snapshot, or nil.
func (m *manifest) snapshot(id string) *snapshot {
	if i := slices.IndexFunc(m.Snapshots, func(s snapshot) bool { return s.ID == id }); i >= 0 {
		return &m.Snapshots[i]
	}
	return nil
}

// chain tells the layers that top sees, bottom to top.
func (m *manifest) chain(top int) []layer {
	var chain []layer
	for l := m.layer(top); l != nil; l = m.layer(l.Parent) {
		chain = append(chain, *l)
	}
	slices.Reverse(chain)
	return chain
}

// sealing tells the layer beneath the head if it is still open: the snapshot that
// put the head above it was cut. Otherwise nil.
func (m *manifest) sealing() *layer {
	if l := m.layer(m.layer(m.Head).Parent); l != nil && !l.sealed() {
		return l
	}
	return nil
}

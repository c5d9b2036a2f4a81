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
	maxTrash     = 4096    // names of files
	minGrain     = 4096    // bytes; the page of the kernel's cache
	maxGrain     = 1 << 20 // bytes
)

// manifest is what a volume is made of. The layers form a tree: each stands on its
// parent, a snapshot is a place in it, and the chain of a volume or snapshot is
// its layer with all that is beneath. A rollback makes it branch.
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
	Merge     *merging   `json:"merge,omitempty"` // the one that was begun, if one was
	Trash     []string   `json:"trash,omitempty"` // files that nothing needs, to be removed
}

// origin is the snapshot that a clone was made from. It may be long gone.
type origin struct {
	Volume   string `json:"volume"`
	Snapshot string `json:"snapshot"`
}

// layer is one layer; a parent is listed before its children. Open layers are the
// head and, while a snapshot is being made, the one beneath it.
type layer struct {
	Number int    `json:"number"`          // names its files
	Parent int    `json:"parent"`          // 0: it stands on nothing
	Size   int64  `json:"size"`            // bytes
	Loose  bool   `json:"loose,omitempty"` // its last snapshot was deleted: to be merged with its child
	Mark   string `json:"mark,omitempty"`  // of its files; see mark.go

	// Of a sealed layer:
	Grains   int64  `json:"grains,omitempty"`   // how many have data
	Zeros    int64  `json:"zeros,omitempty"`    // how many are zeroes, whatever lies beneath
	Revision int    `json:"revision,omitempty"` // counts the merges into it; in the names of map and sums
	Map      string `json:"map,omitempty"`      // SHA-256 of its bitmap file
	Sums     string `json:"sums,omitempty"`     // SHA-256 of its checksums' directory; empty: none yet
}

// merging is a merge of two sealed layers, Upper the only child of Lower, which no
// snapshot names. From when the manifest tells of it, Lower's file may hold
// Upper's bytes (Down), or holes, where Upper hides it, and be as long as Upper's.
type merging struct {
	Lower int  `json:"lower"`
	Upper int  `json:"upper"`
	Down  bool `json:"down,omitempty"` // into Lower's file, otherwise into Upper's
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
	manifestMagic = "breezeblock-volume 2 "
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
	case len(m.Trash) > maxTrash:
		return fmt.Errorf("%d files in the trash", len(m.Trash))
	}
	for _, check := range []func() error{m.checkLayers, m.checkSnapshots, m.checkMerge, m.checkTrash} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
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
		if err := m.checkSeal(l); err != nil {
			return fmt.Errorf("layer %d: %w", l.Number, err)
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

func (m *manifest) checkSeal(l *layer) error {
	held := l.Grains + l.Zeros
	switch {
	case !l.sealed():
		if held != 0 || l.Revision != 0 || l.Sums != "" || l.Loose {
			return errors.New("open, with what only a sealed one has")
		}
	case !isSum(l.Map) || (l.Sums != "" && !isSum(l.Sums)):
		return fmt.Errorf("map %.70q, sums %.70q", l.Map, l.Sums)
	case l.Grains < 0 || l.Zeros < 0 || held < 1 || held > (l.Size-1)/m.Grain+1 || l.Revision < 0:
		return fmt.Errorf("%d grains, %d of zeroes, revision %d", l.Grains, l.Zeros, l.Revision)
	}
	return nil
}

func isSum(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == sha256.Size
}

// checkMerge: the two are sealed, and nothing sees the lower one but through the upper.
func (m *manifest) checkMerge() error {
	if m.Merge == nil {
		return nil
	}
	lower, upper := m.layer(m.Merge.Lower), m.layer(m.Merge.Upper)
	if lower == nil || upper == nil || !upper.sealed() || upper.Parent != lower.Number ||
		len(m.children(lower.Number)) != 1 || m.named(lower.Number) {
		return fmt.Errorf("a merge of %d and %d", m.Merge.Lower, m.Merge.Upper)
	}
	return nil
}

// checkTrash: nothing that is needed is to be removed.
func (m *manifest) checkTrash() error {
	if len(m.Trash) == 0 {
		return nil
	}
	needed := m.needed()
	for _, name := range m.Trash {
		if !isLayerFile(name) || needed[name] {
			return fmt.Errorf("%.80q in the trash", name)
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

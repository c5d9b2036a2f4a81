package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The names of a volume's files. A layer's bytes lie in segments; an open layer
// has a log of zeroes, a sealed one a bitmap and, once they are counted, sums.

func segmentName(number, i int) string { return fmt.Sprintf("layer-%06d.%d", number, i) }
func zeroName(number int) string       { return fmt.Sprintf("layer-%06d.zero", number) }
func mapName(l layer) string           { return revised(l, "map") }
func sumsName(l layer) string          { return revised(l, "sums") }

// revised names a file that each merge into the layer replaces.
func revised(l layer, kind string) string {
	if l.Revision == 0 {
		return fmt.Sprintf("layer-%06d.%s", l.Number, kind)
	}
	return fmt.Sprintf("layer-%06d.%s.%d", l.Number, kind, l.Revision)
}

func segmentPath(dir string, number, i int) string { return filepath.Join(dir, segmentName(number, i)) }

// segments tells how many files size bytes take.
func segments(size, segment int64) int { return int((size-1)/segment) + 1 }

// files tells the names of what a layer is kept in.
func (m *manifest) files(l layer) (names []string) {
	size := l.Size
	if m.growing(l) {
		size = max(size, m.layer(m.Merge.Upper).Size)
	}
	for i := range segments(size, m.Segment) {
		names = append(names, segmentName(l.Number, i))
	}
	switch {
	case !l.sealed():
		names = append(names, zeroName(l.Number))
	case l.Sums != "":
		names = append(names, mapName(l), sumsName(l))
	default:
		names = append(names, mapName(l))
	}
	return names
}

// needed tells the names of all files that make up the volume, but for its manifest.
func (m *manifest) needed() map[string]bool {
	all := map[string]bool{}
	for _, l := range m.Layers {
		for _, name := range m.files(l) {
			all[name] = true
		}
	}
	return all
}

// isLayerFile tells whether name could be one of ours; it is never a path.
func isLayerFile(name string) bool {
	rest, ours := strings.CutPrefix(name, "layer-")
	return ours && len(name) < 64 && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz.") == ""
}

// removeFiles removes files of dir; those that are not there do not matter.
func removeFiles(dir string, names []string) error {
	var errs []error
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

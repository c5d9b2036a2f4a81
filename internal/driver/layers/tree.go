package layers

import "slices"

// newLayer is an empty layer of the volume.
func (m *manifest) newLayer(number, parent int, size int64) layer {
	return layer{Number: number, Parent: parent, Size: size, Mark: markOf(m.Volume, number)}
}

// clone copies m so that it can be changed beside it.
func (m *manifest) clone() *manifest {
	c := *m
	c.Layers, c.Snapshots, c.Trash = slices.Clone(m.Layers), slices.Clone(m.Snapshots), slices.Clone(m.Trash)
	return &c
}

// index finds the place of a layer in the list, or -1.
func (m *manifest) index(number int) int {
	return slices.IndexFunc(m.Layers, func(l layer) bool { return l.Number == number })
}

// layer finds a layer by number, or nil.
func (m *manifest) layer(number int) *layer {
	if i := m.index(number); i >= 0 {
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

// children tells the layers that stand on one.
func (m *manifest) children(number int) (all []*layer) {
	for i := range m.Layers {
		if m.Layers[i].Parent == number {
			all = append(all, &m.Layers[i])
		}
	}
	return all
}

// named tells whether a snapshot's view ends at the layer.
func (m *manifest) named(number int) bool {
	return slices.ContainsFunc(m.Snapshots, func(s snapshot) bool { return s.Layer == number })
}

// onlyChild finds the one layer through which a layer is seen; nil when it is seen
// by itself, by several, or by none.
func (m *manifest) onlyChild(number int) *layer {
	if children := m.children(number); len(children) == 1 && !m.named(number) {
		return children[0]
	}
	return nil
}

// prune drops what neither a snapshot nor the head sees, and puts its files in the
// trash, as far as that has room.
func (m *manifest) prune() {
	for {
		i := slices.IndexFunc(m.Layers, func(l layer) bool {
			return l.Number != m.Head && !m.named(l.Number) && len(m.children(l.Number)) == 0
		})
		if i < 0 || !m.throw(m.files(m.Layers[i])) {
			return
		}
		l := m.Layers[i]
		m.Layers = slices.Delete(m.Layers, i, i+1)
		if m.Merge != nil && m.Merge.Upper == l.Number { // the lower one goes next, with what was copied
			lower := m.layer(m.Merge.Lower)
			lower.Size = max(lower.Size, l.Size)
			m.Merge = nil
		}
	}
}

// throw puts files in the trash; false when it is full.
func (m *manifest) throw(names []string) bool {
	if len(m.Trash)+len(names) > maxTrash {
		return false
	}
	m.Trash = append(m.Trash, names...)
	return true
}

// growing tells whether a merge may have made a sealed layer's files longer than it is.
func (m *manifest) growing(l layer) bool {
	return m.Merge != nil && m.Merge.Down && m.Merge.Lower == l.Number
}

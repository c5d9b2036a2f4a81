package block

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// Pieces of any shape end up on the grid, each place once; a place is zero only
// when all of it was told to be.
func TestPiecesAreListedOnTheGrid(t *testing.T) {
	type piece struct {
		off, n int64
		zero   bool
	}
	const b = BlockSize
	for name, tc := range map[string]struct {
		pieces     []piece
		from       int64
		most       int
		data       bool
		want       []Block
		next, size int64
	}{
		"nothing":               {nil, 0, 9, false, nil, -1, 4 * b},
		"within one":            {[]piece{{5, 7, false}, {100, 1, false}}, 0, 9, false, []Block{{0, b, false}}, -1, 4 * b},
		"across an edge":        {[]piece{{b - 1, 2, false}}, 0, 9, false, []Block{{0, b, false}, {b, b, false}}, -1, 4 * b},
		"zero in whole":         {[]piece{{b, 2 * b, true}}, 0, 9, false, []Block{{b, b, true}, {2 * b, b, true}}, -1, 4 * b},
		"zero in part":          {[]piece{{b, b / 2, true}}, 0, 9, false, []Block{{b, b, false}}, -1, 4 * b},
		"zero and data":         {[]piece{{b, b / 2, true}, {b + b/2, b / 2, false}}, 0, 9, false, []Block{{b, b, false}}, -1, 4 * b},
		"zero of two pieces":    {[]piece{{b, 10, true}, {b + 10, b - 10, true}}, 0, 9, false, []Block{{b, b, true}}, -1, 4 * b},
		"zeroes are no data":    {[]piece{{0, 2 * b, true}, {3 * b, 1, false}}, 0, 9, true, []Block{{3 * b, b, false}}, -1, 4 * b},
		"a page that is full":   {[]piece{{0, 4 * b, false}}, 0, 2, false, []Block{{0, b, false}, {b, b, false}}, 2 * b, 4 * b},
		"a page that just fits": {[]piece{{0, 4 * b, false}}, 0, 4, false, []Block{{0, b, false}, {b, b, false}, {2 * b, b, false}, {3 * b, b, false}}, -1, 4 * b},
		"from the middle":       {[]piece{{0, 4 * b, false}}, 3 * b, 9, false, []Block{{3 * b, b, false}}, -1, 4 * b},
		"from past the end":     {[]piece{{0, 4 * b, false}}, 9 * b, 9, false, nil, -1, 4 * b},
		"an odd end":            {[]piece{{b, 512, true}}, 0, 9, false, []Block{{b, 512, true}}, -1, b + 512},
	} {
		g := gridder{size: tc.size, from: tc.from, most: tc.most, data: tc.data, at: -1, next: -1}
		err := error(nil)
		for _, p := range tc.pieces {
			if err = g.piece(p.off, p.n, p.zero); err != nil {
				break
			}
		}
		if err == nil {
			err = g.flush()
		}
		if (tc.next >= 0) != errors.Is(err, errPageFull) || !slices.Equal(g.found, tc.want) || g.next != tc.next {
			t.Errorf("%s: got %v, next %d (%v), want %v, next %d", name, g.found, g.next, err, tc.want, tc.next)
		}
	}
}

func TestBlockTokenHoldsForItsSnapshotsAndItsTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	token := blockToken{"a", "b", 3 * BlockSize, now.Add(blockTokenLife)}.String()
	if off, err := readBlockToken(token, "a", "b", now); off != 3*BlockSize || err != nil {
		t.Errorf("got %d, %v", off, err)
	}
	for name, err := range map[string]error{
		"other snapshots": second64(readBlockToken(token, "b", "a", now)),
		"later":           second64(readBlockToken(token, "a", "b", now.Add(blockTokenLife))),
		"off the grid":    second64(readBlockToken(blockToken{"a", "b", 5, now}.String(), "a", "b", now)),
		"below":           second64(readBlockToken(blockToken{"a", "b", -BlockSize, now}.String(), "a", "b", now)),
		"garbage":         second64(readBlockToken("!", "a", "b", now)),
	} {
		if KindOf(err) != Invalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}

func second64(_ int64, err error) error { return err }

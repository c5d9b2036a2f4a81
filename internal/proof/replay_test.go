package proof

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// A seed gives the same history in every run, and the same history ends in the
// same rows: what was found can be found again.
func TestHistoryReplaysExactly(t *testing.T) {
	histories := rapid.Custom(func(rt *rapid.T) History { return drawHistory(rt, foul, 40) })
	for range 3 {
		seed := rand.IntN(1 << 30)
		first, again := histories.Example(seed), histories.Example(seed)
		if first.String() != again.String() {
			t.Fatalf("seed %d gave\n%s\nand then\n%s", seed, first, again)
		}
		if a, b := ending(t, first), ending(t, first); a != b {
			t.Errorf("seed %d ended in\n%s\nand then in\n%s\nafter\n%s", seed, a, b, first)
		}
	}
}

// ending plays a history and tells what there is before the end is put to it.
func ending(t *testing.T, h History) (text string) {
	t.Helper()
	dir := folder(t)
	synctest.Test(t, func(*testing.T) {
		s, err := newSite(dir, "")
		if err != nil {
			text = err.Error()
			return
		}
		p := &player{site: s, model: NewModel(s.callers...), time: virtual{}}
		for _, op := range h {
			if err := p.step(op); err != nil {
				text += err.Error()
				break
			}
		}
		for _, id := range p.model.Made {
			text += p.model.Rows[id].String() + "\n"
		}
		p.driver.release(p.time.settle)
		if err := p.stop(); err != nil {
			text += err.Error()
		}
	})
	return text
}

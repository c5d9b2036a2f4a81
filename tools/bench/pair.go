package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// figures are what one slot of one side gave.
type figures struct {
	rate  float64 // operations a second
	cpu   float64 // CPU of the measured process for each operation, in µs, user and system
	extra float64 // what the row itself says it is
}

// side runs for one slot.
type side func(ctx context.Context) (figures, error)

// pair is two sides that are measured beside each other.
type pair struct {
	name        string
	ours, limit side
	// gate, if any, tells a rate of the machine (fdatasyncs a second) just before
	// and after our side; a round in which it falls below least is marked.
	gate  func(ctx context.Context) (float64, error)
	least float64

	rounds []round
}

// round is one slot of each side.
type round struct {
	ours, limit figures
	before      float64 // the gate's rates
	after       float64
	marked      bool
}

// runPairs runs the pairs in shuffled order, each round anew, and the two sides of
// each pair in shuffled order. Pairs with marked rounds run again, up to three
// times as often as asked, until enough rounds are unmarked.
func runPairs(ctx context.Context, rng *rand.Rand, rounds int, pairs []*pair, say func(string, ...any)) error {
	for n := range 3 * rounds {
		for _, p := range shuffled(rng, pairs) {
			if n >= rounds && len(p.unmarked()) >= rounds {
				continue
			}
			r, err := p.run(ctx, rng)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			p.rounds = append(p.rounds, r)
			say("%-44s ours %9.0f/s %8.1f µs, limit %9.0f/s %8.1f µs%s\n",
				p.name, r.ours.rate, r.ours.cpu, r.limit.rate, r.limit.cpu, r.remark())
		}
	}
	return nil
}

func (p *pair) run(ctx context.Context, rng *rand.Rand) (r round, err error) {
	ours := func() error {
		if p.gate == nil {
			r.ours, err = p.ours(ctx)
			return err
		}
		if r.before, err = p.gate(ctx); err != nil {
			return err
		}
		if r.ours, err = p.ours(ctx); err != nil {
			return err
		}
		r.after, err = p.gate(ctx)
		r.marked = min(r.before, r.after) < p.least
		return err
	}
	limit := func() error {
		if p.limit == nil {
			return nil
		}
		r.limit, err = p.limit(ctx)
		return err
	}
	for _, run := range shuffled(rng, []func() error{ours, limit}) {
		if err := run(); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r round) remark() string {
	text := ""
	if r.before > 0 {
		text = fmt.Sprintf(", disk %.0f and %.0f/s", r.before, r.after)
	}
	if r.marked {
		text += " (marked: the disk was too slow)"
	}
	return text
}

// unmarked are the rounds that count.
func (p *pair) unmarked() []round {
	var kept []round
	for _, r := range p.rounds {
		if !r.marked {
			kept = append(kept, r)
		}
	}
	return kept
}

// shown are the rounds that a row tells of, and how many of them count: where none
// does, the marked ones are told, and nothing is judged by them.
func (p *pair) shown() (rounds []round, count int) {
	if kept := p.unmarked(); len(kept) > 0 {
		return kept, len(kept)
	}
	return p.rounds, 0
}

// rate is the row of our rate against the limit's.
func (p *pair) rate(name string, g goal) row {
	return p.compare(name, "1/s", g, func(f figures) float64 { return f.rate })
}

// cpuRatio is the row of our CPU for each operation against the limit's.
func (p *pair) cpuRatio(name string, g goal) row {
	return p.compare(name, "µs", g, func(f figures) float64 { return f.cpu })
}

// compare is a row of one figure, each round against the limit of the same round.
func (p *pair) compare(name, unit string, g goal, figure func(figures) float64) row {
	rounds, count := p.shown()
	ours := pick(rounds, func(r round) float64 { return figure(r.ours) })
	limits := pick(rounds, func(r round) float64 { return figure(r.limit) })
	limit, ratio := spreadOf(limits), spreadOf(ratiosOf(ours, limits))
	return row{Name: name, Unit: unit, Ours: spreadOf(ours), Limit: &limit, Ratio: &ratio,
		Goal: g, Rounds: count, Marked: len(p.rounds) - count}
}

// alone is a row of one figure of ours, held to a goal of its own.
func (p *pair) alone(name, unit string, g goal, figure func(figures) float64) row {
	rounds, count := p.shown()
	return row{Name: name, Unit: unit, Ours: spreadOf(pick(rounds, func(r round) float64 { return figure(r.ours) })),
		Goal: g, Rounds: count, Marked: len(p.rounds) - count}
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// The recordings, by the name of the file.
const (
	UpdateFile = "cinder-21.3.1-update-snapshot.jsonl"
	OtherFile  = "cinder-21.3.1-other.jsonl"
)

// Verdict is how a row came out.
type Verdict string

const (
	Same     Verdict = "same"
	Excused  Verdict = "accepted"  // every difference has an entry
	Wrong    Verdict = "wrong"     // a difference without one
	Waits    Verdict = "waiting"   // the call is not built yet
	NotTaken Verdict = "not taken" // the recorder could not run it either
)

// Outcome is one row's result.
type Outcome struct {
	Row         *Row
	Verdict     Verdict
	Differences []Difference // those not excused, when wrong; else those excused
	Reasons     []string     // of the entries that excused
}

func (o Outcome) String() string {
	lines := []string{string(o.Verdict) + " " + o.Row.ID}
	for _, d := range o.Differences {
		lines = append(lines, "  "+d.String())
	}
	return strings.Join(lines, "\n")
}

// Updates replays the update file of folder against a fresh server.
func Updates(ctx context.Context, target *client.Target, folder string, accepted []*Accepted) ([]Outcome, error) {
	rows, err := Load(filepath.Join(folder, UpdateFile))
	if err != nil {
		return nil, err
	}
	s, err := newStage(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("make the stage: %w", err)
	}
	if err := s.forUpdates(ctx); err != nil {
		return nil, fmt.Errorf("make the stage: %w", err)
	}
	return s.play(ctx, rows, accepted, s.update)
}

// Others replays the other file of folder against a fresh server.
func Others(ctx context.Context, target *client.Target, folder string, accepted []*Accepted) ([]Outcome, error) {
	rows, err := Load(filepath.Join(folder, OtherFile))
	if err != nil {
		return nil, err
	}
	s, err := newStage(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("make the stage: %w", err)
	}
	if err := s.forOthers(ctx); err != nil {
		return nil, fmt.Errorf("make the stage: %w", err)
	}
	return s.play(ctx, rows, accepted, s.neighbour)
}

// play runs rows in file order. A row that cannot be played is wrong, and the
// rest goes on.
func (s *stage) play(ctx context.Context, rows []*Row, accepted []*Accepted,
	one func(context.Context, *Row) ([]Difference, error)) ([]Outcome, error) {
	var outcomes []Outcome
	for _, row := range rows {
		switch {
		case waiting[row.ID] != "":
			outcomes = append(outcomes, Outcome{Row: row, Verdict: Waits, Reasons: []string{waiting[row.ID]}})
			continue
		case row.NotRun != "":
			outcomes = append(outcomes, Outcome{Row: row, Verdict: NotTaken, Reasons: []string{row.NotRun}})
			if len(row.Pages) == 0 {
				continue
			}
		}
		found, err := one(ctx, row)
		if ctx.Err() != nil {
			return outcomes, ctx.Err()
		}
		if err != nil {
			found = append(found, Difference{Where: "stage", Want: "the row can be played", Got: err.Error()})
		}
		outcomes = append(outcomes, judge(row, found, accepted))
	}
	return outcomes, nil
}

func judge(row *Row, found []Difference, accepted []*Accepted) Outcome {
	o := Outcome{Row: row, Verdict: Same}
	var excused []Difference
	for _, d := range found {
		if entry := excuse(accepted, row.ID, d); entry != nil {
			excused = append(excused, d)
			o.Reasons = append(o.Reasons, entry.Reason)
			continue
		}
		o.Differences = append(o.Differences, d)
	}
	switch {
	case len(o.Differences) > 0:
		o.Verdict = Wrong
	case len(excused) > 0:
		o.Verdict, o.Differences = Excused, excused
	}
	return o
}

// exchange sends a row's request and compares the answer.
func (s *stage) exchange(ctx context.Context, row *Row, sent client.Raw) (*client.Answer, []Difference, error) {
	if missing := s.names.unbound(sent.Target + string(sent.Body)); len(missing) > 0 {
		return nil, nil, fmt.Errorf("nothing in this run is called %v", missing)
	}
	a, err := client.Send(ctx, s.target.VolumeURL, sent)
	if err != nil {
		if errors.Is(err, client.ErrNoAnswer) && row.Response.Status == 0 {
			return &client.Answer{}, nil, nil // as recorded
		}
		return nil, nil, err
	}
	if _, id := madeBy(sent, a); id != "" && row.Response.Status == a.Status {
		s.names.values["new_"+row.ID] = id
	}
	if a.Status == races[row.ID] {
		c := &comparison{names: s.names}
		c.faultBody(a)
		return a, c.found, nil
	}
	return a, s.names.compare(row, a), nil
}

// neighbour plays a row of the other file.
func (s *stage) neighbour(ctx context.Context, row *Row) ([]Difference, error) {
	if row.Pages != nil {
		return s.pages(ctx, row)
	}
	if s.attached && !volumeState.MatchString(row.ID) && !inUse.MatchString(row.ID) {
		if err := s.endOfStates(ctx); err != nil {
			return nil, err
		}
	}
	sent := s.names.request(row)
	if err := s.before(ctx, row, sent.Target); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	a, found, err := s.exchange(ctx, row, sent)
	if err != nil {
		return found, err
	}
	if err := s.after(ctx, row, sent, a); err != nil {
		return found, fmt.Errorf("afterwards: %w", err)
	}
	return found, nil
}

// update plays a row of the update file, which begins with the base values.
func (s *stage) update(ctx context.Context, row *Row) ([]Difference, error) {
	if err := s.toBase(ctx); err != nil {
		return nil, err
	}
	id := s.names.values["snapshot"]
	if row.StateBefore != "" {
		if err := s.admin.ResetStatus(ctx, "snapshots", id, row.StateBefore); err != nil {
			return nil, err
		}
	}
	if row.ID == "name-same-as-another-snapshot" {
		if _, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": s.names.values["volume"], "name": "twin"}); err != nil {
			return nil, err
		}
	}
	found, err := s.updateRow(ctx, row, id)
	if row.StateBefore != "" {
		err = errors.Join(err, s.admin.ResetStatus(ctx, "snapshots", id, "available"))
	}
	return found, err
}

func (s *stage) updateRow(ctx context.Context, row *Row, id string) ([]Difference, error) {
	switch {
	case row.Statuses != nil:
		return s.writers(ctx, id, row.Statuses)
	case row.ID == "time-first-update":
		return s.firstUpdate(ctx, row)
	case row.Steps != nil:
		return s.steps(ctx, row, id)
	}
	before, err := s.show(ctx, id)
	if err != nil {
		return nil, err
	}
	a, found, err := s.exchange(ctx, row, s.names.request(row))
	if err != nil || row.StoredChange == nil {
		return found, err
	}
	after, err := s.show(ctx, id)
	if err != nil {
		return found, err
	}
	want := row.StoredChange
	if row.Response.Status >= 500 && a.Status < 300 {
		want = row.Request.asked()
	}
	return append(found, s.names.stored(want, before, after)...), nil
}

// show reads a snapshot as its project sees it.
func (s *stage) show(ctx context.Context, id string) (map[string]any, error) {
	a, err := s.demo.Do(ctx, client.Request{Method: "GET", Path: "/v3/" + s.demo.ProjectID + "/snapshots/" + id})
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, fmt.Errorf("show snapshot %s: got %s", id, a)
	}
	return a.Under("snapshot"), nil
}

// toBase gives the snapshot its base values if they differ.
func (s *stage) toBase(ctx context.Context) error {
	id := s.names.values["snapshot"]
	now, err := s.show(ctx, id)
	if err != nil {
		return err
	}
	if now["name"] == baseName && now["description"] == baseDescription {
		return nil
	}
	a, err := s.demo.Do(ctx, client.Request{Method: "PUT", Path: "/v3/" + s.demo.ProjectID + "/snapshots/" + id,
		Body: map[string]any{"snapshot": map[string]any{"name": baseName, "description": baseDescription}}})
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("set the base values: got %s", a)
	}
	return nil
}

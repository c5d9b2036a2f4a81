package block

import "context"

// ExplainGroup says what a group waits for. Fails with NotFound.
func (s *Service) ExplainGroup(ctx context.Context, c Caller, id string) (*Explanation, error) {
	g, err := s.Group(ctx, c, id)
	if err != nil {
		return nil, err
	}
	members, err := s.membersOf(ctx, g)
	if err != nil {
		return nil, err
	}
	e := explained{words: wordsOfGroup(g), admin: c.Admin}
	waits := []string{id}
	for _, v := range members {
		if v.Status == VolumeCreating || v.Status == VolumeDeleting {
			waits = append(waits, v.ID)
		}
	}
	if err := s.lookUpFirst(ctx, &e, waits); err != nil {
		return nil, err
	}
	x := &Explanation{Object: "group", ID: id, Status: string(g.Status), Since: changedAt(g.CreatedAt, g.UpdatedAt)}
	s.explain(x, &e)
	return x, nil
}

// ExplainGroupSnapshot says what a group snapshot waits for. Fails with NotFound.
func (s *Service) ExplainGroupSnapshot(ctx context.Context, c Caller, id string) (*Explanation, error) {
	snap, err := s.GroupSnapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	members, err := s.store.SnapshotsOfGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	e := explained{words: wordsOfGroupSnapshot(snap), admin: c.Admin}
	waits := []string{id}
	for _, member := range members {
		if member.Status == SnapshotDeleting {
			waits = append(waits, member.ID)
		}
	}
	if err := s.lookUpFirst(ctx, &e, waits); err != nil {
		return nil, err
	}
	x := &Explanation{Object: "group snapshot", ID: id, Status: string(snap.Status), Since: changedAt(snap.CreatedAt, snap.UpdatedAt)}
	s.explain(x, &e)
	return x, nil
}

// lookUpFirst looks up the jobs of the first object that a job is on its way for, or
// else of the first.
func (s *Service) lookUpFirst(ctx context.Context, e *explained, ids []string) error {
	for _, id := range ids {
		found := explained{words: e.words, admin: e.admin}
		if err := s.lookUpJobs(ctx, &found, id); err != nil {
			return err
		}
		if found.live != nil || id == ids[0] {
			*e = found
		}
		if found.live != nil {
			return nil
		}
	}
	return nil
}

// lookUpWhole looks at the group or group snapshot that an object is made or deleted
// with, when no job of its own is on its way. An empty id is none.
func (s *Service) lookUpWhole(ctx context.Context, e *explained, id string) error {
	if e.live != nil || id == "" || e.work == "" {
		return nil
	}
	return s.lookUpFirst(ctx, e, []string{id})
}

// wordsOfGroup are the words of each status; see groupMoves.
func wordsOfGroup(g *Group) words {
	w := words{adminCan: []string{"set its status by hand (reset_status)"}}
	withVolumes := "delete it with its volumes (delete-volumes)"
	switch g.Status {
	case GroupCreating:
		w.work, w.good, w.bad = "for the storage to make its volumes", "becomes available when the last of them is", "error"
	case GroupDeleting:
		w.work, w.good, w.bad = "for the storage to delete its volumes", "is gone with the last of them", "error_deleting"
		return w
	case GroupAvailable:
		w.can = []string{"make volumes in it", "add volumes and remove them", "take a snapshot of all of them", "make a group from it", "delete it when it is empty"}
	case GroupError:
		w.then = "The creation of one of its volumes failed; nothing happens by itself."
	case GroupErrorDeleting:
		w.then = "The deletion of one of its volumes failed; nothing happens by itself."
	case GroupUpdating, GroupDeleted:
		w.waits = "for an administrator, who set this status by hand, to set another (reset_status)"
	default:
		w.work, w.good, w.bad = "for work of another version of this service", "goes on", "error"
	}
	w.can = append(w.can, withVolumes, "rename it")
	return w
}

// wordsOfGroupSnapshot are the words of each status; see groupSnapshotMoves.
func wordsOfGroupSnapshot(s *GroupSnapshot) words {
	w := words{adminCan: []string{"set its status by hand (reset_status)"}}
	switch s.Status {
	case GroupSnapshotCreating:
		w.work, w.good, w.bad = "for the storage to take the snapshots of all volumes", "becomes available", "error"
	case GroupSnapshotDeleting:
		w.work, w.good, w.bad = "for the storage to delete its snapshots", "is gone with the last of them", "error_deleting"
		return w
	case GroupSnapshotAvailable:
		w.can = []string{"make a group from it", "delete it"}
		if s.ofNoGroup() {
			w.can = []string{"make volumes from its snapshots, or roll volumes back to them", "delete it"}
		}
	case GroupSnapshotError:
		w.then = "Its creation failed; nothing happens by itself."
		w.can = []string{"delete it", "take another"}
	case GroupSnapshotErrorDeleting:
		w.then = "The deletion of one of its snapshots failed; nothing happens by itself."
		w.can = []string{"delete it again"}
	case GroupSnapshotUpdating, GroupSnapshotDeleted:
		w.waits = "for an administrator, who set this status by hand, to set another (reset_status)"
	default:
		w.work, w.good, w.bad = "for work of another version of this service", "goes on", "error"
	}
	w.can = append(w.can, "rename it")
	return w
}

// membersCan are the words for what can be done to a member of a group: it is not
// deleted alone.
func membersCan(can []string, whole string) []string {
	var kept []string
	for _, words := range can {
		if len(words) < 9 || words[:9] != "delete it" {
			kept = append(kept, words)
		}
	}
	return append(kept, whole)
}

package replay

import (
	"context"
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

// password is that of the users which the stage makes.
const password = "replay-Passw0rd"

// Base values of the snapshot that the update file changes.
const (
	baseName        = "base-name"
	baseDescription = "base-description"
)

// stage is what the recorder had made before it began. Source: recordings/README.md, "The stage".
type stage struct {
	target                     *client.Target
	admin, demo, reader, other *client.Session
	names                      *names
	attached                   bool // volume b, by os-attach
}

// newStage makes projects, users, tokens and quotas.
func newStage(ctx context.Context, target *client.Target) (*stage, error) {
	s := &stage{target: target, names: newNames(target)}
	var err error
	if s.admin, err = target.LogIn(ctx, target.Admin); err != nil {
		return nil, err
	}
	if s.demo, err = target.LogIn(ctx, target.Demo); err != nil {
		return nil, err
	}
	otherProject, err := s.admin.Project(ctx, "other")
	if err != nil {
		return nil, err
	}
	if s.reader, err = s.user(ctx, "demo-reader", target.Demo.Project, s.demo.ProjectID, "reader"); err != nil {
		return nil, err
	}
	if s.other, err = s.user(ctx, "other", "other", otherProject, "member"); err != nil {
		return nil, err
	}
	for _, project := range []string{s.demo.ProjectID, otherProject} {
		if err := s.admin.SetQuota(ctx, project, fullQuota); err != nil {
			return nil, err
		}
	}
	return s, s.bindTokens(ctx)
}

var fullQuota = map[string]int{"volumes": 2000, "snapshots": 2000, "gigabytes": 20000}

func (s *stage) user(ctx context.Context, name, project, projectID, role string) (*client.Session, error) {
	id, err := s.admin.User(ctx, name, password)
	if err != nil {
		return nil, err
	}
	if err := s.admin.Grant(ctx, projectID, id, role); err != nil {
		return nil, err
	}
	return s.target.LogIn(ctx, client.Login{User: name, Password: password, Project: project})
}

func (s *stage) bindTokens(ctx context.Context) error {
	unscoped, err := s.target.LogInUnscoped(ctx, s.target.Demo)
	if err != nil {
		return err
	}
	revoked, err := s.target.LogIn(ctx, s.target.Demo)
	if err != nil {
		return err
	}
	if err := revoked.Revoke(ctx); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"project": s.demo.ProjectID, "other_project": s.other.ProjectID, "admin_project": s.admin.ProjectID,
		"demo_user": s.demo.UserID, "other_user": s.other.UserID, "admin_user": s.admin.UserID,
		"reader_user": s.reader.UserID,
		"demo_token":  s.demo.Token, "reader_token": s.reader.Token, "other_token": s.other.Token,
		"admin_token": s.admin.Token, "unscoped_token": unscoped.Token, "revoked_token": revoked.Token,
	} {
		s.names.values[name] = value
	}
	return nil
}

// forUpdates makes the objects of the update file.
func (s *stage) forUpdates(ctx context.Context) error {
	volume, err := s.demo.CreateVolume(ctx, map[string]any{"size": 1, "name": "oracle-volume"})
	if err != nil {
		return err
	}
	snapshot, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": volume, "name": baseName,
		"description": baseDescription, "metadata": map[string]string{"k1": "v1"}})
	if err != nil {
		return err
	}
	otherVolume, err := s.other.CreateVolume(ctx, map[string]any{"size": 1, "name": "oracle-volume"})
	if err != nil {
		return err
	}
	otherSnapshot, err := s.other.CreateSnapshot(ctx, map[string]any{"volume_id": otherVolume,
		"name": baseName, "description": baseDescription})
	if err != nil {
		return err
	}
	deleted, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": volume, "name": "gone"})
	if err != nil {
		return err
	}
	if err := s.demo.Delete(ctx, "snapshots", deleted); err != nil {
		return err
	}
	s.names.setSnapshot(snapshot)
	for name, value := range map[string]string{"volume": volume, "other_volume": otherVolume,
		"other_snapshot": otherSnapshot, "deleted_snapshot": deleted} {
		s.names.values[name] = value
	}
	return nil
}

// forOthers makes the objects of the other file, one after the other, so that
// their times order them as recorded.
func (s *stage) forOthers(ctx context.Context) error {
	for _, volume := range [][2]string{{"volume_a", "oracle-va"}, {"volume_b", "oracle-vb"}} {
		id, err := s.demo.CreateVolume(ctx, map[string]any{"size": 1, "name": volume[1]})
		if err != nil {
			return err
		}
		s.names.values[volume[0]] = id
	}
	type meta = map[string]string
	for i, snapshot := range []struct {
		volume            string
		name, description any
		metadata          meta
	}{
		{"volume_a", "bravo", "d", meta{"env": "prod", "k": "1"}},
		{"volume_a", "alpha", nil, meta{}},
		{"volume_a", "delta", "", meta{"env": "test"}},
		{"volume_b", "charlie", "x", meta{}},
		{"volume_b", "alpha", "second alpha", meta{}},
		{"volume_b", nil, nil, meta{}},
		{"volume_a", "Echo_100%", "d", meta{}},
	} {
		id, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": s.names.values[snapshot.volume],
			"name": snapshot.name, "description": snapshot.description, "metadata": snapshot.metadata})
		if err != nil {
			return err
		}
		s.names.values[fmt.Sprintf("s%d", i+1)] = id
	}
	return s.admin.ResetStatus(ctx, "snapshots", s.names.values["s4"], "error")
}

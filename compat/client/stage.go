package client

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// settleTimeout bounds the wait for slow work (create, extend, delete).
	settleTimeout = 30 * time.Second
	settlePause   = 5 * time.Millisecond
)

// Project makes a project, or finds the one of that name. Needs an administrator.
func (s *Session) Project(ctx context.Context, name string) (string, error) {
	return s.make(ctx, "project", "projects", map[string]any{"name": name, "domain_id": "default"})
}

// User makes a user, or finds the one of that name. Needs an administrator.
func (s *Session) User(ctx context.Context, name, password string) (string, error) {
	return s.make(ctx, "user", "users", map[string]any{"name": name, "password": password, "domain_id": "default"})
}

func (s *Session) make(ctx context.Context, key, plural string, body map[string]any) (string, error) {
	a, err := s.Do(ctx, Request{Method: "POST", Base: s.Target.IdentityURL, Path: "/" + plural,
		Body: map[string]any{key: body}})
	if err != nil {
		return "", err
	}
	if a.Status == http.StatusConflict {
		return s.find(ctx, plural, body["name"].(string))
	}
	id, _ := a.Under(key)["id"].(string)
	if a.Status != http.StatusCreated || id == "" {
		return "", fmt.Errorf("make %s %v: got %s", key, body["name"], a)
	}
	return id, nil
}

func (s *Session) find(ctx context.Context, plural, name string) (string, error) {
	a, err := s.Do(ctx, Request{Method: "GET", Base: s.Target.IdentityURL, Path: "/" + plural + "?name=" + name})
	if err != nil {
		return "", err
	}
	rows, _ := a.Object()[plural].([]any)
	for _, row := range rows {
		if o, ok := row.(map[string]any); ok && o["name"] == name {
			id, _ := o["id"].(string)
			return id, nil
		}
	}
	return "", fmt.Errorf("no %s named %s: got %s", plural, name, a)
}

// Grant gives a user a role on a project, by the role's name.
func (s *Session) Grant(ctx context.Context, projectID, userID, role string) error {
	roleID, err := s.find(ctx, "roles", role)
	if err != nil {
		return err
	}
	path := "/projects/" + projectID + "/users/" + userID + "/roles/" + roleID
	a, err := s.Do(ctx, Request{Method: "PUT", Base: s.Target.IdentityURL, Path: path})
	if err != nil {
		return err
	}
	if a.Status != http.StatusNoContent {
		return fmt.Errorf("grant %s: got %s", role, a)
	}
	return nil
}

// SetQuota sets limits of a project by Cinder's names. Needs an administrator.
func (s *Session) SetQuota(ctx context.Context, projectID string, limits map[string]int) error {
	a, err := s.Do(ctx, Request{Method: "PUT", Path: "/v3/" + s.ProjectID + "/os-quota-sets/" + projectID,
		Body: map[string]any{"quota_set": limits}})
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("set quota %v: got %s", limits, a)
	}
	return nil
}

// CreateVolume makes a volume of so many GiB and waits until it is available.
func (s *Session) CreateVolume(ctx context.Context, fields map[string]any) (string, error) {
	return s.create(ctx, "volume", "volumes", fields)
}

// CreateSnapshot makes a snapshot and waits until it is available.
func (s *Session) CreateSnapshot(ctx context.Context, fields map[string]any) (string, error) {
	return s.create(ctx, "snapshot", "snapshots", fields)
}

func (s *Session) create(ctx context.Context, key, plural string, fields map[string]any) (string, error) {
	a, err := s.Do(ctx, Request{Method: "POST", Path: "/v3/" + s.ProjectID + "/" + plural,
		Body: map[string]any{key: fields}})
	if err != nil {
		return "", err
	}
	id, _ := a.Under(key)["id"].(string)
	if a.Status != http.StatusAccepted || id == "" {
		return "", fmt.Errorf("create a %s: got %s", key, a)
	}
	status, err := s.Settle(ctx, plural, id)
	if err != nil {
		return "", err
	}
	if status != "available" {
		return "", fmt.Errorf("created %s %s is %q, want available", key, id, status)
	}
	return id, nil
}

// ResetStatus puts an object into a status by os-reset_status. Needs an administrator.
func (s *Session) ResetStatus(ctx context.Context, plural, id, status string) error {
	a, err := s.Do(ctx, Request{Method: "POST", Path: "/v3/" + s.ProjectID + "/" + plural + "/" + id + "/action",
		Body: map[string]any{"os-reset_status": map[string]any{"status": status}}})
	if err != nil {
		return err
	}
	if a.Status != http.StatusAccepted {
		return fmt.Errorf("reset %s %s to %s: got %s", plural, id, status, a)
	}
	return nil
}

// moving are the statuses that slow work leaves by itself.
var moving = map[string]bool{"creating": true, "deleting": true, "extending": true, "rollbacking": true, "reverting": true, "restoring": true, "downloading": true, "backing-up": true, "restoring-backup": true}

// Settle waits until slow work on an object has ended and tells its status;
// empty when it is gone.
func (s *Session) Settle(ctx context.Context, plural, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	status := ""
	for {
		a, err := s.Do(ctx, Request{Method: "GET", Path: "/v3/" + s.ProjectID + "/" + plural + "/" + id})
		if err != nil {
			return "", err
		}
		if a.Status == http.StatusNotFound {
			return "", nil
		}
		status, _ = a.Under(plural[:len(plural)-1])["status"].(string)
		if status == "" {
			return "", fmt.Errorf("show %s %s: got %s", plural, id, a)
		}
		if !moving[status] {
			return status, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s %s is still %s: %w", plural, id, status, ctx.Err())
		case <-time.After(settlePause):
		}
	}
}

// Delete removes an object and waits until it is gone.
func (s *Session) Delete(ctx context.Context, plural, id string) error {
	a, err := s.Do(ctx, Request{Method: "DELETE", Path: "/v3/" + s.ProjectID + "/" + plural + "/" + id})
	if err != nil {
		return err
	}
	if a.Status != http.StatusAccepted && a.Status != http.StatusNotFound {
		return fmt.Errorf("delete %s %s: got %s", plural, id, a)
	}
	status, err := s.Settle(ctx, plural, id)
	if err == nil && status != "" {
		return fmt.Errorf("deleted %s %s is %q, want it gone", plural, id, status)
	}
	return err
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// service is a running breezeblock and a session of user demo on it.
type service struct {
	*process
	token   string
	project string
	user    string
}

// startService starts the binary on a data folder, on a free port of loopback.
// Its access log is written, to /dev/null.
func startService(ctx context.Context, binary, data string) (*process, error) {
	return startProcess(ctx, nil, binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "info", "--snapshots-per-volume", "256")
}

// openService starts the binary and logs in with the folder's openrc.
func openService(ctx context.Context, binary, data string) (*service, error) {
	p, err := startService(ctx, binary, data)
	if err != nil {
		return nil, err
	}
	s := &service{process: p}
	if err := s.login(ctx, filepath.Join(data, "openrc")); err != nil {
		_, _ = p.stop() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// readOpenrc reads the variables that an openrc exports, quoted for the shell.
func readOpenrc(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	variables := map[string]string{}
	for line := range strings.Lines(string(text)) {
		set, found := strings.CutPrefix(strings.TrimSpace(line), "export ")
		if !found {
			continue
		}
		name, value, _ := strings.Cut(set, "=")
		value = strings.TrimSuffix(strings.TrimPrefix(value, "'"), "'")
		variables[name] = strings.ReplaceAll(value, `'\''`, "'")
	}
	if variables["OS_USERNAME"] == "" {
		return nil, fmt.Errorf("%s names no OS_USERNAME", path)
	}
	return variables, nil
}

func (s *service) login(ctx context.Context, openrc string) error {
	v, err := readOpenrc(openrc)
	if err != nil {
		return err
	}
	type named map[string]any
	body, err := json.Marshal(named{"auth": named{
		"identity": named{"methods": []string{"password"}, "password": named{"user": named{
			"name": v["OS_USERNAME"], "password": v["OS_PASSWORD"], "domain": named{"name": v["OS_USER_DOMAIN_NAME"]}}}},
		"scope": named{"project": named{"name": v["OS_PROJECT_NAME"], "domain": named{"name": v["OS_PROJECT_DOMAIN_NAME"]}}},
	}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v["OS_AUTH_URL"]+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("log in: %s: %s", answer.Status, text)
	}
	var found struct {
		Token struct {
			Project struct {
				ID string `json:"id"`
			} `json:"project"`
			User struct {
				ID string `json:"id"`
			} `json:"user"`
		} `json:"token"`
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	s.token, s.project, s.user = answer.Header.Get("X-Subject-Token"), found.Token.Project.ID, found.Token.User.ID
	if s.token == "" || s.project == "" {
		return errors.New("log in: the answer has no token or no project")
	}
	return nil
}

// get reads path (below the server's address) and fails unless it answers 200.
func (s *service) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Auth-Token", s.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", path, answer.Status, body)
	}
	return body, err
}

// snapshotPath is the address of one snapshot on v3.
func (s *service) snapshotPath(id string) string { return "/v3/" + s.project + "/snapshots/" + id }

// misses is how many reads of snapshots and volumes went to the database so far,
// and how many the cache served.
func (s *service) misses(ctx context.Context) (missed, hit float64, err error) {
	text, err := s.get(ctx, "/metrics")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue // a comment
		}
		switch name {
		case "breezeblock_store_cache_misses_total":
			missed = n
		case "breezeblock_store_cache_hits_total":
			hit = n
		}
	}
	return missed, hit, nil
}

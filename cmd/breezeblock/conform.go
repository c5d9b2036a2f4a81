package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/compat/suite"
)

func conformCommand() *cobra.Command {
	var dialect string
	var quiet bool
	c := &cobra.Command{
		Use:   "conform",
		Short: "Run the black-box suite against any address: ours, Cinder's, EVS's",
		Long: "Run the black-box suite against the service that OS_AUTH_URL, OS_USERNAME, OS_PASSWORD,\n" +
			"OS_PROJECT_NAME and OS_USER_DOMAIN_NAME name (an openrc sets them). What needs an administrator\n" +
			"runs when OS_ADMIN_PASSWORD is set (OS_ADMIN_USERNAME and OS_ADMIN_PROJECT_NAME are admin if not set).\n" +
			"The block storage address is read from the catalog. The suite makes one volume and removes it.",
		Args:    cobra.NoArgs,
		Example: "  source breezeblock-data/openrc && breezeblock conform --dialect evs",
	}
	c.Flags().StringVar(&dialect, "dialect", "evs", "what to expect: evs or cinder")
	c.Flags().BoolVar(&quiet, "quiet", false, "show what failed or was skipped, and the sum")
	c.RunE = func(c *cobra.Command, _ []string) error {
		target, err := targetFromEnv(c.Context(), dialect)
		if err != nil {
			return err
		}
		return conform(c.Context(), c.OutOrStdout(), target, quiet)
	}
	return c
}

func conform(ctx context.Context, out io.Writer, target *suite.Target, quiet bool) error {
	counts, err := suite.Run(ctx, target, func(r suite.Result) {
		state := "ok  "
		switch {
		case r.Failed:
			state = "FAIL"
		case r.Skipped:
			state = "skip"
		case quiet:
			return
		}
		fmt.Fprintf(out, "%s %s (%s)\n", state, r.Name, r.Took.Round(time.Millisecond))
		if r.Failed || r.Skipped {
			for _, note := range r.Notes {
				fmt.Fprintf(out, "     %s\n", note)
			}
		}
	})
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", counts.Passed, counts.Failed, counts.Skipped)
	if err == nil && counts.Failed > 0 {
		err = fmt.Errorf("%d functions of the suite failed", counts.Failed)
	}
	return err
}

// targetFromEnv reads OS_* and asks the catalog for block storage.
func targetFromEnv(ctx context.Context, dialect string) (*suite.Target, error) {
	if dialect != "evs" && dialect != "cinder" {
		return nil, fmt.Errorf("--dialect must be evs or cinder, not %q", dialect)
	}
	for _, name := range []string{"OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"} {
		if os.Getenv(name) == "" {
			return nil, fmt.Errorf("%s is not set; an openrc sets it", name)
		}
	}
	domain := cmp.Or(os.Getenv("OS_USER_DOMAIN_NAME"), "Default")
	target := &suite.Target{
		IdentityURL: strings.TrimSuffix(os.Getenv("OS_AUTH_URL"), "/"), Dialect: dialect,
		Demo: client.Login{User: os.Getenv("OS_USERNAME"), Password: os.Getenv("OS_PASSWORD"), Project: os.Getenv("OS_PROJECT_NAME"), Domain: domain},
	}
	if password := os.Getenv("OS_ADMIN_PASSWORD"); password != "" {
		target.Admin = client.Login{
			User: cmp.Or(os.Getenv("OS_ADMIN_USERNAME"), "admin"), Password: password,
			Project: cmp.Or(os.Getenv("OS_ADMIN_PROJECT_NAME"), "admin"), Domain: domain,
		}
	}
	var err error
	target.VolumeURL, err = volumeURL(ctx, target)
	return target, err
}

// catalog is what conform reads of a token.
type catalog struct {
	Token struct {
		Catalog []struct {
			Type      string
			Endpoints []struct{ Interface, URL string }
		}
	}
}

// volumeURL finds block storage in the catalog, without version and project.
func volumeURL(ctx context.Context, target *suite.Target) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	d := map[string]any{"name": target.Demo.Domain}
	body, err := json.Marshal(map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{
			"user": map[string]any{"name": target.Demo.User, "password": target.Demo.Password, "domain": d}}},
		"scope": map[string]any{"project": map[string]any{"name": target.Demo.Project, "domain": d}},
	}})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.IdentityURL+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var got catalog
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&got); err != nil || answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("log in at %s: status %d, %w", target.IdentityURL, answer.StatusCode, cmp.Or(err, errors.New("refused")))
	}
	for _, service := range got.Token.Catalog {
		if service.Type != "volumev3" && service.Type != "block-storage" {
			continue
		}
		for _, endpoint := range service.Endpoints {
			if base, _, found := strings.Cut(endpoint.URL, "/v3"); endpoint.Interface == "public" && found {
				return base, nil
			}
		}
	}
	return "", errors.New("the catalog has no volumev3 with a public address")
}

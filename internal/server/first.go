package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/breezeblock/breezeblock/internal/identity"
)

// ensureFirst makes the first accounts and writes how to log in; authURL is
// where clients reach the identity API. On later starts it only corrects the
// address in the files.
func (s *Server) ensureFirst(ctx context.Context, authURL string) error {
	made, err := s.identity.EnsureFirst(ctx, identity.First{
		AdminPassword: s.config.AdminPassword, DemoPassword: s.config.DemoPassword,
		Publish: func(all []identity.Credential) error { return s.writeOpenrcs(authURL, all) },
	})
	if err != nil || made != nil {
		return err
	}
	for _, name := range []string{"openrc", "openrc-admin"} {
		if err := s.readdress(filepath.Join(s.config.Data, name), authURL); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) writeOpenrcs(authURL string, all []identity.Credential) error {
	for _, c := range all {
		name := "openrc"
		if c.User == "admin" {
			name = "openrc-admin"
		}
		if err := writeFile(filepath.Join(s.config.Data, name), []byte(openrc(authURL, s.config.Region, c))); err != nil {
			return err
		}
	}
	return nil
}

// openrc is what a shell sources so that any OpenStack client works.
func openrc(authURL, region string, c identity.Credential) string {
	var b strings.Builder
	b.WriteString("# source this file, then use any OpenStack client\n")
	for _, v := range [][2]string{
		{"OS_AUTH_URL", authURL}, {"OS_IDENTITY_API_VERSION", "3"}, {"OS_USERNAME", c.User}, {"OS_PASSWORD", c.Password},
		{"OS_PROJECT_NAME", c.Project}, {"OS_USER_DOMAIN_NAME", c.Domain}, {"OS_PROJECT_DOMAIN_NAME", c.Domain},
		{"OS_REGION_NAME", region},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	return b.String()
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

var authLine = regexp.MustCompile(`(?m)^export OS_AUTH_URL=.*$`)

// readdress corrects the address in an openrc that is there.
func (s *Server) readdress(path, authURL string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner has put it somewhere safe
	}
	if err != nil {
		return err
	}
	corrected := authLine.ReplaceAllLiteralString(string(text), "export OS_AUTH_URL="+shellQuote(authURL))
	if corrected == string(text) {
		return nil
	}
	return writeFile(path, []byte(corrected))
}

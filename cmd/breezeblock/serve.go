package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/server"
)

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API until SIGTERM or SIGINT",
		Long: "Serve the API until SIGTERM or SIGINT. The first start makes the data folder, the database,\n" +
			"the projects and users, and the files openrc and openrc-admin with random passwords.\n" +
			"Every setting may also come from the environment (BREEZEBLOCK_<SETTING>) or from a TOML\n" +
			"file (--config); passwords and the metrics token come from there alone.",
		Args:    cobra.NoArgs,
		Example: "  breezeblock serve --data ./breezeblock-data\n  source ./breezeblock-data/openrc && openstack volume list",
	}
	addSettings(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := settings(c)
		if err != nil {
			return err
		}
		return serve(c.Context(), settings, c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

// heapFloor is memory that is held and never touched, so it is not resident. It
// makes the collector wait until as much again was allocated: with the few MiB
// that live otherwise it would run twenty times a second under load. In bytes.
const heapFloor = 16 << 20

// serve runs a server until ctx ends, then stops it in order.
func serve(ctx context.Context, c *config.Config, out, logs io.Writer) error {
	level := new(slog.LevelVar) // the API can set it
	level.Set(c.LogLevel)
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: level}))
	parts := server.Parts{Log: log, LogLevel: level}
	if c.LogLevel <= slog.LevelInfo {
		parts.Access = logs
	}
	s, err := server.New(ctx, c, parts)
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		_ = s.Stop(ctx) // the first error is the one to tell
		return err
	}
	welcome(out, c, s)
	debug.FreeOSMemory() // what hashing the first passwords took
	floor := make([]byte, heapFloor)
	<-ctx.Done()
	runtime.KeepAlive(floor)
	log.Info("stopping: no new requests, those in hand end")
	return s.Stop(context.WithoutCancel(ctx))
}

// welcome says where the service is and what to try; never a secret.
func welcome(out io.Writer, c *config.Config, s *server.Server) {
	openrc := filepath.Join(c.Data, "openrc")
	if dir, err := os.Getwd(); err == nil {
		if abs, err := filepath.Abs(openrc); err == nil {
			if rel, err := filepath.Rel(dir, abs); err == nil && len(rel) < len(abs) {
				openrc = rel
			}
		}
	}
	fmt.Fprintf(out, "Breezeblock serves %s (dialect %s, data in %s)\n", s.URL(), c.Dialect, c.Data)
	if s.IdentityURL() != "" {
		fmt.Fprintf(out, "identity also at %s\n", s.IdentityURL())
	}
	fmt.Fprintf(out, `
Paste this to begin:
  source %s
  openstack volume create --size 1 v && openstack volume snapshot create --volume v s

And a PUT to try, when the snapshot is there:
  T=$(openstack token issue -f value -c id); P=$(openstack token issue -f value -c project_id)
  S=$(openstack volume snapshot show s -f value -c id)
  curl -s -X PUT %s/v3/$P/snapshots/$S -H "X-Auth-Token: $T" -H "Content-Type: application/json" \
    -d '{"snapshot": {"name": "snap-001", "description": "Daily backup"}}'
`, openrc, s.URL())
}

// Command breezeblock is a block-storage service: the EVS and the Cinder API on
// real bytes, in one binary. This is the front door: one file for each
// subcommand; the rooms are built in internal/server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/breezeblock/breezeblock/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal stops in order, a second one ends the process at once
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "breezeblock:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "breezeblock",
		Short:         "Block storage with the EVS and the OpenStack Cinder API, on real bytes",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(serveCommand(), checkCommand(), doctorCommand(), verifyCommand(), keysCommand(), conformCommand(), attachCommand(), detachCommand(), versionCommand())
	return c
}

// addSettings makes a flag of each setting that may be one.
func addSettings(flags *pflag.FlagSet) {
	for _, s := range config.Settings() {
		switch {
		case s.NoFlag:
		case s.Bool:
			flags.Bool(s.Name, s.Default == "true", s.Help)
		default:
			flags.String(s.Name, s.Default, s.Help)
		}
	}
}

// settings reads default, file, environment and flags.
func settings(c *cobra.Command) (*config.Config, error) {
	return config.Load(config.Sources{
		Env: os.LookupEnv,
		Flag: func(name string) (string, bool) {
			f := c.Flags().Lookup(name)
			if f == nil || !f.Changed {
				return "", false
			}
			return f.Value.String(), true
		},
	})
}

// errNotWorking ends a check that printed its findings already.
var errNotWorking = errors.New("something does not work; see above")

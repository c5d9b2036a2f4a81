package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/server"
)

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Print every setting and where it came from, and say whether database and driver work",
		Args:  cobra.NoArgs,
	}
	addSettings(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := settings(c)
		if settings != nil {
			printSettings(c.OutOrStdout(), settings.Values)
		}
		if err != nil {
			return err
		}
		return printHealth(c.Context(), c.OutOrStdout(), settings)
	}
	return c
}

// printSettings shows the values; of secrets only whether they are set.
func printSettings(out io.Writer, values []config.Value) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range values {
		text := v.Text
		switch {
		case v.Secret && text != "":
			text = "(set)"
		case text == "":
			text = "(unset)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, text, v.Origin)
	}
	_ = table.Flush()
}

func printHealth(ctx context.Context, out io.Writer, c *config.Config) error {
	works := true
	fmt.Fprintln(out)
	for _, finding := range server.Check(ctx, c) {
		state := "works"
		if finding.Note != "" {
			state += "; " + finding.Note
		}
		if finding.Err != nil {
			state, works = "does not work: "+finding.Err.Error(), false
		}
		fmt.Fprintf(out, "%s %s: %s\n", finding.Part, finding.Place, state)
	}
	if !works {
		return errNotWorking
	}
	return nil
}

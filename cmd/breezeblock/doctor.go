package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/internal/server"
)

func doctorCommand() *cobra.Command {
	var e server.Examination
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Compare database and driver of a stopped server, and mend what is wrong with --repair",
		Long: "Compare database and driver of a stopped server: objects without a row, rows without an\n" +
			"object, jobs and leases that nobody serves, statuses that wait for nothing, usage that is not\n" +
			"the count of the rows, damaged volumes. It prints what it would do about each and changes\n" +
			"nothing; with --repair it does so. The exit status is 0 when nothing is wrong (any more), else 1.",
		Args:    cobra.NoArgs,
		Example: "  breezeblock doctor --data ./breezeblock-data\n  breezeblock doctor --data ./breezeblock-data --repair",
	}
	addSettings(c.Flags())
	c.Flags().BoolVar(&e.Repair, "repair", false, "carry out the plan")
	c.Flags().BoolVar(&e.Verify, "verify", false, "also look through each volume for damage; may read every byte")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := settings(c)
		if err != nil {
			return err
		}
		checkup, err := server.Doctor(c.Context(), settings, server.Parts{}, e)
		if err != nil {
			return err
		}
		print := printCheckup
		if asJSON {
			print = printCheckupJSON
		}
		if err := print(c.OutOrStdout(), checkup); err != nil {
			return err
		}
		if !checkup.Healthy() {
			return errUnwell
		}
		return nil
	}
	return c
}

// errUnwell ends a checkup that printed its findings already.
var errUnwell = errors.New("something is wrong; see above")

func printCheckup(out io.Writer, c *server.Checkup) error {
	fmt.Fprintf(out, "looked at %d volumes, %d snapshots, %d jobs that wait or run, %d objects of the driver\n",
		c.Volumes, c.Snapshots, c.Jobs, c.Objects)
	for i, f := range c.Findings {
		fmt.Fprintf(out, "\n%d. %s: %s %s\n   %s\n", i+1, f.Problem, f.Object, f.ID, f.Says)
		switch {
		case f.Plan == "":
			fmt.Fprintln(out, "   plan: none; delete it, or bring its files back from elsewhere")
		case f.Err != nil:
			fmt.Fprintf(out, "   plan: %s\n   failed: %v\n", f.Plan, f.Err)
		case c.Left != nil:
			fmt.Fprintf(out, "   done: %s\n", f.Plan)
		default:
			fmt.Fprintf(out, "   plan: %s\n", f.Plan)
		}
	}
	verdict := fmt.Sprintf("\n%d findings; nothing was changed. With --repair the plan is carried out.", len(c.Findings))
	switch {
	case len(c.Findings) == 0:
		verdict = "nothing is wrong"
	case c.Left != nil && len(c.Left.Findings) == 0:
		verdict = fmt.Sprintf("\n%d findings, all mended", len(c.Findings))
	case c.Left != nil:
		verdict = fmt.Sprintf("\n%d findings, %d left after the repair", len(c.Findings), len(c.Left.Findings))
	}
	_, err := fmt.Fprintln(out, verdict)
	return err
}

// printCheckupJSON prints what scripts read; its fields are stable.
func printCheckupJSON(out io.Writer, c *server.Checkup) error {
	type finding struct {
		Problem string `json:"problem"`
		Object  string `json:"object"`
		ID      string `json:"id"`
		Says    string `json:"says"`
		Plan    string `json:"plan,omitempty"`
		Error   string `json:"error,omitempty"`
	}
	answer := struct {
		Volumes   int       `json:"volumes"`
		Snapshots int       `json:"snapshots"`
		Jobs      int       `json:"jobs"`
		Objects   int       `json:"driver_objects"`
		Findings  []finding `json:"findings"`
		Repaired  bool      `json:"repaired"` // the plan was carried out
		Left      int       `json:"left"`     // findings that are still there
		Healthy   bool      `json:"healthy"`
	}{c.Volumes, c.Snapshots, c.Jobs, c.Objects, []finding{}, c.Left != nil, len(c.Findings), c.Healthy()}
	for _, f := range c.Findings {
		one := finding{Problem: string(f.Problem), Object: f.Object, ID: f.ID, Says: f.Says, Plan: f.Plan}
		if f.Err != nil {
			one.Error = f.Err.Error()
		}
		answer.Findings = append(answer.Findings, one)
	}
	if c.Left != nil {
		answer.Left = len(c.Left.Findings)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/internal/server"
)

func verifyCommand() *cobra.Command {
	var repair, asJSON bool
	c := &cobra.Command{
		Use:   "verify [VOLUME...]",
		Short: "Look through the volumes of a stopped server for damaged bytes",
		Long: "Look through volumes of a stopped server and their snapshots for damage: the ones named, or\n" +
			"all. It reads every byte that has a checksum and says where in which volume and snapshots\n" +
			"damage lies, and in which file. With --repair it also removes what is left over and is not\n" +
			"needed; lost bytes it cannot bring back. The exit status is 0 when nothing is damaged, else 1.\n" +
			"While the server runs, POST .../volumes/VOLUME/verify does the same: see docs/extensions.md.",
		Example: "  breezeblock verify --data ./breezeblock-data\n  breezeblock verify --data ./breezeblock-data --json 7d0f9c4e-...",
	}
	addSettings(c.Flags())
	c.Flags().BoolVar(&repair, "repair", false, "remove what is left over")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each volume, one a line")
	c.RunE = func(c *cobra.Command, volumes []string) error {
		settings, err := settings(c)
		if err != nil {
			return err
		}
		well, out := true, c.OutOrStdout()
		err = server.Verify(c.Context(), settings, server.Parts{}, volumes, repair, func(v *server.Verification) {
			well = well && !v.Damaged() && v.Error == ""
			if asJSON {
				printVerificationJSON(out, v)
			} else {
				printVerification(out, v)
			}
		})
		if errors.Is(err, server.ErrFolderInUse) {
			return fmt.Errorf("%w; a running server verifies by POST .../volumes/VOLUME/verify", err)
		}
		if err == nil && !well {
			return errUnwell
		}
		return err
	}
	return c
}

func printVerification(out io.Writer, v *server.Verification) {
	if v.Error != "" {
		fmt.Fprintf(out, "volume %s: cannot be verified: %s\n", v.VolumeID, v.Error)
		return
	}
	verdict := "sound"
	if v.Damaged() {
		verdict = "DAMAGED"
	}
	fmt.Fprintf(out, "volume %s: %s; %d bytes fit their checksums, %d have none yet\n", v.VolumeID, verdict, v.Verified, v.Unverified)
	for i := range v.Findings {
		f := &v.Findings[i]
		what := "left over"
		switch {
		case f.Damage:
			what = "damage"
		case f.Repaired:
			what = "removed"
		}
		fmt.Fprintf(out, "  %s", what)
		if f.Offset >= 0 {
			fmt.Fprintf(out, ": %d bytes at offset %d", f.Length, f.Offset)
		}
		fmt.Fprintf(out, "\n    %s: %s\n", f.Place, f.What)
		if f.Volume {
			fmt.Fprintln(out, "    seen by the volume")
		}
		for _, id := range f.Snapshots {
			fmt.Fprintf(out, "    seen by snapshot %s\n", id)
		}
		if f.MoreSnapshots > 0 {
			fmt.Fprintf(out, "    and by %d snapshots more\n", f.MoreSnapshots)
		}
	}
	if v.More > 0 {
		fmt.Fprintf(out, "  and %d findings more\n", v.More)
	}
}

// printVerificationJSON prints what scripts read; its fields are stable.
func printVerificationJSON(out io.Writer, v *server.Verification) {
	findings := v.Findings
	if findings == nil {
		findings = []server.Located{}
	}
	text, err := json.Marshal(struct {
		Volume     string           `json:"volume_id"`
		Damaged    bool             `json:"damaged"`
		Verified   int64            `json:"verified"`
		Unverified int64            `json:"unverified"`
		Findings   []server.Located `json:"findings"`
		More       int              `json:"more_findings"`
		Error      string           `json:"error,omitempty"`
	}{v.VolumeID, v.Damaged(), v.Verified, v.Unverified, findings, v.More, v.Error})
	if err != nil {
		panic(err) // plain fields
	}
	fmt.Fprintf(out, "%s\n", text)
}

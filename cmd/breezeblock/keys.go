package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/internal/server"
)

func keysCommand() *cobra.Command {
	keys := &cobra.Command{Use: "keys", Short: "Keys that seal identity tokens, and keys that sign requests"}
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Make the next key primary; a running server takes it up by itself",
		Long: "Make the next key primary. Tokens made before stay valid until the key that sealed them\n" +
			"is removed, two rotations later. A running server takes the change up by itself.",
		Args: cobra.NoArgs,
	}
	addSettings(rotate.Flags())
	rotate.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := settings(c)
		if err != nil {
			return err
		}
		if err := server.RotateKeys(settings); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), "the next key is primary")
		return err
	}
	keys.AddCommand(rotate, accessCommand())
	return keys
}

package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/compat/client"
)

// accessCommand is for access keys: it asks a running server, as any client would.
func accessCommand() *cobra.Command {
	access := &cobra.Command{Use: "access", Short: "Access keys, which sign requests in place of a token"}
	var description string
	create := &cobra.Command{
		Use:   "create [USER]",
		Short: "Make an access key and print it; its secret is told this once",
		Long: "Make an access key on the server that OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME\n" +
			"and OS_USER_DOMAIN_NAME name (an openrc sets them), and print it as two lines that a shell can\n" +
			"source. USER is a name, the caller's own if left out; for another's one must be an administrator.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  source breezeblock-data/openrc && breezeblock keys access create",
	}
	create.Flags().StringVar(&description, "description", "", "what the key is for")
	create.RunE = func(c *cobra.Command, args []string) error {
		for _, name := range []string{"OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"} {
			if os.Getenv(name) == "" {
				return fmt.Errorf("%s is not set; an openrc sets it", name)
			}
		}
		target := &client.Target{IdentityURL: strings.TrimSuffix(os.Getenv("OS_AUTH_URL"), "/")}
		caller, err := target.LogIn(c.Context(), client.Login{
			User: os.Getenv("OS_USERNAME"), Password: os.Getenv("OS_PASSWORD"), Project: os.Getenv("OS_PROJECT_NAME"),
			Domain: cmp.Or(os.Getenv("OS_USER_DOMAIN_NAME"), "Default"),
		})
		if err != nil {
			return err
		}
		user := caller.UserID
		if len(args) == 1 {
			if user, err = userNamed(c, caller, args[0]); err != nil {
				return err
			}
		}
		a, err := caller.Do(c.Context(), client.Request{
			Method: http.MethodPost, Base: target.IdentityURL + ".0", Path: "/OS-CREDENTIAL/credentials",
			Body: map[string]any{"credential": map[string]any{"user_id": user, "description": description}},
		})
		if err != nil {
			return err
		}
		if a.Status != http.StatusCreated {
			return fmt.Errorf("make an access key: got %s", a)
		}
		made := a.Under("credential")
		_, err = fmt.Fprintf(c.OutOrStdout(), "export HUAWEICLOUD_SDK_AK=%s\nexport HUAWEICLOUD_SDK_SK=%s\n", made["access"], made["secret"])
		return err
	}
	access.AddCommand(create)
	return access
}

// userNamed finds a user by name; those who are no administrators see themselves only.
func userNamed(c *cobra.Command, caller *client.Session, name string) (string, error) {
	a, err := caller.Do(c.Context(), client.Request{Method: http.MethodGet, Base: caller.Target.IdentityURL, Path: "/users?name=" + url.QueryEscape(name)})
	if err != nil {
		return "", err
	}
	users, _ := a.Object()["users"].([]any)
	if a.Status != http.StatusOK || len(users) != 1 {
		return "", fmt.Errorf("there is no user %q that %s may make a key for", name, os.Getenv("OS_USERNAME"))
	}
	user, _ := users[0].(map[string]any)
	id, _ := user["id"].(string)
	return id, nil
}

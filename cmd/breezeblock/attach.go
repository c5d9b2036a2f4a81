package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/breezeblock/breezeblock/compat/client"
)

// attachOptions are the flags of attach and detach.
type attachOptions struct {
	openrc   string
	host     string
	readOnly bool
	quiet    bool
}

func attachCommand() *cobra.Command {
	o := &attachOptions{}
	c := &cobra.Command{
		Use:   "attach VOLUME",
		Short: "Attach a volume to this host and print how to open it",
		Long: "Attach a volume, by id or name, to this host and print its NBD address and what to paste for\n" +
			"common tools. Who asks is read from OS_AUTH_URL and its like; where they are not set, from the\n" +
			"openrc of the data folder. The address is a secret: whoever has it has the volume.",
		Args:    cobra.ExactArgs(1),
		Example: "  breezeblock attach my-volume\n  qemu-img info \"$(breezeblock attach --quiet --read-only my-volume)\"",
	}
	o.addTo(c)
	c.Flags().StringVar(&o.host, "host", "", "name of the host that uses the volume; empty: this machine's")
	c.Flags().BoolVar(&o.readOnly, "read-only", false, "let nobody write through this attachment")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "print the address alone")
	c.RunE = func(c *cobra.Command, args []string) error { return o.attach(c.Context(), c.OutOrStdout(), args[0]) }
	return c
}

func detachCommand() *cobra.Command {
	o := &attachOptions{}
	c := &cobra.Command{
		Use:   "detach VOLUME|ATTACHMENT",
		Short: "Detach a volume: who has it open is cut off",
		Long: "Detach an attachment, by its id, or the only attachment of a volume, by the volume's id or name.\n" +
			"Who has it open is cut off, and the address opens nothing any more.",
		Args: cobra.ExactArgs(1),
	}
	o.addTo(c)
	c.RunE = func(c *cobra.Command, args []string) error { return o.detach(c.Context(), c.OutOrStdout(), args[0]) }
	return c
}

func (o *attachOptions) addTo(c *cobra.Command) {
	data := cmp.Or(os.Getenv("BREEZEBLOCK_DATA"), "breezeblock-data")
	c.Flags().StringVar(&o.openrc, "openrc", filepath.Join(data, "openrc"), "file to read where OS_AUTH_URL is not set")
}

// exportLine is a line of an openrc as this service writes it.
var exportLine = regexp.MustCompile(`(?m)^export (OS_[A-Z_]+)='((?:[^']|'\\'')*)'$`)

// logIn is a session of whoever OS_* or the openrc names.
func (o *attachOptions) logIn(ctx context.Context) (*client.Session, error) {
	if os.Getenv("OS_AUTH_URL") == "" {
		text, err := os.ReadFile(o.openrc)
		if err != nil {
			return nil, fmt.Errorf("OS_AUTH_URL is not set, and the openrc cannot be read: %w", err)
		}
		for _, line := range exportLine.FindAllStringSubmatch(string(text), -1) {
			if err := os.Setenv(line[1], strings.ReplaceAll(line[2], `'\''`, "'")); err != nil {
				return nil, err
			}
		}
	}
	target, err := targetFromEnv(ctx, "evs")
	if err != nil {
		return nil, err
	}
	return target.LogIn(ctx, target.Demo)
}

// call sends a call below the session's project and checks its status.
func call(ctx context.Context, s *client.Session, method, path string, body any, want int) (*client.Answer, error) {
	a, err := s.Do(ctx, client.Request{
		Method: method, Path: "/v3/" + s.ProjectID + path, Body: body,
		Fields: []client.Field{{"OpenStack-API-Version", "volume 3.50"}},
	})
	if err != nil {
		return nil, err
	}
	if a.Status == want {
		return a, nil
	}
	for _, inner := range a.Object() {
		if fault, is := inner.(map[string]any); is && fault["message"] != nil {
			return nil, fmt.Errorf("%v (status %d)", fault["message"], a.Status)
		}
	}
	return nil, fmt.Errorf("%s %s: status %d", method, path, a.Status)
}

// findVolume tells the id of a volume of that id or name.
func findVolume(ctx context.Context, s *client.Session, named string) (string, error) {
	a, err := call(ctx, s, "GET", "/volumes?name="+url.QueryEscape(named), nil, http.StatusOK)
	if err != nil {
		return "", err
	}
	list, _ := a.Object()["volumes"].([]any)
	switch len(list) {
	case 0:
		if a, err = call(ctx, s, "GET", "/volumes/"+url.PathEscape(named), nil, http.StatusOK); err != nil {
			return "", fmt.Errorf("no volume has the name or id %s: %w", named, err)
		}
		return fmt.Sprint(a.Under("volume")["id"]), nil
	case 1:
		volume, _ := list[0].(map[string]any)
		return fmt.Sprint(volume["id"]), nil
	}
	return "", fmt.Errorf("%d volumes have the name %s: name one by its id", len(list), named)
}

func (o *attachOptions) attach(ctx context.Context, out io.Writer, named string) error {
	s, err := o.logIn(ctx)
	if err != nil {
		return err
	}
	volume, err := findVolume(ctx, s, named)
	if err != nil {
		return err
	}
	host := o.host
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return fmt.Errorf("name this host by --host: %w", err)
		}
	}
	connector := map[string]any{"host": host, "mode": "rw"}
	if o.readOnly {
		connector["mode"] = "ro"
	}
	a, err := call(ctx, s, "POST", "/attachments", map[string]any{"attachment": map[string]any{"volume_uuid": volume, "connector": connector}}, http.StatusOK)
	if err != nil {
		return err
	}
	id := fmt.Sprint(a.Under("attachment")["id"])
	info, _ := a.Under("attachment")["connection_info"].(map[string]any)
	address, _ := info["uri"].(string)
	if address == "" {
		_, undo := call(ctx, s, "DELETE", "/attachments/"+id, nil, http.StatusOK)
		return errors.Join(errors.New("the server tells no NBD address"), undo)
	}
	if _, err := call(ctx, s, "POST", "/attachments/"+id+"/action", map[string]any{"os-complete": nil}, http.StatusNoContent); err != nil {
		_, undo := call(ctx, s, "DELETE", "/attachments/"+id, nil, http.StatusOK)
		return errors.Join(err, undo)
	}
	if o.quiet {
		_, err = fmt.Fprintln(out, address)
		return err
	}
	_, err = fmt.Fprintf(out, `volume %s is attached to %s (%s) as attachment %s
%s

Paste one of these:
  qemu-img info '%[5]s'
  nbdinfo '%[5]s'
  nbdcopy '%[5]s' copy.raw
  mkdir -p mnt && nbdfuse mnt/disk '%[5]s' &

And when you are done:
  breezeblock detach %[4]s
`, volume, host, info["access_mode"], id, address)
	return err
}

func (o *attachOptions) detach(ctx context.Context, out io.Writer, named string) error {
	s, err := o.logIn(ctx)
	if err != nil {
		return err
	}
	id := named
	if _, err := call(ctx, s, "GET", "/attachments/"+url.PathEscape(named), nil, http.StatusOK); err != nil {
		volume, err := findVolume(ctx, s, named)
		if err != nil {
			return fmt.Errorf("no attachment has the id %[1]s, and %[2]w", named, err)
		}
		if id, err = onlyAttachment(ctx, s, volume); err != nil {
			return err
		}
	}
	if _, err := call(ctx, s, "DELETE", "/attachments/"+url.PathEscape(id), nil, http.StatusOK); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "attachment %s is detached\n", id)
	return err
}

// onlyAttachment is the id of a volume's attachment, if there is just one.
func onlyAttachment(ctx context.Context, s *client.Session, volume string) (string, error) {
	a, err := call(ctx, s, "GET", "/attachments?volume_id="+volume, nil, http.StatusOK)
	if err != nil {
		return "", err
	}
	list, _ := a.Object()["attachments"].([]any)
	var ids []string
	for _, item := range list {
		attachment, _ := item.(map[string]any)
		ids = append(ids, fmt.Sprint(attachment["id"]))
	}
	switch len(ids) {
	case 0:
		return "", fmt.Errorf("volume %s has no attachment", volume)
	case 1:
		return ids[0], nil
	}
	return "", fmt.Errorf("volume %s has %d attachments: name one of %s", volume, len(ids), strings.Join(ids, ", "))
}

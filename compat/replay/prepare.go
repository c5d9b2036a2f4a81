package replay

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// What the recorder did around rows of the other file, worked out from their
// ids and answers; the rows themselves do not say it.
var (
	// volumeState: volume b is put into the status first.
	volumeState = regexp.MustCompile(`^create-volume-(error_deleting|error|creating|in-use|attaching|maintenance)(-force|-3\.66)?$`)
	// inUse: volume b is attached for these, too.
	inUse = regexp.MustCompile(`^extend-status-in-use`)
	// deleteState and extendState: the object of the row's path is put into the status.
	deleteState = regexp.MustCompile(`^delete-status-(.+)$`)
	extendState = regexp.MustCompile(`^extend-status-(error|creating)$`)
	// object finds what a path is about.
	object = regexp.MustCompile(`^/v3/[^/]+/(volumes|snapshots)/([0-9a-f-]{36})(/|$)`)
)

// attachedServer and attachedDevice are those of the recorded attachment.
const (
	attachedServer = "00000000-0000-0000-0000-000000000005"
	attachedDevice = "/dev/vdz"
)

// overQuota are rows that run into a quota: which, and how much is left of it.
var overQuota = map[string]struct {
	resource string
	left     int
}{
	"create-over-quota":               {"snapshots", 0},
	"extend-over-quota":               {"gigabytes", 13},
	"volume-create-over-quota":        {"gigabytes", 13},
	"volume-create-over-volume-limit": {"volumes", 0},
}

// before does what the recorder did before a row of the other file.
func (s *stage) before(ctx context.Context, row *Row, path string) error {
	if quota, ok := overQuota[row.ID]; ok {
		used, err := s.usage(ctx, quota.resource)
		if err != nil {
			return err
		}
		return s.admin.SetQuota(ctx, s.demo.ProjectID, map[string]int{quota.resource: used + quota.left})
	}
	if found := volumeState.FindStringSubmatch(row.ID); found != nil {
		return s.putVolumeB(ctx, found[1])
	}
	if inUse.MatchString(row.ID) {
		return s.putVolumeB(ctx, "in-use")
	}
	if row.ID == "reset-volume-in-use-unattached" || row.ID == "create-volume-deleting" {
		return s.putVolumeB(ctx, "available")
	}
	plural, id := objectOf(path)
	if found := deleteState.FindStringSubmatch(row.ID); found != nil {
		return s.admin.ResetStatus(ctx, plural, id, found[1])
	}
	if found := extendState.FindStringSubmatch(row.ID); found != nil {
		return s.admin.ResetStatus(ctx, plural, id, found[1])
	}
	switch row.ID {
	case "delete-available":
		return s.admin.ResetStatus(ctx, plural, id, "available")
	case "action-update-status-from-creating":
		return s.admin.ResetStatus(ctx, plural, id, "creating")
	case "delete-gone-show":
		_, err := s.demo.Settle(ctx, plural, id)
		return err
	}
	return nil
}

// after waits for slow work, binds the name of what was made, and undoes what
// before did.
func (s *stage) after(ctx context.Context, row *Row, sent client.Raw, a *client.Answer) error {
	if quota, ok := overQuota[row.ID]; ok {
		restored := map[string]int{quota.resource: fullQuota[quota.resource]}
		if err := s.admin.SetQuota(ctx, s.demo.ProjectID, restored); err != nil {
			return err
		}
	}
	plural, id := objectOf(sent.Target)
	if extendState.MatchString(row.ID) {
		return s.admin.ResetStatus(ctx, plural, id, "available")
	}
	if a.Status/100 == 2 && slow(row, sent) && plural != "" {
		_, err := s.admin.Settle(ctx, plural, id)
		return err
	}
	if row.Request.Method == "POST" && id == "" {
		return s.created(ctx, row, sent, a)
	}
	return nil
}

// slow tells whether a call leaves work behind that the recorder waited for;
// the row after delete-available looks on while it is under way.
func slow(row *Row, sent client.Raw) bool {
	body := string(sent.Body)
	return row.ID != "delete-available" && (sent.Method == "DELETE" ||
		strings.Contains(body, "os-extend") || strings.Contains(body, "os-force_delete"))
}

// created waits for what a row made. Where a recorded fault made nothing
// and we did, it is removed again; where only Cinder's database made something
// (an id in capitals), a stand-in is made, for later rows count on it.
func (s *stage) created(ctx context.Context, row *Row, sent client.Raw, a *client.Answer) error {
	plural, made := madeBy(sent, a)
	recorded := row.Response.Status == http.StatusAccepted
	switch {
	case made != "" && !recorded:
		if _, err := s.demo.Settle(ctx, plural, made); err != nil {
			return err
		}
		return s.demo.Delete(ctx, plural, made)
	case made == "" && recorded && upper[row.ID] != "":
		id, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": s.names.values[upper[row.ID]]})
		s.names.values["new_"+row.ID] = id
		return err
	case made != "":
		_, err := s.demo.Settle(ctx, plural, made)
		return err
	}
	return nil
}

// madeBy tells what a call of creation made; id is empty when nothing.
func madeBy(sent client.Raw, a *client.Answer) (plural, id string) {
	plural = "snapshots"
	if strings.Contains(sent.Target, "/volumes") {
		plural = "volumes"
	}
	if sent.Method == "POST" && !strings.HasSuffix(sent.Target, "/action") && a.Status/100 == 2 {
		id, _ = a.Under(strings.TrimSuffix(plural, "s"))["id"].(string)
	}
	return plural, id
}

// putVolumeB puts volume b into a status: in-use by os-attach, all else by
// os-reset_status, after os-detach where needed.
func (s *stage) putVolumeB(ctx context.Context, status string) error {
	id := s.names.values["volume_b"]
	if status == "in-use" {
		if s.attached {
			return nil
		}
		if err := s.admin.ResetStatus(ctx, "volumes", id, "available"); err != nil {
			return err
		}
		s.attached = true
		return s.action(ctx, id, map[string]any{"os-attach": map[string]any{
			"instance_uuid": attachedServer, "mountpoint": attachedDevice, "mode": "rw"}})
	}
	if s.attached {
		s.attached = false
		if err := s.action(ctx, id, map[string]any{"os-detach": map[string]any{}}); err != nil {
			return err
		}
	}
	return s.admin.ResetStatus(ctx, "volumes", id, status)
}

func (s *stage) action(ctx context.Context, id string, body any) error {
	a, err := s.demo.Do(ctx, client.Request{Method: "POST",
		Path: "/v3/" + s.demo.ProjectID + "/volumes/" + id + "/action", Body: body})
	if err != nil {
		return err
	}
	if a.Status != http.StatusAccepted {
		return fmt.Errorf("action %v: got %s", body, a)
	}
	return nil
}

// endOfStates gives volume b back as it was, once its rows are over.
func (s *stage) endOfStates(ctx context.Context) error {
	return s.putVolumeB(ctx, "available")
}

func (s *stage) usage(ctx context.Context, resource string) (int, error) {
	a, err := s.admin.Do(ctx, client.Request{Method: "GET",
		Path: "/v3/" + s.admin.ProjectID + "/os-quota-sets/" + s.demo.ProjectID + "?usage=True"})
	if err != nil {
		return 0, err
	}
	figures, _ := a.Under("quota_set")[resource].(map[string]any)
	used, err := strconv.Atoi(fmt.Sprint(figures["in_use"]))
	if err != nil {
		return 0, fmt.Errorf("usage of %s: got %s", resource, a)
	}
	return used, nil
}

// objectOf tells what a path is about; empty when it is about no one object.
func objectOf(path string) (plural, id string) {
	found := object.FindStringSubmatch(path)
	if found == nil {
		return "", ""
	}
	return found[1], found[2]
}

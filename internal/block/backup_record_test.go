package block_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestExportedRecordBringsABackupBack(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		r.write(v.ID, far, []byte("kept"))
		b := r.backup(block.NewBackup{VolumeID: v.ID, Name: block.SetText("n"), Metadata: map[string]string{"a": "b"}})
		r.settle(time.Second)
		service, url, err := r.service.ExportBackup(r.t.Context(), admin, b.ID)
		r.must(err)
		owner := block.Caller{UserID: "u", ProjectID: "demo", Admin: true}
		if _, err := r.service.ImportBackup(r.t.Context(), owner, service, url); block.KindOf(err) != block.Invalid {
			t.Errorf("a record of a backup that is there was imported: %v", err)
		}
		text, err := base64.StdEncoding.DecodeString(url)
		r.must(err)
		var record map[string]any
		r.must(json.Unmarshal(text, &record))
		again := func(changes map[string]any) string {
			other := map[string]any{}
			for key, value := range record {
				other[key] = value
			}
			for key, value := range changes {
				if other[key] = value; value == nil {
					delete(other, key)
				}
			}
			text, err := json.Marshal(other)
			r.must(err)
			return base64.StdEncoding.EncodeToString(text)
		}
		const id = "11111111-2222-4333-8444-555555555555"
		for name, bad := range map[string]string{
			"no base64": "%%%", "no JSON": base64.StdEncoding.EncodeToString([]byte("{")), "null": base64.StdEncoding.EncodeToString([]byte("null")),
			"no id": again(map[string]any{"id": nil}), "no size": again(map[string]any{"id": id, "size": nil}),
			"a huge size": again(map[string]any{"id": id, "size": 1 << 40}), "a size below 1": again(map[string]any{"id": id, "size": 0}),
			"a path": again(map[string]any{"id": id, "service_metadata": "../../etc/passwd"}), "a bad id": again(map[string]any{"id": "x"}),
			"a bad time": again(map[string]any{"id": id, "data_timestamp": "yesterday"}), "a bad parent": again(map[string]any{"id": id, "parent_id": "x"}),
			"a long name": again(map[string]any{"id": id, "display_name": strings.Repeat("x", 256)}), "a wrong type": again(map[string]any{"id": 5}),
		} {
			if _, err := r.service.ImportBackup(r.t.Context(), owner, service, bad); block.KindOf(err) != block.Invalid {
				t.Errorf("%s: got %v, want Invalid", name, err)
			}
		}
		if _, err := r.service.ImportBackup(r.t.Context(), owner, "swift", url); block.KindOf(err) != block.Invalid {
			t.Errorf("another service: %v", err)
		}
		made, err := r.service.ImportBackup(r.t.Context(), owner, service, again(map[string]any{"id": id}))
		r.must(err)
		lost, err := r.service.ImportBackup(r.t.Context(), owner, service, again(map[string]any{"id": "99999999-2222-4333-8444-555555555555", "service_metadata": "gone"}))
		r.must(err)
		r.settle(time.Second)
		r.backupIs(lost.ID, block.BackupError)
		if got := r.backupIs(made.ID, block.BackupAvailable); got.Name.Value != "n" || got.Metadata["a"] != "b" || got.VolumeID != v.ID || got.ObjectCount != 1 {
			t.Errorf("%+v", got)
		}
		r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID)) // both stand on one manifest
		r.settle(time.Second)
		_, into, err := r.service.RestoreBackup(r.t.Context(), demo, made.ID, "", block.Text{})
		r.must(err)
		r.settle(time.Second)
		r.holds(into.ID, far, []byte("kept"))
		for _, one := range []string{made.ID, lost.ID} {
			r.must(r.service.DeleteBackup(r.t.Context(), demo, one))
		}
		r.settle(time.Second)
		if left := r.objects.Names("manifests/"); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		r.healthy()
	})
}

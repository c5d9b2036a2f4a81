package server_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// nativeBodies are requests that rows of the native EVS families take, of each row
// several: what is put in the place of a part then reaches what only one of them has.
var nativeBodies = map[string][]string{
	"cloudsnapshot.create":   {`{"snapshot":{"volume_id":"{volume}","name":"n","description":"d","metadata":{"k":"v"},"force":true}}`},
	"cloudsnapshot.rollback": {`{"rollback":{"volume_id":"{volume}","name":"n","breezeblock:safety_snapshot":true}}`},
	"cloudsnapshot.update":   {`{"snapshot":{"name":"n","description":"d"}}`},
	"cloudvolume.create":     disks, "cloudvolume.create_v21": disks, "cloudvolume.create_v3": disks,
	"cloudvolume.update":       {`{"volume":{"name":"n","description":"d"}}`},
	"cloudvolume.extend":       {`{"os-extend":{"new_size":2}}`, `{"os-extend":{"new_size":"3"}}`},
	"cloudvolume.extend_v21":   {`{"os-extend":{"new_size":2}}`, `{"os-extend":{"new_size":2},"bssParam":{"isAutoPay":"true"}}`},
	"cloudvolume.batch_extend": {`{"volumes":[{"id":"{volume}","new_size":2},{"id":"{volume}","new_size":3}],"bss_param":{"is_auto_pay":"false"}}`},
	"cloudvolume.unsubscribe":  {`{"volume_ids":["{volume}","{snapshot}"]}`},
	"cloudvolume.retype":       {`{"os-retype":{"new_type":"SAS"},"bssParam":{"isAutoPay":"false"}}`, `{"os-retype":{"new_type":"GPSSD2","iops":3000,"throughput":125}}`},
	"cloudvolume.set_qos":      {`{"qos_modify":{"iops":3000,"throughput":125}}`},
	"recycle.set_policy":       {`{"switch":true,"threshold_time":1,"keep_time":1}`, `{"switch":false}`},
	"snapshot5.create":         {`{"snapshot":{"volume_id":"{volume}","name":"n","description":"d","instant_access":true,"incremental":false,"tags":{"k":"v"},"enterprise_project_id":"0"}}`},
	"snapshot5.update":         {`{"snapshot":{"name":"n","description":"d","instant_access":false}}`},
	"snapshot5.rollback":       {`{"rollback":{"volume_id":"{volume}","name":"n"}}`},
	"snapshot_group5.create":   {`{"snapshot_group":{"volume_ids":["{volume}","{volume}"],"name":"n","description":"d","instant_access":true,"incremental":true,"tags":{"k":"v"},"enterprise_project_id":"0"}}`, `{"snapshot_group":{"server_id":"{volume}","name":"n"}}`},
	"snapshot_group5.update":   {`{"snapshot_group":{"name":"n","description":"d"}}`},
	"tag.change":               changes, "tag.vendor_change": changes,
	"tag.query": queries, "tag.vendor_query": queries,
	"tag.snapshot_create": {`{"tags":[{"key":"k","value":"v"},{"key":"l","value":""}]}`}, "tag.snapshot_delete": {`{"tags":[{"key":"k"}]}`},
	"tag.snapshot_group_create": {`{"tags":[{"key":"k","value":"v"}]}`}, "tag.snapshot_group_delete": {`{"tags":[{"key":"k"},{"key":"l"}]}`},
	"vendor_tag.add": {`{"tags":{"k":"v","l":"w"}}`}, "vendor_tag.reset": {`{"tags":{"k":"v"}}`},
	"vendor_tag.delete": {`{"os-delete_tags":{"k":"v"}}`}, "vendor_tag.set": {`{"tag":{"k":"v"}}`},
	"vendor_snapshot.rollback": {`{"rollback":{"volume_id":"{volume}"}}`},
	"replication.create":       {`{"replication":{"name":"r","volume_ids":["{volume}","{volume}"],"priority_station":"az1"}}`},
	"replication_group.create": {`{"replication_consistency_group":{"name":"g","replication_ids":["{volume}"]}}`},
	"replication_group.update": {`{"replication_consistency_group":{"name":"g"}}`},
	"replication_group.action": {`{"os-failover-replication-consistency-group":{}}`},
	"access_key.create":        {`{"credential":{"user_id":"{user}","description":"d"}}`},
	"access_key.update":        {`{"credential":{"status":"inactive","description":"d"}}`},
	"security_token.create":    {`{"auth":{"identity":{"methods":["token"],"token":{"duration_seconds":900}}}}`},
}

var disks = []string{
	`{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1,"name":"n","description":"d","metadata":{"k":"v","hw:passthrough":"true","full_clone":"0"},"multiattach":false,"shareable":"false","count":2,"tags":{"k":"v"},"enterprise_project_id":"0"},"bssParam":{"chargingMode":"postPaid","isAutoPay":"false"},"OS-SCH-HNT:scheduler_hints":{"dedicated_storage_id":null},"server_id":null}`,
	`{"volume":{"availability_zone":"az1","volume_type":"GPSSD2","size":1,"iops":3000,"throughput":125,"metadata":{"__system__encrypted":"1","__system__cmkid":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk","create_for_volume_id":"true"}}}`,
	`{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1,"snapshot_id":"{snapshot}"}}`,
	`{"volume":{"availability_zone":"az1","volume_type":"SSD","backup_id":"{backup}"}}`,
	`{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1,"imageRef":"{image}"},"server_id":"{volume}"}`,
}

var changes = []string{
	`{"action":"create","tags":[{"key":"k","value":"v"},{"key":"l","value":""}]}`, `{"action":"delete","tags":[{"key":"k"},{"key":"l","value":"x"}]}`,
}

var queries = []string{
	`{"action":"filter","limit":"10","offset":"0","tags":[{"key":"k","values":["v","w"]},{"key":"l","values":[]}],"matches":[{"key":"resource_name","value":"n"},{"key":"service_type","value":"EVS"}]}`,
	`{"action":"count","tags":[{"key":"k","values":[]}]}`,
}

// nativeKeys are the parameters of queries that only native lists have.
var nativeKeys = []string{
	"id", "ids", "server_id", "service_type", "volume_type_id", "dedicated_storage_id", "dedicated_storage_name", "enterprise_project_id", "snapshot_type",
	"tag_key", "tags", "tags_any", "not_tags", "not_tags_any", "snapshot_chain_id", "snapshot_group_id", "category", "not_metadata",
}

// nativeTexts are values for them, before they are escaped.
var nativeTexts = []string{
	"['00000000-0000-0000-0000-000000000000','x']", "[,,,]", "{'k':['v','w'],'l':[]}", `{"k":"v"}`, "{'k':['v'", "{'':['']}", "EVS", "DSS", "all_granted_eps", "user", "auto", "standard",
}

// Each body is of a row that there is, and each native row that takes one has one.
func TestBodiesOfTheSurfaceAreOfItsRows(t *testing.T) {
	t.Parallel()
	rows := map[string]wire.Route{}
	for _, row := range open(t, nil, withFake(fake.New())).Rows() {
		rows[row.Name] = row
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(nativeBodies)), slices.Collect(maps.Keys(bodies))) {
		if _, there := rows[name]; !there {
			t.Errorf("there is no row %s", name)
		}
	}
	for name, row := range rows {
		native := strings.HasPrefix(row.Source, "EVS API") && (row.Method == "POST" || row.Method == "PUT")
		if native && nativeBodies[name] == nil && bodies[name] == "" && row.Action == "" && !strings.HasSuffix(row.Path, "/revert") && !strings.Contains(name, "metadata.") {
			t.Errorf("%s %s (%s) has no body to try", row.Method, row.Path, name)
		}
	}
}

package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// snapshotRules are what the native snapshot list can be kept by. Source: EVS 4.2.
func (a *API) snapshotRules() *listRules {
	return &listRules{
		sort: wire.SortFields{"id": block.FieldID, "status": block.FieldStatus, "size": block.FieldSize, "created_at": block.FieldCreatedAt},
		filters: map[string]func(*listQuery, string) error{
			"name": byName, "status": byField(block.FieldStatus), "volume_id": byField(block.FieldVolumeID),
			"id": byID, "availability_zone": byZone(a.blocks.Zone()), "service_type": onlyValue(serviceType),
			"dedicated_storage_id": onlyValue(""), "dedicated_storage_name": onlyValue(""),
			"enterprise_project_id": byEnterpriseProject,
		},
	}
}

// serviceType is what all disks and snapshots here are of. Source: EVS 4.2, 7.3.
const serviceType = "EVS"

// listSnapshots serves GET /v2/{project_id}/cloudsnapshots/detail, with the number
// of all that match. Source: EVS 4.2.
func (a *API) listSnapshots(x *wire.Exchange) error {
	q, err := readList(x, a.snapshotRules())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	rows, count, err := page(x, caller, &q, a.blocks.Snapshots, a.blocks.CountSnapshots)
	if err != nil {
		return err
	}
	types, err := a.diskTypes(x)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"snapshots":[`...)
		for i, s := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = wire.AppendSnapshotItem(b, x, s, true)
			b = a.appendNativeFields(b[:len(b)-1], types.name(s.TypeID))
		}
		b = append(b, ']')
		b = appendCount(b, count)
		if len(rows) > 0 {
			b = appendNext(b, x, &q, "snapshots", len(rows), rows[len(rows)-1].ID)
		}
		return append(b, '}')
	})
}

// appendNativeFields ends a snapshot with what only the native list tells. Source: EVS 4.2.
func (a *API) appendNativeFields(b []byte, volumeType string) []byte {
	b = append(b, `,"service_type":"EVS","dedicated_storage_id":null,"dedicated_storage_name":null,"availability_zone":`...)
	b = wire.AppendString(b, a.blocks.Zone())
	b = append(b, `,"volume_type":`...)
	b = wire.AppendOptional(b, volumeType)
	return append(b, '}')
}

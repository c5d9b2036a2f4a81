package block

import "testing"

func TestQuotaHoldsInAllAndPerType(t *testing.T) {
	set := Limits{"volumes": 3, "gigabytes": 100, "volumes_SSD": 1, "gigabytes_SSD": 20, "snapshots": -1}
	for _, tc := range []struct {
		name, suffix string
		used, change Usage
		refused      bool
	}{
		{"to the limit", "", Usage{Volumes: 3, Gigabytes: 100}, Usage{Volumes: 1, Gigabytes: 10}, false},
		{"a volume too many", "", Usage{Volumes: 4, Gigabytes: 4}, Usage{Volumes: 1, Gigabytes: 1}, true},
		{"a gigabyte too many", "", Usage{Volumes: 1, Gigabytes: 101}, Usage{Gigabytes: 1}, true},
		{"giving back is always right", "", Usage{Volumes: 9, Gigabytes: 999}, Usage{Volumes: -1, Gigabytes: -1}, false},
		{"-1 is no limit", "", Usage{Snapshots: 9999}, Usage{Snapshots: 1}, false},
		{"a volume of the type too many", "_SSD", Usage{Volumes: 2}, Usage{Volumes: 1}, true},
		{"gigabytes of the type too many", "_SSD", Usage{Gigabytes: 21}, Usage{Gigabytes: 1}, true},
		{"a type without limits", "_SAS", Usage{Volumes: 999, Gigabytes: 99999, Snapshots: 999}, Usage{Volumes: 1, Snapshots: 1, Gigabytes: 1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := set.hold(tc.suffix, tc.used, tc.change)
			if refused := err != nil; refused != tc.refused {
				t.Fatalf("got %v, want refused %v", err, tc.refused)
			}
			if err != nil && KindOf(err) != OverLimit {
				t.Errorf("got kind %v, want OverLimit", KindOf(err))
			}
		})
	}
}

func TestDefaultQuotaCountsWhereNothingIsSet(t *testing.T) {
	var none Limits
	if got := none.of("volumes"); got != DefaultQuota["volumes"] {
		t.Errorf("volumes: got %d, want %d", got, DefaultQuota["volumes"])
	}
	if got := none.of("volumes_SSD"); got != -1 {
		t.Errorf("volumes_SSD: got %d, want no limit", got)
	}
}

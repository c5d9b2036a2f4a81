package block

import "testing"

// TestADiskDoesWhatTheTableOfItsTypeSays: figures worked out by hand from the
// vendor's formulas.
func TestADiskDoesWhatTheTableOfItsTypeSays(t *testing.T) {
	for _, tc := range []struct {
		class            string
		size             Size
		bought           Performance
		iops, throughput int64 // MiB
	}{
		{"SATA", 100, Performance{}, 700, 50}, {"SATA", 32768, Performance{}, 2200, 50},
		{"SAS", 100, Performance{}, 2600, 115}, {"SAS", 1000, Performance{}, 5000, 150},
		{"GPSSD", 100, Performance{}, 3000, 150}, {"GPSSD", 10000, Performance{}, 20000, 250},
		{"SSD", 964, Performance{}, 50000, 350}, {"SSD", 100, Performance{}, 6800, 170},
		{"ESSD", 100, Performance{}, 6800, 170}, {"ESSD", 32768, Performance{}, 128000, 1000},
		{"GPSSD2", 100, Performance{IOPS: 4000, Throughput: 150}, 4000, 150}, {"GPSSD2", 100, Performance{}, 3000, 125},
		{"ESSD2", 100, Performance{IOPS: 6400}, 6400, 100}, {"ESSD2", 1000, Performance{IOPS: 256000}, 256000, 4000},
	} {
		types := []*VolumeType{{ID: "t", Name: tc.class, ExtraSpecs: map[string]string{performanceSpec: tc.class}}}
		v := &Volume{Size: tc.size, TypeID: "t", Performance: tc.bought}
		if err := v.fillPerformance(types); err != nil {
			t.Errorf("%+v: %v", tc, err)
		}
		if got := v.limitsOfClass(diskClasses[tc.class]); got.TotalIOPS != tc.iops || got.TotalBytes != tc.throughput*mib {
			t.Errorf("%+v: got %+v", tc, got)
		}
	}
}

// TestPerformanceOutsideWhatTheTypeAllowsIsRefused: each limit at its value and one past.
func TestPerformanceOutsideWhatTheTypeAllowsIsRefused(t *testing.T) {
	for _, tc := range []struct {
		class string
		size  Size
		p     Performance
		about string // empty: allowed
	}{
		{"SSD", 100, Performance{IOPS: 1}, "iops"}, {"SSD", 100, Performance{Throughput: 1}, "throughput"}, {"none", 100, Performance{IOPS: 3000}, "iops"},
		{"GPSSD2", 100, Performance{IOPS: 2999}, "iops"}, {"GPSSD2", 100, Performance{IOPS: 50000}, ""}, {"GPSSD2", 100, Performance{IOPS: 50001}, "iops"},
		{"GPSSD2", 1000, Performance{IOPS: 128000, Throughput: 1000}, ""}, {"GPSSD2", 1000, Performance{IOPS: 128001}, "iops"},
		{"GPSSD2", 1, Performance{IOPS: 3000, Throughput: 750}, ""}, {"GPSSD2", 1, Performance{IOPS: 3000, Throughput: 751}, "throughput"},
		{"GPSSD2", 1000, Performance{IOPS: 128000, Throughput: 1001}, "throughput"}, {"GPSSD2", 100, Performance{Throughput: 124}, "throughput"},
		{"ESSD2", 1, Performance{IOPS: 99}, "iops"}, {"ESSD2", 1, Performance{IOPS: 1000}, ""}, {"ESSD2", 1, Performance{IOPS: 1001}, "iops"},
		{"ESSD2", 1, Performance{IOPS: 1000, Throughput: 125}, "throughput"},
	} {
		types := []*VolumeType{{ID: "t", Name: tc.class, ExtraSpecs: map[string]string{performanceSpec: tc.class}}}
		v := &Volume{Size: tc.size, TypeID: "t", Performance: tc.p}
		if err := v.fillPerformance(types); AboutOf(err) != tc.about || (err == nil) != (tc.about == "") {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

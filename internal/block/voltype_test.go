package block

import "testing"

func TestIOLimitsFollowTheKeysOfCinder(t *testing.T) {
	for name, tc := range map[string]struct {
		specs map[string]string
		size  Size
		want  IOLimits
	}{
		"nothing": {nil, 10, IOLimits{}},
		"all six": {map[string]string{"read_iops_sec": "1", "write_iops_sec": "2", "total_iops_sec": "3",
			"read_bytes_sec": "4", "write_bytes_sec": "5", "total_bytes_sec": "6"}, 10, IOLimits{1, 2, 3, 4, 5, 6}},
		"of each GB":                     {map[string]string{"read_iops_sec_per_gb": "30"}, 10, IOLimits{ReadIOPS: 300}},
		"of each GB over the plain one":  {map[string]string{"total_iops_sec_per_gb": "30", "total_iops_sec": "9"}, 10, IOLimits{TotalIOPS: 300}},
		"of each GB, but at least":       {map[string]string{"write_bytes_sec_per_gb": "30", "write_bytes_sec_per_gb_min": "1000"}, 10, IOLimits{WriteBytes: 1000}},
		"of each GB, above the least":    {map[string]string{"write_bytes_sec_per_gb": "300", "write_bytes_sec_per_gb_min": "1000"}, 10, IOLimits{WriteBytes: 3000}},
		"of each GB, but at most":        {map[string]string{"total_bytes_sec_per_gb": "30", "total_bytes_sec_max": "200"}, 10, IOLimits{TotalBytes: 200}},
		"the maximum alone is a burst's": {map[string]string{"total_bytes_sec_max": "200"}, 10, IOLimits{}},
		"no number, and below 0":         {map[string]string{"read_iops_sec": "fast", "write_iops_sec": "-5", "total_iops_sec": ""}, 10, IOLimits{}},
		"spaces around a number":         {map[string]string{"read_iops_sec": " 7 "}, 10, IOLimits{ReadIOPS: 7}},
		"too much to multiply":           {map[string]string{"read_bytes_sec_per_gb": "9223372036854775807"}, MaxSize, IOLimits{ReadBytes: maxRate}},
		"keys of nobody":                 {map[string]string{"iops_bytes": "500", "maxIOPS": "3"}, 10, IOLimits{}},
	} {
		if got := limitsOfSpecs(tc.specs, tc.size); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestRetypeIsHeldToItsRules(t *testing.T) {
	plain, other := &VolumeType{ID: "a", Name: "plain"}, &VolumeType{ID: "b", Name: "other"}
	shared := &VolumeType{ID: "c", Name: "shared", ExtraSpecs: map[string]string{"multiattach": "<is> True"}}
	sealed := &VolumeType{ID: "d", Name: "sealed", Encryption: &Encryption{ID: "1", Provider: "luks", ControlLocation: "front-end"}}
	twin := &VolumeType{ID: "e", Name: "twin", Encryption: &Encryption{ID: "2", Provider: "luks", ControlLocation: "front-end"}}
	sealedShared := &VolumeType{ID: "f", ExtraSpecs: shared.ExtraSpecs, Encryption: sealed.Encryption}
	front, behind := &VolumeType{ID: "g", QoSID: "front"}, &VolumeType{ID: "h", QoSID: "behind"}
	front2 := &VolumeType{ID: "i", QoSID: "front"}
	qos := []*QoSSpecs{{ID: "front", Consumer: "both"}, {ID: "behind", Consumer: "back-end"}}
	const ok = Kind(-1)
	for name, tc := range map[string]struct {
		status   VolumeStatus
		from, to *VolumeType
		want     Kind
		itself   bool // the volume was made multiattach, whatever its type
	}{
		"to another":                        {VolumeAvailable, plain, other, ok, false},
		"to its own":                        {VolumeAvailable, plain, plain, WrongStatus, false},
		"while attached":                    {VolumeInUse, plain, other, ok, false},
		"while it is made":                  {VolumeCreating, plain, other, WrongStatus, false},
		"after a failure":                   {VolumeError, plain, other, WrongStatus, false},
		"to multiattach":                    {VolumeAvailable, plain, shared, ok, false},
		"from multiattach":                  {VolumeAvailable, shared, plain, ok, false},
		"to multiattach while attached":     {VolumeInUse, plain, shared, Invalid, false},
		"from multiattach while attached":   {VolumeInUse, shared, plain, Invalid, false},
		"to encryption":                     {VolumeAvailable, plain, sealed, Invalid, false},
		"from encryption":                   {VolumeAvailable, sealed, plain, Invalid, false},
		"to the same encryption":            {VolumeAvailable, sealed, twin, ok, false},
		"multiattach itself, attached":      {VolumeInUse, plain, other, ok, true},
		"multiattach itself, to such":       {VolumeInUse, plain, shared, ok, true},
		"to both":                           {VolumeAvailable, sealed, sealedShared, Invalid, false},
		"front-end QoS":                     {VolumeAvailable, plain, front, ok, false},
		"front-end QoS while attached":      {VolumeInUse, plain, front, WrongStatus, false},
		"from front-end QoS while attached": {VolumeInUse, front, behind, WrongStatus, false},
		"the same QoS while attached":       {VolumeInUse, front, front2, ok, false},
		"back-end QoS while attached":       {VolumeInUse, plain, behind, ok, false},
	} {
		v := &Volume{Status: tc.status, TypeID: tc.from.ID, Multiattach: tc.from.multiattach() || tc.itself}
		err := canRetype(v, tc.from, tc.to, qos)
		if (tc.want == ok) != (err == nil) || (err != nil && KindOf(err) != tc.want) {
			t.Errorf("%s: got %v, want kind %d", name, err, tc.want)
		}
	}
}

func TestSpecsAreHeldToTheirForm(t *testing.T) {
	many := map[string]string{}
	for i := range MaxSpecs + 1 {
		many[string(rune('a'+i%26))+string(rune('a'+i/26))] = ""
	}
	long := string(make([]rune, MaxMetadataValue+1))
	for name, tc := range map[string]struct {
		specs  map[string]string
		strict bool
		refuse bool
	}{
		"plain":                  {map[string]string{"RESKEY:a-b_c.d": "v"}, true, false},
		"space and slash":        {map[string]string{"a b/c": "v"}, false, false},
		"space where it is not":  {map[string]string{"a b": "v"}, true, true},
		"no key":                 {map[string]string{"": "v"}, false, true},
		"a letter of elsewhere":  {map[string]string{"ключ": "v"}, false, true},
		"a line break at an end": {map[string]string{"a\n": "v"}, false, true},
		"a long value":           {map[string]string{"a": long}, false, true},
		"NUL":                    {map[string]string{"a": "\x00"}, false, true},
		"too many":               {many, false, true},
	} {
		if err := CheckSpecs(tc.specs, tc.strict); (err != nil) != tc.refuse || (err != nil && KindOf(err) != Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

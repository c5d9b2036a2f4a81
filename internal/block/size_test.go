package block

import (
	"strings"
	"testing"
)

// TestSizesAreHeldToTheRules: each limit at its value and one past, and that a refusal
// names the field and both limits.
func TestSizesAreHeldToTheRules(t *testing.T) {
	data, system := &Volume{}, &Volume{ImageMetadata: map[string]string{"image_id": "i"}}
	flagged := &Volume{Bootable: true} // by os-set_bootable
	for _, tc := range []struct {
		rules       Rules
		volume      *Volume
		least, most Size
	}{
		{Rules{}, data, 1, 32768}, {Rules{}, system, 1, 32768},
		{Rules{StrictSizes: true}, data, 10, 32768}, {Rules{StrictSizes: true}, flagged, 10, 32768},
		{Rules{StrictSizes: true}, system, 1, 1024}, {Rules{StrictSizes: true}, &Volume{ImageID: "i"}, 1, 1024},
	} {
		for size, good := range map[Size]bool{tc.least - 1: false, tc.least: true, tc.most: true, tc.most + 1: false, 1 << 40: false, -1: false} {
			err := tc.rules.checkSize(tc.volume, "new_size", size, 1)
			if (err == nil) != good || (!good && (AboutOf(err) != "size" || !strings.Contains(MessageOf(err), "new_size"))) {
				t.Errorf("%+v, %d GB: got %v", tc, size, err)
			}
		}
		if err := tc.rules.checkSize(tc.volume, "size", 19, 20); err == nil || !strings.Contains(MessageOf(err), "from 20 to") {
			t.Errorf("%+v: less than its source: got %v", tc, err)
		}
	}
}

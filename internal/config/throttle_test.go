package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLimitsAreRead(t *testing.T) {
	got, err := limits(" *=100/1s, cloudsnapshot.create@p1=5/1m ,")
	want := []Limit{{Count: 100, Per: time.Second}, {Call: "cloudsnapshot.create", Project: "p1", Count: 5, Per: time.Minute}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"x", "x=1", "=1/1s", "x@=1/1s", "x=0/1s", "x=-1/1s", "x=1000001/1s", "x=1/999ms", "x=1/25h", "x=1/", "x=a/1s",
		strings.Repeat("x=1/1s,", 257)} {
		if got, err := limits(text); err == nil {
			t.Errorf("%.20q is taken: %v", text, got)
		}
	}
}

package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// throttled loads a configuration with the setting.
func throttled(text string) ([]Limit, error) {
	c, err := Load(sources(map[string]string{"throttle": text}, nil))
	if err != nil {
		return nil, err
	}
	return c.Throttle, nil
}

func TestLimitsOfCallsAreRead(t *testing.T) {
	list, err := throttled(" snapshot.list = 5/1m ,*=100/1s,,*@p=1000000/24h, cloudvolume.create@0123456789abcdef0123456789abcdef=1/1s")
	want := []Limit{
		{"snapshot.list", "", 5, time.Minute}, {"", "", 100, time.Second}, {"", "p", 1000000, 24 * time.Hour},
		{"cloudvolume.create", "0123456789abcdef0123456789abcdef", 1, time.Second},
	}
	if err != nil || fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("got %v, %v; want %v", list, err, want)
	}
	if list, err := throttled(""); err != nil || len(list) != 0 {
		t.Errorf("none: got %v, %v", list, err)
	}
}

// What is wrong with a limit is said with the setting, the limit, and what it may be.
func TestBadLimitsOfCallsAreRefused(t *testing.T) {
	var most, more []string
	for n := range maxLimits + 1 {
		more = append(more, fmt.Sprintf("call%d=1/1s", n))
	}
	most = more[:maxLimits]
	for text, says := range map[string]string{
		"snapshot.list": "CALL=COUNT/PERIOD", "snapshot.list=5": "CALL=COUNT/PERIOD", "5/1s": "CALL=COUNT/PERIOD", "=5/1s": "name a call", "@p=5/1s": "name a call", "*@=5/1s": "after @ a project",
		"*=0/1s": "from 1 to 1000000", "*=-1/1s": "from 1 to 1000000", "*=1000001/1s": "from 1 to 1000000", "*=99999999999999999999/1s": "from 1 to 1000000", "*=x/1s": "from 1 to 1000000", "*=1.5/1s": "from 1 to 1000000",
		"*=5/999ms": "from 1s to 24h0m0s", "*=5/24h1s": "from 1s to 24h0m0s", "*=5/-1s": "from 1s to 24h0m0s", "*=5/": "duration", "*=5/day": "duration", "*=5/1s/2": "duration",
		"*=5/1s,*=6/1s": "already", "a@p=5/1s, a@p=6/1s": "already", strings.Join(more, ","): "more than 256",
	} {
		if _, err := throttled(text); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "setting throttle") {
			t.Errorf("%.60s: got %v, want it to say %q", text, err, says)
		}
	}
	if list, err := throttled(strings.Join(most, ",")); err != nil || len(list) != maxLimits {
		t.Errorf("%d limits: %v", maxLimits, err)
	}
}

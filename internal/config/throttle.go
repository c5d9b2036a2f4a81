package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxLimits is how many limits throttle takes.
	maxLimits = 256
	// maxCount is how many calls one limit lets through at once.
	maxCount = 1_000_000
)

// Limit is how often a project may make a call.
type Limit struct {
	Call    string // name of a row; empty: all
	Project string // id; empty: every project by itself
	Count   int
	Per     time.Duration
}

// limits reads CALL=COUNT/PERIOD and CALL@PROJECT=COUNT/PERIOD, separated by commas.
func limits(text string) ([]Limit, error) {
	var list []Limit
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		l, err := limit(part)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", part, err)
		}
		if slices.ContainsFunc(list, func(other Limit) bool { return other.Call == l.Call && other.Project == l.Project }) {
			return nil, fmt.Errorf("%q: there is a limit on that already", part)
		}
		if list = append(list, l); len(list) > maxLimits {
			return nil, fmt.Errorf("it has more than %d limits", maxLimits)
		}
	}
	return list, nil
}

func limit(text string) (Limit, error) {
	var l Limit
	target, much, is := strings.Cut(text, "=")
	count, per, both := strings.Cut(much, "/")
	if !is || !both {
		return l, fmt.Errorf("it must be CALL=COUNT/PERIOD or CALL@PROJECT=COUNT/PERIOD")
	}
	var at bool
	if l.Call, l.Project, at = strings.Cut(strings.TrimSpace(target), "@"); l.Call == "" || at && l.Project == "" {
		return l, fmt.Errorf("it must name a call, or *, and after @ a project")
	}
	if l.Call == "*" {
		l.Call = ""
	}
	var err error
	if l.Count, err = strconv.Atoi(strings.TrimSpace(count)); err != nil || l.Count < 1 || l.Count > maxCount {
		return l, fmt.Errorf("the count must be from 1 to %d", maxCount)
	}
	l.Per, err = duration(strings.TrimSpace(per), time.Second, 24*time.Hour)
	return l, err
}

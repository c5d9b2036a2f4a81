package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// clients shows what passes of each stock client's run, and what of tempest does
// not, with the reason.
func (p *page) clients() error {
	p.heading("Stock clients")
	p.paragraph("What passes of each client's run against the built binary, as `make clients` counted it. " +
		"The scripts are in `compat/clients`; tempest and gophercloud bring tests of their own. " +
		"What gophercloud has left out is in `compat/clients/gophercloud/tests.go`.")
	p.head("client", "dialect", "passed", "failed", "skipped or left out")
	err := eachLine("compat/clients/counts.tsv", func(line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) != 6 {
			return fmt.Errorf("%d columns, not 6: %q", len(cells), line)
		}
		p.row(cells[5]+" (`"+cells[0]+"`)", cells[1], cells[2], cells[3], cells[4])
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.terraform(); err != nil {
		return err
	}
	return p.tempest()
}

// terraform shows what becomes of each EVS type of the vendor's Terraform provider.
func (p *page) terraform() error {
	p.heading("Types of terraform-provider-huaweicloud")
	p.paragraph("Each resource and data source for EVS, as `make terraform` tries it in dialect evs; `compat/clients/terraform/types.tsv` is held to the provider's own list.")
	p.head("type", "", "outcome", "to know")
	kinds := map[string]string{"managed": "resource", "data": "data source"}
	return eachLine("compat/clients/terraform/types.tsv", func(line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) == 3 {
			cells = append(cells, "")
		}
		if len(cells) != 4 || kinds[cells[0]] == "" {
			return fmt.Errorf("not three or four columns: %q", line)
		}
		p.row(code(cells[1]), kinds[cells[0]], cells[2], cells[3])
		return nil
	})
}

// tempest shows why tests of tempest do not pass.
func (p *page) tempest() error {
	type cause struct{ outcome, reason string }
	tests := map[cause]int{}
	err := eachLine("compat/clients/tempest/expected", func(line string) error {
		outcome, rest, _ := strings.Cut(line, " ")
		if _, reason, has := strings.Cut(rest, ": "); has {
			tests[cause{outcome, reason}]++
		}
		return nil
	})
	if err != nil || len(tests) == 0 {
		return err
	}
	p.heading("Tempest's tests that do not pass")
	p.paragraph("Counted one by one (a class that is skipped counts as its tests); which they are: `compat/clients/tempest/expected`.")
	p.head("outcome", "why", "tests")
	causes := slices.SortedFunc(maps.Keys(tests), func(a, b cause) int {
		return strings.Compare(a.outcome+a.reason, b.outcome+b.reason)
	})
	for _, c := range causes {
		p.row(c.outcome, c.reason, fmt.Sprint(tests[c]))
	}
	return nil
}

// eachLine gives each line of a file that is neither empty nor a comment.
func eachLine(name string, each func(line string) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			if err := each(line); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return lines.Err()
}

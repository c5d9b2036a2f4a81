package main

import (
	"fmt"
	"strings"
)

const evsCodesFile = "compat/evs-codes.tsv"

// evsErrors makes docs/evs-errors.md: each code of the EVS error table, what raises
// it in a test, or why it cannot arise. A test in compat holds the file to the server.
func evsErrors(p *page) error {
	p.title("Error codes of EVS", "`"+evsCodesFile+"`",
		"Every code of the EVS error table and of the gateway before it. Native families answer `{\"error\": {\"code\": …, \"message\": …}}`, the gateway "+
			"`{\"error_code\": …, \"error_msg\": …}`; the Cinder families have no codes of their own: [faults](faults.md). The messages name the field and its limit; their words may change.")
	type line struct{ code, status, meaning, rest string }
	var raised, never []line
	err := eachLine(evsCodesFile, func(text string) error {
		cells := strings.Split(text, "\t")
		switch {
		case len(cells) == 4 || len(cells) == 5 && cells[3] != "":
			raised = append(raised, line{cells[0], cells[1], cells[2], cells[3]})
		case len(cells) == 5:
			never = append(never, line{cells[0], cells[1], cells[2], cells[4]})
		default:
			return fmt.Errorf("not five columns: %q", text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.heading("Codes that arise")
	p.paragraph(fmt.Sprintf("%d, each raised by the functions of `compat/suite`, or the tests, that are named. Where `job` stands for the status, it is the `error_code` of a job that failed.", len(raised)))
	p.head("code", "status", "what it says", "raised by")
	for _, l := range raised {
		p.row(code(l.code), l.status, l.meaning, l.rest)
	}
	p.heading("Codes that cannot arise here")
	p.paragraph(fmt.Sprintf("%d; what is answered in the place of some of them is said with the reason.", len(never)))
	p.head("code", "status", "what it says", "why not")
	for _, l := range never {
		p.row(code(l.code), l.status, l.meaning, l.rest)
	}
	return nil
}

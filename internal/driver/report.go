package driver

// Usage is what a volume takes, in bytes.
type Usage struct {
	Logical   int64 // its size
	Mapped    int64 // of them those that hold data; the rest reads as zeroes and has no space
	Exclusive int64 // what the backend would get back if it were deleted, with its snapshots
	// Snapshots tells for each what deleting it alone would give back.
	Snapshots map[string]int64
}

// MaxFindings bounds a report.
const MaxFindings = 1000

// Report is what Check found.
type Report struct {
	Verified   int64 // bytes that were read and fit their checksums
	Unverified int64 // bytes that have no checksum, or none yet
	Findings   []Finding
	More       int // findings past MaxFindings
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Place    string // for people: a file, an object
	Offset   int64  // where in the volume, in bytes; -1 when it has no place there
	Length   int64  // bytes
	What     string // and the way out, where there is one
	Damage   bool   // bytes that were kept are lost; otherwise something is left over
	Repaired bool
}

// Add notes a finding, or counts it when there are too many.
func (r *Report) Add(f Finding) {
	if len(r.Findings) < MaxFindings {
		r.Findings = append(r.Findings, f)
	} else {
		r.More++
	}
}

// Damaged tells whether any bytes are lost.
func (r *Report) Damaged() bool {
	for _, f := range r.Findings {
		if f.Damage && !f.Repaired {
			return true
		}
	}
	return r.More > 0
}

package crash

// The points of the rooms above the driver.
const (
	BeforeCommit = "store.before-commit" // a group of transactions has run
	AfterCommit  = "store.after-commit"  // it is durable, nobody has an answer
	JobClaimed   = "jobs.claimed"        // the lease is taken, nothing is done
	JobHandled   = "jobs.handled"        // the handler has returned
	DriverCalled = "block.driver-called" // the bytes are changed, the row is not
)

// Points are all points but those of drivers.
func Points() []string {
	return []string{BeforeCommit, AfterCommit, JobClaimed, JobHandled, DriverCalled}
}

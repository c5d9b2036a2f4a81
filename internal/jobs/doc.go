// Package jobs is the engine room: it claims rows of the job table, keeps their
// lease alive, runs their handler, retries, and gives up in an orderly way. It
// knows no nouns: a handler is a function by the job's kind.
//
// A job runs at least once: every handler may run twice and must find what it
// did before. Each claim takes a new fence number; drivers refuse an older one,
// and Tx.FinishJob refuses a lease that was lost. What happens when the process
// dies half-way: the lease runs out, another claim takes the job with a higher
// fence, and the handler starts again. What a job may take is counted in work,
// not read off the clock, which may jump.
//
// Begin with job.go (the row), then runner.go. Keeps rule 5 of ARCHITECTURE.md.
package jobs

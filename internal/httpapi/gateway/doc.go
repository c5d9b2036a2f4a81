// Package gateway is what stands before the doors, as the vendor's API gateway does:
// requests that are signed with an access key instead of carrying a token, limits on
// how often a project may call, and the shape in which both are refused.
//
// Begin with gate.go; claim.go reads a signature, canonical.go makes the text that was
// signed, throttle.go counts. What does not hold is told apart in the log and is alike
// to the caller: fault.go.
package gateway

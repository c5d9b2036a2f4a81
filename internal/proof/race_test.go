//go:build race

package proof

// racing is whether the race detector is at work, which makes histories slow.
const racing = true

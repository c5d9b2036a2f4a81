// Package telemetry is how the service is watched: metrics in Prometheus form
// and the access log. It knows no nouns and imports none of our rooms; the
// server hands it numbers and names.
//
// Begin with metrics.go; docs/metrics.md is made from its table.
package telemetry

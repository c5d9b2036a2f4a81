// Package replay plays recorded exchanges with a real Cinder against a server
// and tells for each row: the same, different as accepted.json allows, or wrong.
//
// row.go reads the recordings, body.go rebuilds what they only describe,
// names.go puts this run's ids where theirs stood, stage.go and prepare.go make
// by the API what the recorder had made, compare.go holds what is compared
// (recordings/README.md), accepted.go the differences that are meant.
// Begin with run.go. Standard library only; knows nothing of the server's code.
package replay

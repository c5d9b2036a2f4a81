// Package suite holds what the service promises, as functions that enter by
// HTTP: the statements about updating a snapshot (addressing.go to errors.go),
// bad input (badinput.go), and one plain function for each operation of the
// Cinder surface (operation.go and the files named after its nouns).
//
// go test and breezeblock conform run the same functions, against any address.
// Nothing here knows the server's code, nor the testing package: T is what a
// runner must offer. Begin with statement.go, then env.go.
package suite

// Package crash has named points at which a test can end the process as kill -9
// would. They exist only in a binary built with the tag crashpoints; in every
// other At is an empty function that the compiler removes.
//
// BREEZEBLOCK_CRASH=name ends the process the first time it passes the point,
// name:3 the third time. Points is the list of names; those of internal/driver/layers
// are its steps. TestKill in internal/proof arms them all in turn.
package crash

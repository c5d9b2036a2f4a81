// Package drivertest is the one suite that holds every driver to the same
// promises. A driver's own test is one call of Run; a promise is added here,
// never to one driver alone.
//
// promises.go has a test for each sentence of driver.go; model.go runs random
// histories against volumes kept in memory; bench.go has what both stand on. Each
// test ends by comparing List with what ought to be there, and once more with
// nothing when all is deleted: a driver that leaks fails every one of them.
//
// Keeps rule 7 of ARCHITECTURE.md.
package drivertest

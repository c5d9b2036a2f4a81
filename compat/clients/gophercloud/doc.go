// Command gophercloud runs gophercloud's own acceptance tests of block storage
// against a running server and prints what passed, failed and was left out.
//
// The tests are inside gophercloud's module, where no other module can import
// them, so they are compiled in a copy of it. The version is the one that go.mod
// names. What is run, as whom, and what is left out and why is in tests.go.
package main

// Package backuptest is what tests of backups need: a store of objects in memory
// that fails when told to, and Run, which holds any store of objects to the
// contract of backup.Objects.
package backuptest

// Package sqlitestore keeps the workspaces of package rbac in SQLite, in pure
// Go. Any number of processes on one machine may share one file.
//
// [Open] opens a file and sets it up: write-ahead log, foreign keys, durable
// commits, permissions for its owner alone. [New] takes a handle that the
// application has. [Tx] works inside a transaction of the application, for
// [rbac.Admin.In]: what the application writes and the change of a membership
// commit together, or neither does.
//
// SQLite has one writer at a time in a file: Updates of different workspaces
// wait for each other, for as long as a commit takes. Views wait for nobody.
package sqlitestore

// Package rbactest tests the authorization of an application. For whoever
// writes an [rbac.Store] there is package storetest.
//
// [New] makes a workspace in one line. [Allowed], [Denied] and their like
// check what its members may do, and fail with the sentence that explains the
// decision:
//
//	w := rbactest.New(t,
//		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
//		rbactest.Member("ann", "Sales"),
//	)
//	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
//	rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "bob")
//
// [Golden] keeps a table, such as role x area, in a file, so that a change of
// access shows in the diff of a pull request. [Mutate] finds the permissions
// that no test looks at. [Faulty] makes a store fail on demand, for the tests
// of what the application does then. docs/testing.md shows them together.
//
// Importing this package defines the flag -rbac.update of the test binary,
// with which [Golden] writes its files.
package rbactest

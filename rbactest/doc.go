// Package rbactest tests authorization: that of an application, and
// implementations of [rbac.Store].
//
// # An application's tests
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
// # A store's tests
//
// [TestStore] is the contract of a Store in executable form. A store's own
// tests call it with a function that makes an empty store:
//
//	func TestStore(t *testing.T) {
//		rbactest.TestStore(t, func(t *testing.T) rbac.Store { return open(t) })
//	}
//
// # The flag
//
// Importing this package defines the flag -rbac.update of the test binary,
// with which [Golden] writes its files.
package rbactest

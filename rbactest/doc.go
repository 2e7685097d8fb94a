// Package rbactest checks implementations of [rbac.Store].
//
// [TestStore] is the contract of a Store in executable form. A store's own
// tests call it with a function that makes an empty store:
//
//	func TestStore(t *testing.T) {
//		rbactest.TestStore(t, func(t *testing.T) rbac.Store { return open(t) })
//	}
package rbactest

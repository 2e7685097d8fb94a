package rbactest_test

import (
	"context"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// An assertion that fails says why.
func ExampleAllowed() {
	t := &printer{}
	defer t.end()

	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"),
	)
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Manage)
	rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
	rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
	rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Manage, rbac.None)
	// Output:
	// want allowed: "ann" may not manage deals: the role "Sales" reaches own records only
	// want denied: "ann" may manage deals: the role "Sales" reaches own records, and this is one (owners ["ann"])
	// want scope none, got own: "ann" may not manage deals: the role "Sales" reaches own records only
}

// apiKeys resolves an API key to what its owner may do, less what the key may
// not.
type apiKeys struct{ w *rbactest.Workspace }

func (k apiKeys) Subject(ctx context.Context, key string) (rbac.Subject, error) {
	owner, err := k.w.Subject(ctx, "ann") // looked up by the key
	return owner.Limit(rbac.Permissions{rbac.Deals: {Read: rbac.All}}), err
}

// The assertions take whatever resolves a subject, such as the application's
// own way from an API key.
func ExampleResolver() {
	t := &printer{}
	defer t.end()

	keys := apiKeys{rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"),
	)}
	rbactest.Allowed(t, keys, "key-1", rbac.Deals, rbac.Read)
	rbactest.AllowedRecord(t, keys, "key-1", rbac.Deals, rbac.Manage, "ann")
	// Output: want allowed: "ann" may not manage deals: the role "Sales" would allow it, but the key or token in use is limited
}

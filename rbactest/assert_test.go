package rbactest_test

import (
	"context"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// Each assertion passes and fails, and says why with the decision's sentence.
func TestAssertions(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t,
		rbactest.Role("Sales", sales),
		rbactest.Member("ann", "Sales"),
		rbactest.Member("ada", "Administrator"),
		rbactest.Suspended("bob", "Sales"),
	)
	for _, test := range []struct {
		name string
		ask  func(t testing.TB) bool
		want string // of the failure; empty: passes
	}{
		{"allowed", func(t testing.TB) bool { return rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read) }, ""},
		{"not allowed: own only", func(t testing.TB) bool { return rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Manage) },
			`want allowed: "ann" may not manage deals: the role "Sales" reaches own records only`},
		{"not allowed: suspended", func(t testing.TB) bool { return rbactest.Allowed(t, w, "bob", rbac.Deals, rbac.Read) },
			`want allowed: "bob" may not read deals: the member is suspended`},
		{"not allowed: unknown area", func(t testing.TB) bool { return rbactest.Allowed(t, w, "ada", "deal", rbac.Read) },
			`want allowed: "ada" may not read deal: the area is not known`},
		{"denied: own only", func(t testing.TB) bool { return rbactest.Denied(t, w, "ann", rbac.Deals, rbac.Manage) }, ""},
		{"denied: nobody", func(t testing.TB) bool { return rbactest.Denied(t, w, "", rbac.Deals, rbac.Manage) }, ""},
		{"not denied", func(t testing.TB) bool { return rbactest.Denied(t, w, "ada", rbac.Deals, rbac.Manage) },
			`want denied: "ada" may manage deals: the role "Administrator" reaches everything in the area`},

		{"record allowed: all", func(t testing.TB) bool {
			return rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Read, "dan")
		}, ""},
		{"record allowed: own", func(t testing.TB) bool {
			return rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "dan", "ann")
		}, ""},
		{"record not allowed: somebody else's", func(t testing.TB) bool {
			return rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "dan")
		}, `want allowed: "ann" may not manage deals: the role "Sales" reaches own records only, and this one is somebody else's (owners ["dan"])`},
		{"record not allowed: none", func(t testing.TB) bool {
			return rbactest.AllowedRecord(t, w, "ann", rbac.Tasks, rbac.Read, "ann")
		}, `want allowed: "ann" may not read tasks: the role "Sales" does not allow it`},
		{"record denied: nobody's", func(t testing.TB) bool { return rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "") }, ""},
		{"record denied: no owner", func(t testing.TB) bool { return rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage) }, ""},
		{"record not denied: own", func(t testing.TB) bool {
			return rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
		}, `want denied: "ann" may manage deals: the role "Sales" reaches own records, and this is one (owners ["ann"])`},
		{"record not denied: all", func(t testing.TB) bool {
			return rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Read, "dan")
		}, `want denied: "ann" may read deals: the role "Sales" reaches everything in the area`},

		{"scope", func(t testing.TB) bool { return rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Manage, rbac.Own) }, ""},
		{"scope none", func(t testing.TB) bool { return rbactest.HasScope(t, w, "bob", rbac.Deals, rbac.Read, rbac.None) }, ""},
		{"other scope", func(t testing.TB) bool { return rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Manage, rbac.All) },
			`want scope all, got own: "ann" may not manage deals: the role "Sales" reaches own records only`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var passed bool
			fn := func(t testing.TB) { passed = test.ask(t) }
			if test.want == "" {
				passes(t, fn)
			} else {
				failsWith(t, test.want, fn)
			}
			if passed != (test.want == "") {
				t.Errorf("it returned %t", passed)
			}
		})
	}
}

// Not being able to decide is neither.
func TestAssertionsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t, rbactest.Member("ada", "Administrator"))
	if err := w.Authorizer.Close(); err != nil {
		t.Fatal(err)
	}
	const why = ` for "ada": rbac: no safe answer is available: rbac: the authorizer is closed`
	failsWith(t, "want allowed"+why, func(t testing.TB) { rbactest.Allowed(t, w, "ada", rbac.Deals, rbac.Read) })
	failsWith(t, "want denied"+why, func(t testing.TB) { rbactest.Denied(t, w, "ada", rbac.Deals, rbac.Read) })
	failsWith(t, "want allowed"+why, func(t testing.TB) { rbactest.AllowedRecord(t, w, "ada", rbac.Deals, rbac.Read, "ada") })
	failsWith(t, "want denied"+why, func(t testing.TB) { rbactest.DeniedRecord(t, w, "ada", rbac.Deals, rbac.Read, "ada") })
	failsWith(t, "want scope none"+why, func(t testing.TB) { rbactest.HasScope(t, w, "ada", rbac.Deals, rbac.Read, rbac.None) })
}

// keys is an application's own way to a subject.
type keys struct{ *rbactest.Workspace }

func (k keys) Subject(ctx context.Context, key string) (rbac.Subject, error) {
	owner, err := k.Workspace.Subject(ctx, "ann")
	return owner.Limit(rbac.Permissions{rbac.Deals: {Read: rbac.Own}}), err
}

func TestAssertionsOnAKey(t *testing.T) {
	t.Parallel()
	w := keys{rbactest.New(t, rbactest.Role("Sales", sales), rbactest.Member("ann", "Sales"))}
	rbactest.AllowedRecord(t, w, "key", rbac.Deals, rbac.Read, "ann")
	failsWith(t, `want allowed: "ann" may not read contacts: the role "Sales" would allow it, but the key or token in use is limited`,
		func(t testing.TB) { rbactest.Allowed(t, w, "key", rbac.Contacts, rbac.Read) })
}

package rbac_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Active, Role and RoleName say what a member is, whatever the role allows.
func TestSubjectStanding(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := newStore(t)
	az := openOn(t, store)
	empty := addRole(t, az.Workspace, "Empty", nil)
	assign(t, az.Workspace, empty.ID, "may-nothing", "suspended", "gone", "removed")
	require.NoError(t, az.System("test").Suspend(ctx, "suspended"))
	require.NoError(t, az.System("test").Remove(ctx, "removed"))
	// A role that is gone while somebody holds it can only come from outside.
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "gone", Role: "no-such-role"})
	}))
	other := openOn(t, store)
	for _, test := range []struct {
		user   string
		active bool
		role   rbac.RoleID
		name   string
	}{
		{"may-nothing", true, empty.ID, "Empty"},
		{"suspended", false, empty.ID, "Empty"},
		{"gone", false, "no-such-role", ""},
		{"removed", false, "", ""},
		{"never", false, "", ""},
		{"", false, "", ""},
	} {
		s, err := other.Subject(ctx, test.user)
		require.NoError(t, err)
		for _, s := range []rbac.Subject{s, s.Limit(nil), s.Observe(func(rbac.Decision) {})} {
			require.Equal(t, test.active, s.Active(), test.user)
			require.Equal(t, test.role, s.Role(), test.user)
			require.Equal(t, test.name, s.RoleName(), test.user)
		}
	}
	require.False(t, rbac.Subject{}.Active())
	require.Empty(t, rbac.Subject{}.RoleName())
}

// A Subject is of the workspace of the Authorizer that resolved it. The ids of
// another one may be the same; it acts there for nobody.
func TestScenario58_SubjectOfAnotherAuthorizer(t *testing.T) {
	t.Parallel()
	ctx, staff, customers := t.Context(), openOn(t, newStore(t)), openOn(t, newStore(t))
	var subjects []rbac.Subject
	for _, w := range []*rbac.Workspace{staff.Workspace, customers.Workspace, staff.For("acme")} {
		assign(t, w, rbac.Administrator, "ada")
		s, err := w.Subject(ctx, "ada")
		require.NoError(t, err)
		subjects = append(subjects, s)
	}
	for i, w := range []*rbac.Workspace{staff.Workspace, customers.Workspace, staff.For("acme")} {
		for j, s := range subjects {
			for _, s := range []rbac.Subject{s, s.Observe(func(rbac.Decision) {}), s.Limit(s.Permissions())} {
				require.Equal(t, i == j, s.Of(w))
				err := w.AsSubject(s).Assign(ctx, rbac.Administrator, "bea")
				if i == j {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, rbac.ErrDenied)
				}
			}
		}
		require.False(t, rbac.Subject{}.Of(w))
	}
	require.False(t, subjects[0].Of(nil))

	// Nobody is somebody, too: a user who is no member, resolved by w.
	eve, err := staff.Subject(ctx, "eve")
	require.NoError(t, err)
	require.True(t, eve.Of(staff.Workspace))
	// Another Authorizer on the same store is another one.
	store := newStore(t)
	one, two := openOn(t, store), openOn(t, store)
	s, err := one.Subject(ctx, "ada")
	require.NoError(t, err)
	require.False(t, s.Of(two.Workspace))
}

// Areas is the catalogue, in every workspace, as a copy.
func TestAreas(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	require.Equal(t, rbac.DefaultAreas(), az.Areas())
	require.Equal(t, rbac.DefaultAreas(), az.For("acme").Areas())
	az.Areas()[0].Area = "changed"
	require.Equal(t, rbac.DefaultAreas(), az.Areas())

	own := []rbac.AreaInfo{{Area: "invoices", Label: "Invoices", Owned: true}, {Area: rbac.Users, Label: "Users"}}
	require.Equal(t, own, openOn(t, newStore(t), rbac.WithAreas(own...)).Areas())
}

// An observed subject answers as before and reports each decision once.
func TestSubjectObserve(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "request")
	for _, withObserver := range []bool{false, true} {
		var outer, first, second []rbac.Decision
		var opts []rbac.Option
		if withObserver {
			opts = append(opts, rbac.WithObserver(func(ctx context.Context, d rbac.Decision) {
				require.Equal(t, "request", ctx.Value(key{}))
				outer = append(outer, d)
			}))
		}
		az := openOn(t, newStore(t), opts...)
		role := addRole(t, az.Workspace, "Role", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.All)})
		assign(t, az.Workspace, role.ID, "vic")
		plain, err := az.Subject(ctx, "vic")
		require.NoError(t, err)
		once := plain.Observe(func(d rbac.Decision) {
			require.Len(t, first, len(second), "earlier functions first")
			first = append(first, d)
		})
		twice := once.Observe(func(d rbac.Decision) {
			require.Len(t, first, len(second)+1, "earlier functions first")
			second = append(second, d)
		})
		for _, test := range []struct {
			name    string
			check   func(rbac.Subject) any
			reports int
		}{
			{"Can", func(s rbac.Subject) any { return s.Can(rbac.Deals, rbac.Read) }, 1},
			{"Can, granted", func(s rbac.Subject) any { return s.Can(rbac.Deals, rbac.Manage) }, 1},
			{"CanRecord", func(s rbac.Subject) any { return s.CanRecord(rbac.Deals, rbac.Read, "vic") }, 1},
			{"CanRecord, another's", func(s rbac.Subject) any { return s.CanRecord(rbac.Deals, rbac.Read, "eve") }, 1},
			{"Scope", func(s rbac.Subject) any { return s.Scope(rbac.Deals, rbac.Read) }, 1},
			{"Authorize", func(s rbac.Subject) any { return s.Authorize(rbac.Audit, rbac.Read) }, 1},
			{"Explain", func(s rbac.Subject) any { return s.Explain("x", rbac.Read) }, 1},
			{"Limit", func(s rbac.Subject) any { return s.Limit(nil).Explain(rbac.Deals, rbac.Manage) }, 1},
			{"Permissions", func(s rbac.Subject) any { return s.Permissions() }, 0},
			{"what it is", func(s rbac.Subject) any {
				return []any{s.User(), s.Workspace(), s.Role(), s.RoleName(), s.Active()}
			}, 0},
		} {
			outer, first, second = nil, nil, nil
			want := test.check(plain)
			require.Empty(t, first, "the subject that it was made of is as it was")
			require.Equal(t, want, test.check(twice), test.name)
			require.Len(t, second, test.reports, test.name)
			require.Equal(t, first, second, test.name)
			if withObserver {
				require.Equal(t, slices.Concat(second, second), outer, test.name)
			}
		}
		require.Equal(t, plain, plain.Observe(nil))
	}

	zero := rbac.Subject{}.Observe(func(rbac.Decision) { t.Error("the zero Subject decides nothing") })
	require.Equal(t, rbac.Subject{}, zero)
	require.False(t, zero.Can(rbac.Deals, rbac.Read))
}

// An observed subject can be asked by several goroutines.
func TestSubjectObserveConcurrently(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	assign(t, az.Workspace, rbac.Administrator, "ada")
	s, err := az.Subject(t.Context(), "ada")
	require.NoError(t, err)
	var mu sync.Mutex
	seen := 0
	s = s.Observe(func(rbac.Decision) {
		mu.Lock()
		defer mu.Unlock()
		seen++
	})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if !s.Can(rbac.Deals, rbac.Read) {
				t.Error("denied")
			}
		})
	}
	wait.Wait()
	require.Equal(t, 8, seen)
}

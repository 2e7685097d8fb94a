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
	store := rbac.NewMemStore()
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
		az := openOn(t, rbac.NewMemStore(), opts...)
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
	az := openOn(t, rbac.NewMemStore())
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

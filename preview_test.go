package rbac_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// Several calls are one plan: later ones see what earlier ones would have done.
// The plan tells who gains and loses what, and nothing is written.
func TestPreviewOfSeveralCalls(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	before := c.Answers(t)
	var plan rbac.Plan
	unchanged(t, c.Store, "", func() {
		var err error
		plan, err = c.W.As("ada").Because("ticket 7").Preview(ctx, func(a *rbac.Admin) error {
			role, err := a.CreateRole(ctx, rbac.Role{Name: "Caller", Permissions: rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}})
			require.NoError(t, err)
			require.NoError(t, a.Assign(ctx, role.ID, "cleo", "new", "cody"))
			require.ErrorIs(t, a.DeleteRole(ctx, role.ID), rbac.ErrRoleInUse, "which it is by now")
			require.NoError(t, a.Suspend(ctx, "max"))
			choices, err := a.Choices(ctx, "new")
			require.NoError(t, err)
			require.Equal(t, "Caller", choices[2].Role.Name)
			return a.Remove(ctx, "stan")
		})
		require.NoError(t, err)
	})
	require.Equal(t, before, c.Answers(t))
	require.NoError(t, plan.Refused)
	require.Equal(t, "Caller", plan.Role.Name)
	require.Zero(t, plan.Members, "when it was created")

	var kinds []rbac.EventKind
	for i, e := range plan.Events {
		kinds = append(kinds, e.Kind)
		require.Equal(t, plan.Events[0].Seq+int64(i), e.Seq)
		require.Equal(t, "ada ticket 7", e.Actor+" "+e.Reason)
	}
	require.Equal(t, []rbac.EventKind{
		rbac.RoleCreated, rbac.MemberAssigned, rbac.MemberAssigned, rbac.MemberAssigned, rbac.MemberSuspended, rbac.MemberRemoved,
	}, kinds)
	require.Equal(t, "Caller", plan.Events[1].MemberAfter.RoleName)
	require.Equal(t, []rbac.Effect{
		{Users: []string{"cleo"}, Members: 1, Gained: rbac.Permissions{rbac.Contacts: access(rbac.None, rbac.All)}, Lost: rbac.Permissions{}},
		{Users: []string{"max"}, Members: 1, Gained: rbac.Permissions{}, Lost: c.Role("Manager").Permissions},
		{Users: []string{"new"}, Members: 1, Gained: rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}, Lost: rbac.Permissions{}},
		{Users: []string{"stan"}, Members: 1, Gained: rbac.Permissions{}, Lost: c.Role("Seller").Permissions},
	}, plan.Effects, "suspended members reach nothing, before and after")
	c.Check(t)
}

// The effects of an edit are on all active holders of the role, of whom ten are
// named; a move within roles that grant the same has none.
func TestPreviewOfAnEdit(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, rbac.NewMemStore())
	role := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	twin := addRole(t, az.Workspace, "Twin", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	users := []string{"m", "l", "k", "j", "i", "h", "g", "f", "e", "d", "c", "b", "a"}
	assign(t, az.Workspace, role.ID, users...)
	require.NoError(t, az.System("test").Suspend(ctx, "b"))
	role.Permissions = rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.None)}
	plan, err := az.System("test").Preview(ctx, func(a *rbac.Admin) error {
		_, err := a.UpdateRole(ctx, role)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 13, plan.Members)
	require.Equal(t, []rbac.Effect{{
		Users: []string{"a", "c", "d", "e", "f", "g", "h", "i", "j", "k"}, Members: 12,
		Gained: rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.None)}, Lost: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
	}}, plan.Effects)

	plan, err = az.System("test").Preview(ctx, func(a *rbac.Admin) error {
		_, err := a.UpdateRole(ctx, role)
		return errors.Join(err, a.Assign(ctx, twin.ID, "a"), a.Suspend(ctx, "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "b"))
	})
	require.NoError(t, err)
	require.Len(t, plan.Effects, 2, "who only changes the role, and who is touched as well")
	require.Equal(t, []string{"c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}, plan.Effects[0].Users)
	require.Equal(t, []string{"m"}, plan.Effects[1].Users, "once, and not who keeps what the role loses")

	plan, err = az.System("test").Preview(ctx, func(a *rbac.Admin) error { return a.ReplaceRole(ctx, role.ID, twin.ID) })
	require.NoError(t, err)
	require.Len(t, plan.Events, 13)
	require.Empty(t, plan.Effects)
	require.Equal(t, "13 changes", plan.String())

	plan, err = az.System("test").Preview(ctx, func(a *rbac.Admin) error {
		return errors.Join(a.Remove(ctx, "a"), a.Reinstate(ctx, "b"), a.Assign(ctx, role.ID, "n"))
	})
	require.NoError(t, err)
	require.Equal(t, `3 changes; member "a": gains nothing; loses deals: read all; 2 members: gains deals: read all; loses nothing`, plan.String())
}

// The rule that refuses is in the plan, and nothing else of it is. What is no
// rule's error is returned.
func TestPreviewRefused(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	unchanged(t, c.Store, "", func() {
		for name, change := range map[string]func(*rbac.Admin) error{
			"not a member":  func(a *rbac.Admin) error { return a.Suspend(ctx, "new") },
			"oneself":       func(a *rbac.Admin) error { return a.Remove(ctx, "max") },
			"beyond":        func(a *rbac.Admin) error { return a.SetTeam(ctx, "", "stan") },
			"malformed":     func(a *rbac.Admin) error { return a.Assign(ctx, "", "") },
			"in use":        func(a *rbac.Admin) error { return a.DeleteRole(ctx, c.Role("Clerk").ID) },
			"may not touch": func(a *rbac.Admin) error { return a.Authorize(ctx, "stan") },
		} {
			max := c.W.As("max")
			plan, err := max.Preview(ctx, func(a *rbac.Admin) error {
				require.NoError(t, a.Assign(ctx, c.Role("Unused").ID, "newer"))
				return change(a)
			})
			require.NoError(t, err)
			require.Error(t, plan.Refused)
			require.Equal(t, rbac.Plan{Refused: change(max)}, plan, name)
			require.Equal(t, "refused: "+plan.Refused.Error(), plan.String())
		}
		_, err := c.W.As("max").Preview(ctx, func(*rbac.Admin) error { return errBoom })
		require.ErrorIs(t, err, errBoom)
	})
}

// A change that looks at how far the Admin of a preview reaches: it works while its
// function runs, for one call at a time, and in the draft alone.
func TestPreviewAdminIsForItsFunction(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	clerk := c.Role("Clerk").ID
	unchanged(t, c.Store, "", func() {
		var kept *rbac.Admin
		plan, err := c.W.As("ada").Preview(ctx, func(a *rbac.Admin) error {
			kept = a.Because("later").Via("a leak")
			inner, err := kept.Preview(ctx, func(inner *rbac.Admin) error {
				require.Error(t, a.Assign(ctx, clerk, "x"), "while the inner one reads it")
				return inner.Assign(ctx, clerk, "one", "two")
			})
			require.NoError(t, err)
			require.Len(t, inner.Events, 2)
			require.NoError(t, a.Authorize(ctx, "max"))
			return a.Assign(ctx, clerk, "three")
		})
		require.NoError(t, err)
		require.Len(t, plan.Events, 1)
		require.ErrorContains(t, kept.Assign(ctx, clerk, "x"), "after its function had returned")
		require.Error(t, kept.Authorize(ctx, "max"))
		_, err = kept.Preview(ctx, func(*rbac.Admin) error { return nil })
		require.Error(t, err)

		require.PanicsWithValue(t, "theirs", func() {
			_, _ = c.W.As("ada").Preview(ctx, func(a *rbac.Admin) error { kept = a; panic("theirs") })
		})
		require.Error(t, kept.Assign(ctx, clerk, "x"))
		cancelled, cancel := context.WithCancel(ctx)
		_, err = c.W.As("ada").Preview(cancelled, func(a *rbac.Admin) error {
			cancel()
			return a.Assign(ctx, clerk, "x")
		})
		require.ErrorIs(t, err, context.Canceled)
	})
}

// The function is called once, whatever the store does.
func TestPreviewCallsOnce(t *testing.T) {
	t.Parallel()
	store := &againStore{Store: rbac.NewMemStore()}
	az := openOn(t, store)
	calls := 0
	_, err := az.System("test").Preview(t.Context(), func(a *rbac.Admin) error {
		calls++
		return a.Assign(t.Context(), rbac.Administrator, "ada")
	})
	require.Error(t, err)
	require.Equal(t, 1, calls)
}

// againStore calls the function of a View twice.
type againStore struct{ rbac.Store }

func (s *againStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error {
		if err := fn(r); err != nil {
			return err
		}
		return fn(r)
	})
}

// Rows that fail or cannot be read while the effects are counted.
func TestPreviewOfBrokenRows(t *testing.T) {
	t.Parallel()
	store := &failingStore{Store: rbac.NewMemStore()}
	az := openOn(t, store)
	role := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, az.Workspace, role.ID, "ann", "bob")
	for name, change := range map[string]func(*rbac.Admin) error{
		"of members": func(a *rbac.Admin) error { return a.Assign(t.Context(), rbac.Administrator, "ann") },
		"of a role": func(a *rbac.Admin) error {
			edited := role
			edited.Permissions = rbac.Permissions{}
			_, err := a.UpdateRole(t.Context(), edited)
			return err
		},
	} {
		_, err := az.System("test").Preview(t.Context(), func(a *rbac.Admin) error {
			err := change(a)
			store.fails = true
			return err
		})
		require.ErrorIs(t, err, errBoom, name)
		store.fails = false
	}
	edited := role
	edited.Permissions = rbac.Permissions{}
	store.uncounted = true
	_, err := planOf(t.Context(), az.System("test"), edited)
	require.ErrorIs(t, err, errBoom, "how many hold it")
	store.uncounted = false
	assign(t, az.Workspace, role.ID, "c", "d", "e", "f", "g", "h", "i", "j", "k")
	_, err = az.System("test").Preview(t.Context(), func(a *rbac.Admin) error {
		_, err := a.UpdateRole(t.Context(), edited)
		store.uncounted = true
		return err
	})
	require.ErrorIs(t, err, errBoom, "how many more there are")
	store.uncounted = false
	update(t, store, "", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "bob", Role: "gone"}) })
	plan, err := az.System("test").Preview(t.Context(), func(a *rbac.Admin) error { return a.Assign(t.Context(), role.ID, "bob") })
	require.NoError(t, err)
	require.Equal(t, 1, plan.Effects[0].Members, "a role that is gone granted nothing")
	require.Empty(t, plan.Effects[0].Lost)
}

// failingStore is a store whose Readers yield no more rows once it fails.
type failingStore struct {
	rbac.Store
	fails     bool
	uncounted bool // it can no longer count
}

func (s *failingStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(failingReader{r, s}) })
}

type failingReader struct {
	rbac.Reader
	store *failingStore
}

func (r failingReader) Holders() (map[rbac.RoleID]int, error) {
	if r.store.fails || r.store.uncounted {
		return nil, errBoom
	}
	return r.Reader.Holders()
}

func (r failingReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	if r.store.fails {
		return func(yield func(rbac.Member, error) bool) { yield(rbac.Member{}, errBoom) }
	}
	return r.Reader.Members(q)
}

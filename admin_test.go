package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/heap"
)

// ReplaceRole moves every holder, suspended ones too, so that the old role
// can be deleted.
func TestReplaceRole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	ada := c.W.As("ada")
	clerk, unused := c.Role("Clerk").ID, c.Role("Unused").ID
	before := contentsOf(t, c.Store, "").Revision.Seq
	require.NoError(t, ada.ReplaceRole(ctx, clerk, unused))
	events := eventsOf(t, c.W, rbac.EventQuery{After: before})
	require.Len(t, events, 2)
	for i, user := range []string{"cleo", "cody"} {
		require.Equal(t, rbac.MemberAssigned, events[i].Kind)
		require.Equal(t, "ada", events[i].Actor)
		require.Equal(t, clerk, events[i].MemberBefore.Role)
		require.Equal(t, unused, events[i].MemberAfter.Role)
		require.Equal(t, user, events[i].MemberAfter.User)
		require.Equal(t, user == "cody", events[i].MemberAfter.Suspended, "a suspension is kept")
		require.Equal(t, events[i].Time, events[i].MemberAfter.UpdatedAt)
	}
	scope, err := c.W.Scope(ctx, "cleo", rbac.Contacts, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, rbac.Own, scope)
	require.NoError(t, ada.DeleteRole(ctx, clerk))
	for name, err := range map[string]error{
		"an old role that is gone":   ada.ReplaceRole(ctx, clerk, unused),
		"an old role that never was": ada.ReplaceRole(ctx, "never", unused),
		"a new role that is gone":    ada.ReplaceRole(ctx, unused, clerk),
	} {
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, rbac.ErrRoleNotFound, refused.Rule, name)
		require.NotEmpty(t, refused.Role, name)
	}
	require.NoError(t, c.W.System("merge").ReplaceRole(ctx, c.Role("Seller").ID, rbac.Administrator))
	require.True(t, c.W.Can(ctx, "stan", rbac.Users, rbac.Manage))
	require.False(t, c.W.Can(ctx, "sid", rbac.Users, rbac.Manage))
	c.Check(t)
}

// In: several changes in the caller's transaction become one, committed or
// rolled back together.
func TestIn(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		t.Run(fmt.Sprintf("commit %t", commit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), rbac.NewMemStore()
				az, other := openOn(t, store), openOn(t, store)
				assign(t, az.Workspace, rbac.Administrator, "ada")
				allows(t, az.Workspace, "ada")
				allows(t, other.Workspace, "ada")
				before := contentsOf(t, store, "")
				var role rbac.Role
				err := store.Update(ctx, "", func(tx rbac.Tx) (err error) {
					in := az.In(rbac.TxStore("", tx)).As("ada")
					role, err = in.CreateRole(ctx, rbac.Role{Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}})
					if err != nil {
						return err
					}
					if err := in.Assign(ctx, role.ID, "vic", "zoe"); err != nil {
						return err
					}
					plan, err := planOf(ctx, in, role)
					require.NoError(t, err)
					require.Equal(t, 2, plan.Members, "a plan in the transaction sees it")
					if err := in.DeleteRole(ctx, role.ID); !errors.Is(err, rbac.ErrRoleInUse) {
						return fmt.Errorf("a refusal leaves the transaction as it was: %v", err)
					}
					if err := in.Remove(ctx, "zoe"); err != nil {
						return err
					}
					require.False(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read), "not before the commit")
					if !commit {
						return errBoom
					}
					return nil
				})
				synctest.Wait()
				if !commit {
					require.ErrorIs(t, err, errBoom)
					require.Equal(t, text(before), text(contentsOf(t, store, "")))
				} else {
					require.NoError(t, err)
					require.Len(t, contentsOf(t, store, "").Events, 5)
				}
				for _, w := range []*rbac.Authorizer{az, other} {
					require.NoError(t, w.Sync(ctx))
					require.Equal(t, commit, w.Can(ctx, "vic", rbac.Deals, rbac.Read))
					require.False(t, w.Can(ctx, "zoe", rbac.Deals, rbac.Read))
				}
				checkInvariants(t, store, "")
			})
		})
	}
}

// AsSubject acts as its user, who holds no more than the subject's limit left:
// an API key does not get around its limit by way of administration.
func TestAsSubject(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, rbac.NewMemStore())
	reader := addRole(t, az.Workspace, "Reader", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
	wide := addRole(t, az.Workspace, "Wide", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.Own, rbac.None)})
	assign(t, az.Workspace, rbac.Administrator, "ada", "bea")
	assign(t, az.Workspace, reader.ID, "rob")
	ada, err := az.Subject(ctx, "ada")
	require.NoError(t, err)
	key := ada.Limit(rbac.Permissions{rbac.Users: access(rbac.None, rbac.All), rbac.Deals: access(rbac.All, rbac.None)})
	missing := func(err error) rbac.Permissions {
		var escalation *rbac.EscalationError
		require.ErrorAs(t, err, &escalation)
		require.Equal(t, "ada", escalation.Actor)
		return escalation.Missing
	}

	// What the key covers, it may do, in its user's name.
	require.NoError(t, az.AsSubject(key).Assign(ctx, reader.ID, "new"))
	require.NoError(t, az.AsSubject(key).Remove(ctx, "new"))
	for e, err := range az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 2}) {
		require.NoError(t, err)
		require.Equal(t, "ada", e.Actor)
	}
	// What it does not cover, it neither grants nor touches.
	beyond := rbac.Permissions{rbac.Deals: access(rbac.None, rbac.All), rbac.Contacts: access(rbac.Own, rbac.None)}
	require.Equal(t, beyond, missing(az.AsSubject(key).Assign(ctx, wide.ID, "rob")))
	_, err = az.AsSubject(key).CreateRole(ctx, rbac.Role{Name: "Mine", Permissions: wide.Permissions})
	require.Equal(t, beyond, missing(err))
	require.Equal(t, beyond, missing(az.AsSubject(key).DeleteRole(ctx, wide.ID)))
	require.ErrorIs(t, az.AsSubject(key).Assign(ctx, rbac.Administrator, "rob"), rbac.ErrEscalation)
	require.ErrorIs(t, az.AsSubject(key).Suspend(ctx, "bea"), rbac.ErrEscalation)
	require.ErrorIs(t, az.AsSubject(key).Suspend(ctx, "ada"), rbac.ErrSelf)

	// A key without Manage All on Users does not administer, and the reason is
	// the limit.
	var denied *rbac.DeniedError
	require.ErrorAs(t, az.AsSubject(ada.Limit(nil)).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonLimited, denied.Decision.Reason)
	require.ErrorAs(t, az.AsSubject(ada.Limit(rbac.Permissions{rbac.Users: access(rbac.All, rbac.Own)})).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonLimited, denied.Decision.Reason)

	// A limit adds nothing: rights are read in the transaction (A11).
	require.NoError(t, az.System("test").Suspend(ctx, "ada"))
	require.ErrorAs(t, az.AsSubject(key).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonSuspended, denied.Decision.Reason)
	require.NoError(t, az.System("test").Reinstate(ctx, "ada"))

	// A subject of another workspace is nobody here, and neither is the zero
	// Subject anybody.
	assign(t, az.For("acme"), rbac.Administrator, "ada")
	require.ErrorIs(t, az.For("acme").AsSubject(ada).Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied)
	require.ErrorIs(t, az.AsSubject(rbac.Subject{}).Assign(ctx, reader.ID, "eve"), rbac.ErrDenied)

	// Without a limit it is As: an Administrator covers areas that this program
	// does not know.
	store := rbac.NewMemStore()
	newer := openOn(t, store, rbac.WithAreas(append(rbac.DefaultAreas(), rbac.AreaInfo{Area: "billing"})...))
	assign(t, newer.Workspace, rbac.Administrator, "ada")
	billing := addRole(t, newer.Workspace, "Billing", rbac.Permissions{"billing": access(rbac.All, rbac.All)})
	older := openOn(t, store)
	ada, err = older.Subject(ctx, "ada")
	require.NoError(t, err)
	require.NoError(t, older.AsSubject(ada).Assign(ctx, billing.ID, "bob"))
	require.ErrorIs(t, older.AsSubject(ada.Limit(ada.Permissions())).Remove(ctx, "bob"), rbac.ErrEscalation)
}

// What an application passes and the library keeps does not keep what it was
// cut from.
func TestWhatIsKeptIsCopied(t *testing.T) {
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	const size = 1 << 20
	cut := func(text string) string { return (text + strings.Repeat(" ", size))[:len(text)] }
	before := heap.InUse()
	var kept []*rbac.Workspace
	for i := range 50 {
		w := az.For(cut(fmt.Sprint("w", i)))
		kept = append(kept, w)
		require.NoError(t, w.System(cut("sign-up")).Assign(ctx, rbac.Administrator, cut(fmt.Sprint("u", i))))
		role, err := w.As(cut(fmt.Sprint("u", i))).CreateRole(ctx, rbac.Role{
			Name: cut("Name"), Description: cut("Text"), Permissions: rbac.Permissions{rbac.Area(cut("deals")): {Read: rbac.All}},
		})
		require.NoError(t, err)
		role.Name, role.Permissions = cut("Another"), rbac.Permissions{rbac.Area(cut("tasks")): {Read: rbac.All}}
		_, err = w.System(cut("test")).UpdateRole(ctx, role)
		require.NoError(t, err)
		allows(t, w, fmt.Sprint("u", i))
	}
	require.Less(t, heap.InUse()-before, int64(10*size))
	runtime.KeepAlive(kept)
}

// Add gives a role to who is not there, and takes it from nobody.
func TestAdd(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"somebody new", "ada", company.Adding("Seller", "new"), nil},
		{"somebody new by a manager", "max", company.Adding("Clerk", "new"), nil},
		{"with more than they hold", "max", company.Adding("Seller", "new"), rbac.ErrEscalation},
		{"with more than they hold, among members", "max", company.Adding("Seller", "cleo", "new"), rbac.ErrEscalation},
		{"beside one who holds more", "max", company.Adding("Clerk", "ada", "stan", "new"), nil},
		{"beside oneself", "ada", company.Adding("Clerk", "ada", "new"), nil},
		{"a role that is gone", "ada", func(ctx context.Context, _ *company.Company, a *rbac.Admin) error { return a.Add(ctx, "gone", "cleo") }, rbac.ErrRoleNotFound},
		{"by who may not", "cleo", company.Adding("Clerk", "new"), rbac.ErrDenied},
		{"by who may not, who is there", "cleo", company.Adding("Clerk", "stan"), rbac.ErrDenied},
		{"nobody at all", "ada", company.Adding("Clerk"), rbac.ErrInvalid},
		{"a bad id", "ada", company.Adding("Clerk", "new", ""), rbac.ErrInvalid},
	})
	t.Run("who is a member keeps everything", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		unchanged(t, c.Store, "", func() {
			for _, a := range []*rbac.Admin{c.W.System("sign-in"), c.W.As("ada"), c.W.As("max")} {
				require.NoError(t, a.Add(ctx, c.Role("Seller").ID, "ada", "abe", "cody", "max", "cleo", "bill"))
			}
		})
		before := contentsOf(t, c.Store, "").Revision.Seq
		require.NoError(t, c.W.System("sign-in").Add(ctx, c.Role("Clerk").ID, "new", "ada", "new", "newer"))
		events := eventsOf(t, c.W, rbac.EventQuery{After: before})
		require.Len(t, events, 2)
		for i, user := range []string{"new", "newer"} {
			require.Equal(t, rbac.MemberAssigned, events[i].Kind)
			require.Nil(t, events[i].MemberBefore)
			require.Equal(t, user, events[i].MemberAfter.User)
			require.Equal(t, c.Role("Clerk").ID, events[i].MemberAfter.Role)
		}
		c.Check(t)
	})
	t.Run("nobody at all is said", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		var invalid *rbac.ValidationError
		require.ErrorAs(t, c.W.System("sign-up").Add(ctx, "", []string{}...), &invalid)
		require.Equal(t, []rbac.FieldError{{Field: "users", Problem: "missing"}, {Field: "role", Problem: "is empty"}}, invalid.Fields)
	})
	t.Run("a member whose row cannot be read", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		update(t, c.Store, "", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "bad"}) })
		unchanged(t, c.Store, "", func() {
			require.NoError(t, c.W.As("ada").Add(ctx, c.Role("Clerk").ID, "bad"), "is one")
			require.ErrorIs(t, c.W.As("max").Add(ctx, c.Role("Clerk").ID, "bad"), rbac.ErrMalformed)
		})
	})
}

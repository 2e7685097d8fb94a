package rbac_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
)

// Far behind, reading the rows is less than reading the events: the follower
// loads. Close behind it follows, and reads no row.
func TestFollowOrLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := following.New(t)
		var mu sync.Mutex
		events, members := 0, 0
		f.Store.SetRows(&fault.Rows{
			Events: fault.Changed(func(*rbac.Event) { mu.Lock(); events++; mu.Unlock() }),
			Members: func(rows iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error] {
				mu.Lock()
				members++
				mu.Unlock()
				return rows
			},
		})
		for _, test := range []struct{ changes, events, loads int }{{1, 1, 0}, {50, 50, 0}, {51, 32, 1}, {1500, 32, 1}} {
			events, members = 0, 0
			for i := range test.changes {
				act := f.Other.As("ann").Suspend
				if i%2 == 1 {
					act = f.Other.As("ann").Reinstate
				}
				require.NoError(t, act(ctx, "bob"))
			}
			require.NoError(t, f.AZ.Sync(ctx))
			require.Equal(t, test.events, events)
			require.Equal(t, test.loads, members)
			require.Equal(t, test.changes%2 == 0, f.Can())
			require.NoError(t, f.Other.As("ann").Reinstate(ctx, "bob"))
			require.NoError(t, f.AZ.Sync(ctx))
		}
	})
}

// A large workspace, whose changes go to an overlay that is folded now and
// then, gives the same answers as one that was just loaded.
func TestChangesOfALargeWorkspace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		az, follower := openOn(t, inner), openOn(t, fault.New(inner))
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		owner := addRole(t, az.Workspace, "Owner", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
		var users []string
		for i := range 5000 {
			users = append(users, fmt.Sprint("user", i))
		}
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, az.Workspace, viewer.ID, users...)
		require.True(t, az.Can(ctx, "user1", rbac.Deals, rbac.Read))
		require.True(t, follower.Can(ctx, "user1", rbac.Deals, rbac.Read))

		random := rand.New(rand.NewPCG(1, 2))
		var touched []string
		for step := range 40 {
			var some []string
			for range 300 {
				some = append(some, users[random.IntN(len(users))])
			}
			var err error
			switch system := az.System("test"); step % 5 {
			case 0:
				err = system.Assign(ctx, owner.ID, some...)
			case 1:
				err = system.Remove(ctx, present(t, az.Workspace, some)...)
			case 2:
				err = system.Assign(ctx, viewer.ID, some...)
			case 3:
				err = system.Suspend(ctx, present(t, az.Workspace, some)...)
			case 4:
				err = system.Reinstate(ctx, present(t, az.Workspace, some)...)
			}
			require.NoError(t, err)
			touched = append(touched, some...)
			if step%8 == 7 {
				require.NoError(t, follower.Sync(ctx))
				fresh := openOn(t, inner)
				for _, user := range touched[max(0, len(touched)-2000):] {
					want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
					require.NoError(t, err)
					for _, instance := range []*rbac.Authorizer{az, follower} {
						got, err := instance.Explain(ctx, user, rbac.Deals, rbac.Read)
						require.NoError(t, err)
						require.Equal(t, want, got)
						require.Equal(t, want.Allowed, instance.Can(ctx, user, rbac.Deals, rbac.Read))
						require.Equal(t, want.Scope != rbac.None, instance.CanRecord(ctx, user, rbac.Deals, rbac.Read, user))
					}
				}
				synctest.Wait()
			}
		}
		require.NoError(t, az.VerifyEvents(ctx))
	})
}

// Changes that are made while the overlay is folded are not lost, nor is what
// they undo done again.
func TestChangesDuringAMerge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), rbac.NewMemStore()
		az := openOn(t, store)
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		nothing := addRole(t, az.Workspace, "Nothing", nil)
		var users []string
		for i := range 20_000 {
			users = append(users, fmt.Sprint("user", i))
		}
		update(t, store, "", func(tx rbac.Tx) error {
			var members []rbac.Member
			for _, user := range users {
				members = append(members, rbac.Member{User: user, Role: viewer.ID})
			}
			return tx.PutMembers(members...)
		})
		require.True(t, az.Can(ctx, "user19999", rbac.Deals, rbac.Read))
		for round := range 4 {
			part := users[round*4200:][:4200]
			assign(t, az.Workspace, nothing.ID, part...) // folded from here on
			for i := range 20 {
				assign(t, az.Workspace, viewer.ID, part[i], users[(i+round*4200+10_000)%len(users)])
				require.NoError(t, az.System("test").Remove(ctx, part[100+i]))
				require.NoError(t, az.System("test").Suspend(ctx, part[200+i]))
				assign(t, az.Workspace, nothing.ID, part[i])
			}
			if round%2 == 0 {
				synctest.Wait()
			}
			fresh := openOn(t, store)
			for _, user := range users {
				want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				got, err := az.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				if want != got {
					t.Fatalf("%v, want %v", got, want)
				}
			}
		}
	})
}

// present returns those of the users who are members.
func present(t *testing.T, w *rbac.Workspace, users []string) (members []string) {
	t.Helper()
	for m, err := range w.Members(t.Context(), rbac.MemberQuery{Users: users}) {
		require.NoError(t, err)
		members = append(members, m.User)
	}
	return members
}

// Roles that come and go do not pile up, and do not confuse those that stay:
// the workspace is loaded anew now and then.
func TestRolesThatComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := following.New(t)
		viewer := addRole(t, f.AZ.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, f.AZ.Workspace, viewer.ID, "vic")
		for i := range 700 {
			role := addRole(t, f.AZ.Workspace, "Passing", rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.All)})
			assign(t, f.AZ.Workspace, role.ID, "pat")
			require.True(t, f.AZ.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.NoError(t, f.AZ.System("test").ReplaceRole(ctx, role.ID, viewer.ID))
			require.NoError(t, f.AZ.System("test").DeleteRole(ctx, role.ID))
			require.False(t, f.AZ.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.True(t, f.AZ.Can(ctx, "vic", rbac.Deals, rbac.Read))
			if i%100 == 99 {
				require.NoError(t, f.Other.Sync(ctx))
				require.True(t, f.Other.Can(ctx, "vic", rbac.Deals, rbac.Read))
				require.False(t, f.Other.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			}
		}
		views := f.Store.Calls(opView)
		require.GreaterOrEqual(t, views, 2, "loaded anew")
		require.LessOrEqual(t, views, 10, "and not for every change")
	})
}

// P4: events are followed only if they continue the chain up to the newest;
// else the rows are read.
func TestP4_EventsThatAreNotFollowed(t *testing.T) {
	t.Parallel()
	for name, events := range map[string]func(iter.Seq2[rbac.Event, error]) iter.Seq2[rbac.Event, error]{
		"edited":  fault.Changed(func(e *rbac.Event) { e.Actor = "eve" }),
		"partial": fault.Cut[rbac.Event](1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				f.RemoveBob(t)
				assign(t, f.Other.Workspace, rbac.Administrator, "cy")
				f.Store.SetRows(&fault.Rows{Events: events})
				require.NoError(t, f.AZ.Sync(t.Context()))
				require.False(t, f.Can())
				allows(t, f.AZ.Workspace, "cy")
				require.Len(t, f.Log.Containing("WARN", "loaded anew"), 1)
			})
		})
	}
}

// Events about roles, as they come while following: a role that is deleted
// grants nothing (E1), and no event changes a system role (E5).
func TestEventsAboutRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), following.New(t)
		viewer := addRole(t, f.Other.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, f.Other.Workspace, viewer.ID, "vic")
		require.NoError(t, f.AZ.Sync(ctx))
		require.True(t, f.AZ.Can(ctx, "vic", rbac.Deals, rbac.Read))
		for _, forged := range []rbac.Event{
			{Kind: rbac.RoleDeleted, RoleBefore: &viewer},
			{Kind: rbac.RoleUpdated, RoleAfter: &rbac.Role{ID: rbac.Administrator, Name: "Nobody"}},
			{Kind: rbac.RoleDeleted, RoleBefore: &rbac.Role{ID: rbac.Administrator, Name: "Administrator"}},
		} {
			forged.Time, forged.Reason = time.Now().UTC(), "forged"
			forge(t, f.Inner, "", forged)
			require.NoError(t, f.AZ.Sync(ctx))
			require.False(t, f.AZ.Can(ctx, "vic", rbac.Deals, rbac.Read))
			allows(t, f.AZ.Workspace, "ann")
		}
		require.Empty(t, f.Log.Containing("loaded anew"), "they were followed")
	})
}

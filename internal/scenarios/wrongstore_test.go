package scenarios_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// storeFault is a way in which a store can be wrong.
type storeFault struct {
	name string
	on   rbactest.Fault
	rows *fault.Rows
}

// A store that fails, panics, blocks, or gives wrong or partial rows: the
// workspace is denied, the fault is reported and does not spread, and service
// resumes when it ends.
func TestScenario23_WrongStoreIsContained(t *testing.T) {
	t.Parallel()
	for _, wrong := range []storeFault{
		{name: "fails", on: fault.Fails(errBoom)},
		{name: "panics", on: fault.Panics},
		{name: "panics with nothing", on: func(context.Context, func(error) error) error { panic(nil) }},
		{name: "panics inside the transaction", rows: &fault.Rows{Roles: func(iter.Seq2[rbac.Role, error]) iter.Seq2[rbac.Role, error] { panic("rows") }}},
		{name: "blocks", on: fault.Blocks},
		{name: "does nothing", on: fault.Skips},
		{name: "breaks off roles", rows: &fault.Rows{Roles: fault.Broken[rbac.Role](1)}},
		{name: "breaks off members", rows: &fault.Rows{Members: fault.Broken[rbac.Member](1)}},
		{name: "breaks off and hides it", on: fault.Hides, rows: &fault.Rows{Members: fault.Broken[rbac.Member](1)}},
		{name: "doubles members", rows: &fault.Rows{Members: fault.Doubled[rbac.Member]}},
		{name: "always loses", on: fault.RollsBack(rbac.ErrContention)},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, log := rbac.NewMemStore(), &workspacetest.Log{}
				app := openOn(t, inner)
				for _, w := range []*rbac.Workspace{app.Workspace, app.For("acme")} {
					addRole(t, w, "Viewer", nil)
					assign(t, w, rbac.Administrator, "ann", "bob", "cy")
				}
				store := fault.New(inner)
				az := openOn(t, store, log.Option())
				acme := az.For("acme")
				allows(t, acme, "ann")

				store.Set(wrong.on, opView)
				store.SetRows(wrong.rows)
				began := time.Now()
				require.False(t, az.Can(t.Context(), "ann", rbac.Users, rbac.Manage), "not answered")
				require.LessOrEqual(t, time.Since(began), 10*time.Second)
				refusesAll(t, az.Workspace, "cy", nil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				require.NotEmpty(t, log.Containing("a workspace cannot be read"), "reported")
				allows(t, acme, "ann") // contained: its revision is confirmed by the poll

				store.Set(nil, opView)
				store.SetRows(nil)
				allows(t, az.Workspace, "ann")
				checkInvariants(t, inner, "")
			})
		})
	}
}

// The same while following: what is known serves until MaxStaleness, no longer,
// and no wrong row gets in.
func TestScenario23_WrongStoreWhileFollowing(t *testing.T) {
	t.Parallel()
	forged := rbac.Event{
		Seq: 4, Kind: rbac.MemberAssigned, Reason: "forged", Hash: [32]byte{1},
		MemberAfter: &rbac.Member{User: "eve", Role: rbac.Administrator},
	}
	for _, wrong := range []storeFault{
		{name: "fails", on: fault.Fails(errBoom)},
		{name: "panics", on: fault.Panics},
		{name: "blocks", on: fault.Blocks},
		{name: "does nothing", on: fault.Skips},
		{name: "breaks off everything", rows: &fault.Rows{Events: fault.Broken[rbac.Event](1), Members: fault.Broken[rbac.Member](0)}},
		{name: "forges an event, and has no rows", rows: &fault.Rows{Events: fault.Listed([]rbac.Event{forged}), Members: fault.Broken[rbac.Member](0)}},
		{name: "doubles events, and members", rows: &fault.Rows{Events: fault.Doubled[rbac.Event], Members: fault.Doubled[rbac.Member]}},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner, log := t.Context(), rbac.NewMemStore(), &workspacetest.Log{}
				store := fault.New(inner)
				app, az := openOn(t, inner), openOn(t, store, log.Option())
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob", "cy")
				allows(t, az.Workspace, "ann")

				store.Set(wrong.on, opView)
				store.SetRows(wrong.rows)
				require.NoError(t, app.As("ann").Remove(ctx, "bob", "cy"))
				began := time.Now()
				for time.Since(began) < 30*time.Second {
					d, err := az.Explain(ctx, "bob", rbac.Users, rbac.Manage)
					if time.Since(began) < 10*time.Second {
						require.NoError(t, err, "after %v", time.Since(began))
						require.EqualValues(t, 3, d.Revision)
					} else if synctest.Wait(); err == nil {
						require.Equal(t, 10*time.Second, time.Since(began))
					}
					require.False(t, az.Can(ctx, "eve", rbac.Users, rbac.Manage))
					time.Sleep(100 * time.Millisecond)
				}
				refusesAll(t, az.Workspace, "bob", nil)
				require.NotEmpty(t, log.Containing("a workspace cannot be read"))

				store.Set(nil, opView)
				store.SetRows(nil)
				time.Sleep(70 * time.Second) // a reading that was blocked gives up after a minute
				synctest.Wait()
				require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
				allows(t, az.Workspace, "ann")
			})
		})
	}
}

// Events that cannot be followed are no reason to fail: the rows are read.
func TestScenario23_BrokenEventsAreReplacedByALoad(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]*fault.Rows{
		"broken off": {Events: fault.Broken[rbac.Event](1)},
		"partial":    {Events: fault.Cut[rbac.Event](1)},
		"none":       {Events: fault.Cut[rbac.Event](0)},
		"doubled":    {Events: fault.Doubled[rbac.Event]},
		"edited":     {Events: fault.Changed(func(e *rbac.Event) { e.Actor = "eve" })},
		"renumbered": {Events: fault.Changed(func(e *rbac.Event) { e.Seq++ })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner, log := t.Context(), rbac.NewMemStore(), &workspacetest.Log{}
				store := fault.New(inner)
				app, az := openOn(t, inner), openOn(t, store, log.Option())
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
				allows(t, az.Workspace, "bob")
				require.NoError(t, app.As("ann").Suspend(ctx, "bob"))
				require.NoError(t, app.As("ann").Assign(ctx, rbac.Administrator, "cy"))
				store.SetRows(rows)
				require.NoError(t, az.Sync(ctx))
				require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
				allows(t, az.Workspace, "cy")
				require.Len(t, log.Containing("WARN", "loaded anew"), 1)
			})
		})
	}
}

// What the library can see to be wrong it does not use.
func TestScenario23_WrongRowsInAChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		rows *fault.Rows
		want string
	}{
		{"another member than asked for", &fault.Rows{Member: func(m rbac.Member) (rbac.Member, error) {
			m.User, m.Role = "ann", rbac.Administrator
			return m, nil
		}}, "returned member"},
		{"another role than asked for", &fault.Rows{Role: func(r rbac.Role) (rbac.Role, error) {
			r.ID = "other"
			return r, nil
		}}, "returned role"},
		{"the actor cannot be read", &fault.Rows{Member: func(rbac.Member) (rbac.Member, error) {
			return rbac.Member{}, errBoom
		}}, "boom"},
		{"the actor is malformed", &fault.Rows{Member: func(m rbac.Member) (rbac.Member, error) {
			return rbac.Member{User: m.User}, nil
		}}, "denied"},
		{"the actor's role cannot be read", &fault.Rows{Role: func(rbac.Role) (rbac.Role, error) {
			return rbac.Role{}, errBoom
		}}, "boom"},
		{"the actor's role is malformed", &fault.Rows{Role: func(r rbac.Role) (rbac.Role, error) {
			r.Permissions = rbac.Permissions{rbac.Users: {Manage: 4}}
			return r, nil
		}}, "denied"},
		{"members break off", &fault.Rows{Members: fault.Broken[rbac.Member](0)}, "boom"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, inner := t.Context(), rbac.NewMemStore()
			store := fault.New(inner)
			az := openOn(t, store)
			manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
			viewer := addRole(t, az.Workspace, "Viewer", nil)
			assign(t, az.Workspace, manager.ID, "max")
			allows(t, az.Workspace, "max")
			store.SetRows(test.rows)
			unchanged(t, inner, "", func() {
				require.ErrorContains(t, az.As("max").Assign(ctx, viewer.ID, "new"), test.want)
			})
			store.SetRows(nil)
			require.NoError(t, az.As("max").Assign(ctx, viewer.ID, "new"))
		})
	}
}

// A store that claims success, or hides a failure, does not make the library
// grant in memory what is not stored, nor report what was not found out.
func TestScenario23_StoreThatHidesFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		wrong storeFault
	}{
		{"it does nothing", storeFault{on: fault.Skips}},
		{"it hides that members were not written", storeFault{on: fault.Hides, rows: fault.FailWrite("PutMembers")}},
		{"it hides that events were not written", storeFault{on: fault.Hides, rows: fault.FailWrite("AppendEvents")}},
		{"it loses once, and then does nothing", storeFault{on: func() rbactest.Fault {
			lost := false
			return func(_ context.Context, call func(error) error) error {
				if lost {
					return nil
				}
				lost = true
				return call(rbac.ErrContention)
			}
		}()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, inner := t.Context(), rbac.NewMemStore()
			store := fault.New(inner)
			az := openOn(t, store)
			assign(t, az.Workspace, rbac.Administrator, "ann")
			allows(t, az.Workspace, "ann")
			store.Set(test.wrong.on, opUpdate)
			store.SetRows(test.wrong.rows)
			unchanged(t, inner, "", func() {
				if err := az.As("ann").Assign(ctx, rbac.Administrator, "bob"); err == nil {
					t.Error("a change that was not made is reported as made")
				}
			})
			if az.Can(ctx, "bob", rbac.Users, rbac.Manage) {
				t.Error("memory grants what is not stored")
			}
		})
	}
}

// Questions to a store that does not ask its function are no answers.
func TestScenario23_StoreThatDoesNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	store.Set(fault.Skips, opView)
	for name, ask := range map[string]func() error{
		"Roles":        func() error { _, err := az.Roles(ctx); return err },
		"Matrix":       func() error { _, err := az.Matrix(ctx); return err },
		"Lint":         func() error { _, err := az.Lint(ctx); return err },
		"VerifyEvents": func() error { return az.VerifyEvents(ctx) },
		"Sync":         func() error { return az.Sync(ctx) },
		"Members":      func() error { return workspacetest.FirstError(az.Members(ctx, rbac.MemberQuery{})) },
		"WhoCan":       func() error { return workspacetest.FirstError(az.WhoCan(ctx, rbac.Deals, rbac.Read)) },
		"Events":       func() error { return workspacetest.FirstError(az.Events(ctx, rbac.EventQuery{})) },
		"Preview": func() error {
			_, err := planOf(ctx, az.As("ann"), rbac.Role{Name: "New"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, ask())
		})
	}
	own := fault.New(rbac.NewMemStore())
	own.Set(fault.Skips, opUpdate)
	t.Run("a change In a store", func(t *testing.T) {
		_, err := az.In(own).As("ann").CreateRole(ctx, rbac.Role{Name: "New"})
		require.Error(t, err)
	})
}

// A store that breaks off in the middle of a review is an error of the review,
// not a shorter answer.
func TestScenario23_ReviewsBreakOff(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	addRole(t, az.Workspace, "Viewer", nil)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
	for what, rows := range map[string]*fault.Rows{
		"roles": {Roles: fault.Broken[rbac.Role](1)}, "members": {Members: fault.Broken[rbac.Member](1)}, "revision": {Revision: errBoom},
	} {
		store.SetRows(rows)
		for name, ask := range map[string]func() error{
			"Roles":   func() error { _, err := az.Roles(ctx); return err },
			"Matrix":  func() error { _, err := az.Matrix(ctx); return err },
			"WhoCan":  func() error { return workspacetest.FirstError(az.WhoCan(ctx, rbac.Deals, rbac.Read)) },
			"Lint":    func() error { _, err := az.Lint(ctx); return err },
			"Members": func() error { return workspacetest.FirstError(az.Members(ctx, rbac.MemberQuery{})) },
			"Verify":  func() error { return az.VerifyEvents(ctx) },
			"Sync":    func() error { return az.For("").Sync(ctx) },
			"Assign":  func() error { return az.As("ann").Assign(ctx, rbac.Administrator, "cy") },
		} {
			concerned := map[string][]string{
				"roles": {"Roles", "Matrix", "WhoCan", "Lint", "Sync"}, "members": {"WhoCan", "Lint", "Members", "Sync"},
				"revision": {"Verify", "Sync", "Assign"},
			}[what]
			if slices.Contains(concerned, name) {
				require.ErrorIs(t, ask(), errBoom, "%s: %s", what, name)
			}
		}
	}
}

// Partial rows that look whole cannot be noticed, but can only take away.
func TestScenario23_PartialRowsGrantNothing(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	app := openOn(t, inner)
	viewer := addRole(t, app.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, app.Workspace, viewer.ID, "ann", "bob")
	store := fault.New(inner)
	store.SetRows(&fault.Rows{Members: fault.Cut[rbac.Member](1)})
	az := openOn(t, store)
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	require.False(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	store.SetRows(&fault.Rows{Roles: fault.Cut[rbac.Role](0)})
	az = openOn(t, store)
	d, err := az.Explain(ctx, "ann", rbac.Deals, rbac.Read)
	require.NoError(t, err)
	require.False(t, d.Allowed)
	require.Equal(t, rbac.ReasonRoleGone, d.Reason)
}

// A store that ignores its context while it is polled: the follower waits for
// it, and checks ask for themselves.
func TestScenario23_PollThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		store := fault.New(inner)
		az, app := openOn(t, store), openOn(t, inner)
		assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
		allows(t, az.Workspace, "ann")
		release := make(chan struct{})
		store.Set(fault.Stuck(release), opRevisions)
		time.Sleep(2 * time.Second)
		require.NoError(t, app.As("ann").Remove(ctx, "bob"))
		time.Sleep(8 * time.Second)
		synctest.Wait()
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage), "read anew when it was too old")
		allows(t, az.Workspace, "ann")
		close(release)
	})
}

// A store that ignores its context while a workspace is read: those who wait
// give up after MaxStaleness, and other workspaces serve.
func TestScenario23_ReadingThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := rbac.NewMemStore()
		store := fault.New(inner)
		az := openOn(t, store)
		acme := az.For("acme")
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, acme, rbac.Administrator, "ann")
		allows(t, acme, "ann")
		release := make(chan struct{})
		store.Set(fault.Stuck(release), opView)
		for range 3 {
			began := time.Now()
			require.False(t, az.Can(t.Context(), "ann", rbac.Users, rbac.Manage))
			require.Equal(t, 10*time.Second, time.Since(began))
			allows(t, acme, "ann")
		}
		close(release)
		synctest.Wait()
		allows(t, az.Workspace, "ann")
	})
}

// Notifications that fail, panic or end at once: polling carries on.
func TestScenario23_WrongNotifier(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]rbactest.Fault{
		"fails": fault.Fails(errBoom), "panics": fault.Panics, "ends": fault.Skips, "blocks": fault.Blocks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), rbac.NewMemStore()
				store := fault.NewNotifier(inner)
				store.Set(wrong, opNotify)
				az, app := openOn(t, store), openOn(t, inner)
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
				allows(t, az.Workspace, "bob")
				require.NoError(t, app.As("ann").Remove(ctx, "bob"))
				time.Sleep(2 * time.Second)
				synctest.Wait()
				require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
				allows(t, az.Workspace, "ann")
			})
		})
	}
}

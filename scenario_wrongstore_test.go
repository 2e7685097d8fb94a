package rbac_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// storeFault is a way in which a store can be wrong.
type storeFault struct {
	name string
	on   behaviour
	rows *rowFaults
}

// A store that fails, panics, blocks, or gives wrong or partial rows: the
// workspace is denied, the fault is reported and does not spread, and service
// resumes when it ends.
func TestScenario23_WrongStoreIsContained(t *testing.T) {
	t.Parallel()
	for _, fault := range []storeFault{
		{name: "fails", on: failing(errBoom)},
		{name: "panics", on: panicking},
		{name: "panics with nothing", on: func(context.Context, func(error) error) error { panic(nil) }},
		{name: "panics inside the transaction", rows: &rowFaults{roles: func(rowSeq[rbac.Role]) rowSeq[rbac.Role] { panic("rows") }}},
		{name: "blocks", on: blocking},
		{name: "does nothing", on: skipping},
		{name: "breaks off roles", rows: &rowFaults{roles: broken[rbac.Role](1)}},
		{name: "breaks off members", rows: &rowFaults{members: broken[rbac.Member](1)}},
		{name: "breaks off and hides it", rows: &rowFaults{members: broken[rbac.Member](1), swallow: true}},
		{name: "doubles members", rows: &rowFaults{members: doubled[rbac.Member]}},
		{name: "always loses", on: rolledBack(rbac.ErrContention)},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, log := newStore(t), &record{}
				app := openOn(t, inner)
				for _, w := range []*rbac.Workspace{app.Workspace, app.For("acme")} {
					addRole(t, w, "Viewer", nil)
					assign(t, w, rbac.Administrator, "ann", "bob", "cy")
				}
				store := newFaultStore(inner)
				az := openOn(t, store, log.option())
				acme := az.For("acme")
				allows(t, acme, "ann")

				store.set(opView, fault.on)
				store.setRows(fault.rows)
				began := time.Now()
				require.False(t, az.Can(t.Context(), "ann", rbac.Users, rbac.Manage), "not answered")
				require.LessOrEqual(t, time.Since(began), 10*time.Second)
				refusesAll(t, az.Workspace, "cy", nil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				require.NotEmpty(t, log.containing("a workspace cannot be read"), "reported")
				allows(t, acme, "ann") // contained: its revision is confirmed by the poll

				store.set(opView, nil)
				store.setRows(nil)
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
	for _, fault := range []storeFault{
		{name: "fails", on: failing(errBoom)},
		{name: "panics", on: panicking},
		{name: "blocks", on: blocking},
		{name: "does nothing", on: skipping},
		{name: "breaks off everything", rows: &rowFaults{events: broken[rbac.Event](1), members: broken[rbac.Member](0)}},
		{name: "forges an event, and has no rows", rows: &rowFaults{events: listed([]rbac.Event{forged}), members: broken[rbac.Member](0)}},
		{name: "doubles events, and members", rows: &rowFaults{events: doubled[rbac.Event], members: doubled[rbac.Member]}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner, log := t.Context(), newStore(t), &record{}
				store := newFaultStore(inner)
				app, az := openOn(t, inner), openOn(t, store, log.option())
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob", "cy")
				allows(t, az.Workspace, "ann")

				store.set(opView, fault.on)
				store.setRows(fault.rows)
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
				require.NotEmpty(t, log.containing("a workspace cannot be read"))

				store.set(opView, nil)
				store.setRows(nil)
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
	for name, rows := range map[string]*rowFaults{
		"broken off": {events: broken[rbac.Event](1)},
		"partial":    {events: cut[rbac.Event](1)},
		"none":       {events: cut[rbac.Event](0)},
		"doubled":    {events: doubled[rbac.Event]},
		"edited":     {events: changed(func(e *rbac.Event) { e.Actor = "eve" })},
		"renumbered": {events: changed(func(e *rbac.Event) { e.Seq++ })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, inner, log := t.Context(), newStore(t), &record{}
			store := newFaultStore(inner)
			app, az := openOn(t, inner), openOn(t, store, log.option())
			assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
			allows(t, az.Workspace, "bob")
			require.NoError(t, app.As("ann").Suspend(ctx, "bob"))
			require.NoError(t, app.As("ann").Assign(ctx, rbac.Administrator, "cy"))
			store.setRows(rows)
			require.NoError(t, az.Sync(ctx))
			require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
			allows(t, az.Workspace, "cy")
			require.Len(t, log.containing("WARN", "loaded anew"), 1)
		})
	}
}

// What the library can see to be wrong it does not use.
func TestScenario23_WrongRowsInAChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		rows *rowFaults
		want string
	}{
		{"another member than asked for", &rowFaults{member: func(m rbac.Member) (rbac.Member, error) {
			m.User, m.Role = "ann", rbac.Administrator
			return m, nil
		}}, "returned member"},
		{"another role than asked for", &rowFaults{role: func(r rbac.Role) (rbac.Role, error) {
			r.ID = "other"
			return r, nil
		}}, "returned role"},
		{"the actor cannot be read", &rowFaults{member: func(rbac.Member) (rbac.Member, error) {
			return rbac.Member{}, errBoom
		}}, "boom"},
		{"the actor is malformed", &rowFaults{member: func(m rbac.Member) (rbac.Member, error) {
			return rbac.Member{User: m.User}, nil
		}}, "denied"},
		{"the actor's role cannot be read", &rowFaults{role: func(rbac.Role) (rbac.Role, error) {
			return rbac.Role{}, errBoom
		}}, "boom"},
		{"the actor's role is malformed", &rowFaults{role: func(r rbac.Role) (rbac.Role, error) {
			r.Permissions = rbac.Permissions{rbac.Users: {Manage: 3}}
			return r, nil
		}}, "denied"},
		{"members break off", &rowFaults{members: broken[rbac.Member](0)}, "boom"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, inner := t.Context(), newStore(t)
			store := newFaultStore(inner)
			az := openOn(t, store)
			manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
			viewer := addRole(t, az.Workspace, "Viewer", nil)
			assign(t, az.Workspace, manager.ID, "max")
			allows(t, az.Workspace, "max")
			store.setRows(test.rows)
			unchanged(t, inner, "", func() {
				require.ErrorContains(t, az.As("max").Assign(ctx, viewer.ID, "new"), test.want)
			})
			store.setRows(nil)
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
		fault storeFault
	}{
		{"it does nothing", storeFault{on: skipping}},
		{"it hides that members were not written", storeFault{rows: &rowFaults{write: failWrite("PutMembers").write, swallow: true}}},
		{"it hides that events were not written", storeFault{rows: &rowFaults{write: failWrite("AppendEvents").write, swallow: true}}},
		{"it loses once, and then does nothing", storeFault{on: func() behaviour {
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
			ctx, inner := t.Context(), newStore(t)
			store := newFaultStore(inner)
			az := openOn(t, store)
			assign(t, az.Workspace, rbac.Administrator, "ann")
			allows(t, az.Workspace, "ann")
			store.set(opUpdate, test.fault.on)
			store.setRows(test.fault.rows)
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
	store := newFaultStore(newStore(t))
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	store.set(opView, skipping)
	for name, ask := range map[string]func() error{
		"Roles":        func() error { _, err := az.Roles(ctx); return err },
		"Matrix":       func() error { _, err := az.Matrix(ctx); return err },
		"Lint":         func() error { _, err := az.Lint(ctx); return err },
		"VerifyEvents": func() error { return az.VerifyEvents(ctx) },
		"Sync":         func() error { return az.Sync(ctx) },
		"Members":      func() error { return firstError(az.Members(ctx, rbac.MemberQuery{})) },
		"WhoCan":       func() error { return firstError(az.WhoCan(ctx, rbac.Deals, rbac.Read)) },
		"Events":       func() error { return firstError(az.Events(ctx, rbac.EventQuery{})) },
		"Plan": func() error {
			_, err := az.As("ann").Plan(ctx, rbac.Role{Name: "New"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, ask())
		})
	}
	own := newFaultStore(newStore(t))
	own.set(opUpdate, skipping)
	t.Run("a change In a store", func(t *testing.T) {
		_, err := az.As("ann").In(own).CreateRole(ctx, rbac.Role{Name: "New"})
		require.Error(t, err)
	})
}

// A store that breaks off in the middle of a review is an error of the review,
// not a shorter answer.
func TestScenario23_ReviewsBreakOff(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newFaultStore(newStore(t))
	az := openOn(t, store)
	addRole(t, az.Workspace, "Viewer", nil)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
	for what, rows := range map[string]*rowFaults{
		"roles": {roles: broken[rbac.Role](1)}, "members": {members: broken[rbac.Member](1)}, "revision": {revision: errBoom},
	} {
		store.setRows(rows)
		for name, ask := range map[string]func() error{
			"Roles":   func() error { _, err := az.Roles(ctx); return err },
			"Matrix":  func() error { _, err := az.Matrix(ctx); return err },
			"WhoCan":  func() error { return firstError(az.WhoCan(ctx, rbac.Deals, rbac.Read)) },
			"Lint":    func() error { _, err := az.Lint(ctx); return err },
			"Members": func() error { return firstError(az.Members(ctx, rbac.MemberQuery{})) },
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

func firstError[V any](all iter.Seq2[V, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// Partial rows that look whole cannot be noticed, but can only take away.
func TestScenario23_PartialRowsGrantNothing(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	app := openOn(t, inner)
	viewer := addRole(t, app.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, app.Workspace, viewer.ID, "ann", "bob")
	store := newFaultStore(inner)
	store.setRows(&rowFaults{members: cut[rbac.Member](1)})
	az := openOn(t, store)
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	require.False(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	store.setRows(&rowFaults{roles: cut[rbac.Role](0)})
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
		ctx, inner := t.Context(), newStore(t)
		store := newFaultStore(inner)
		az, app := openOn(t, store), openOn(t, inner)
		assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
		allows(t, az.Workspace, "ann")
		release := make(chan struct{})
		store.set(opRevisions, stuck(release))
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
		inner := newStore(t)
		store := newFaultStore(inner)
		az := openOn(t, store)
		acme := az.For("acme")
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, acme, rbac.Administrator, "ann")
		allows(t, acme, "ann")
		release := make(chan struct{})
		store.set(opView, stuck(release))
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
	for name, fault := range map[string]behaviour{
		"fails": failing(errBoom), "panics": panicking, "ends": skipping, "blocks": blocking,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), newStore(t)
				store := notifyStore{newFaultStore(inner)}
				store.set(opNotify, fault)
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

package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A change that is rolled back: no notification, and no snapshot changes.
func TestScenario15_CommitThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error
	}{
		{"the commit fails", func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error {
			store.Set(fault.RollsBack(errBoom), opUpdate)
			return az.As("ann").Assign(ctx, rbac.Administrator, "bob")
		}},
		{"the store panics at the commit", func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error {
			store.Set(func(_ context.Context, call func(error) error) error {
				panic(call(errBoom))
			}, opUpdate)
			if err := az.As("ann").Assign(ctx, rbac.Administrator, "bob"); err == nil {
				return nil
			}
			return errBoom
		}},
		{"a write fails", func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error {
			store.SetRows(fault.FailWrite("PutMembers"))
			return az.As("ann").Assign(ctx, rbac.Administrator, "bob")
		}},
		{"the caller's transaction", func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error {
			return store.Update(ctx, "", func(tx rbac.Tx) error {
				if err := az.In(rbac.TxStore("", tx)).As("ann").Assign(ctx, rbac.Administrator, "bob"); err != nil {
					return err
				}
				return errBoom
			})
		}},
		{"the caller's transaction, after a rule refused", func(ctx context.Context, az *rbac.Authorizer, store fault.Store) error {
			return store.Update(ctx, "", func(tx rbac.Tx) error {
				in := az.In(rbac.TxStore("", tx)).As("ann")
				if err := in.Assign(ctx, rbac.Administrator, "bob"); err != nil {
					return err
				}
				if err := in.Assign(ctx, rbac.Administrator, "ann"); !errors.Is(err, rbac.ErrSelf) {
					return fmt.Errorf("not refused: %v", err)
				}
				return errBoom
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), rbac.NewMemStore()
				store, another := fault.NewNotifier(inner), fault.NewNotifier(inner)
				az, other := openOn(t, store), openOn(t, another)
				assign(t, az.Workspace, rbac.Administrator, "ann")
				before, err := az.Explain(ctx, "bob", rbac.Deals, rbac.Read)
				require.NoError(t, err)
				allows(t, other.Workspace, "ann")
				synctest.Wait()
				hints := workspacetest.Listen(t, inner)

				unchanged(t, inner, "", func() {
					require.ErrorIs(t, test.change(ctx, az, store.Store), errBoom)
				})
				for range 3 {
					for _, instance := range []*rbac.Authorizer{az, other} {
						after, err := instance.Explain(ctx, "bob", rbac.Deals, rbac.Read)
						require.NoError(t, err)
						require.Equal(t, before, after)
					}
					time.Sleep(time.Minute)
				}
				require.Empty(t, hints(), "hints about what never happened")
			})
		})
	}
}

// Whoever made a change sees it at once; Sync makes another instance do so.
func TestScenario16_ChangesOnBothSides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		az, other := openOn(t, fault.New(inner)), openOn(t, fault.New(inner)) // no notifications
		can := func(az *rbac.Authorizer, user string) bool { return az.Can(ctx, user, rbac.Deals, rbac.Read) }
		agree := func(step string, user string, want bool) {
			t.Helper()
			before := can(other, user)
			require.Equal(t, want, can(az, user), "%s: where it was made", step)
			require.Equal(t, before, can(other, user), "%s: elsewhere, before it asks", step)
			require.NoError(t, other.Sync(ctx))
			require.Equal(t, want, can(other, user), "%s: elsewhere, after Sync", step)
		}
		assign(t, az.Workspace, rbac.Administrator, "ann")
		agree("first change", "ann", true)
		role := addRole(t, az.Workspace, "Viewer", nil)
		assign(t, az.Workspace, role.ID, "vic")
		agree("a role without permissions", "vic", false)
		role.Permissions = rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
		role, err := az.As("ann").UpdateRole(ctx, role)
		require.NoError(t, err)
		agree("a role that gains", "vic", true)
		require.NoError(t, az.As("ann").Suspend(ctx, "vic"))
		agree("suspended", "vic", false)
		require.NoError(t, az.As("ann").Reinstate(ctx, "vic"))
		agree("reinstated", "vic", true)

		// Changes on both sides in turn: each finds the other's before its own.
		require.NoError(t, other.As("ann").Assign(ctx, role.ID, "new"))
		require.False(t, can(az, "new"))
		require.NoError(t, az.As("ann").Remove(ctx, "vic"))
		require.True(t, can(az, "new"))
		agree("removed", "vic", false)

		require.NoError(t, inner.Update(ctx, "", func(tx rbac.Tx) error {
			return az.In(rbac.TxStore("", tx)).As("ann").Assign(ctx, role.ID, "vic")
		}))
		require.False(t, can(az, "vic"), "what the caller commits is noticed later")
		require.NoError(t, az.Sync(ctx))
		agree("in the caller's transaction", "vic", true)
		checkInvariants(t, inner, "")
	})
}

// A restored backup makes history go back, or differ: it is noticed by the
// hash, and the workspace is loaded whole.
func TestScenario17_RestoredBackup(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		since func(t *testing.T, w *rbac.Workspace) // what happened in the restored store since the backup
		seq   int64                                 // its newest event then; there are 6 in the lost one
	}{
		{"history goes back", func(*testing.T, *rbac.Workspace) {}, 3},
		{"history is as long and differs", func(t *testing.T, w *rbac.Workspace) {
			assign(t, w, rbac.Administrator, "cy", "dan", "eve")
		}, 6},
		{"history is longer and differs", func(t *testing.T, w *rbac.Workspace) {
			assign(t, w, rbac.Administrator, "cy", "dan", "eve", "flo", "gus")
		}, 8},
	} {
		for _, how := range []string{"poll", "Sync", "notification", "own change"} {
			t.Run(test.name+", noticed by "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, lost, restored := t.Context(), rbac.NewMemStore(), rbac.NewMemStore()
					store, log := fault.NewNotifier(lost), &workspacetest.Log{}
					store.Set(fault.Blocks, opNotify)
					az := openOn(t, store, log.Option())
					acme := az.For("acme")
					assign(t, acme, rbac.Administrator, "ann")
					viewer := addRole(t, acme, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
					assign(t, acme, viewer.ID, "vic")
					backup := contentsOf(t, lost, "acme")
					viewer.Permissions = rbac.Permissions{}
					viewer, err := acme.As("ann").UpdateRole(ctx, viewer)
					require.NoError(t, err)
					assign(t, acme, viewer.ID, "zoe")
					assign(t, acme, rbac.Administrator, "bob")
					require.False(t, acme.Can(ctx, "vic", rbac.Deals, rbac.Read))

					backup.Write(t, restored, "acme")
					test.since(t, openOn(t, restored).For("acme"))
					store.Replace(restored)
					seq := test.seq
					switch how {
					case "poll":
						time.Sleep(2 * time.Second)
						synctest.Wait()
					case "Sync":
						require.NoError(t, acme.Sync(ctx))
					case "notification":
						synctest.Wait()
						store.Hint("acme")
						synctest.Wait()
					case "own change":
						require.NoError(t, acme.As("ann").Assign(ctx, rbac.Administrator, "own"))
						seq++
					}
					require.Len(t, log.Containing("WARN", "loaded anew", "history is not a continuation"), 1)
					d, err := acme.Explain(ctx, "vic", rbac.Deals, rbac.Read)
					require.NoError(t, err)
					require.True(t, d.Allowed, "the role is what it was in the backup")
					require.Equal(t, seq, d.Revision)
					for _, m := range contentsOf(t, lost, "acme").Members {
						want := slices.ContainsFunc(contentsOf(t, restored, "acme").Members, func(r rbac.Member) bool { return r.User == m.User })
						s, err := acme.Subject(ctx, m.User)
						require.NoError(t, err)
						require.Equal(t, want, s.Role() != "", m.User)
					}
					for _, m := range contentsOf(t, restored, "acme").Members {
						s, err := acme.Subject(ctx, m.User)
						require.NoError(t, err)
						require.Equal(t, m.Role, s.Role(), m.User)
					}
					require.NoError(t, acme.VerifyEvents(ctx))
					checkInvariants(t, restored, "acme")
				})
			})
		}
	}
}

// A store that was emptied is a restored backup of nothing.
func TestScenario17_EmptiedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		for _, w := range []*rbac.Workspace{az.Workspace, az.For("acme")} {
			store.Replace(rbac.NewMemStore())
			assign(t, w, rbac.Administrator, "ann")
			allows(t, w, "ann")
			store.Replace(rbac.NewMemStore())
			time.Sleep(2 * time.Second)
			synctest.Wait()
			d, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read)
			require.NoError(t, err)
			require.Equal(t, rbac.ReasonNotMember, d.Reason)
			require.Zero(t, d.Revision)
		}
	})
}

// Times in rows and events that are a year off, either way, change no
// decision. See also clock_internal_test.go.
func TestScenario19_TimesAYearOff(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{
		"a year ahead": 365 * 24 * time.Hour, "a year behind": -365 * 24 * time.Hour,
		"at the beginning": -time.Duration(1<<63 - 1), "at the end": 1<<63 - 1,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), rbac.NewMemStore()
				at := time.Now().UTC().Add(off).Truncate(time.Microsecond)
				member := func(user string, role rbac.RoleID, suspended bool) *rbac.Member {
					return &rbac.Member{User: user, Role: role, Suspended: suspended, UpdatedAt: at}
				}
				role := &rbac.Role{
					ID: "viewer", Name: "Viewer", Version: 1, CreatedAt: at, UpdatedAt: at,
					Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
				}
				begin := []rbac.Event{
					{Time: at, Kind: rbac.MemberAssigned, Reason: "import", MemberAfter: member("ann", rbac.Administrator, false)},
					{Time: at, Kind: rbac.RoleCreated, Reason: "import", RoleAfter: role},
					{Time: at, Kind: rbac.MemberAssigned, Reason: "import", MemberAfter: member("vic", "viewer", false)},
				}
				forge(t, inner, "", begin...)
				az := openOn(t, fault.New(inner))
				can := func(user string) bool { return az.Can(ctx, user, rbac.Deals, rbac.Read) }
				require.True(t, can("vic"))
				require.True(t, can("ann"))

				// Followed, polled, and mixed with changes whose times are right.
				forge(t, inner, "", rbac.Event{
					Time: at.Add(-time.Hour), Kind: rbac.MemberSuspended, Actor: "ann",
					MemberBefore: member("vic", "viewer", false), MemberAfter: member("vic", "viewer", true),
				})
				time.Sleep(2 * time.Second)
				synctest.Wait()
				require.False(t, can("vic"))
				require.NoError(t, az.As("ann").Reinstate(ctx, "vic"))
				require.True(t, can("vic"))
				require.NoError(t, az.As("ann").Assign(ctx, "viewer", "new"))
				require.True(t, can("new"))
				time.Sleep(time.Minute)
				require.True(t, can("vic"))
				require.NoError(t, az.VerifyEvents(ctx))
				checkInvariants(t, inner, "")
			})
		})
	}
}

// A context that is cancelled before or during: an error and a denial. A load
// shared by many callers survives one caller's cancelling.
func TestScenario20_CancelledContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := rbac.NewMemStore()
		assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
		store := fault.New(inner)
		az := openOn(t, store)

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, az.Can(cancelled, "ann", rbac.Deals, rbac.Read))
		err := az.Authorize(cancelled, "ann", rbac.Deals, rbac.Read)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, az.Sync(cancelled), context.Canceled)
		require.Zero(t, store.Calls(opView), "nothing was asked")

		store.Set(fault.Slow(time.Second), opView)
		type answer struct {
			err   error
			after time.Duration
		}
		began := time.Now()
		ask := func(ctx context.Context) <-chan answer {
			answers := make(chan answer, 1)
			go func() {
				err := az.Authorize(ctx, "ann", rbac.Deals, rbac.Read)
				answers <- answer{err, time.Since(began)}
			}()
			synctest.Wait()
			return answers
		}
		impatient, cancel := context.WithCancel(t.Context())
		late, cancelLate := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancelLate()
		first, second, third := ask(impatient), ask(late), ask(t.Context())
		time.Sleep(200 * time.Millisecond)
		cancel()
		a := <-first
		require.ErrorIs(t, a.err, rbac.ErrUnavailable)
		require.ErrorIs(t, a.err, context.Canceled)
		require.Equal(t, 200*time.Millisecond, a.after)
		a = <-second
		require.ErrorIs(t, a.err, context.DeadlineExceeded)
		require.Equal(t, 300*time.Millisecond, a.after)
		require.Equal(t, answer{nil, time.Second}, <-third)
		require.Equal(t, 1, store.Calls(opView))

		// A loaded workspace does not look at the context (E9).
		require.True(t, az.Can(cancelled, "ann", rbac.Deals, rbac.Read))

		// Changes and reviews.
		store.Set(nil, opView)
		unchanged(t, inner, "", func() {
			require.ErrorIs(t, az.As("ann").Assign(cancelled, rbac.Administrator, "bob"), context.Canceled)
			_, err := az.Roles(cancelled)
			require.ErrorIs(t, err, context.Canceled)
			during, cancel := context.WithCancel(t.Context())
			store.Set(func(ctx context.Context, call func(error) error) error {
				cancel()
				return call(ctx.Err())
			}, opUpdate)
			require.ErrorIs(t, az.As("ann").Assign(during, rbac.Administrator, "bob"), context.Canceled)
		})
		require.False(t, az.Can(t.Context(), "bob", rbac.Deals, rbac.Read))
	})
}

package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// refusesAll checks that every kind of check fails closed, with an error that
// is ErrUnavailable and wraps the cause, and is not taken for a denial.
func refusesAll(t testing.TB, w *rbac.Workspace, user string, cause error) {
	t.Helper()
	ctx := t.Context()
	require.False(t, w.Can(ctx, user, rbac.Users, rbac.Manage))
	require.False(t, w.CanRecord(ctx, user, rbac.Users, rbac.Manage, user))
	scope, err1 := w.Scope(ctx, user, rbac.Users, rbac.Manage)
	require.Equal(t, rbac.None, scope)
	err2 := w.Authorize(ctx, user, rbac.Users, rbac.Manage)
	d, err3 := w.Explain(ctx, user, rbac.Users, rbac.Manage)
	require.Equal(t, rbac.Decision{
		Workspace: w.ID(), User: user, Area: rbac.Users, Action: rbac.Manage, Reason: rbac.ReasonUnavailable,
	}, d)
	s, err4 := w.Subject(ctx, user)
	require.False(t, s.Can(rbac.Users, rbac.Manage))
	require.Empty(t, s.Permissions())
	for _, err := range []error{err1, err2, err3, err4} {
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.NotErrorIs(t, err, rbac.ErrDenied)
		if cause != nil {
			require.ErrorIs(t, err, cause)
		}
	}
}

// allows checks that a user may do everything.
func allows(t testing.TB, w *rbac.Workspace, user string) {
	t.Helper()
	require.NoError(t, w.Authorize(t.Context(), user, rbac.Users, rbac.Manage))
	require.True(t, w.Can(t.Context(), user, rbac.Users, rbac.Manage))
}

// quiet is a logger for what is expected to go wrong.
var quiet = rbac.WithLogger(slog.New(slog.DiscardHandler))

// A store that cannot be reached at Open is an error.
func TestScenario09_StoreUnreachableAtOpen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault behaviour
		cause error
	}{
		{"it fails", failing(errBoom), errBoom},
		{"it panics", panicking, nil},
		{"it blocks until the deadline", blocking, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newFaultStore(newStore(t))
				store.set(opRevisions, test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				az, err := rbac.Open(ctx, store, quiet)
				require.Nil(t, az)
				require.ErrorIs(t, err, rbac.ErrUnavailable)
				if test.cause != nil {
					require.ErrorIs(t, err, test.cause)
				}
				require.Equal(t, 1, store.total(), "Open asks one question")
			})
		})
	}
	t.Run("the context is done", func(t *testing.T) {
		store := newFaultStore(newStore(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := rbac.Open(ctx, store, quiet)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, store.total())
	})
	t.Run("there is none", func(t *testing.T) {
		_, err := rbac.Open(t.Context(), nil)
		require.ErrorIs(t, err, rbac.ErrInvalid)
	})
	t.Run("it can be reached", func(t *testing.T) {
		store := newFaultStore(newStore(t))
		openOn(t, store)
		require.Equal(t, 1, store.total(), "Open asks one question")
	})
}

// No check is answered from nothing: a workspace that cannot be loaded is no
// empty workspace.
func TestScenario09_NothingIsAnsweredFromNothing(t *testing.T) {
	t.Parallel()
	inner := newStore(t)
	store := newFaultStore(inner)
	assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
	az := openOn(t, store)
	store.setAll(failing(errBoom))
	refusesAll(t, az.Workspace, "ann", errBoom)
	refusesAll(t, az.For("acme"), "nobody", errBoom)
	store.setAll(nil)
	allows(t, az.Workspace, "ann")
}

// A store that becomes unreachable: the snapshot serves until MaxStaleness,
// then checks fail closed, and service resumes by itself.
func TestScenario10_StoreUnreachableLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store, log := t.Context(), newFaultStore(newStore(t)), &record{}
		az := openOn(t, store, log.option())
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann") // loaded now

		store.setAll(failing(errBoom))
		for range 9 {
			time.Sleep(time.Second)
			allows(t, az.Workspace, "ann")
			require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "bob"), errBoom, "changes need the store")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		refusesAll(t, az.Workspace, "ann", errBoom)
		require.Len(t, log.containing("ERROR", "out of service", "boom"), 1)
		time.Sleep(10*time.Minute + time.Second) // between two polls
		refusesAll(t, az.Workspace, "ann", errBoom)

		store.setAll(nil)
		store.reset()
		time.Sleep(2 * time.Second) // a poll; nobody asks
		synctest.Wait()
		require.Equal(t, 1, store.calls(opRevisions))
		store.reset()
		allows(t, az.Workspace, "ann")
		require.Zero(t, store.total(), "it was in service before anybody asked")
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
	})
}

// A store that ends the goroutine which asks it, as a fake does that calls
// testing.T.FailNow, is a store that fails: whoever waits gets an error, and
// the workspace is served when the store behaves again.
func TestStoreEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		release := make(chan struct{})
		store.set(opView, func(context.Context, func(error) error) error {
			<-release
			runtime.Goexit()
			return nil
		})
		var first, queued error
		var waiting sync.WaitGroup
		waiting.Go(func() { first = az.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage) })
		synctest.Wait() // it reads
		waiting.Go(func() { queued = az.Sync(t.Context()) })
		synctest.Wait()
		began := time.Now()
		close(release)
		waiting.Wait()
		require.ErrorIs(t, first, rbac.ErrUnavailable)
		require.ErrorIs(t, queued, rbac.ErrUnavailable)
		require.Zero(t, time.Since(began), "nobody waits for what will not come")

		store.set(opView, nil)
		allows(t, az.Workspace, "ann")
	})
}

// A flood of notifications is coalesced: while one reading runs, one more is
// queued, however many come.
func TestScenario13_FloodOfNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const reading = 10 * time.Millisecond
		store := notifyStore{newFaultStore(newStore(t))}
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		acme := az.For("acme")
		assign(t, acme, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		allows(t, acme, "ann")
		synctest.Wait()

		store.set(opView, slow(reading))
		store.reset()
		var floods sync.WaitGroup
		for range 100 {
			floods.Go(func() {
				for range 1000 {
					store.notify("acme", "acme", "never written", "acme")
				}
			})
		}
		floods.Wait()
		time.Sleep(10 * reading)
		require.Equal(t, 2, store.calls(opView), "400,000 hints at one moment: the reading that began with the first, and one after it")
		require.Zero(t, store.calls(opRevisions))

		// Over time, the cost is bounded by how long a reading takes.
		store.reset()
		for range 1000 {
			store.notify("acme")
			time.Sleep(reading / 100)
		}
		time.Sleep(2 * reading)
		require.LessOrEqual(t, store.calls(opView), 12)
		allows(t, acme, "ann")

		// Hints about everything become one poll, and no reading.
		store.set(opView, nil)
		store.set(opRevisions, slow(reading))
		store.reset()
		for range 100_000 {
			store.notify()
		}
		time.Sleep(10 * reading)
		require.LessOrEqual(t, store.calls(opRevisions), 2)
		require.Zero(t, store.calls(opView))
	})
}

// A change that is rolled back: no notification, and no snapshot changes.
func TestScenario15_RolledBackChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error
	}{
		{"the commit fails", func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error {
			store.set(opUpdate, rolledBack(errBoom))
			return az.As("ann").Assign(ctx, rbac.Administrator, "bob")
		}},
		{"the store panics at the commit", func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error {
			store.set(opUpdate, func(_ context.Context, call func(error) error) error {
				panic(call(errBoom))
			})
			if err := az.As("ann").Assign(ctx, rbac.Administrator, "bob"); err == nil {
				return nil
			}
			return errBoom
		}},
		{"a write fails", func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error {
			store.setRows(failWrite("PutMembers"))
			return az.As("ann").Assign(ctx, rbac.Administrator, "bob")
		}},
		{"the caller's transaction", func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error {
			return store.Update(ctx, "", func(tx rbac.Tx) error {
				if err := az.As("ann").In(rbac.TxStore("", tx)).Assign(ctx, rbac.Administrator, "bob"); err != nil {
					return err
				}
				return errBoom
			})
		}},
		{"the caller's transaction, after a rule refused", func(ctx context.Context, az *rbac.Authorizer, store *faultStore) error {
			return store.Update(ctx, "", func(tx rbac.Tx) error {
				in := az.As("ann").In(rbac.TxStore("", tx))
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
				ctx, inner := t.Context(), newStore(t)
				store, another := notifyStore{newFaultStore(inner)}, notifyStore{newFaultStore(inner)}
				az, other := openOn(t, store), openOn(t, another)
				assign(t, az.Workspace, rbac.Administrator, "ann")
				before, err := az.Explain(ctx, "bob", rbac.Deals, rbac.Read)
				require.NoError(t, err)
				allows(t, other.Workspace, "ann")
				synctest.Wait()
				heard := another.notified()

				unchanged(t, inner, "", func() {
					require.ErrorIs(t, test.change(ctx, az, store.faultStore), errBoom)
				})
				for range 3 {
					for _, instance := range []*rbac.Authorizer{az, other} {
						after, err := instance.Explain(ctx, "bob", rbac.Deals, rbac.Read)
						require.NoError(t, err)
						require.Equal(t, before, after)
					}
					time.Sleep(time.Minute)
				}
				require.Equal(t, heard, another.notified(), "hints about what never happened")
			})
		})
	}
}

// Whoever made a change sees it at once; Sync makes another instance do so.
func TestScenario16_ReadYourOwnChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		az, other := openOn(t, newFaultStore(inner)), openOn(t, newFaultStore(inner)) // no notifications
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
			return az.As("ann").In(rbac.TxStore("", tx)).Assign(ctx, role.ID, "vic")
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
					ctx, lost, restored := t.Context(), newStore(t), newStore(t)
					store, log := notifyStore{newFaultStore(lost)}, &record{}
					store.set(opNotify, blocking)
					az := openOn(t, store, log.option())
					acme := az.For("acme")
					assign(t, acme, rbac.Administrator, "ann")
					viewer := addRole(t, acme, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
					assign(t, acme, viewer.ID, "vic")
					backup := contentsOf(t, lost, "acme")
					viewer.Permissions = nil
					viewer, err := acme.As("ann").UpdateRole(ctx, viewer)
					require.NoError(t, err)
					assign(t, acme, viewer.ID, "zoe")
					assign(t, acme, rbac.Administrator, "bob")
					require.False(t, acme.Can(ctx, "vic", rbac.Deals, rbac.Read))

					restore(t, restored, "acme", backup)
					test.since(t, openOn(t, restored).For("acme"))
					store.use(restored)
					seq := test.seq
					switch how {
					case "poll":
						time.Sleep(2 * time.Second)
						synctest.Wait()
					case "Sync":
						require.NoError(t, acme.Sync(ctx))
					case "notification":
						synctest.Wait()
						store.notify("acme")
						synctest.Wait()
					case "own change":
						require.NoError(t, acme.As("ann").Assign(ctx, rbac.Administrator, "own"))
						seq++
					}
					require.Len(t, log.containing("WARN", "loaded anew", "history is not a continuation"), 1)
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
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		for _, w := range []*rbac.Workspace{az.Workspace, az.For("acme")} {
			store.use(newStore(t))
			assign(t, w, rbac.Administrator, "ann")
			allows(t, w, "ann")
			store.use(newStore(t))
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
				ctx, inner := t.Context(), newStore(t)
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
				az := openOn(t, newFaultStore(inner))
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
		inner := newStore(t)
		assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
		store := newFaultStore(inner)
		az := openOn(t, store)

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, az.Can(cancelled, "ann", rbac.Deals, rbac.Read))
		err := az.Authorize(cancelled, "ann", rbac.Deals, rbac.Read)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, az.Sync(cancelled), context.Canceled)
		require.Zero(t, store.calls(opView), "nothing was asked")

		store.set(opView, slow(time.Second))
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
		require.Equal(t, 1, store.calls(opView))

		// A loaded workspace does not look at the context (E9).
		require.True(t, az.Can(cancelled, "ann", rbac.Deals, rbac.Read))

		// Changes and reviews.
		store.set(opView, nil)
		unchanged(t, inner, "", func() {
			require.ErrorIs(t, az.As("ann").Assign(cancelled, rbac.Administrator, "bob"), context.Canceled)
			_, err := az.Roles(cancelled)
			require.ErrorIs(t, err, context.Canceled)
			during, cancel := context.WithCancel(t.Context())
			store.set(opUpdate, func(ctx context.Context, call func(error) error) error {
				cancel()
				return call(ctx.Err())
			})
			require.ErrorIs(t, az.As("ann").Assign(during, rbac.Administrator, "bob"), context.Canceled)
		})
		require.False(t, az.Can(t.Context(), "bob", rbac.Deals, rbac.Read))
	})
}

// Ten thousand first checks of a workspace at once: one load.
func TestScenario21_ManyFirstChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		assign(t, openOn(t, inner).For("acme"), rbac.Administrator, "ann")
		store := newFaultStore(inner)
		store.set(opView, slow(time.Second))
		az := openOn(t, store)
		store.reset()
		var checks sync.WaitGroup
		answers := make([]bool, 10_000)
		for i := range answers {
			checks.Go(func() {
				w := az.For("acme")
				switch i % 3 {
				case 0:
					answers[i] = w.Can(t.Context(), "ann", rbac.Deals, rbac.Read)
				case 1:
					answers[i] = w.Authorize(t.Context(), "ann", rbac.Deals, rbac.Read) == nil
				default:
					s, _ := w.Subject(t.Context(), "ann")
					answers[i] = s.Can(rbac.Deals, rbac.Read)
				}
			})
		}
		checks.Wait()
		require.NotContains(t, answers, false)
		require.Equal(t, 1, store.calls(opView))
		require.Equal(t, 1, store.total())
	})
}

// A flood of unknown users: no store query, and no memory.
func TestScenario22_FloodOfUnknownUsers(t *testing.T) {
	ctx, store := t.Context(), newFaultStore(newStore(t))
	az := openOn(t, store, rbac.WithMaxStaleness(time.Hour))
	assign(t, az.Workspace, rbac.Administrator, "ann")
	allows(t, az.Workspace, "ann")
	store.reset()
	before := heapInUse()
	n := scaled(300_000)
	for i := range n {
		user := fmt.Sprint("unknown-user-with-a-long-id-", i)
		if az.Can(ctx, user, rbac.Deals, rbac.Read) || az.CanRecord(ctx, user, rbac.Deals, rbac.Read, user) {
			t.Fatalf("%s is allowed", user)
		}
		if err := az.Authorize(ctx, user, rbac.Area(user), rbac.Read); !errors.Is(err, rbac.ErrDenied) {
			t.Fatalf("%s: %v", user, err)
		}
	}
	require.Zero(t, store.total())
	require.Less(t, heapInUse()-before, int64(1<<20), "%d users would take much more", n)
}

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

// Close during whatever goes on: it returns, checks fail closed, and no
// goroutine is left, which the bubble of synctest checks.
func TestScenario24_Close(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		begin func(t *testing.T, az *rbac.Authorizer, store notifyStore)
		takes time.Duration
	}{
		{"when idle", func(*testing.T, *rbac.Authorizer, notifyStore) {}, 0},
		{"during a first load", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opView, blocking)
			go az.For("acme").Can(t.Context(), "ann", rbac.Users, rbac.Manage)
		}, 0},
		{"during a reload", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opView, blocking)
			store.notify("")
		}, 0},
		{"during a reload, with one queued", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opView, blocking)
			store.notify("")
			go func() { _ = az.Sync(t.Context()) }()
			store.notify("")
		}, 0},
		{"during a reload that ignores its context", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			release := make(chan struct{})
			store.set(opView, stuck(release))
			store.notify("")
			time.AfterFunc(3*time.Second, func() { close(release) })
		}, 3 * time.Second},
		{"during a poll", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opRevisions, blocking)
			time.Sleep(2 * time.Second)
		}, 0},
		{"between two attempts of a reload", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opView, rolledBack(rbac.ErrContention))
			store.notify("")
			time.Sleep(100 * time.Millisecond)
		}, 0},
		{"during a change", func(t *testing.T, az *rbac.Authorizer, store notifyStore) {
			store.set(opUpdate, lagging(time.Second))
			go func() { _ = az.System("test").Assign(t.Context(), rbac.Administrator, "bob") }()
		}, 0},
		{"after another Close", func(t *testing.T, az *rbac.Authorizer, _ notifyStore) {
			require.NoError(t, az.Close())
		}, 0},
		{"during another Close", func(_ *testing.T, az *rbac.Authorizer, _ notifyStore) {
			go func() { _ = az.Close() }()
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), notifyStore{newFaultStore(newStore(t))}
				az, err := rbac.Open(ctx, store, quiet)
				require.NoError(t, err)
				acme := az.For("acme")
				assign(t, az.Workspace, rbac.Administrator, "ann")
				assign(t, acme, rbac.Administrator, "ann")
				allows(t, az.Workspace, "ann")
				synctest.Wait()
				test.begin(t, az, store)
				synctest.Wait()
				began := time.Now()
				require.NoError(t, az.Close())
				require.Equal(t, test.takes, time.Since(began))

				store.reset()
				refusesAll(t, az.Workspace, "ann", rbac.ErrClosed)
				refusesAll(t, acme, "ann", rbac.ErrClosed)
				refusesAll(t, az.For("another"), "ann", rbac.ErrClosed)
				require.ErrorIs(t, az.Sync(ctx), rbac.ErrClosed)
				require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "cy"), rbac.ErrClosed)
				_, err = az.As("ann").Plan(ctx, rbac.Role{Name: "New"})
				require.ErrorIs(t, err, rbac.ErrClosed)
				_, err = az.Roles(ctx)
				require.ErrorIs(t, err, rbac.ErrClosed)
				require.ErrorIs(t, firstError(az.Members(ctx, rbac.MemberQuery{})), rbac.ErrClosed)
				require.Zero(t, store.total(), "the store is not asked")
				time.Sleep(time.Hour)
				refusesAll(t, az.Workspace, "ann", rbac.ErrClosed)
			})
		})
	}
}

// Close while many workspaces are checked and changed for the first time.
func TestScenario24_CloseUnderLoad(t *testing.T) {
	t.Parallel()
	for range scaled(50) {
		ctx, store := t.Context(), newStore(t)
		az, err := rbac.Open(ctx, store, quiet)
		require.NoError(t, err)
		var work sync.WaitGroup
		for i := range 20 {
			work.Go(func() {
				w := az.For(fmt.Sprint("w", i))
				for user := range 20 {
					err := w.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("u", user))
					if err != nil && !errors.Is(err, rbac.ErrClosed) {
						t.Errorf("Assign: %v", err)
					}
					if _, err := w.Subject(ctx, "u0"); err != nil && !errors.Is(err, rbac.ErrClosed) {
						t.Errorf("Subject: %v", err)
					}
				}
			})
		}
		closed := az.Close()
		served := 0
		for i := range 20 {
			if az.For(fmt.Sprint("w", i)).Can(ctx, "u0", rbac.Users, rbac.Manage) {
				served++
			}
		}
		work.Wait() // before a failure ends the test
		require.NoError(t, closed)
		require.Zero(t, served, "workspaces in service after Close")
	}
}

// Close while workspaces that are in service change: none stays in service.
func TestScenario24_CloseDuringChanges(t *testing.T) {
	t.Parallel()
	for range scaled(500) {
		ctx := t.Context()
		az, err := rbac.Open(ctx, newStore(t), quiet)
		require.NoError(t, err)
		var changes, begun sync.WaitGroup
		var workspaces []*rbac.Workspace
		for i := range 3 {
			w := az.For(fmt.Sprint("w", i))
			workspaces = append(workspaces, w)
			begun.Add(1)
			changes.Go(func() {
				for n := 0; ; n++ {
					if err := w.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("u", n)); err != nil {
						if !errors.Is(err, rbac.ErrClosed) {
							t.Errorf("Assign: %v", err)
						}
						return
					}
					if n == 5 {
						w.Can(ctx, "u0", rbac.Users, rbac.Manage) // in service from here on
						begun.Done()
					}
				}
			})
		}
		begun.Wait()
		closed := az.Close()
		served := 0
		for _, w := range workspaces {
			if w.Can(ctx, "u0", rbac.Users, rbac.Manage) {
				served++
			}
		}
		changes.Wait() // before a failure ends the test
		require.NoError(t, closed)
		require.Zero(t, served, "workspaces in service after Close")
		for _, w := range workspaces {
			refusesAll(t, w, "u0", rbac.ErrClosed)
		}
	}
}

package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
	"github.com/areagate/rbac/rbactest"
)

var errCut = errors.New("the rows break off")

// tappedReader calls tap before each member, and reads no events, so that
// members must be read.
type tappedReader struct {
	rbac.Reader
	tap func()
}

func (r tappedReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return func(yield func(rbac.Member, error) bool) {
		for m, err := range r.Reader.Members(q) {
			r.tap()
			if !yield(m, err) {
				return
			}
		}
	}
}

func (r tappedReader) Events(rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) { yield(rbac.Event{}, errCut) }
}

// hugeReader has members without end.
type hugeReader struct {
	tappedReader
	healed <-chan struct{}
}

func (r hugeReader) Members(rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return func(yield func(rbac.Member, error) bool) {
		for i := 0; ; i++ {
			select {
			case <-r.healed:
				yield(rbac.Member{}, errCut)
				return
			case <-time.After(time.Millisecond):
			}
			if !yield(rbac.Member{User: fmt.Sprintf("%09d", i), Role: rbac.Administrator}, nil) {
				return
			}
		}
	}
}

// A store that panics, blocks, gives partial rows or rows without end, or whose
// session is ended while rows are read: denied, reported, and contained. Another
// workspace never waits for it. Once it is healed the follower goes on.
func TestScenario23_WrongStoreIsContained(t *testing.T) {
	t.Parallel()
	fails := func() error { return errCut }
	for name, breakStore := range map[string]func(d *database, store fault.Store, healed <-chan struct{}){
		"panics": func(_ *database, store fault.Store, _ <-chan struct{}) { store.Set(fault.Panics, rbactest.OpView) },
		"panics inside the transaction": func(_ *database, store fault.Store, _ <-chan struct{}) {
			store.WrapReader(func(rbac.Reader) rbac.Reader { panic("the reader has a bug") })
		},
		"blocks": func(_ *database, store fault.Store, healed <-chan struct{}) {
			store.Set(blockUntil(healed), rbactest.OpView)
		},
		"breaks off": func(_ *database, store fault.Store, _ <-chan struct{}) {
			store.SetRows(fault.BrokenAll(1, fails))
		},
		"breaks off at once": func(_ *database, store fault.Store, _ <-chan struct{}) {
			store.SetRows(fault.BrokenAll(0, fails))
		},
		"is huge": func(_ *database, store fault.Store, healed <-chan struct{}) {
			store.WrapReader(func(r rbac.Reader) rbac.Reader { return hugeReader{tappedReader{Reader: r}, healed} })
		},
		"its session is ended": func(d *database, store fault.Store, _ <-chan struct{}) {
			store.WrapReader(func(r rbac.Reader) rbac.Reader {
				return tappedReader{r, sync.OnceFunc(func() {
					_ = d.tryExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", d.schema)
				})}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			var many []string // more than one page
			for i := range 300 {
				many = append(many, fmt.Sprint("user", i))
			}
			for _, id := range []string{"w", "acme"} {
				viewer := addRole(t, app.For(id), "Viewer", nil)
				addRole(t, app.For(id), "Other", nil)
				assign(t, app.For(id), rbac.Administrator, "ann", "bob")
				assign(t, app.For(id), viewer.ID, many...)
			}
			pool := pgtest.Pool(t, d.url, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = d.schema })
			store, reports := fault.New(readElsewhere{d.Store(), "w", open(t, pool, d.schema)}), &workspacetest.Log{}
			store.Only("w")
			const staleness = 3 * time.Second
			az := workspacetest.Open(t, store, rbac.WithMaxStaleness(staleness), rbac.WithPollInterval(100*time.Millisecond), reports.Option())
			w, acme := az.For("w"), az.For("acme")

			// From here to the end acme is served, from memory: a check that
			// would wait for anything is false with a context that has ended.
			require.True(t, can(acme, "ann"))
			ended, end := context.WithCancel(ctx)
			end()
			atOnce := func(user string) bool { return acme.Can(ended, user, rbac.Deals, rbac.Read) }
			over := make(chan struct{})
			var asking sync.WaitGroup
			asking.Go(func() {
				for {
					select {
					case <-over:
						return
					case <-time.After(time.Millisecond):
						if !atOnce("ann") {
							t.Error("acme is not served: ", acme.Authorize(ended, "ann", rbac.Deals, rbac.Read))
							return
						}
					}
				}
			})
			defer asking.Wait()
			defer close(over)
			loaded := 0
			contained := func() {
				t.Helper()
				require.NoError(t, acme.As("ann").Suspend(ctx, "bob"))
				require.False(t, atOnce("bob"))
				require.NoError(t, acme.As("ann").Reinstate(ctx, "bob"))
				require.True(t, atOnce("bob"))
				other := fmt.Sprint("other", loaded) // a first load, and another's change
				loaded++
				assign(t, app.For(other), rbac.Administrator, "ann")
				require.True(t, can(az.For(other), "ann"))
			}

			breakIt := func() (heal func()) {
				healed := make(chan struct{})
				breakStore(d, store, healed)
				heal = sync.OnceFunc(func() { store.Heal(); close(healed) })
				t.Cleanup(heal)
				return heal
			}

			// At the first load.
			heal := breakIt()
			first := make(chan error, 1)
			began := time.Now()
			go func() { first <- w.Authorize(ctx, "ann", rbac.Deals, rbac.Read) }()
			contained()
			require.ErrorIs(t, <-first, rbac.ErrUnavailable)
			require.Less(t, time.Since(began), staleness+20*time.Second)
			require.False(t, can(w, "ann"))
			contained()
			heal()
			soon(t, 20*time.Second, "it serves once it is healed", func() bool { return can(w, "ann") && can(w, "bob") })
			told := func() int { return strings.Count(reports.String(), "a workspace cannot be read") }
			soon(t, 20*time.Second, "it is reported", func() bool { return told() > 0 })
			before := told()

			// While following, for longer than MaxStaleness.
			heal = breakIt()
			began = time.Now()
			require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob"))
			soon(t, 20*time.Second, "what cannot be confirmed is not served", func() bool { return !can(w, "ann") })
			pause := time.Second
			if long.Enabled() {
				pause /= 10
			}
			for ; time.Since(began) < staleness+time.Second; time.Sleep(pause) {
				contained()
				require.False(t, w.Can(ended, "ann", rbac.Deals, rbac.Read))
				require.False(t, w.Can(ended, "bob", rbac.Deals, rbac.Read))
			}
			require.ErrorIs(t, w.Authorize(ended, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			heal()
			soon(t, 20*time.Second, "it is reported", func() bool { return told() > before })
			soon(t, 20*time.Second, "it serves once it is healed", func() bool { return can(w, "ann") })
			require.False(t, can(w, "bob"))
			assign(t, app.For("w"), rbac.Administrator, "eve")
			soon(t, 20*time.Second, "the follower goes on", func() bool { return can(w, "eve") })
			checkInvariants(t, app.store, "w")
			checkInvariants(t, app.store, "acme")
		})
	}
}

// blockUntil blocks until the context ends or the store is healed.
func blockUntil(healed <-chan struct{}) rbactest.Fault {
	return func(ctx context.Context, _ func(error) error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-healed:
			return errors.New("it blocked")
		}
	}
}

// Revisions that panic, or block until their context ends: no workspace is
// served beyond MaxStaleness, it is reported, and polling goes on.
func TestScenario23_WrongRevisions(t *testing.T) {
	t.Parallel()
	for name, poll := range map[string]rbactest.Fault{
		"panic": fault.Panics,
		"block": blockUntil(nil),
		"fail":  fault.Fails(errCut),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			assign(t, app.For("w"), rbac.Administrator, "ann", "bob")
			store, reports := fault.New(d.Store()), &workspacetest.Log{}
			w := workspacetest.Open(t, store, append(brisk(), reports.Option())...).For("w")
			require.True(t, can(w, "bob"))
			store.Set(poll, rbactest.OpRevisions)
			require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob"))
			soon(t, 20*time.Second, "the revoke takes effect", func() bool { return !can(w, "bob") })
			soon(t, 20*time.Second, "it is reported", func() bool { return strings.Contains(reports.String(), "cannot be asked for revisions") })
			require.NoError(t, w.Sync(ctx), "Sync does not need them")
			require.True(t, can(w, "ann"))
			store.Heal()
			assign(t, app.For("w"), rbac.Administrator, "eve")
			soon(t, 20*time.Second, "the poll goes on", func() bool { return can(w, "eve") })
			checkInvariants(t, app.store, "w")
		})
	}
}

package scenarios_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// pooledStore is a store with four connections for transactions, each of which
// takes 5 ms, and one for Revisions.
type pooledStore struct {
	rbac.Store
	connections chan struct{}

	mu      sync.Mutex
	running int // transactions that wait for a connection or hold one
	most    int
	block   func(workspace string) bool // its readings end with their context only
}

func newPooledStore(inner rbac.Store) *pooledStore {
	return &pooledStore{Store: inner, connections: make(chan struct{}, 4)}
}

func (s *pooledStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	block := s.block != nil && s.block(workspace)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}()
	select {
	case s.connections <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.connections }()
	if block {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(5 * time.Millisecond)
	return s.Store.View(ctx, workspace, fn)
}

// peak returns how many transactions were under way at most, and how many are.
func (s *pooledStore) peak() (most, now int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most, s.running
}

// 4,000 checks a second of workspaces that do not exist, for ten seconds: a
// workspace in memory stays in service, cold ones that exist are answered
// soon, and no more than a few readings are under way. Nothing is left of it.
func TestScenario54_FloodOfUnknownWorkspaces(t *testing.T) {
	t.Parallel()
	for name, blocks := range map[string]bool{"readings take 5 ms": false, "readings of what does not exist block": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), rbac.NewMemStore()
				other := openOn(t, inner)
				for i := range 20 {
					assign(t, other.For(fmt.Sprint("real", i)), rbac.Administrator, "ann")
				}
				assign(t, other.Workspace, rbac.Administrator, "ann")
				store := newPooledStore(inner)
				if blocks {
					store.block = func(workspace string) bool { return strings.HasPrefix(workspace, "x") }
				}
				az := openOn(t, store)
				allows(t, az.Workspace, "ann")
				var flood sync.WaitGroup
				for tick := range long.Scale(1000) {
					for i := range 40 {
						flood.Go(func() {
							ctx, cancel := context.WithTimeout(ctx, time.Second)
							defer cancel()
							az.For(fmt.Sprintf("x%d.%d", tick, i)).Can(ctx, "ann", rbac.Users, rbac.Manage)
						})
					}
					if tick%50 == 25 {
						within(t, 2*time.Second, func(ctx context.Context) {
							require.NoError(t, az.For(fmt.Sprint("real", tick/50)).Authorize(ctx, "ann", rbac.Users, rbac.Manage))
						})
					}
					allows(t, az.Workspace, "ann")
					time.Sleep(10 * time.Millisecond)
				}
				flood.Wait()
				most, _ := store.peak()
				require.LessOrEqual(t, most, 8)
				if blocks {
					// Those that nobody waits for go on while nobody needs their
					// places, and leave them to the next who does.
					_, now := store.peak()
					require.LessOrEqual(t, now, 4)
					require.NoError(t, az.For("real19").Authorize(ctx, "ann", rbac.Users, rbac.Manage))
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				_, now := store.peak()
				require.Zero(t, now, "readings that nobody waits for")
				allows(t, az.Workspace, "ann")
			})
		})
	}
}

// If the store cannot even say which workspaces exist, those that do are still
// loaded, in turn.
func TestScenario54_StoreCannotSayWhatExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := rbac.NewMemStore()
		other := openOn(t, inner)
		store := fault.New(inner)
		az := openOn(t, store)
		for name, wrong := range map[string]rbactest.Fault{"fails": fault.Fails(errBoom), "panics": fault.Panics, "ends the goroutine": exiting, "blocks": fault.Blocks} {
			store.Set(wrong, opRevisions)
			store.Set(fault.Late(5*time.Millisecond), opView)
			var crowd sync.WaitGroup
			for i := range 50 {
				w := az.For(fmt.Sprint(name, i))
				assign(t, other.For(w.ID()), rbac.Administrator, "ann")
				crowd.Go(func() { allows(t, w, "ann") })
			}
			crowd.Wait()
		}
	})
}

// exiting ends the goroutine, as a fake does that fails its test.
func exiting(context.Context, func(error) error) error { runtime.Goexit(); return nil }

// A job changes very many workspaces in memory at once: an untouched one stays
// in service, a cold one is answered soon, few readings are under way, and
// what has changed shows within the maximum staleness.
func TestScenario55_MassChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		other := openOn(t, inner)
		loaded := long.Scale(20_000)
		for i := range loaded {
			assign(t, other.For(fmt.Sprint("w", i)), rbac.Administrator, "ann", "bob")
		}
		assign(t, other.For("cold"), rbac.Administrator, "ann")
		assign(t, other.Workspace, rbac.Administrator, "ann")
		store := newPooledStore(inner)
		az := openOn(t, store, rbac.WithIdleTime(time.Hour))
		var all []*rbac.Workspace
		for i := range loaded {
			all = append(all, az.For(fmt.Sprint("w", i)))
			allows(t, all[i], "bob")
		}
		allows(t, az.Workspace, "ann")
		store.most = 0

		for _, w := range all {
			require.NoError(t, other.For(w.ID()).As("ann").Remove(ctx, "bob"))
		}
		changed := time.Now()
		time.Sleep(2 * time.Second) // the poll has found them
		within(t, time.Second, func(ctx context.Context) {
			require.NoError(t, az.For("cold").Authorize(ctx, "ann", rbac.Users, rbac.Manage))
		})
		for time.Since(changed) < 15*time.Second {
			allows(t, az.Workspace, "ann")
			time.Sleep(100 * time.Millisecond)
		}
		for _, w := range all {
			require.False(t, w.Can(ctx, "bob", rbac.Users, rbac.Manage), w.ID())
		}
		most, _ := store.peak()
		require.LessOrEqual(t, most, 8)
	})
}

// One call changes very many members: another instance loads the workspace
// whole rather than follow as many events.
func TestScenario57_ManyMembersAtOnce(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.New(inner)
	az, other := openOn(t, store), openOn(t, inner)
	assign(t, other.Workspace, rbac.Administrator, "ann", "bob")
	allows(t, az.Workspace, "bob")
	var mu sync.Mutex
	events := 0
	store.SetRows(&fault.Rows{Events: fault.Changed(func(*rbac.Event) { mu.Lock(); events++; mu.Unlock() })})
	for _, n := range []int{1, 40, 5000, 10_000} {
		users := make([]string, n)
		for i := range users {
			users[i] = fmt.Sprint("user", i)
		}
		for _, change := range []func() error{
			func() error { return other.As("ann").Assign(ctx, rbac.Administrator, users...) },
			func() error { return other.As("ann").Suspend(ctx, users...) },
			func() error { return other.As("ann").Remove(ctx, users...) },
		} {
			events = 0
			require.NoError(t, change())
			require.NoError(t, az.Sync(ctx))
			if n <= 40 {
				require.Equal(t, n, events, "a small change is followed")
			} else {
				require.Equal(t, 32, events, "only the newest events are looked at")
			}
			allows(t, az.Workspace, "bob")
		}
	}
}

// tornStore is a store into which a backup is being restored: its revisions
// are those of the backup, its rows and events are still the old ones.
type tornStore struct {
	rbac.Store
	restored rbac.Store
}

type tornReader struct {
	rbac.Reader
	revision rbac.Revision
}

func (r tornReader) Revision() (rbac.Revision, error) { return r.revision, nil }

func (s tornStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	found, err := s.restored.Revisions(ctx, []string{workspace})
	if err != nil {
		return err
	}
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(tornReader{r, found[workspace]}) })
}

func (s tornStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	return s.restored.Revisions(ctx, workspaces)
}

// A backup is restored in several transactions, the revisions first: an
// instance that reads in between notices that the newest event is not there,
// and reads again until it is.
func TestScenario61_TornRestore(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]func(t *testing.T) rbac.Store{
		"into an emptied store": newEmptyStore,
		"over what was there": func(t *testing.T) rbac.Store {
			store := rbac.NewMemStore()
			assign(t, openOn(t, store).For("acme"), rbac.Administrator, "ann", "eve", "mallory")
			return store
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				restored, rows := rbac.NewMemStore(), old(t)
				w := openOn(t, restored).For("acme")
				assign(t, w, rbac.Administrator, "ann", "bob")
				require.NoError(t, w.As("ann").Assign(t.Context(), rbac.Administrator, "cy"))
				store, log := fault.New(tornStore{rows, restored}), &workspacetest.Log{}
				az := openOn(t, store, log.Option()).For("acme")
				require.False(t, az.Can(t.Context(), "cy", rbac.Users, rbac.Manage))
				time.Sleep(5 * time.Second)
				require.False(t, az.Can(t.Context(), "cy", rbac.Users, rbac.Manage))
				require.NotEmpty(t, log.Containing("WARN", "newest event is not there"))

				store.Replace(restored)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				allows(t, az, "cy")
				require.False(t, az.Can(t.Context(), "eve", rbac.Users, rbac.Manage))
				views := store.Calls(opView)
				time.Sleep(time.Minute)
				allows(t, az, "cy")
				require.Equal(t, views, store.Calls(opView), "what is whole is not read again")
			})
		})
	}
}

func newEmptyStore(t *testing.T) rbac.Store { return rbac.NewMemStore() }

// A torn restore, and an own change before the rest of the rows comes: the
// change does not settle what was read without them.
func TestScenario61_OwnChangeDuringATornRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), following.New(t)
		whole := contentsOf(t, f.Inner, "")
		torn := rbac.NewMemStore()
		whole.Write(t, torn, "")
		f.Store.Replace(torn)
		// The rows of bob and the newest event come later than the revision.
		late := &fault.Rows{
			Members: func(rows iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range rows {
						if m.User != "bob" && !yield(m, err) {
							return
						}
					}
				}
			},
			Events: func(iter.Seq2[rbac.Event, error]) iter.Seq2[rbac.Event, error] {
				return func(func(rbac.Event, error) bool) {}
			},
		}
		f.AZ.Close()
		az := openOn(t, f.Store, f.Log.Option())
		f.Store.SetRows(late)
		allows(t, az.Workspace, "ann")
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
		assign(t, az.Workspace, rbac.Administrator, "cy")
		f.Store.SetRows(nil)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		allows(t, az.Workspace, "cy")
		allows(t, az.Workspace, "bob")
	})
}

// A poll fails, and those after it succeed, while very many workspaces that
// have changed wait to be read. One that somebody asks about is read for them.
func TestScenario55_PollThatFailsBehindAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		other, store := openOn(t, inner), fault.New(inner)
		az := openOn(t, store, rbac.WithIdleTime(time.Hour))
		const workspaces = 500
		for i := range workspaces {
			assign(t, other.For(fmt.Sprint("w", i)), rbac.Administrator, "ann", "bob")
			allows(t, az.For(fmt.Sprint("w", i)), "bob")
		}
		store.Set(fault.Late(500*time.Millisecond), opView)
		for i := range workspaces {
			require.NoError(t, other.For(fmt.Sprint("w", i)).As("ann").Remove(ctx, "bob"))
		}
		time.Sleep(5 * time.Second)
		store.Set(fault.Fails(errBoom), opRevisions)
		time.Sleep(3 * time.Second)
		store.Set(nil, opRevisions)
		time.Sleep(6 * time.Second)
		for i := workspaces - 1; i > workspaces-20; i-- {
			within(t, 2*time.Second, func(ctx context.Context) {
				require.NoError(t, az.For(fmt.Sprint("w", i)).Authorize(ctx, "ann", rbac.Users, rbac.Manage))
			})
		}
	})
}

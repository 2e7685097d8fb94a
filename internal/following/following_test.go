package following_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// Sync, polls, notifications, own changes, faults and drops in random order on
// three instances: what is answered is never older than MaxStaleness, an own
// change always shows, and revisions never go back.
func TestRandomFollowing(t *testing.T) {
	t.Parallel()
	for range long.Scale(30) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, random := t.Context(), rand.New(rand.NewPCG(seed, 0))
				inner := rbac.NewMemStore()
				type instance struct {
					store fault.Notifier
					az    *rbac.Authorizer
					least int64 // the revision that the next check must rest on at least
				}
				var instances []*instance
				for range 3 {
					store := fault.NewNotifier(inner)
					az := workspacetest.Open(t, store, rbac.WithMaxStaleness(2*time.Second), rbac.WithIdleTime(20*time.Second))
					instances = append(instances, &instance{store, az, 0})
				}
				workspacetest.Assign(t, instances[0].az.Workspace, rbac.Administrator, "ann")
				type commit struct {
					revision int64
					at       time.Time
				}
				commits := []commit{{1, time.Now()}}
				faults := []rbactest.Fault{
					nil, nil, fault.Fails(fault.Err), fault.Panics, fault.Blocks, fault.Slow(300 * time.Millisecond), fault.Late(300 * time.Millisecond),
					fault.Slow(3 * time.Second), fault.Late(3 * time.Second), fault.EverySecond(fault.Fails(fault.Err)), fault.First(2, fault.RollsBack(rbac.ErrContention)),
				}
				for range 400 {
					in := instances[random.IntN(len(instances))]
					switch random.IntN(6) {
					case 0:
						in.store.Set(faults[random.IntN(len(faults))], rbactest.Op(random.IntN(2)*2)) // View or Revisions
					case 1:
						in.store.Set([]rbactest.Fault{nil, fault.Fails(fault.Err), fault.Blocks}[random.IntN(3)], rbactest.OpNotify)
					case 2:
						user := fmt.Sprint("user", random.IntN(5))
						change := func(a *rbac.Admin) error { return a.Suspend(ctx, user, user) }
						if random.IntN(2) == 0 {
							change = func(a *rbac.Admin) error { return a.Assign(ctx, rbac.Administrator, user, user) }
						}
						var err error
						if random.IntN(2) == 0 {
							err = change(in.az.As("ann"))
						} else {
							err = in.az.Transact(ctx, workspacetest.Within(in.store, ""), func(tx *rbac.Transaction) error { return change(tx.As("ann")) })
						}
						if err != nil {
							require.ErrorIs(t, err, rbac.ErrMemberNotFound)
						}
						if at := workspacetest.Read(t, inner, "").Revision.Seq; at > commits[len(commits)-1].revision {
							commits = append(commits, commit{at, time.Now()})
							in.least = at
						}
					case 3:
						before := workspacetest.Read(t, inner, "").Revision.Seq
						if in.az.Sync(ctx) == nil {
							in.least = max(in.least, before)
						}
					default:
						time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
					}
					for _, in := range instances {
						began := time.Now()
						synctest.Wait()
						d, err := in.az.Explain(ctx, "ann", rbac.Users, rbac.Manage)
						require.LessOrEqual(t, time.Since(began), 2*time.Second)
						if err != nil {
							require.ErrorIs(t, err, rbac.ErrUnavailable)
							continue
						}
						require.GreaterOrEqual(t, d.Revision, in.least)
						in.least = d.Revision
						i, _ := slices.BinarySearchFunc(commits, d.Revision+1, func(c commit, seq int64) int { return int(c.revision - seq) })
						if i < len(commits) {
							age := time.Since(commits[i].at)
							require.LessOrEqual(t, age, 2*time.Second, "an answer of revision %d, which was replaced %v ago", d.Revision, age)
						}
					}
				}
				for _, in := range instances {
					in.store.SetAll(nil)
				}
				time.Sleep(2 * time.Minute)
				for _, in := range instances {
					d, err := in.az.Explain(ctx, "ann", rbac.Users, rbac.Manage)
					require.NoError(t, err)
					require.Equal(t, commits[len(commits)-1].revision, d.Revision)
				}
				workspacetest.CheckInvariants(t, inner, "")
			})
		})
	}
}

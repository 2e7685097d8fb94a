package rbac_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/heap"
)

// The floor is the least that a check could be: an atomic pointer to an
// immutable map from the user to the bits that they hold, and a bit test. It
// knows no workspaces, suspensions, scopes, custom areas, staleness and
// reasons.
//
// Each benchmark runs the floor and the library in turns, a few thousand
// calls each, so that a noisy machine disturbs both alike, and reports their
// ratio. Users are asked about by strings that are not the ones stored, as
// those of a request are not.
//
//	go test -run '^$' -bench . -benchtime 2s -count 5
type floor struct {
	bits atomic.Pointer[map[string]uint64]
}

func (f *floor) can(user string, bit uint) bool {
	return (*f.bits.Load())[user]&(1<<bit) != 0
}

func newFloor(users []string) *floor {
	bits := make(map[string]uint64)
	for i, user := range users {
		bits[user] = uint64(i) * 0x9E3779B97F4A7C15
	}
	f := &floor{}
	f.bits.Store(&bits)
	return f
}

// crowd is a workspace with many members, ten roles and 36-character ids. Its
// members are in teams of fifty, which count if it is opened WithTeams.
type crowd struct {
	store *rbac.MemStore
	az    *rbac.Authorizer
	users []string // as they are stored
	asked []string // equal, but other strings
}

// newUsers returns random ids in no order.
func newUsers(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, r.Uint32()&0xfff, r.Uint64()&0xffffffffffff)
	}
	return users
}

func newCrowd(tb testing.TB, n int) *crowd {
	tb.Helper()
	ctx := context.Background()
	store := rbac.NewMemStore()
	users := newUsers(n)
	asked := make([]string, n)
	for i := range users {
		asked[i] = strings.Clone(users[i])
	}
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.All}
	err := store.Update(ctx, "", func(tx rbac.Tx) error {
		for i := range 10 {
			role := rbac.Role{ID: rbac.RoleID(fmt.Sprintf("role-%d", i)), Name: fmt.Sprintf("Role %d", i), Version: 1, Permissions: rbac.Permissions{}}
			for j, info := range rbac.DefaultAreas() {
				if info.Owned {
					role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%3], Manage: scopes[(i+2*j)%3]}
				}
			}
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		members := make([]rbac.Member, n)
		for i, user := range users {
			members[i] = rbac.Member{User: user, Role: rbac.RoleID(fmt.Sprintf("role-%d", i%10)), Team: fmt.Sprint("team-", i/50), UpdatedAt: time.Unix(0, 0).UTC()}
		}
		if err := tx.PutMembers(members...); err != nil {
			return err
		}
		return tx.AppendEvents(rbac.Event{Seq: 1, Kind: rbac.MemberAssigned, Time: time.Unix(0, 0).UTC(), Hash: [32]byte{1}})
	})
	if err != nil {
		tb.Fatal(err)
	}
	c := &crowd{store: store, users: users, asked: asked}
	c.az = c.open(tb)
	return c
}

// open returns an Authorizer that has loaded the workspace.
func (c *crowd) open(tb testing.TB, options ...rbac.Option) *rbac.Authorizer {
	tb.Helper()
	az, err := rbac.Open(context.Background(), c.store, append(options, rbac.WithMaxStaleness(time.Hour))...)
	if err != nil {
		tb.Fatal(err)
	}
	if err := az.Sync(context.Background()); err != nil {
		tb.Fatal(err)
	}
	az.Can(context.Background(), c.asked[0], rbac.Deals, rbac.Read)
	return az
}

const manyMembers = 1_000_000

var million = sync.OnceValue(func() *crowd { return newCrowd(benchTB{}, manyMembers) })

// benchTB lets the million outlive the benchmark that made it.
type benchTB struct{ testing.TB }

func (benchTB) Helper()           {}
func (benchTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

var yes atomic.Int64 // so that answers are used

// inTurns times two functions, each called with a number of calls to make, in
// turns, and reports the second one's time, the first one's, and the ratio.
func inTurns(b *testing.B, floor, ours func(n int) int) {
	b.Helper()
	const turn = 4096
	b.ReportAllocs()
	floor(turn)
	ours(turn)
	var floorTime, oursTime time.Duration
	calls, sum := 0, 0
	b.ResetTimer()
	for calls < b.N {
		n := min(turn, b.N-calls)
		began := time.Now()
		sum += floor(n)
		middle := time.Now()
		sum += ours(n)
		floorTime += middle.Sub(began)
		oursTime += time.Since(middle)
		calls += n
	}
	b.StopTimer()
	yes.Add(int64(sum))
	b.ReportMetric(float64(oursTime.Nanoseconds())/float64(calls), "ns/op")
	b.ReportMetric(float64(floorTime.Nanoseconds())/float64(calls), "floor-ns/op")
	b.ReportMetric(float64(oursTime)/float64(floorTime), "x-floor")
}

// 64 users who ask again and again. Goal: at most 1.3 times the floor.
func BenchmarkCanHot(b *testing.B) {
	c := newCrowd(b, 64)
	defer c.az.Close()
	f := newFloor(c.users)
	ctx := context.Background()
	inTurns(b,
		func(n int) (sum int) {
			for i := range n {
				if f.can(c.asked[i&63], 5) {
					sum++
				}
			}
			return sum
		},
		func(n int) (sum int) {
			for i := range n {
				if c.az.Can(ctx, c.asked[i&63], rbac.Deals, rbac.Read) {
					sum++
				}
			}
			return sum
		})
}

// A million users drawn at random. Goal: at most 1.2 times the floor.
func BenchmarkCanMillion(b *testing.B) {
	c := million()
	f := newFloor(c.users)
	ctx := context.Background()
	draws, draws2 := rand.New(rand.NewPCG(3, 4)), rand.New(rand.NewPCG(3, 4))
	inTurns(b,
		func(n int) (sum int) {
			for range n {
				if f.can(c.asked[draws.IntN(manyMembers)], 5) {
					sum++
				}
			}
			return sum
		},
		func(n int) (sum int) {
			for range n {
				if c.az.Can(ctx, c.asked[draws2.IntN(manyMembers)], rbac.Deals, rbac.Read) {
					sum++
				}
			}
			return sum
		})
}

// One subject, many checks. Goal: at most a third of the floor's hot lookup.
func BenchmarkSubjectCan(b *testing.B) {
	c := newCrowd(b, 64)
	defer c.az.Close()
	f := newFloor(c.users)
	s, err := c.az.Subject(context.Background(), c.asked[1])
	if err != nil {
		b.Fatal(err)
	}
	inTurns(b,
		func(n int) (sum int) {
			for i := range n {
				if f.can(c.asked[i&63], 5) {
					sum++
				}
			}
			return sum
		},
		func(n int) (sum int) {
			for range n {
				if s.Can(rbac.Deals, rbac.Read) {
					sum++
				}
			}
			return sum
		})
}

// A single record of a colleague, for somebody who reaches the team's records;
// beside it a record of the user's own, for somebody who reaches those. Goal: at
// most 2.5 times as long.
func BenchmarkCanRecordTeam(b *testing.B) {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithTeams(), rbac.WithSystemRoles(
		rbac.Role{ID: "own", Name: "Own", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
		rbac.Role{ID: "team", Name: "Team", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Team}}}))
	if err != nil {
		b.Fatal(err)
	}
	defer az.Close()
	c := newCrowd(b, 64)
	c.az.Close()
	admin := az.System("benchmark")
	for role, users := range map[rbac.RoleID][]string{"own": c.users[:32], "team": c.users[32:]} {
		if err := admin.Assign(ctx, role, users...); err != nil {
			b.Fatal(err)
		}
	}
	if err := admin.SetTeam(ctx, "east", c.users...); err != nil {
		b.Fatal(err)
	}
	inTurns(b,
		func(n int) (sum int) {
			for i := range n {
				if az.CanRecord(ctx, c.asked[i&31], rbac.Deals, rbac.Read, c.users[i&31]) {
					sum++
				}
			}
			return sum
		},
		func(n int) (sum int) {
			for i := range n {
				if az.CanRecord(ctx, c.asked[32+i&31], rbac.Deals, rbac.Read, c.users[(i+7)&31]) {
					sum++
				}
			}
			return sum
		})
}

// Two goroutines at once. Goal: a speed-up of at least 0.8 of the floor's.
func BenchmarkCanTwoGoroutines(b *testing.B) {
	c := newCrowd(b, 64)
	defer c.az.Close()
	f := newFloor(c.users)
	ctx := context.Background()
	floorLoop := func(n int) (sum int) {
		for i := range n {
			if f.can(c.asked[i&63], 5) {
				sum++
			}
		}
		return sum
	}
	canLoop := func(n int) (sum int) {
		for i := range n {
			if c.az.Can(ctx, c.asked[i&63], rbac.Deals, rbac.Read) {
				sum++
			}
		}
		return sum
	}
	const turn = 1 << 18
	speedUp := func(loop func(int) int) (one, two time.Duration) {
		began := time.Now()
		yes.Add(int64(loop(turn)))
		one = time.Since(began)
		var both sync.WaitGroup
		began = time.Now()
		for range 2 {
			both.Go(func() { yes.Add(int64(loop(turn))) })
		}
		both.Wait()
		return one, time.Since(began)
	}
	var floorOne, floorTwo, oursOne, oursTwo time.Duration
	b.ResetTimer()
	for calls := 0; calls < b.N; calls += turn {
		one, two := speedUp(floorLoop)
		floorOne, floorTwo = floorOne+one, floorTwo+two
		one, two = speedUp(canLoop)
		oursOne, oursTwo = oursOne+one, oursTwo+two
	}
	ours, floor := 2*float64(oursOne)/float64(oursTwo), 2*float64(floorOne)/float64(floorTwo)
	b.ReportMetric(ours, "speed-up")
	b.ReportMetric(floor, "floor-speed-up")
	b.ReportMetric(ours/floor, "x-floor")
	b.ReportMetric(0, "ns/op")
}

// The memory of a snapshot with a million members of 36-character ids, beside
// the store's. Goal: at most 130 bytes a member, ids included, and 24 more with
// teams.
func BenchmarkMemory(b *testing.B) {
	c := million()
	for name, options := range map[string][]rbac.Option{"alone": nil, "in teams": {rbac.WithTeams()}} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				before := heap.InUse()
				az := c.open(b, options...)
				after := heap.InUse()
				// MemStore shares its ids with the snapshot, another store would
				// not: count them, in the size class of a 36-byte string.
				const id = 48
				b.ReportMetric(float64(after-before)/manyMembers+id, "B/member")
				runtime.KeepAlive(az)
				az.Close()
			}
		})
	}
}

// One assignment in a workspace of a million members, from the call to the
// answer that sees it: the transaction in MemStore, the event, and the new
// snapshot. Goal: under 1 ms.
func BenchmarkAssignInMillion(b *testing.B) {
	c := million()
	ctx := context.Background()
	admin := c.az.System("benchmark")
	b.ReportAllocs()
	for b.Loop() {
		i := int(assigned.Add(1)) // every assignment is a change, in later runs too
		role := rbac.RoleID(fmt.Sprintf("role-%d", i%10))
		user := c.asked[(i*7919)%manyMembers]
		if err := admin.Assign(ctx, role, user); err != nil {
			b.Fatal(err)
		}
		if s, err := c.az.Subject(ctx, user); err != nil || s.Role() != role {
			b.Fatal(s.Role(), role, err)
		}
	}
}

var assigned atomic.Int64

// Loading a workspace costs in proportion to it.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 10_000, manyMembers} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := million()
			if n != manyMembers {
				c = newCrowd(b, n)
				defer c.az.Close()
			}
			for b.Loop() {
				c.open(b).Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/member")
		})
	}
}

// Opening does not depend on the number of workspaces in the store.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ctx := context.Background()
			store := rbac.NewMemStore()
			az, err := rbac.Open(ctx, store)
			if err != nil {
				b.Fatal(err)
			}
			defer az.Close()
			for i := range n {
				if err := az.For(fmt.Sprint(i)).System("benchmark").Assign(ctx, rbac.Administrator, "ada"); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				az, err := rbac.Open(ctx, store)
				if err != nil {
					b.Fatal(err)
				}
				az.Close()
			}
		})
	}
}

// A million users are assigned a role, in calls of several sizes, in a
// workspace of MemStore that was empty. The floor is a plain map to the same
// members, filled in the same run.
func BenchmarkFill(b *testing.B) {
	users := newUsers(manyMembers)
	ctx := context.Background()
	for _, size := range []int{1000, 10_000, manyMembers} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			var floorTime, oursTime time.Duration
			for range b.N {
				runtime.GC()
				began := time.Now()
				members := map[string]rbac.Member{}
				for _, user := range users {
					user = strings.Clone(user)
					members[user] = rbac.Member{User: user, Role: rbac.Administrator, UpdatedAt: began}
				}
				floorTime += time.Since(began)
				runtime.KeepAlive(members)
				members = nil

				az, err := rbac.Open(ctx, rbac.NewMemStore())
				if err != nil {
					b.Fatal(err)
				}
				runtime.GC()
				began = time.Now()
				for call := range slices.Chunk(users, size) {
					if err := az.System("benchmark").Assign(ctx, rbac.Administrator, call...); err != nil {
						b.Fatal(err)
					}
				}
				oursTime += time.Since(began)
				az.Close()
			}
			b.ReportMetric(oursTime.Seconds()/float64(b.N), "s/million")
			b.ReportMetric(floorTime.Seconds()/float64(b.N), "floor-s/million")
			b.ReportMetric(float64(oursTime)/float64(floorTime), "x-floor")
		})
	}
}

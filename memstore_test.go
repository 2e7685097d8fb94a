package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/storetest"
)

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) rbac.Store { return rbac.NewMemStore() })
}

func TestMemStoreUpdateInsideView(t *testing.T) {
	s := rbac.NewMemStore()
	memUpdate(t, s, "w", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "ann"}) })
	err := s.View(t.Context(), "w", func(r rbac.Reader) error {
		memUpdate(t, s, "w", func(tx rbac.Tx) error {
			// And a View inside the Update, which sees what is committed.
			err := s.View(t.Context(), "w", func(r rbac.Reader) error {
				_, err := r.Member("ann")
				return err
			})
			return errors.Join(err, tx.DeleteMembers("ann"))
		})
		_, err := r.Member("ann")
		return err
	})
	if err != nil {
		t.Errorf("View: got error %v, want the state before the Update", err)
	}
}

func TestMemStoreUpdateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rbac.NewMemStore()
		release := make(chan struct{})
		first := make(chan error, 1)
		go func() {
			first <- s.Update(t.Context(), "w", func(tx rbac.Tx) error {
				<-release
				return tx.PutMembers(rbac.Member{User: "ann"})
			})
		}()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := s.Update(ctx, "w", func(rbac.Tx) error { t.Error("two Updates ran at once"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("Update that waits: got error %v after %v, want that of its context after a minute", err, time.Since(began))
		}

		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		memUpdate(t, s, "w", func(tx rbac.Tx) error {
			_, err := tx.Member("ann")
			return err
		})
	})
}

func TestMemStoreUpdateThatEndsItsGoroutine(t *testing.T) {
	s := rbac.NewMemStore()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Update(t.Context(), "w", func(tx rbac.Tx) error {
			_ = tx.PutMembers(rbac.Member{User: "ann"})
			runtime.Goexit() // as t.FailNow does
			return nil
		})
	}()
	<-done
	memUpdate(t, s, "w", func(tx rbac.Tx) error {
		if _, err := tx.Member("ann"); !errors.Is(err, rbac.ErrMemberNotFound) {
			t.Errorf("Member: got error %v, want %v", err, rbac.ErrMemberNotFound)
		}
		return nil
	})
}

func TestMemStorePanicReachesTheCaller(t *testing.T) {
	s := rbac.NewMemStore()
	defer func() {
		if p := recover(); p != "out" {
			t.Errorf("recovered %v, want the panic of the function", p)
		}
	}()
	_ = s.Update(t.Context(), "w", func(rbac.Tx) error { panic("out") })
}

// TestMemStoreAfterwards checks that a Reader and a Tx are of no use, but do
// not panic, once their function has returned.
func TestMemStoreAfterwards(t *testing.T) {
	s := rbac.NewMemStore()
	memUpdate(t, s, "w", func(tx rbac.Tx) error {
		members := []rbac.Member{{User: "ann"}, {User: "bob"}}
		return errors.Join(tx.PutRole(rbac.Role{ID: "sales"}), tx.PutMembers(members...), tx.AppendEvents(memEvents(0, 2)...))
	})
	var reader rbac.Reader
	var next func() (rbac.Member, error, bool)
	if err := s.View(t.Context(), "w", func(r rbac.Reader) error {
		reader = r
		var stop func()
		next, stop = iter.Pull2(r.Members(rbac.MemberQuery{}))
		t.Cleanup(stop)
		_, err, _ := next()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var tx rbac.Tx
	memUpdate(t, s, "w", func(open rbac.Tx) error { tx = open; return nil })

	calls := map[string]error{
		"PutRole":       tx.PutRole(rbac.Role{ID: "late"}),
		"DeleteRole":    tx.DeleteRole("sales"),
		"PutMembers":    tx.PutMembers(rbac.Member{User: "late"}),
		"DeleteMembers": tx.DeleteMembers("ann"),
		"AppendEvents":  tx.AppendEvents(memEvents(2, 1)...),
	}
	_, calls["Members, begun before"], _ = next()
	for name, r := range map[string]rbac.Reader{"Reader": reader, "Tx": tx} {
		_, calls[name+".Revision"] = r.Revision()
		_, calls[name+".Role"] = r.Role("sales")
		_, calls[name+".Member"] = r.Member("ann")
		for _, calls[name+".Roles"] = range r.Roles() {
		}
		for _, calls[name+".Members"] = range r.Members(rbac.MemberQuery{Users: []string{}}) {
		}
		for _, calls[name+".Events"] = range r.Events(rbac.EventQuery{}) {
		}
	}
	for name, err := range calls {
		if err == nil || !strings.Contains(err.Error(), "after its function had returned") {
			t.Errorf("%s: got error %v, want one that says that it came too late", name, err)
		}
	}
}

func TestMemStoreHintsHoldNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rbac.NewMemStore()
		ctx, cancel := context.WithCancel(t.Context())
		var hints []string
		ended := make(chan error, 1)
		go func() {
			ended <- s.Notify(ctx, func(workspaces ...string) {
				hints = append(hints, fmt.Sprint(workspaces))
				if len(hints) == 2 { // the store can be used, the workspace included
					memUpdate(t, s, "a", func(tx rbac.Tx) error { return tx.AppendEvents(memEvents(1, 1)...) })
				}
			})
		}()
		synctest.Wait()
		memUpdate(t, s, "a", func(tx rbac.Tx) error { return tx.AppendEvents(memEvents(0, 1)...) })
		memUpdate(t, s, "b", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "without event"}) })
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Notify: got error %v, want %v", err, context.Canceled)
		}
		memUpdate(t, s, "late", func(tx rbac.Tx) error { return tx.AppendEvents(memEvents(0, 1)...) })
		if want := []string{"[]", "[a]", "[a]"}; !slices.Equal(hints, want) {
			t.Errorf("got hints %v, want %v", hints, want)
		}
	})
}

func TestMemStoreForgetsUnknownWorkspaces(t *testing.T) {
	s := rbac.NewMemStore()
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 20_000 {
		workspace := fmt.Sprintf("%0255d", i)
		member := rbac.Member{User: "ann"}
		_, err1 := s.Revisions(t.Context(), []string{workspace})
		err2 := s.View(t.Context(), workspace, func(r rbac.Reader) error { return nil })
		err3 := s.Update(t.Context(), workspace, func(tx rbac.Tx) error { return tx.DeleteMembers("ann") })
		err4 := s.Update(t.Context(), workspace, func(tx rbac.Tx) error { return tx.PutMembers(member) })
		err5 := s.Update(t.Context(), workspace, func(tx rbac.Tx) error { return tx.DeleteMembers("ann") })
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 2<<20 {
		t.Errorf("20,000 workspaces that hold nothing take %d bytes", grown)
	}
	runtime.KeepAlive(s)
}

// TestMemStoreAgainstMap makes random writes, large and small, and compares
// every state with a map, also after later states were made from it.
func TestMemStoreAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := rbac.NewMemStore()
	model := map[string]rbac.Member{}
	user := func() string { return fmt.Sprint("user", random.IntN(6000)) }
	var round func(n int)
	round = func(n int) {
		var puts []rbac.Member
		var deletes []string
		for range []int{1, 10, 2000}[random.IntN(3)] {
			puts = append(puts, rbac.Member{User: user(), Role: rbac.RoleID(fmt.Sprint(n))})
		}
		for range []int{0, 1, 3000}[random.IntN(3)] {
			deletes = append(deletes, user())
		}
		memUpdate(t, s, "w", func(tx rbac.Tx) error { return errors.Join(tx.PutMembers(puts...), tx.DeleteMembers(deletes...)) })
		for _, m := range puts {
			model[m.User] = m
		}
		for _, user := range deletes {
			delete(model, user)
		}
		want := make([]rbac.Member, 0, len(model))
		for _, m := range model {
			want = append(want, m)
		}
		slices.SortFunc(want, func(a, b rbac.Member) int { return strings.Compare(a.User, b.User) })
		err := s.View(t.Context(), "w", func(r rbac.Reader) error {
			memCompare(t, r, want)
			if n > 0 {
				round(n - 1)
			}
			memCompare(t, r, want)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	round(60)
}

// memCompare checks the members of a Reader: all, some pages, some users.
func memCompare(t *testing.T, r rbac.Reader, want []rbac.Member) {
	t.Helper()
	got := memMembers(t, r, rbac.MemberQuery{})
	if !slices.Equal(got, want) {
		t.Fatalf("got %d members, want %d others", len(got), len(want))
	}
	for i := 0; i < len(want); i += 97 {
		page := memMembers(t, r, rbac.MemberQuery{After: want[i].User, Limit: 3})
		if !slices.Equal(page, want[i+1:min(i+4, len(want))]) {
			t.Fatalf("got %v after %s", page, want[i].User)
		}
		if m, err := r.Member(want[i].User); err != nil || m != want[i] {
			t.Fatalf("Member: got %v, error %v, want %v", m, err, want[i])
		}
		if m, err := r.Member(want[i].User + "!"); !errors.Is(err, rbac.ErrMemberNotFound) {
			t.Fatalf("Member: got %v, error %v, want %v", m, err, rbac.ErrMemberNotFound)
		}
	}
}

func BenchmarkMemStore(b *testing.B) {
	crowd := memCrowd(1_000_000)
	s := rbac.NewMemStore()
	memUpdate(b, s, "w", func(tx rbac.Tx) error { return tx.PutMembers(crowd...) })
	seq := int64(0)
	b.Run("update one of a million members", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m := crowd[rand.IntN(len(crowd))]
			m.Suspended = !m.Suspended
			memUpdate(b, s, "w", func(tx rbac.Tx) error {
				return errors.Join(tx.PutMembers(m), tx.AppendEvents(memEvents(seq, 1)...))
			})
			seq++
		}
	})
	b.Run("page of a million members", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			q := rbac.MemberQuery{After: crowd[rand.IntN(len(crowd))].User, Limit: 50}
			_ = s.View(b.Context(), "w", func(r rbac.Reader) error {
				memMembers(b, r, q)
				return nil
			})
		}
	})
}

func memUpdate(t testing.TB, s rbac.Store, workspace string, fn func(rbac.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), workspace, fn); err != nil {
		t.Errorf("Update of workspace %q: %v", workspace, err)
	}
}

func memMembers(t testing.TB, r rbac.Reader, q rbac.MemberQuery) []rbac.Member {
	t.Helper()
	var members []rbac.Member
	for m, err := range r.Members(q) {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m)
	}
	return members
}

func memCrowd(n int) []rbac.Member {
	crowd := make([]rbac.Member, n)
	for i := range crowd {
		crowd[i] = rbac.Member{User: fmt.Sprintf("user%07d", i), Role: "sales"}
	}
	return crowd
}

// memEvents returns n events after the one with number seq.
func memEvents(seq int64, n int) []rbac.Event {
	events := make([]rbac.Event, n)
	for i := range events {
		events[i] = rbac.Event{Seq: seq + int64(i) + 1, Kind: rbac.MemberAssigned}
		events[i].Hash[0] = byte(events[i].Seq)
	}
	return events
}

func memNumbers(events []rbac.Event) []int64 {
	var numbers []int64
	for _, e := range events {
		numbers = append(numbers, e.Seq)
	}
	return numbers
}

package cow_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/areagate/rbac/internal/cow"
)

type entry struct {
	key   string
	value int
}

type list = cow.List[string, entry]

func put(key string, value int) cow.Edit[string, entry] {
	return cow.Edit[string, entry]{Key: key, Value: &entry{key, value}}
}

func drop(key string) cow.Edit[string, entry] { return cow.Edit[string, entry]{Key: key} }

func with(l list, edits ...cow.Edit[string, entry]) list { return l.With(edits) }

// listOf returns a list with the keys 00000000, 00000002 and so on.
func listOf(n int) list {
	var edits []cow.Edit[string, entry]
	for i := range n {
		edits = append(edits, put(key(2*i), i))
	}
	return list{}.With(edits)
}

func key(i int) string { return fmt.Sprintf("%08d", i) }

// check compares a list with what must be in it, in every way to read it.
func check(t *testing.T, l list, want map[string]int) {
	t.Helper()
	if l.Empty() != (len(want) == 0) {
		t.Fatalf("Empty() = %t, and %d values", l.Empty(), len(want))
	}
	keys := slices.Sorted(maps.Keys(want))
	checkSeq(t, "Behind nothing", l.Behind(""), keys, want)
	for _, i := range []int{0, 1, len(keys) / 3, len(keys) - 1} {
		if i < 0 || i >= len(keys) {
			continue
		}
		checkSeq(t, "Behind a key that is there", l.Behind(keys[i]), keys[i+1:], want)
		checkSeq(t, "Behind a key that is not there", l.Behind(keys[i]+"!"), keys[i+1:], want)
		checkSeq(t, "At some", l.At([]string{keys[i], keys[i] + "!"}), keys[i:i+1], want)
	}
	checkSeq(t, "At all", l.At(keys), keys, want)
	for _, absent := range []string{"", "!", "~"} {
		if _, there := want[absent]; !there && l.Get(absent) != nil {
			t.Fatalf("Get(%q) found something", absent)
		}
	}
	for _, n := range l.ChunkSizes() {
		if n < 1 || n > cow.ChunkSize {
			t.Fatalf("a chunk has %d values", n)
		}
	}
}

func checkSeq(t *testing.T, how string, got func(func(*entry) bool), keys []string, want map[string]int) {
	t.Helper()
	i := 0
	for e := range got {
		if i == len(keys) || e.key != keys[i] || e.value != want[e.key] {
			t.Fatalf("%s: %v at %d of %d", how, *e, i, len(keys))
		}
		i++
	}
	if i != len(keys) {
		t.Fatalf("%s: %d values, want %d", how, i, len(keys))
	}
	for range got { // leaving early is possible
		break
	}
}

// Random edits do to a list what they do to a map, and nothing to the lists
// that were there before.
func TestListIsLikeAMap(t *testing.T) {
	t.Parallel()
	type state struct {
		list list
		want map[string]int
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			states := []state{{list{}, map[string]int{}}}
			for step := range 40 {
				from := states[random.IntN(len(states))] // often not the newest: histories branch
				want := maps.Clone(from.want)
				var edits []cow.Edit[string, entry]
				most := []int{1, 20, 2000}[random.IntN(3)]
				for range 1 + random.IntN(most) {
					k := key(random.IntN(4000))
					if random.IntN(5) < 2 {
						edits = append(edits, drop(k))
						delete(want, k)
					} else {
						edits = append(edits, put(k, step))
						want[k] = step
					}
				}
				states = append(states, state{from.list.With(edits), want})
				check(t, states[len(states)-1].list, want)
			}
			for _, s := range states {
				check(t, s.list, s.want)
			}
		})
	}
}

func TestListOfSeveralEditsOfOneKey(t *testing.T) {
	t.Parallel()
	l := with(list{}, put("a", 1), put("b", 1), drop("b"), put("a", 2), drop("c"), put("c", 3))
	check(t, l, map[string]int{"a": 2, "c": 3})
	check(t, with(l), map[string]int{"a": 2, "c": 3})
	check(t, with(l, put("c", 4), drop("c"), drop("a"), drop("a")), map[string]int{})
}

// A write copies a chunk or two of a long list, and shares the others.
func TestListSharesWhatAWriteDoesNotTouch(t *testing.T) {
	t.Parallel()
	const n = 20_000
	l := listOf(n)
	for _, edit := range []cow.Edit[string, entry]{
		put(key(n), -1), put(key(n+1), -1), put(key(4*n), -1), put("", -1), drop(key(n)), drop(key(0)), drop(key(2*n - 2)), drop(key(n + 1)),
	} {
		after := with(l, edit)
		if copied := after.Copied(l); copied > 2*cow.ChunkSize {
			t.Errorf("an edit of %q copied %d places", edit.Key, copied)
		}
		for e := range after.Behind("") {
			if e != l.Get(e.key) && e != edit.Value {
				t.Fatalf("an edit of %q copied the value of %q", edit.Key, e.key)
			}
		}
	}
}

// A chunk that has become small joins the one before it.
func TestListJoinsSmallChunks(t *testing.T) {
	t.Parallel()
	const n = 10 * cow.ChunkSize
	l := listOf(n)
	for i := range n {
		if i%50 != 0 {
			l = with(l, drop(key(2*i)))
		}
	}
	if sizes := l.ChunkSizes(); len(sizes) != 1 {
		t.Errorf("%d values are in chunks of %d", (n+49)/50, sizes)
	}
}

func BenchmarkListWith(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := listOf(n)
			edits := []cow.Edit[string, entry]{put(key(n), -1)}
			b.ReportAllocs()
			for b.Loop() {
				l.With(edits)
			}
		})
	}
}

// Package cow has a sorted list that is copied on write, and only where it is
// written.
package cow

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// chunkSize is the most values in one chunk of a List. A write copies each
// chunk that it touches, and the top slice: small chunks are good for many
// scattered edits at once, large ones for a single edit of a long list, which
// of a million values copies 105 kB.
const chunkSize = 256

// List is an immutable list of values in the byte order of their keys, each
// key once. A write makes a new List that shares every chunk it did not touch,
// and all values, so whoever holds a List reads it without a lock. The zero
// List is empty.
type List[K ~string, V any] struct {
	chunks [][]Edit[K, V] // none is empty, and no value is nil
}

// Edit puts a value under a key, or deletes the key's if Value is nil. The
// List keeps the value, which must not be changed any more.
type Edit[K ~string, V any] struct {
	Key   K
	Value *V
}

// Empty reports whether there are no values.
func (l List[K, V]) Empty() bool { return len(l.chunks) == 0 }

// Get returns the value of a key, nil if there is none. It must not be
// changed.
func (l List[K, V]) Get(key K) *V {
	if l.Empty() {
		return nil
	}
	chunk := l.chunks[l.chunkOf(key)]
	if i, found := search(chunk, key); found {
		return chunk[i].Value
	}
	return nil
}

// Behind yields the values with greater keys, in order; all of them if key is
// empty. They must not be changed.
func (l List[K, V]) Behind(key K) iter.Seq[*V] {
	return func(yield func(*V) bool) {
		first := l.chunkOf(key)
		for c := first; c < len(l.chunks); c++ {
			chunk := l.chunks[c]
			if c == first && key != "" {
				i, found := search(chunk, key)
				if found {
					i++
				}
				chunk = chunk[i:]
			}
			for _, e := range chunk {
				if !yield(e.Value) {
					return
				}
			}
		}
	}
}

// At yields the values of these keys, which must be in order, as far as they
// exist. They must not be changed.
func (l List[K, V]) At(keys []K) iter.Seq[*V] {
	return func(yield func(*V) bool) {
		for _, key := range keys {
			if v := l.Get(key); v != nil && !yield(v) {
				return
			}
		}
	}
}

// With returns the List after edits, which it reorders. Of several edits of
// one key the last one counts.
func (l List[K, V]) With(edits []Edit[K, V]) List[K, V] {
	byKey := func(a, b Edit[K, V]) int { return cmp.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(edits, byKey) { // a stable sort of what is sorted costs much more
		slices.SortStableFunc(edits, byKey)
	}
	next := List[K, V]{make([][]Edit[K, V], 0, len(l.chunks)+1+2*len(edits)/chunkSize)}
	shared := 0 // chunks of l that next has, or has a successor of
	for len(edits) > 0 {
		c, n := l.chunkOf(edits[0].Key), len(edits)
		if c+1 < len(l.chunks) {
			n, _ = search(edits, l.chunks[c+1][0].Key)
		}
		next.chunks = append(next.chunks, l.chunks[shared:c]...)
		var chunk []Edit[K, V]
		if !l.Empty() {
			chunk = l.chunks[c]
			shared = c + 1
		}
		next.add(merge(chunk, edits[:n]))
		edits = edits[n:]
	}
	next.chunks = append(next.chunks, l.chunks[shared:]...)
	return next
}

// chunkOf returns the index of the only chunk that can hold a key.
func (l List[K, V]) chunkOf(key K) int {
	n := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i][0].Key > key })
	return max(n-1, 0)
}

// search returns the index of the first of some edits, in order, whose key is
// not less, and whether it is the key itself.
func search[K ~string, V any](edits []Edit[K, V], key K) (int, bool) {
	i := sort.Search(len(edits), func(i int) bool { return edits[i].Key >= key })
	return i, i < len(edits) && edits[i].Key == key
}

// merge returns a new slice: a chunk after edits in order.
func merge[K ~string, V any](chunk, edits []Edit[K, V]) []Edit[K, V] {
	merged := make([]Edit[K, V], 0, len(chunk)+len(edits))
	for j, e := range edits {
		if j+1 < len(edits) && edits[j+1].Key == e.Key {
			continue
		}
		i, found := search(chunk, e.Key)
		merged = append(merged, chunk[:i]...)
		if e.Value != nil {
			merged = append(merged, e)
		}
		if found {
			i++
		}
		chunk = chunk[i:]
	}
	return append(merged, chunk...)
}

// add appends values to a List that is not shared yet: in chunks of equal
// size if they are many, together with the last chunk if both are small.
func (l *List[K, V]) add(values []Edit[K, V]) {
	if last := len(l.chunks) - 1; last >= 0 && len(l.chunks[last])+len(values) <= chunkSize/2 {
		values = slices.Concat(l.chunks[last], values)
		l.chunks = l.chunks[:last]
	}
	if len(values) > 0 && len(values) <= chunkSize {
		l.chunks = append(l.chunks, values)
		return
	}
	for pieces := (len(values) + chunkSize - 1) / chunkSize; pieces > 0; pieces-- {
		n := (len(values) + pieces - 1) / pieces
		l.chunks = append(l.chunks, slices.Clone(values[:n])) // a piece must not keep the others alive
		values = values[n:]
	}
}

// Package cow has a sorted list that is copied on write, and only where it is
// written.
package cow

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// chunkSize is the most values in one chunk of a List: what a write to a list
// of a million values copies beside its top slice.
const chunkSize = 512

// List is an immutable list of values in the byte order of their keys, each
// key once. A write makes a new List that shares every chunk it did not touch,
// so whoever holds a List reads it without a lock. Get one from [New].
type List[K ~string, V any] struct {
	key    func(*V) K
	chunks [][]V // none is empty
}

// New returns an empty List of values with the keys that key reads from them.
func New[K ~string, V any](key func(*V) K) List[K, V] { return List[K, V]{key: key} }

// Edit puts a value under its key, or deletes the key's if Value is nil.
type Edit[K ~string, V any] struct {
	Key   K // what the List reads from Value
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
	if i := l.search(chunk, key); i < len(chunk) && l.key(&chunk[i]) == key {
		return &chunk[i]
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
				i := l.search(chunk, key)
				if i < len(chunk) && l.key(&chunk[i]) == key {
					i++
				}
				chunk = chunk[i:]
			}
			for i := range chunk {
				if !yield(&chunk[i]) {
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
	slices.SortStableFunc(edits, func(a, b Edit[K, V]) int { return cmp.Compare(a.Key, b.Key) })
	next := List[K, V]{l.key, make([][]V, 0, len(l.chunks)+1+2*len(edits)/chunkSize)}
	shared := 0 // chunks of l that next has, or has a successor of
	for len(edits) > 0 {
		c, n := l.chunkOf(edits[0].Key), len(edits)
		if c+1 < len(l.chunks) {
			end := l.key(&l.chunks[c+1][0])
			n = sort.Search(n, func(i int) bool { return edits[i].Key >= end })
		}
		next.chunks = append(next.chunks, l.chunks[shared:c]...)
		var chunk []V
		if !l.Empty() {
			chunk = l.chunks[c]
			shared = c + 1
		}
		next.add(l.merge(chunk, edits[:n]))
		edits = edits[n:]
	}
	next.chunks = append(next.chunks, l.chunks[shared:]...)
	return next
}

// chunkOf returns the index of the only chunk that can hold a key.
func (l List[K, V]) chunkOf(key K) int {
	n := sort.Search(len(l.chunks), func(i int) bool { return l.key(&l.chunks[i][0]) > key })
	return max(n-1, 0)
}

// search returns the index of the first value whose key is not less.
func (l List[K, V]) search(chunk []V, key K) int {
	return sort.Search(len(chunk), func(i int) bool { return l.key(&chunk[i]) >= key })
}

// merge returns a new slice: the values of a chunk after edits in order.
func (l List[K, V]) merge(chunk []V, edits []Edit[K, V]) []V {
	merged := make([]V, 0, len(chunk)+len(edits))
	for j, e := range edits {
		if j+1 < len(edits) && edits[j+1].Key == e.Key {
			continue
		}
		i := l.search(chunk, e.Key)
		merged = append(merged, chunk[:i]...)
		if e.Value != nil {
			merged = append(merged, *e.Value)
		}
		if i < len(chunk) && l.key(&chunk[i]) == e.Key {
			i++
		}
		chunk = chunk[i:]
	}
	return append(merged, chunk...)
}

// add appends values to a List that is not shared yet: in chunks of equal
// size if they are many, together with the last chunk if both are small.
func (l *List[K, V]) add(values []V) {
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

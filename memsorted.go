package rbac

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// memChunk is the most values in one chunk of a memList: what a write to a
// list of a million values copies beside its top slice.
const memChunk = 512

// memList is an immutable list of values in the byte order of their keys: a
// table of MemStore. A write makes a new list that shares every chunk it did
// not touch, so whoever holds a list reads it without a lock.
type memList[V any] struct {
	key    func(*V) string
	chunks [][]V // none is empty
}

// memEdit puts a value under its key, or deletes the key's if value is nil.
type memEdit[V any] struct {
	key   string
	value *V
}

func (l memList[V]) empty() bool { return len(l.chunks) == 0 }

// get returns the value of a key, nil if there is none. It must not be
// changed.
func (l memList[V]) get(key string) *V {
	if l.empty() {
		return nil
	}
	chunk := l.chunks[l.chunkOf(key)]
	if i := l.search(chunk, key); i < len(chunk) && l.key(&chunk[i]) == key {
		return &chunk[i]
	}
	return nil
}

// behind yields the values with greater keys, in order; all of them if key is
// empty. They must not be changed.
func (l memList[V]) behind(key string) iter.Seq[*V] {
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

// at yields the values of these keys, which must be in order, as far as they
// exist. They must not be changed.
func (l memList[V]) at(keys []string) iter.Seq[*V] {
	return func(yield func(*V) bool) {
		for _, key := range keys {
			if v := l.get(key); v != nil && !yield(v) {
				return
			}
		}
	}
}

// with returns the list after the edits, which it reorders. Of several edits
// of one key the last one counts.
func (l memList[V]) with(edits []memEdit[V]) memList[V] {
	slices.SortStableFunc(edits, func(a, b memEdit[V]) int { return strings.Compare(a.key, b.key) })
	next := memList[V]{l.key, make([][]V, 0, len(l.chunks)+1+2*len(edits)/memChunk)}
	shared := 0 // chunks of l that next has, or has a successor of
	for len(edits) > 0 {
		c, n := l.chunkOf(edits[0].key), len(edits)
		if c+1 < len(l.chunks) {
			end := l.key(&l.chunks[c+1][0])
			n = sort.Search(n, func(i int) bool { return edits[i].key >= end })
		}
		next.chunks = append(next.chunks, l.chunks[shared:c]...)
		var chunk []V
		if !l.empty() {
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
func (l memList[V]) chunkOf(key string) int {
	n := sort.Search(len(l.chunks), func(i int) bool { return l.key(&l.chunks[i][0]) > key })
	return max(n-1, 0)
}

// search returns the index of the first value whose key is not less.
func (l memList[V]) search(chunk []V, key string) int {
	return sort.Search(len(chunk), func(i int) bool { return l.key(&chunk[i]) >= key })
}

// merge returns a new slice: the values of a chunk after edits in order.
func (l memList[V]) merge(chunk []V, edits []memEdit[V]) []V {
	merged := make([]V, 0, len(chunk)+len(edits))
	for j, e := range edits {
		if j+1 < len(edits) && edits[j+1].key == e.key {
			continue
		}
		i := l.search(chunk, e.key)
		merged = append(merged, chunk[:i]...)
		if e.value != nil {
			merged = append(merged, *e.value)
		}
		if i < len(chunk) && l.key(&chunk[i]) == e.key {
			i++
		}
		chunk = chunk[i:]
	}
	return append(merged, chunk...)
}

// add appends values to a list that is not shared yet: in chunks of equal
// size if they are many, together with the last chunk if both are small.
func (l *memList[V]) add(values []V) {
	if last := len(l.chunks) - 1; last >= 0 && len(l.chunks[last])+len(values) <= memChunk/2 {
		values = slices.Concat(l.chunks[last], values)
		l.chunks = l.chunks[:last]
	}
	if len(values) > 0 && len(values) <= memChunk {
		l.chunks = append(l.chunks, values)
		return
	}
	for pieces := (len(values) + memChunk - 1) / memChunk; pieces > 0; pieces-- {
		n := (len(values) + pieces - 1) / pieces
		l.chunks = append(l.chunks, slices.Clone(values[:n])) // a piece must not keep the others alive
		values = values[n:]
	}
}

package cow

const ChunkSize = chunkSize

// ChunkSizes returns how many values each chunk has.
func (l List[K, V]) ChunkSizes() []int {
	var sizes []int
	for _, chunk := range l.chunks {
		sizes = append(sizes, len(chunk))
	}
	return sizes
}

// Copied returns how many places of l are not in chunks that it shares with
// before.
func (l List[K, V]) Copied(before List[K, V]) int {
	shared := map[*Edit[K, V]]bool{}
	for _, chunk := range before.chunks {
		shared[&chunk[0]] = true
	}
	copied := 0
	for _, chunk := range l.chunks {
		if !shared[&chunk[0]] {
			copied += len(chunk)
		}
	}
	return copied
}

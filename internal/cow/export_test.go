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

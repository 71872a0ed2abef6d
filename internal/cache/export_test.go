package cache

// What tests may know.
const (
	Everything = everything
	Known      = known
	Most       = most
	Patience   = patience
)

// MemoryOctets is what all values are counted as.
func (c *Cache) MemoryOctets() uint64 { return c.memory.Octets() }

// Unsent is how many marks Redis has yet to get.
func (c *Cache) Unsent() int {
	c.marks.mu.Lock()
	defer c.marks.mu.Unlock()
	return len(c.marks.unsent)
}

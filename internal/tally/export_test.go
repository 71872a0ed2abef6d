package tally

import "time"

// AddAt counts several of another time.
func (f *Failures) AddAt(n int64, at time.Time) { f.add(n, at) }

// Kept is how many are not written yet.
func (f *Failures) Kept() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

package auth

import "time"

// SetClock replaces the clock of a verifier that nobody asks yet.
func (v *Verifier) SetClock(now func() time.Time) { v.now = now }

// Remembered is how many credentials a verifier keeps.
func (v *Verifier) Remembered() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.known) + len(v.older)
}

// MostRemembered is the most that it may keep.
const MostRemembered = remembered

// Waiting is how many credentials wait for the next look at the database.
func (v *Verifier) Waiting() int { return v.asker.Waiting() }

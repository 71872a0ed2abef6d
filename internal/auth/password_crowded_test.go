package auth

import "testing"

// Who asks whether it is crowded learns what a hash would say, and takes no place.
func TestCrowded(t *testing.T) {
	t.Parallel()
	p := small()
	for range cap(p.queue) {
		for range 2 {
			if err := p.Crowded(); err != nil {
				t.Fatalf("with %d of %d places taken: %v", len(p.queue), cap(p.queue), err)
			}
		}
		p.queue <- struct{}{}
	}
	wantUnavailable(t, p.Crowded())
	_, err := p.Hash(t.Context(), "correct horse battery")
	wantUnavailable(t, err)
	<-p.queue
	if err := p.Crowded(); err != nil {
		t.Errorf("with a free place: %v", err)
	}
}

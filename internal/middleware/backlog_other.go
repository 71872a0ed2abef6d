//go:build !unix

package middleware

// newPollerTurn waits for nothing: there, no cheap way is known.
func newPollerTurn() func() error { return func() error { return nil } }

// Package middleware holds net/http wrappers that know no resource. Each file is
// one; package server says in which order they stand.
package middleware

import (
	"math/rand/v2"
	"net/http"

	"github.com/roster-api/roster/internal/problem"
)

// RequestID gives every request a [problem.Request], which the wrappers inside of it
// fill in, and an id: the client's own X-Request-Id where it is
// 1 to 64 of A-Z a-z 0-9 . _ -, else a new one of 80 random bits. It is in the
// answer, in problems and in the log.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := SetRequestID(w, r)
		next.ServeHTTP(w, r.WithContext(problem.NewContext(r.Context(), &problem.Request{ID: id})))
	})
}

// SetRequestID puts the id into the answer only.
func SetRequestID(w http.ResponseWriter, r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if !validID(id) {
		id = NewID()
	}
	w.Header()["X-Request-Id"] = []string{id}
	return id
}

func validID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// NewID makes the id of a request, 16 octets long. It need not be hard to guess, only unlikely to come twice.
func NewID() string {
	const letters = "0123456789abcdefghijklmnopqrstuv"
	var id [16]byte
	bits := rand.Uint64()
	for i := range id {
		if i == 8 {
			bits = rand.Uint64()
		}
		id[i] = letters[bits&31]
		bits >>= 5
	}
	return string(id[:])
}

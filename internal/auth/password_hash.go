package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrHashRefused is the error of a stored hash that Roster would not make: it is
// malformed, or to check it would cost too much. Somebody wrote it past Roster.
var ErrHashRefused = errors.New("auth: a stored password hash is malformed or too dear to check")

// The bounds of a stored hash. What is dearer is refused before it costs
// anything: whoever can write a row must not be able to take the server's memory.
const (
	maxMemory  = 64 * 1024 // KiB: the second choice of RFC 9106, section 4
	maxTime    = 10
	maxThreads = 4
	minSalt    = 8
	maxSalt    = 64
	minKey     = 16
	maxKey     = 64
	maxHash    = 256 // octets of the whole text
)

// argonHash is a hash of argon2id and what it was made with.
type argonHash struct {
	memory, time uint32 // KiB, passes
	threads      uint8
	salt, key    []byte
}

// today is the work of a hash with today's settings, in KiB times passes.
const today = argonMemory * argonTime

// noHash costs what a hash costs and is nobody's.
var noHash = argonHash{
	memory: argonMemory, time: argonTime, threads: argonThreads,
	salt: make([]byte, saltLength), key: make([]byte, keyLength),
}

// String gives the PHC form.
func (h argonHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.memory, h.time, h.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// rest is what is to be hashed besides h, so that all of it is the work of today: nothing where
// h is that by itself. Where h leaves room, all takes at most the memory of one hash of today: with
// more, the heap might have room for that one and not for these, and new memory takes time that tells.
func (h argonHash) rest() (rest []argonHash) {
	missing := today - int(h.memory)*int(h.time)
	if missing <= 0 {
		return nil
	}
	room := max(argonMemory-int(h.memory), argonMemory/8)
	passes, extra := missing/room, missing%room // extra KiB of the room take one pass more
	if passes > 0 {
		rest = append(rest, argonHash{memory: uint32(room - extra), time: uint32(passes), threads: argonThreads, salt: h.salt})
	}
	if extra > 0 {
		rest = append(rest, argonHash{memory: uint32(extra), time: uint32(passes + 1), threads: argonThreads, salt: h.salt})
	}
	return rest
}

func (h argonHash) weak() bool {
	return h.memory < argonMemory || h.time < argonTime || len(h.salt) < saltLength || len(h.key) < keyLength
}

func parseArgonHash(text string) (argonHash, error) {
	var h argonHash
	if len(text) > maxHash {
		return h, ErrHashRefused
	}
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return h, ErrHashRefused
	}
	_, errSettings := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads)
	var errSalt, errKey error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case errSettings != nil || errSalt != nil || errKey != nil,
		// The decoders let pass what nothing writes: spaces, signs, line ends.
		h.String() != text,
		h.memory < 8*uint32(h.threads) || h.memory > maxMemory,
		h.time < 1 || h.time > maxTime,
		h.threads < 1 || h.threads > maxThreads,
		len(h.salt) < minSalt || len(h.salt) > maxSalt,
		len(h.key) < minKey || len(h.key) > maxKey:
		return argonHash{}, ErrHashRefused
	}
	return h, nil
}

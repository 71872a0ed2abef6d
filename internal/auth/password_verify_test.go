package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/argon2"
)

// work is what argon2 was asked to do.
type work struct {
	calls  int
	cost   uint32 // KiB times passes
	most   uint32 // KiB of the largest call
	keys   uint32 // octets of the longest key
	memory uint32 // KiB of all calls together
}

// counting makes p count in place of hashing dearly: the key is the first octets
// of a cheap hash of the same password and salt.
func counting(p *Passwords) (*Passwords, *work) {
	done := &work{}
	p.idKey = func(password, salt []byte, time, memory uint32, _ uint8, keyLen uint32) []byte {
		done.calls++
		done.cost += time * memory
		done.most = max(done.most, memory)
		done.keys = max(done.keys, keyLen)
		done.memory += memory
		return argon2.IDKey(password, salt, 1, 8, 1, maxKey)[:keyLen]
	}
	return p, done
}

// hashOf hashes with one lane and, for the cost of a test, any other settings.
func hashOf(password string, memory, time uint32) string {
	h := argonHash{memory: memory, time: time, threads: 1, salt: []byte("0123456789abcdef")}
	h.key = argon2.IDKey([]byte(password), h.salt, time, memory, 1, keyLength)
	return h.String()
}

func TestVerify(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 71)
	for _, c := range []struct{ name, password, other string }{
		{"8 code points", "päßwörtē", "päßwörte"},
		{"128 code points of 4 octets", strings.Repeat("🔑", 128), strings.Repeat("🔑", 127)},
		{"128 octets", strings.Repeat("p", 128), strings.Repeat("p", 127) + "q"},
		{"another after octet 72", long + "b" + "c", long + "b" + "d"},
		{"one more after octet 72", long + "b", long + "bc"},
		{"another case", "Correct Horse", "correct horse"},
		{"blanks around it", "correct horse", " correct horse "},
		{"U+0000 in it", "correct\x00horse", "correct\x00house"},
		{"empty", "correct horse", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, _ := counting(small())
			hash, err := p.Hash(t.Context(), c.password)
			if err != nil {
				t.Fatal(err)
			}
			if ok, rehash, err := p.Verify(t.Context(), c.password, hash); !ok || rehash || err != nil {
				t.Errorf("the password: ok %t, rehash %t, %v", ok, rehash, err)
			}
			if ok, rehash, err := p.Verify(t.Context(), c.other, hash); ok || rehash || err != nil {
				t.Errorf("another one: ok %t, rehash %t, %v", ok, rehash, err)
			}
			if len(p.turns) != 0 || len(p.queue) != 0 {
				t.Error("a check that is done keeps its place")
			}
		})
	}
}

// TestVerifyKnownHashes takes hashes of another program: test vectors of the
// reference implementation, https://github.com/P-H-C/phc-winner-argon2.
func TestVerifyKnownHashes(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	for _, c := range []struct{ hash, password string }{
		{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
		{"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
	} {
		if ok, rehash, err := p.Verify(t.Context(), c.password, c.hash); !ok || !rehash || err != nil {
			t.Errorf("%s: ok %t, rehash %t, %v", c.hash, ok, rehash, err)
		}
		if ok, _, err := p.Verify(t.Context(), "differentpassword", c.hash); ok || err != nil {
			t.Errorf("%s: another password: ok %t, %v", c.hash, ok, err)
		}
	}
}

func TestVerifyRehash(t *testing.T) {
	t.Parallel()
	p, _ := counting(small())
	with := func(memory, time uint32, threads uint8, salt, key int) string {
		h := argonHash{memory: memory, time: time, threads: threads, salt: make([]byte, salt)}
		h.key = p.derive("correct horse", h, uint32(key))
		return h.String()
	}
	for _, c := range []struct {
		name string
		hash string
		want bool
	}{
		{"today's", with(19*1024, 2, 1, 16, 32), false},
		{"dearer", with(64*1024, 3, 4, 32, 64), false},
		{"less memory", with(19*1024-1, 2, 1, 16, 32), true},
		{"less memory, more passes", with(12*1024, 3, 1, 16, 32), true},
		{"fewer passes", with(46*1024, 1, 1, 16, 32), true},
		{"a shorter salt", with(19*1024, 2, 1, 15, 32), true},
		{"a shorter key", with(19*1024, 2, 1, 16, 31), true},
	} {
		ok, rehash, err := p.Verify(t.Context(), "correct horse", c.hash)
		if !ok || rehash != c.want || err != nil {
			t.Errorf("%s: ok %t, rehash %t, %v; want rehash %t", c.name, ok, rehash, err, c.want)
		}
		if ok, rehash, _ := p.Verify(t.Context(), "correct house", c.hash); ok || rehash {
			t.Errorf("%s, another password: ok %t, rehash %t", c.name, ok, rehash)
		}
	}
}

// refused are texts that no check may cost anything.
var refused = func() map[string]string {
	const salt, key = "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	of := func(settings string) string { return "$argon2id$v=19$" + settings + "$" + salt + "$" + key }
	usual := of("m=19456,t=2,p=1")
	octets := func(n int) string { return noPadding(strings.Repeat("x", n)) }
	return map[string]string{
		"words":                         "correct horse battery",
		"bcrypt":                        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"argon2i":                       strings.Replace(usual, "argon2id", "argon2i", 1),
		"argon2d":                       strings.Replace(usual, "argon2id", "argon2d", 1),
		"capitals":                      strings.Replace(usual, "argon2id", "ARGON2ID", 1),
		"version 16":                    strings.Replace(usual, "v=19", "v=16", 1),
		"no version":                    strings.Replace(usual, "$v=19", "", 1),
		"something before":              "x" + usual,
		"a blank before":                " " + usual,
		"a line end after":              usual + "\n",
		"one part more":                 usual + "$",
		"one part less":                 usual[:strings.LastIndex(usual, "$")],
		"dollars only":                  "$$$$$",
		"another order":                 of("t=2,m=19456,p=1"),
		"no lanes":                      of("m=19456,t=2"),
		"a key id":                      of("m=19456,t=2,p=1,keyid=AA"),
		"blanks in the settings":        of("m= 19456,t=2,p=1"),
		"more after the settings":       of("m=19456,t=2,p=1x"),
		"a leading zero":                of("m=019456,t=2,p=1"),
		"a sign":                        of("m=+19456,t=2,p=1"),
		"hexadecimal":                   of("m=0x4c00,t=2,p=1"),
		"a negative number":             of("m=-19456,t=2,p=1"),
		"an empty number":               of("m=,t=2,p=1"),
		"memory of 4 GiB":               of("m=4194304,t=2,p=1"),
		"memory just above":             of("m=65537,t=2,p=1"),
		"memory past 32 bits":           of("m=4294986752,t=2,p=1"),
		"memory past 64 bits":           of("m=18446744073709551617,t=2,p=1"),
		"no memory":                     of("m=0,t=2,p=1"),
		"memory too small for a lane":   of("m=7,t=2,p=1"),
		"memory too small for 4 lanes":  of("m=31,t=2,p=4"),
		"passes just above":             of("m=19456,t=11,p=1"),
		"many passes":                   of("m=8,t=4294967295,p=1"),
		"no pass":                       of("m=19456,t=0,p=1"),
		"lanes just above":              of("m=19456,t=2,p=5"),
		"256 lanes":                     of("m=19456,t=2,p=256"),
		"no lane":                       of("m=19456,t=2,p=0"),
		"no salt":                       "$argon2id$v=19$m=19456,t=2,p=1$$" + key,
		"a salt just too short":         "$argon2id$v=19$m=19456,t=2,p=1$" + octets(7) + "$" + key,
		"a salt just too long":          "$argon2id$v=19$m=19456,t=2,p=1$" + octets(65) + "$" + key,
		"no key":                        "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$",
		"a key just too short":          "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + octets(15),
		"a key just too long":           "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + octets(65),
		"a salt of a megabyte":          "$argon2id$v=19$m=19456,t=2,p=1$" + octets(1<<20) + "$" + key,
		"padding":                       usual + "=",
		"base64 for URLs":               "$argon2id$v=19$m=19456,t=2,p=1$" + salt[:21] + "_$" + key,
		"a line end in the salt":        "$argon2id$v=19$m=19456,t=2,p=1$" + salt[:4] + "\n" + salt[4:] + "$" + key,
		"bits past the end of the salt": "$argon2id$v=19$m=19456,t=2,p=1$" + salt[:21] + "h$" + key,
		"not UTF-8":                     usual[:len(usual)-1] + "\xff",
	}
}()

func noPadding(octets string) string {
	h := argonHash{salt: []byte(octets)}.String()
	return strings.Split(h, "$")[4]
}

func TestVerifyRefusesHashes(t *testing.T) {
	t.Parallel()
	for name, hash := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, done := counting(small())
			ok, rehash, err := p.Verify(t.Context(), "correct horse", hash)
			if ok || rehash || !errors.Is(err, ErrHashRefused) {
				t.Errorf("ok %t, rehash %t, %v", ok, rehash, err)
			}
			if want := (work{1, 2 * 19 * 1024, 19 * 1024, 32, 19 * 1024}); *done != want {
				t.Errorf("did %+v, want a usual hash: %+v", *done, want)
			}
			if len(hash) > 20 && strings.Contains(fmt.Sprint(err), hash[:20]) {
				t.Errorf("the log would hold the hash: %v", err)
			}
		})
	}
}

// TestHugeHashIsNotRead counts allocations, and so runs alone.
func TestHugeHashIsNotRead(t *testing.T) {
	huge := refused["a salt of a megabyte"]
	if n := testing.AllocsPerRun(10, func() { parseArgonHash(huge) }); n > 1 {
		t.Errorf("%v allocations to refuse a megabyte, want the result alone", n)
	}
}

// TestVerifyTakesTheBounds holds that the settings at the very bounds still work.
func TestVerifyTakesTheBounds(t *testing.T) {
	t.Parallel()
	p, _ := counting(small())
	for _, h := range []argonHash{
		{memory: 64 * 1024, time: 10, threads: 4, salt: make([]byte, 64), key: make([]byte, 64)},
		{memory: 8, time: 1, threads: 1, salt: make([]byte, 8), key: make([]byte, 16)},
		{memory: 32, time: 1, threads: 4, salt: make([]byte, 8), key: make([]byte, 16)},
	} {
		h.key = p.derive("correct horse", h, uint32(len(h.key)))
		if ok, _, err := p.Verify(t.Context(), "correct horse", h.String()); !ok || err != nil {
			t.Errorf("%s: ok %t, %v", h, ok, err)
		}
	}
}

// TestVerifyTakesTheSameWork holds that time tells nothing: neither whether a
// user exists, nor whether the password was right.
func TestVerifyTakesTheSameWork(t *testing.T) {
	t.Parallel()
	const password = "correct horse"
	p, done := counting(small())
	usual, err := p.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	want := *done
	if want != (work{1, 2 * 19 * 1024, 19 * 1024, 32, 19 * 1024}) {
		t.Fatalf("a hash is %+v", want)
	}
	for _, c := range []struct {
		name, password, hash string
		ok                   bool
	}{
		{"right", password, usual, true},
		{"wrong", "correct house", usual, false},
		{"empty password", "", usual, false},
		{"unknown", password, "", false},
		{"unknown, empty password", "", "", false},
		{"the key of nobody", password, noHash.String(), false},
		{"planted", password, refused["memory of 4 GiB"], false},
		{"malformed", password, refused["words"], false},
	} {
		*done = work{}
		ok, _, _ := p.Verify(t.Context(), c.password, c.hash)
		if ok != c.ok || *done != want {
			t.Errorf("%s: ok %t, did %+v, want %+v", c.name, ok, *done, want)
		}
	}
	*done = work{}
	if err := p.VerifyNone(t.Context(), password); err != nil || *done != want {
		t.Errorf("nobody: %v, did %+v, want %+v", err, *done, want)
	}

	// A cheaper hash takes more calls, which together cost what one of today does.
	for _, h := range []argonHash{
		{memory: 19 * 1024, time: 1}, {memory: 12 * 1024, time: 3}, {memory: 9 * 1024, time: 4}, {memory: 7 * 1024, time: 5},
		{memory: 16 * 1024, time: 1}, {memory: 4 * 1024, time: 2}, {memory: 1024, time: 1}, {memory: 8, time: 1},
	} {
		h.threads, h.salt = 1, make([]byte, 16)
		h.key = p.derive(password, h, keyLength)
		room := max(want.memory, h.memory+want.memory/8)
		for _, tried := range []string{password, "correct house"} {
			*done = work{}
			ok, _, err := p.Verify(t.Context(), tried, h.String())
			if ok != (tried == password) || err != nil || done.cost != want.cost || done.most > want.most || done.memory > room {
				t.Errorf("%s: ok %t, %v, did %+v, want %+v", h, ok, err, *done, want)
			}
		}
	}
}

// TestNobodyMatchesNobody plays the case that a password's key is all zeros, as
// the one that stands in for a missing hash.
func TestNobodyMatchesNobody(t *testing.T) {
	t.Parallel()
	p := small()
	p.idKey = func(_, _ []byte, _, _ uint32, _ uint8, keyLen uint32) []byte { return make([]byte, keyLen) }
	for _, hash := range []string{"", "nonsense"} {
		if ok, rehash, _ := p.Verify(t.Context(), "correct horse", hash); ok || rehash {
			t.Errorf("%q: ok %t, rehash %t", hash, ok, rehash)
		}
	}
}

func TestVerifyWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, done := counting(small())
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		verified := make(chan error, 1)
		go func() { verified <- p.VerifyNone(t.Context(), "correct horse") }()
		synctest.Wait()
		if done.calls != 0 {
			t.Error("hashed before its turn")
		}
		p.done()
		if err := <-verified; err != nil || done.calls != 1 {
			t.Errorf("%v, %d hashes", err, done.calls)
		}
	})
}

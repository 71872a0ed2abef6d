package apitest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// breaks are the ways in which a request is damaged. A way that does not fit a request
// leaves it as it is and says so. What a way makes may happen to be valid still: then
// the document has the last word.
var breaks = map[string]func(w *world, q *message) bool{
	"another type":     inTree(func(w *world, n *node) { *n = *w.anything(3) }),
	"a hostile text":   inTree(func(w *world, n *node) { *n = node{text: w.hostileText()} }),
	"a hostile number": inTree(func(w *world, n *node) { *n = node{text: oneOf(w.r, hostileNumbers...)} }),
	"null":             inTree(func(_ *world, n *node) { *n = node{text: "null"} }),
	"a list around it": inTree(func(_ *world, n *node) { item := *n; *n = node{kind: 'a', items: []*node{&item}} }),
	"deep":             inTree(func(w *world, n *node) { *n = node{text: w.deep()} }),
	"a field less": inObject(func(_ *world, n *node, i int) {
		n.names, n.items = slices.Delete(n.names, i, i+1), slices.Delete(n.items, i, i+1)
	}),
	"an unknown field":     inObject(func(w *world, n *node, _ int) { n.add(w.hostileText(), w.anything(2)) }),
	"a field of the table": inObject(func(w *world, n *node, _ int) { n.add(inQuotes(oneOf(w.r, takenFields...)), w.anything(1)) }),
	"a field twice":        inObject(func(_ *world, n *node, i int) { n.add(n.names[i], n.items[i]) }),
	"a field twice, differing": inObject(func(w *world, n *node, i int) {
		n.add(n.names[i], w.anything(1))
	}),
	"a field in another case": inObject(func(w *world, n *node, i int) {
		if i%2 == 0 {
			n.add(strings.ToUpper(n.names[i]), w.anything(1))
		} else {
			n.names[i] = strings.ToUpper(n.names[i][:2]) + n.names[i][2:]
		}
	}),
	"a name in escapes": inObject(func(_ *world, n *node, i int) {
		n.names[i] = fmt.Sprintf(`"\u%04x`, n.names[i][1]) + n.names[i][2:]
	}),

	"cut":           inBytes(func(w *world, b []byte) []byte { return b[:w.r.IntN(len(b))] }),
	"an octet less": inBytes(func(w *world, b []byte) []byte { i := w.r.IntN(len(b)); return slices.Delete(b, i, i+1) }),
	"a bit flipped": inBytes(func(w *world, b []byte) []byte { b[w.r.IntN(len(b))] ^= 1 << w.r.IntN(8); return b }),
	"more after it": inBytes(func(w *world, b []byte) []byte {
		return append(b, oneOf(w.r, "{}", ",", "\x00", " null", "]", "\ufeff")...)
	}),
	"more before it": inBytes(func(w *world, b []byte) []byte {
		return append([]byte(oneOf(w.r, "\ufeff", "\x00", "[", ")]}',\n", "//\n")), b...)
	}),
	"noise": inBytes(func(w *world, b []byte) []byte {
		for i := range b {
			b[i] = byte(w.r.Uint32())
		}
		return b
	}),
	"UTF-16": inBytes(func(_ *world, b []byte) []byte {
		wide := []byte{0xff, 0xfe}
		for _, c := range b {
			wide = append(wide, c, 0)
		}
		return wide
	}),
	"blanks around it": inBytes(func(w *world, b []byte) []byte {
		return append(append(bytes.Repeat([]byte(" \n\t\r"), w.r.IntN(100)), b...), '\n')
	}),
	"an empty body": inBytes(func(*world, []byte) []byte { return []byte{} }),
	"a huge body": inBytes(func(w *world, b []byte) []byte {
		return append(b, bytes.Repeat([]byte(" "), oneOf(w.r, 64<<10-len(b)%(64<<10), 64<<10+1-len(b)%(64<<10), 64<<10, 200<<10))...)
	}),

	"another media type": func(w *world, q *message) bool {
		if q.op.body == nil {
			return false
		}
		q.set("Content-Type", oneOf(w.r, "", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
			"application/json; charset", "application/json;;", "APPLICATION/JSON", "application/problem+json", "application/merge-patch+json", "application/json, text/plain", `application/json; charset="utf-8"`, "*/*", "json", mark))
		if w.r.IntN(4) == 0 {
			q.header = append(q.header, [2]string{"Content-Type", "text/plain"})
			q.wild = true // the first one counts
		}
		return true
	},
	"no media type": func(_ *world, q *message) bool { q.drop("Content-Type"); return q.op.body != nil },
	"an encoding": func(w *world, q *message) bool {
		if q.op.body == nil {
			return false
		}
		q.set("Content-Encoding", oneOf(w.r, "gzip", "gzip", "br", "identity", "Identity", "deflate, gzip", mark))
		if w.r.IntN(2) == 0 {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(q.content())
			_ = z.Close()
			q.body = b.Bytes()
		}
		return true
	},
	"a body where there is none": func(w *world, q *message) bool {
		if q.op.body != nil {
			return false
		}
		q.body = []byte(oneOf(w.r, "{}", `{"role":"admin"}`, mark, w.deep()))
		q.set("Content-Type", oneOf(w.r, "application/json", "text/plain"))
		return true
	},

	"an unknown parameter": func(w *world, q *message) bool {
		q.query = append(q.query, [2]string{oneOf(w.r, "force", mark, "limit%00", "Limit", "user_id", "%F0%9F%98%80", "a%5Bb%5D", strings.Repeat("a", 3000)), "1"})
		return true
	},
	"a parameter twice": func(w *world, q *message) bool {
		if len(q.query) == 0 {
			return false
		}
		q.query = append(q.query, oneOf(w.r, q.query...))
		return true
	},
	"a broken query": func(w *world, q *message) bool {
		q.query = append(q.query, [2]string{oneOf(w.r, "%zz", "%", "a;b", "%u0041", "=", "&&", ""), oneOf(w.r, "%4", "\x00", "=&=", "1;2")})
		return true
	},
	"a hostile parameter": func(w *world, q *message) bool {
		var names []string
		for _, p := range q.op.parameters {
			if p.in == "query" {
				names = append(names, p.name)
			}
		}
		if names == nil {
			return false
		}
		value := w.hostileParameter()
		if value == "" {
			value = oneOf(w.r, "", "\x00")
		}
		q.query = append(q.query, [2]string{oneOf(w.r, names...), value})
		return true
	},
	"a hostile cursor": func(w *world, q *message) bool {
		if len(w.walks) == 0 || len(q.query) == 0 && q.method != "GET" {
			return false
		}
		walk := oneOf(w.r, w.walks...)
		raw, _ := base64.RawURLEncoding.DecodeString(walk.cursor)
		for range 1 + w.r.IntN(3) {
			raw[w.r.IntN(len(raw))] ^= 1 << w.r.IntN(8)
		}
		q.query = append(slices.Clone(walk.query), [2]string{"cursor", base64.RawURLEncoding.EncodeToString(raw)})
		return true
	},
	"a hostile id": func(w *world, q *message) bool {
		if !strings.Contains(q.op.path, "{") {
			return false
		}
		id := w.newID().String()
		q.path = q.op.path[:strings.IndexByte(q.op.path, '{')] + oneOf(w.r, id, strings.ToUpper(id), "urn:uuid:"+id, "%7B"+id+"%7D", strings.ReplaceAll(id, "-", ""), id+"0", id[:35], "0", "-1", "null",
			"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "%00", "%ff", "%zz", "'", "%27%20OR%201=1--", mark, "%2e%2e", "..", ".", "", "%20", "a%2Fb", strings.Repeat("a", 5000), oneOf(w.r, append(w.gone, id)...)) +
			q.op.path[strings.IndexByte(q.op.path, '}')+1:]
		q.wild = true
		return true
	},

	"a mangled path": func(w *world, q *message) bool {
		i := w.r.IntN(len(q.path))
		q.path = oneOf(w.r, q.path+"/", "/"+q.path, strings.ReplaceAll(q.path, "/", "//"), strings.ToUpper(q.path), q.path+"/..", q.path+"/../..", "/api/../etc/passwd", "/."+q.path, strings.Replace(q.path, "/api/", "/api%2F", 1),
			q.path[:i]+fmt.Sprintf("%%%02x", q.path[i])+q.path[i+1:], q.path[:i]+"%00"+q.path[i:], q.path[:i]+";x=y"+q.path[i:], q.path[:i]+"\\"+q.path[i:], q.path+"%20", q.path+"/"+mark, "/", "/docs/../api/users", "/docs/"+mark, "/api/"+mark,
			q.path[:i]+"%c0%af"+q.path[i:], q.path[:i]+"é"+q.path[i:], q.path+".json", q.path[:max(i, 1)])
		q.wild = true
		return true
	},
	"another form of target": func(w *world, q *message) bool {
		q.path = oneOf(w.r, "http://"+w.address+q.path, "http://example.org"+q.path, "*", strings.TrimPrefix(q.path, "/"), "//example.org"+q.path, "http://[::1", q.path+"#"+mark, " "+q.path, q.path+" x")
		q.torn, q.wild = true, true
		return true
	},
	"another method": func(w *world, q *message) bool {
		q.method = oneOf(w.r, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "QUERY", mark, "G", strings.Repeat("A", 200))
		q.wild = true
		return true
	},
	"a method that is none": func(w *world, q *message) bool {
		q.method = oneOf(w.r, "", "G T", "GET\x00", "(", "GÉT", "GET\t")
		q.torn = true
		return true
	},
	"another method in a header": func(w *world, q *message) bool {
		q.set(oneOf(w.r, "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), oneOf(w.r, "DELETE", "PUT", mark))
		return true
	},

	"another credential": func(w *world, q *message) bool {
		token := ""
		if q.by != nil {
			token = q.by.token
		}
		q.by, q.caller = nil, "a broken credential"
		q.drop("Cookie")
		q.set("Authorization", oneOf(w.r, "", "Bearer", "Bearer ", "Basic "+base64.StdEncoding.EncodeToString([]byte(token+":x")), "Token "+token, token, "Bearer "+token+"x", "Bearer "+strings.ToUpper(token), "Bearer \""+token+"\"",
			"Bearer "+token[:len(token)/2], "Bearer rst_"+strings.Repeat("0", 49), "Bearer rss_"+strings.Repeat("z", 5000), "Bearer "+mark, "Bearer null", "Bearer 0", "Bearer \xff\xfe", "Negotiate "+mark, "Bearer  \t"))
		if w.r.IntN(4) == 0 {
			q.header = append(q.header, [2]string{"Authorization", "Bearer " + token})
		}
		return true
	},
	"another cookie": func(w *world, q *message) bool {
		if q.by == nil {
			return false
		}
		q.drop("Authorization")
		q.set("Cookie", oneOf(w.r, "__Host-roster=x; __Host-roster=", `__Host-roster="`, "roster=", "__host-roster=", "; ;__Host-roster=", strings.Repeat("a=b; ", 200)+"__Host-roster=")+q.by.token)
		q.by, q.caller = nil, "a broken cookie"
		return true
	},
	"another caller": func(w *world, q *message) bool {
		q.by = oneOf(w.r, w.callers...)
		q.caller = q.by.name
		q.drop("Cookie")
		q.set("Authorization", "Bearer "+q.by.token)
		return true
	},
	"a page of somebody's": func(w *world, q *message) bool {
		q.set("Origin", oneOf(w.r, "null", "https://example.org", "http://"+w.address+".example.org", "http://"+mark, "http://"+strings.ToUpper(w.address), "x", "http://"+w.address+"/"))
		q.set("Sec-Fetch-Site", oneOf(w.r, "cross-site", "same-site", "none", mark))
		return true
	},

	"a hostile condition": func(w *world, q *message) bool {
		q.set(oneOf(w.r, "If-Match", "If-None-Match"), oneOf(w.r, "*", `""`, `"`, "W/", `W/"x"`, `"a","b"`, `"a" "b"`, "a", `"\x22"`, ",", `,,,"a"`, `"é"`, "\"\xff\"", `"a`+"\t"+`b"`, "*, *", `*, "a"`, strings.Repeat(`"a",`, 2000)+`"b"`, `w/"x"`, mark))
		return true
	},
	"a hostile idempotency key": func(w *world, q *message) bool {
		q.set("Idempotency-Key", oneOf(w.r, "", " ", "a b", strings.Repeat("k", 255), strings.Repeat("k", 256), strings.Repeat("k", 9000), "é", "\xff", `"quoted"`, "a,b", mark, "'", "\t"))
		if w.r.IntN(4) == 0 {
			q.header = append(q.header, [2]string{"Idempotency-Key", "another"})
		}
		return true
	},
	"an idempotency key of before": func(w *world, q *message) bool {
		earlier := w.repeats[q.op.id]
		if earlier == nil {
			return false
		}
		q.set("Idempotency-Key", earlier.get("Idempotency-Key"))
		return true
	},
	"hostile headers": func(w *world, q *message) bool {
		for range 1 + w.r.IntN(4) {
			h := oneOf(w.r, hostileHeaders...)
			q.set(h[0], h[1])
		}
		return true
	},
	"another host": func(w *world, q *message) bool {
		q.set("Host", oneOf(w.r, "example.org", "localhost", "LOCALHOST:1", "127.0.0.1.example.org", "[::1]", "[::1]:x", "localhost:99999", "127.0.0.1:", "0", mark, "169.254.169.254", "localhost."))
		return true
	},
	"a host that is none": func(w *world, q *message) bool {
		q.set("Host", oneOf(w.r, "-", "a b", "\x00", "é", "loc@lhost", "a/b", "::1"))
		if w.r.IntN(3) == 0 {
			q.header = append(q.header, [2]string{"Host", "localhost"})
		}
		q.torn = true
		return true
	},
	"a header that is none": func(w *world, q *message) bool {
		q.header = append(q.header, oneOf(w.r, [2]string{"A b", "x"}, [2]string{"", "x"}, [2]string{"A\x00", "x"}, [2]string{"A", "x\x00y"}, [2]string{"A", "x\ny"}, [2]string{"A", "x\r\n\tfolded"}, [2]string{"é", "x"}, [2]string{"A:", "\x7f"}, [2]string{" A", "x"}, [2]string{"A ", "x"}))
		q.torn = true
		return true
	},
	"a huge header": func(w *world, q *message) bool {
		n := oneOf(w.r, 20<<10, 31<<10, 40<<10, 200<<10)
		q.set(oneOf(w.r, "X-Huge", "Cookie", "If-Match", "Authorization", "User-Agent"), strings.Repeat("a", n))
		q.torn = true
		if q.get("Authorization") == "" || len(q.get("Authorization")) > 1000 {
			q.by = nil
		}
		return true
	},
	"many headers": func(_ *world, q *message) bool {
		for i := range 400 {
			q.header = append(q.header, [2]string{"X-" + strconv.Itoa(i), mark})
		}
		return true
	},
	"another version": func(w *world, q *message) bool {
		q.version = oneOf(w.r, "HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3", "HTTP/1.2", "http/1.1", "", "HTTP/1.1 x", "ICY")
		q.torn = true
		return true
	},
	"another length": func(w *world, q *message) bool {
		if q.op.body == nil {
			return false
		}
		n := len(q.content())
		q.chunked = false
		q.set("Content-Length", oneOf(w.r, "-1", "x", "0x10", "", "99999999999999999999", strconv.Itoa(n+5), strconv.Itoa(n+5), strconv.Itoa(n/2), "99000000", "+5", "1, 2", "1_0"))
		if w.r.IntN(5) == 0 {
			q.header = append(q.header, [2]string{"Content-Length", "3"})
		}
		q.torn, q.cut = true, true
		return true
	},
	"two framings": func(w *world, q *message) bool {
		if q.op.body == nil {
			return false
		}
		q.chunked = w.r.IntN(2) == 0
		q.set("Content-Length", strconv.Itoa(len(q.content())))
		q.header = append(q.header, [2]string{"Transfer-Encoding", oneOf(w.r, "chunked", "gzip", "gzip, chunked", "identity", "chunked, chunked", "\x0bchunked", "Chunked", mark)})
		q.torn, q.cut = true, true
		return true
	},
	"it expects something": func(w *world, q *message) bool {
		q.set("Expect", oneOf(w.r, "100-continue", "100-Continue", "200-ok", mark))
		q.torn = true
		return true
	},
}

// ways are the breaks that damage a body first: what hashes must not be reached often.
var (
	ways     = slices.Sorted(maps.Keys(breaks))
	bodyWays = slices.DeleteFunc(slices.Clone(ways), func(name string) bool {
		return !slices.Contains([]string{"another type", "a hostile number", "null", "deep", "a field less", "an unknown field", "a field twice", "a field in another case", "cut", "noise",
			"more after it", "another media type", "no media type", "an empty body", "UTF-16", "a list around it", "a field of the table", "an octet less", "a hostile text"}, name)
	})
)

// damaged makes a request that is broken in one way, or in some.
func (w *world) damaged(op *operation) *message {
	q := w.wellFormed(op)
	of := ways
	if op.dear {
		of = bodyWays
	}
	for tries, left := 0, oneOf(w.r, 1, 1, 1, 2, 3); left > 0 && tries < 20; tries++ {
		name := oneOf(w.r, of...)
		if !breaks[name](w, q) {
			continue
		}
		q.how = append(q.how, name)
		left--
		of = ways
	}
	return q
}

// inTree changes a value somewhere in a body.
func inTree(change func(*world, *node)) func(*world, *message) bool {
	return func(w *world, q *message) bool {
		if q.tree == nil || q.body != nil {
			return false
		}
		change(w, oneOf(w.r, q.tree.all()...))
		return true
	}
}

// inObject changes something at a field of a body.
func inObject(change func(*world, *node, int)) func(*world, *message) bool {
	return func(w *world, q *message) bool {
		if q.tree == nil || q.body != nil || q.tree.kind != 'o' || len(q.tree.items) == 0 {
			return false
		}
		change(w, q.tree, w.r.IntN(len(q.tree.items)))
		return true
	}
}

// inBytes changes a body as it is written.
func inBytes(change func(*world, []byte) []byte) func(*world, *message) bool {
	return func(w *world, q *message) bool {
		if len(q.content()) == 0 {
			return false
		}
		q.body = change(w, slices.Clone(q.content()))
		return true
	}
}

// anything is a JSON value of any kind.
func (w *world) anything(depth int) *node {
	switch w.r.IntN(8) {
	case 0:
		return &node{text: oneOf(w.r, hostileNumbers...)}
	case 1:
		return &node{text: oneOf(w.r, "true", "false", "null")}
	case 2, 3:
		n := &node{kind: oneOf(w.r, byte('a'), 'o')}
		for range w.r.IntN(4) {
			if depth > 0 {
				n.add(w.hostileText(), w.anything(depth-1))
			}
		}
		return n
	case 4:
		return &node{text: inQuotes(oneOf(w.r, "admin", "editor", "viewer", "users:read", w.newID().String(), "2030-01-01T00:00:00Z"))}
	default:
		return &node{text: w.hostileText()}
	}
}

// hostileText is a text in JSON, or nearly.
func (w *world) hostileText() string {
	switch w.r.IntN(6) {
	case 0:
		return inQuotes(w.letters(1 + w.r.IntN(300)))
	case 1:
		return inQuotes(strings.Repeat(oneOf(w.r, "a", "é", "👩", "\u0301", " ", "\ufdfa"), oneOf(w.r, 1, 101, 129, 255, 1025, 9000, 20_000)))
	case 2: // an address, nearly
		return inQuotes(oneOf(w.r, "a@b", "@", "a@b@c.d", "a@localhost", " a@b.co", "a@b.co\n", `"a b"@c.de`, "<a@b.co>", strings.Repeat("a", 65)+"@b.co", "a@"+strings.Repeat("b.", 130)+"co", "a@xn--.co", "a@\u2024co", "İ@b.co", "a@ﬁ.co", mark+"@[127.0.0.1]", "a@１.co", "a@b.co\u200d", "ẞ@b.co"))
	default:
		return oneOf(w.r, hostileTexts...)
	}
}

// hostileParameter is a value in a query, escaped, or not as it should be.
func (w *world) hostileParameter() string {
	switch w.r.IntN(4) {
	case 0:
		return url.QueryEscape(oneOf(w.r, hostileNumbers...))
	case 1:
		return url.QueryEscape(strings.Trim(w.hostileText(), `"`))
	case 2:
		return url.QueryEscape(w.letters(1 + w.r.IntN(150)))
	default:
		return oneOf(w.r, "", "%00", "%ff", "%c3%28", "%ed%a0%80", "%zz", "%", "a%0d%0aSet-Cookie:x=y", "+", "%2B1", "TRUE", "1", "t", "null", "undefined", "2026-13-01T00:00:00Z", "2026-01-01", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z",
			"10000-01-01T00:00:00Z", "2026-01-01T00:00:00%2B99:99", "infinity", "-infinity", "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "name,email", "-id", "%25%25%25", "%5C%5C%5C", "___", "'%20OR%20''='", mark)
	}
}

// deep is a value in which others stand, one in the other.
func (w *world) deep() string {
	n := oneOf(w.r, 10, 100, 1000, 9999, 10_001, 15_000)
	switch w.r.IntN(3) {
	case 0:
		return strings.Repeat("[", n)
	case 1:
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	default:
		n /= 2
		return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
	}
}

// takenFields are names that a body of somebody's might want to set.
var takenFields = []string{"id", "createdAt", "updatedAt", "disabled", "role", "password", "passwordHash", "userId", "user_id", "permissions", "scopes", "expiresAt", "__proto__", "constructor", "$schema", "", "hash"}

var hostileNumbers = []string{
	"0", "-0", "-1", "1", "1.0", "1.5", "1e2", "1E400", "-1e400", "1e-400", "01", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "-", "2147483647", "2147483648", "-2147483649", "9007199254740993",
	"9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999999999999999999", "604800", "604801", "0.1e1", "1e1000000000", "1_000", "١",
}

// hostileTexts are texts as they stand in JSON; some are none.
var hostileTexts = []string{
	`""`, `" "`, `"\u0000"`, `"a\u0000b"`, "\"a\x00b\"", "\"a\nb\"", `"\n"`, `"\u001b[31m"`, `"\u007f"`, `"\u0085"`, `"\ud800"`, `"\udc00\ud800"`, `"\uD83D\uDE00"`, "\"\xff\"", "\"\xc3\x28\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
	`"\x41"`, `"\u12"`, `"`, `'a'`, `"a`, `"\"`, `"\u202eabc"`, `"\u2028"`, `"\u200b"`, `"\u00a0\u3000"`, `"\ufeff"`, `"\ufffe"`, `"\uffff"`, `"\ufdd0"`, `"'; DROP TABLE users; --"`, `"%s%n%d"`, `"${jndi:ldap://x}"`, `"../../etc/passwd"`,
	`"<script>alert(1)</script>"`, `"` + mark + `"`, `"__proto__"`, `"null"`, `"true"`, `"0"`, `"{\"role\":\"admin\"}"`, `"Ａｄａ"`, `"e\u0301"`, `"\u1e9e"`, `"ADMIN"`, `"Admin"`, `"admin "`, `"viewer\u0000"`, `"users:*"`, `"*"`,
}

var hostileHeaders = [][2]string{
	{"X-Forwarded-For", "8.8.8.8, " + mark}, {"X-Forwarded-Host", "example.org"}, {"X-Forwarded-Proto", "https"}, {"Forwarded", "for=" + mark + ";host=example.org"}, {"X-Real-IP", "' OR 1=1"},
	{"X-Request-Id", "a b"}, {"X-Request-Id", ""}, {"X-Request-Id", "\xff"}, {"X-Request-Id", "<script>"}, {"X-Request-Id", "0123456789012345678901234567890123456789012345678901234567890123456789"},
	{"Accept", "text/html"}, {"Accept", "application/cbor"}, {"Accept", "*/*;q=0"}, {"Accept", ";;;"}, {"Accept", "\xff"}, {"Accept", ""}, {"Accept-Encoding", "gzip;q=0"}, {"Accept-Encoding", "gzip;q=x, br"}, {"Accept-Encoding", "*"}, {"Accept-Encoding", "zstd"},
	{"Range", "bytes=0-1"}, {"Range", "bytes=-1,0-,5-3"}, {"If-Range", `"x"`}, {"If-Modified-Since", "Mon, 01 Jan 2035 00:00:00 GMT"}, {"If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"}, {"Cache-Control", "only-if-cached"}, {"Pragma", "no-cache"},
	{"Upgrade", "websocket"}, {"Upgrade", "h2c"}, {"Http2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"}, {"Te", "trailers"}, {"Trailer", "X-After"}, {"Via", "1.0 " + mark}, {"Max-Forwards", "0"},
	{"User-Agent", "\xff\xfe" + mark}, {"User-Agent", ""}, {"User-Agent", "a\tb"}, {"User-Agent", "👩\u202e"}, {"Referer", "http://" + mark}, {"From", mark + "@example.org"}, {"Cookie", "a=b; c"}, {"Cookie", "=;=;;"}, {"Prefer", "return=minimal"},
	{"Access-Control-Request-Method", "DELETE"}, {"Access-Control-Request-Headers", mark}, {"Content-Language", "xx"}, {"Content-Disposition", "attachment; filename=" + mark}, {"Content-Md5", mark}, {"Digest", "sha-256=x"}, {"Proxy", "http://example.org"}, {"Proxy-Authorization", "Basic x"},
}

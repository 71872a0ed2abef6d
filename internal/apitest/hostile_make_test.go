package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operation is an operation of the document.
type operation struct {
	id, method, path string
	parameters       []parameter
	media            []string // of the body; none: it has none
	body             any      // its schema
	roles            []string // who may, if not everyone
	public           bool
	idempotent       bool // it has an Idempotency-Key
	dear             bool // it may hash a password
}

type parameter struct {
	in, name string
	required bool
	schema   any
}

// operations reads them from the document.
func operations(doc map[string]any) (ops []*operation) {
	paths := doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			op := &operation{id: down(item, method, "operationId").(string), method: strings.ToUpper(method), path: path}
			parameters, _ := down(item, method, "parameters").([]any)
			for _, p := range parameters {
				required, _ := down(p, "required").(bool)
				op.parameters = append(op.parameters, parameter{down(p, "in").(string), down(p, "name").(string), required, down(p, "schema")})
				op.idempotent = op.idempotent || down(p, "name") == "Idempotency-Key"
			}
			content, _ := down(item, method, "requestBody", "content").(map[string]any)
			for _, media := range slices.Sorted(maps.Keys(content)) {
				op.media = append(op.media, media)
				op.body = down(content, media, "schema")
			}
			access := down(item, method, "x-roster-access")
			op.public, _ = down(access, "public").(bool)
			for _, roles := range []any{down(access, "roles"), down(access, "own", "roles")} {
				list, _ := roles.([]any)
				for _, r := range list {
					op.roles = append(op.roles, fmt.Sprint(r))
				}
			}
			for name := range fields(doc, op.body) {
				op.dear = op.dear || strings.Contains(strings.ToLower(name), "password")
			}
			ops = append(ops, op)
		}
	}
	return ops
}

// segment is what the paths of the operation's things begin with: users, keys.
func (op *operation) segment() string { return strings.Split(op.path+"//", "/")[2] }

// fields are the properties of a schema.
func fields(doc map[string]any, schema any) map[string]any {
	properties, _ := down(follow(doc, schema), "properties").(map[string]any)
	return properties
}

// follow goes where a $ref points.
func follow(doc map[string]any, schema any) any {
	for {
		ref, ok := down(schema, "$ref").(string)
		if !ok {
			return schema
		}
		schema = down(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
}

// node is a JSON value that can be written as none should be: twice the same name, a
// text that is no text.
type node struct {
	text  string // of what is neither object nor array, as it is written
	items []*node
	names []string // of an object's items
	kind  byte     // o, a or 0
}

func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case 'o', 'a':
		b.WriteByte(map[byte]byte{'o': '{', 'a': '['}[n.kind])
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if n.kind == 'o' {
				b.WriteString(n.names[i] + ":")
			}
			item.write(b)
		}
		b.WriteByte(map[byte]byte{'o': '}', 'a': ']'}[n.kind])
	default:
		b.WriteString(n.text)
	}
}

func (n *node) add(name string, item *node) {
	n.names = append(n.names, name)
	n.items = append(n.items, item)
}

// all are a value and what is in it.
func (n *node) all() []*node {
	found := []*node{n}
	for _, item := range n.items {
		found = append(found, item.all()...)
	}
	return found
}

func inQuotes(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// request makes the next request of a life.
func (w *world) request() *message {
	op := oneOf(w.r, w.ops...)
	valid := w.r.IntN(100) < 50
	if valid && op.dear && w.r.IntN(8) > 0 { // hashes are what takes the time
		valid = false
	}
	if !valid {
		return w.damaged(op)
	}
	switch earlier := w.repeats[op.id]; {
	case earlier != nil && w.r.IntN(5) == 0:
		again := *earlier
		again.header = slices.Clone(earlier.header)
		again.set("X-Request-Id", w.requestID())
		return &again
	}
	return w.wellFormed(op)
}

func (w *world) requestID() string { return fmt.Sprintf("hostile-%d.%d", w.seed, w.index) }

// wellFormed makes a request that the document lets in, by somebody who likely may.
func (w *world) wellFormed(op *operation) *message {
	q := &message{op: op, method: op.method, version: "HTTP/1.1"}
	w.call(q)
	subject := oneOf(w.r, w.users...)
	if q.by != nil && w.r.IntN(3) == 0 {
		subject = q.by.user
	}
	if op.dear && q.by != nil && strings.Contains(op.path, "{") && slices.ContainsFunc(slices.Collect(maps.Keys(fields(w.contract.doc, op.body))), func(name string) bool { return strings.HasPrefix(name, "current") }) {
		subject = q.by.user // who alone knows it
	}
	q.path = op.path
	var walked *nextPage
	for i := range w.walks {
		if w.walks[i].op == op && w.r.IntN(3) == 0 {
			walked = &w.walks[i]
		}
	}
	for _, p := range op.parameters {
		switch {
		case p.in == "path":
			q.path = strings.ReplaceAll(q.path, "{"+p.name+"}", w.pathValue(op, p, subject))
		case p.in == "header":
			w.headerValue(q, p)
		case walked != nil || p.name == "cursor":
		case p.required || w.r.IntN(4) == 0:
			q.query = append(q.query, [2]string{p.name, url.QueryEscape(w.text(p.schema, p.name, subject))})
		}
	}
	if walked != nil {
		q.query = append(slices.Clone(walked.query), [2]string{"cursor", walked.cursor})
	}
	if op.body != nil {
		q.tree = w.value(op.body, "", subject)
		q.set("Content-Type", oneOf(w.r, op.media...)+oneOf(w.r, "", "", "", "; charset=utf-8", ";charset=UTF-8"))
		q.chunked = w.r.IntN(6) == 0
	}
	if w.r.IntN(4) == 0 {
		q.set("Accept-Encoding", "gzip")
	}
	q.set("X-Request-Id", w.requestID())
	return q
}

// call gives a request a credential, mostly one of a role that may.
func (w *world) call(q *message) {
	var fit []*caller
	for _, c := range w.callers {
		if q.op.roles == nil || slices.Contains(q.op.roles, string(c.role)) {
			fit = append(fit, c)
		}
	}
	switch {
	case q.op.public && w.r.IntN(2) == 0:
		q.caller = "nobody"
		return
	case len(fit) > 0 && w.r.IntN(6) > 0:
		q.by = oneOf(w.r, fit...)
		if w.r.IntN(3) > 0 { // admins may most
			q.by = fit[0]
		}
	default:
		q.by = oneOf(w.r, w.callers...)
	}
	q.caller = q.by.name
	if q.by.cookie {
		q.set("Cookie", "__Host-roster="+q.by.token)
		if w.r.IntN(2) == 0 {
			q.set("Origin", "http://"+w.address)
		} else {
			q.set("Sec-Fetch-Site", "same-origin")
		}
		return
	}
	q.set("Authorization", oneOf(w.r, "Bearer ", "Bearer ", "bearer ")+q.by.token)
}

func (w *world) pathValue(op *operation, p parameter, subject *person) string {
	if pool := w.pools[op.segment()]; len(pool) > 0 {
		return oneOf(w.r, pool...)
	}
	if op.segment() == "users" {
		return subject.id
	}
	return w.text(p.schema, p.name, subject)
}

func (w *world) headerValue(q *message, p parameter) {
	if w.r.IntN(3) > 0 {
		return
	}
	switch p.name {
	case "If-Match":
		q.set(p.name, oneOf(w.r, "*", w.etags[q.path], w.etags[q.path], `"x", `+w.etags[q.path]))
	case "If-None-Match":
		q.set(p.name, oneOf(w.r, w.etags[q.path], "W/"+w.etags[q.path], `"x"`))
	default:
		q.set(p.name, fmt.Sprintf("key-%d-%d", w.seed, w.index))
	}
	if strings.Trim(q.get(p.name), `"x, W/`) == "" {
		q.set(p.name, `"none"`)
	}
}

// value makes a JSON value that obeys a schema.
func (w *world) value(schema any, name string, subject *person) *node {
	schema = follow(w.contract.doc, schema)
	if of, ok := down(schema, "anyOf").([]any); ok {
		return w.value(oneOf(w.r, of...), name, subject)
	}
	kind := down(schema, "type")
	if kinds, ok := kind.([]any); ok {
		kind = kinds[0]
	}
	switch kind {
	case "object":
		n := &node{kind: 'o'}
		required, _ := down(schema, "required").([]any)
		properties := fields(w.contract.doc, schema)
		names := slices.Sorted(maps.Keys(properties))
		w.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, field := range names {
			if slices.Contains(required, any(field)) || w.r.IntN(3) == 0 {
				if field == "email" && properties["name"] == nil {
					n.add(inQuotes(field), &node{text: inQuotes(subject.email)})
					continue
				}
				n.add(inQuotes(field), w.value(properties[field], field, subject))
			}
		}
		return n
	case "array":
		n := &node{kind: 'a'}
		least := int(number(schema, "minItems", 0))
		for range least + w.r.IntN(2) {
			item := w.value(down(schema, "items"), name, subject)
			if !slices.ContainsFunc(n.items, func(other *node) bool { return other.text == item.text }) {
				n.items = append(n.items, item)
			}
		}
		return n
	case "string":
		return &node{text: inQuotes(w.text(schema, name, subject))}
	default:
		return &node{text: w.text(schema, name, subject)}
	}
}

func number(schema any, rule string, otherwise float64) float64 {
	if n, ok := down(schema, rule).(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return otherwise
}

// text makes a value that obeys a schema, as the text that it is in a query, or in a
// body without its quotes. What a field is called says what it likely means.
func (w *world) text(schema any, name string, subject *person) string {
	schema = follow(w.contract.doc, schema)
	if of, ok := down(schema, "enum").([]any); ok {
		return fmt.Sprint(oneOf(w.r, of...))
	}
	switch kind := down(schema, "type"); kind {
	case "boolean":
		return oneOf(w.r, "true", "false", "false")
	case "integer", "number":
		least, most := int64(number(schema, "minimum", 0)), int64(number(schema, "maximum", 1000))
		return strconv.FormatInt(oneOf(w.r, least, least, least+1, min(least+w.r.Int64N(30), most), most), 10)
	}
	switch format := down(schema, "format"); {
	case format == "uuid":
		return oneOf(w.r, subject.id, oneOf(w.r, w.users...).id, subject.id, w.newID().String())
	case format == "date-time" && strings.Contains(name, "xpire"):
		return time.Now().Add(time.Duration(1+w.r.IntN(80_000)) * time.Hour).UTC().Format(time.RFC3339)
	case format == "date-time":
		return time.Unix(w.r.Int64N(4e9), w.r.Int64N(1e9)).UTC().Format(time.RFC3339Nano)
	case format == "idn-email" && w.r.IntN(6) > 0:
		return w.freshEmail()
	case format == "idn-email":
		return subject.email
	}
	switch lower := strings.ToLower(name); {
	case lower == "newpassword", lower == "password" && number(schema, "minLength", 0) > 1:
		return fmt.Sprintf("%s of life %d, %d", mark, w.seed, w.index)
	case strings.Contains(lower, "password"):
		return subject.password
	case lower == "token" && len(w.resets) > 0:
		return w.resets[len(w.resets)-1].token
	}
	least, most := int(number(schema, "minLength", 1)), int(number(schema, "maxLength", 40))
	return w.letters(max(least, 1) + w.r.IntN(min(most, oneOf(w.r, 12, 12, 1000))-max(least, 1)+1))
}

// freshEmail makes an address that nobody has.
func (w *world) freshEmail() string {
	local, domain, _ := strings.Cut(w.newEmail(), "@")
	return oneOf(w.r, "", "", "", "Σ", "É", "jose\u0301.", "A+", "한") + local + "@" + oneOf(w.r, domain, domain, "EXAMPLE.Org", "b\u00fccher.example", "xn--bcher-kva.example", "b\u00fccher\u3002example")
}

var alphabets = [][]rune{
	[]rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789"),
	[]rune("%_\\\"'<>&;$(){}[]*.-/?#,|`^~=+!@:aA"),
	[]rune("ÄéßςΣσİıǅŒ한글中文日本עבריתالعربيةไทย ffiﷺ"),
	[]rune("👩\u200d💻🏳\ufe0f🇩🇪e\u0301\u0308\u200b\u202e\u2028\u00a0\ufeff\ufffd\U0010ffff"),
}

// letters makes a text of so many code points, one of which can be seen.
func (w *world) letters(n int) string {
	alphabet := oneOf(w.r, alphabets...)
	text := []rune(mark)[:min(n, len(mark))]
	for len(text) < n {
		text = append(text, oneOf(w.r, alphabet...))
	}
	if n > 8 && w.r.IntN(3) > 0 {
		text = text[len(mark):]
		text = append(text, []rune("name")...)
	}
	return string(text)
}

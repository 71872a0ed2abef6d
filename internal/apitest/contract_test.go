package apitest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	product "github.com/roster-api/roster/internal/api"
	"github.com/roster-api/roster/internal/testkit"
)

// contract is the document, asked whether a request and its answer obey it.
type contract struct {
	doc map[string]any

	mu       sync.Mutex
	compiler *jsonschema.Compiler
}

// document is what the server serves.
var document = sync.OnceValues(func() (*contract, error) {
	_, text, _, err := product.Document(product.Describe())
	if err != nil {
		return nil, err
	}
	return newContract(text)
})

func newContract(text []byte) (*contract, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &contract{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler()}
	c.compiler.DefaultDraft(jsonschema.Draft2020) // that of OpenAPI 3.1
	c.compiler.AssertFormat()
	return c, c.compiler.AddResource("roster.json", doc)
}

// exchange is a request and its answer.
type exchange struct {
	method, path string
	query        map[string][]string
	sentType     string
	sent         []byte
	answer
}

// standard headers mean what HTTP says, so the document need not.
var standard = map[string]bool{
	"Access-Control-Allow-Credentials": true, "Access-Control-Allow-Origin": true, "Access-Control-Expose-Headers": true, // the Fetch standard's
	"Cache-Control": true, "Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true,
	"Content-Security-Policy": true, "Cross-Origin-Opener-Policy": true, "Cross-Origin-Resource-Policy": true, "Strict-Transport-Security": true, "Date": true, "Referrer-Policy": true, "Vary": true, "X-Content-Type-Options": true,
}

// optional headers are declared, and may still be missing.
var optional = map[string]bool{"Link": true, "Ratelimit": true, "Ratelimit-Policy": true, "Set-Cookie": true, "Idempotency-Replayed": true}

// ofOneCode are headers that one of a status's codes has, and another has not.
var ofOneCode = map[int]map[string]bool{http.StatusConflict: {"Retry-After": true, "Location": true}}

// check returns what is wrong with an exchange.
func (c *contract) check(x exchange) []string {
	var faults []string
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	at, op := c.operation(x)
	if op == nil {
		// What the document does not know can only be refused.
		if strings.HasPrefix(x.path, "/api/") && x.Status < 400 {
			wrong("it is answered, and the document does not have it")
		}
		if x.Status >= 400 {
			if got := x.Header.Get("Content-Type"); got != "application/problem+json" {
				wrong("the error is %q", got)
			} else if x.method != http.MethodHead {
				if err := c.validate(pointer("components", "schemas", "ApiError"), x.Body); err != nil {
					wrong("%v", err)
				}
			}
		}
		return faults
	}
	declared, ok := down(op, "responses", strconv.Itoa(x.Status)).(map[string]any)
	if !ok {
		wrong("status %d is not declared", x.Status)
		return faults
	}
	at = append(at, "responses", strconv.Itoa(x.Status))
	c.checkBody(at, declared, x, wrong)
	checkHeaders(declared, x.answer, wrong)
	if x.Status < 400 {
		c.checkRequest(at[:3], op, x, wrong)
	}
	return faults
}

func (c *contract) checkBody(at []string, declared map[string]any, x exchange, wrong func(string, ...any)) {
	content, _ := declared["content"].(map[string]any)
	sent := x.Header.Get("Content-Type")
	if len(content) == 0 {
		if len(x.Body) > 0 || sent != "" {
			wrong("a body %q of %q, and none is declared", x.Body, sent)
		}
		return
	}
	media, _, err := mime.ParseMediaType(sent)
	if err != nil || content[media] == nil {
		wrong("content type %q is not declared", sent)
		return
	}
	if x.method == http.MethodHead {
		return
	}
	if err := c.validate(pointer(append(at, "content", media, "schema")...), x.Body); err != nil {
		wrong("%v", err)
	}
}

func checkHeaders(declared map[string]any, got answer, wrong func(string, ...any)) {
	known, _ := declared["headers"].(map[string]any)
	canonical := map[string]any{}
	for name, header := range known {
		canonical[http.CanonicalHeaderKey(name)] = header
	}
	for name := range got.Header {
		if canonical[name] == nil && !standard[name] {
			wrong("header %s is not declared", name)
		}
	}
	for name, header := range canonical {
		values := got.Header.Values(name)
		if len(values) == 0 && !optional[name] && !ofOneCode[got.Status][name] {
			wrong("header %s is missing", name)
		}
		for _, value := range values {
			if _, err := strconv.ParseInt(value, 10, 32); err != nil && down(header, "schema", "type") == "integer" {
				wrong("header %s is %q, no integer", name, value)
			}
		}
	}
}

// checkRequest holds a request that was accepted to what the document lets in.
func (c *contract) checkRequest(at []string, op map[string]any, x exchange, wrong func(string, ...any)) {
	known := map[string]bool{}
	parameters, _ := op["parameters"].([]any)
	for i, p := range parameters {
		if down(p, "in") != "query" {
			continue
		}
		name := down(p, "name").(string)
		known[name] = true
		for _, value := range x.query[name] {
			text := []byte(value)
			if kind := down(p, "schema", "type"); kind != "integer" && kind != "boolean" {
				text, _ = json.Marshal(value)
			}
			if err := c.validate(pointer(append(slices.Clone(at), "parameters", strconv.Itoa(i), "schema")...), text); err != nil {
				wrong("accepted the parameter %s: %v", name, err)
			}
		}
	}
	for name := range x.query {
		if !known[name] {
			wrong("accepted the parameter %s, which is not declared", name)
		}
	}
	content, _ := down(op, "requestBody", "content").(map[string]any)
	if content == nil {
		return
	}
	media, _, err := mime.ParseMediaType(x.sentType)
	if err != nil || content[media] == nil {
		wrong("accepted a body of type %q", x.sentType)
		return
	}
	if err := c.validate(pointer(append(slices.Clone(at), "requestBody", "content", media, "schema")...), x.sent); err != nil {
		wrong("accepted the body: %v", err)
	}
}

// operation finds what serves a request, and where it stands in the document.
func (c *contract) operation(x exchange) (at []string, op map[string]any) {
	method := strings.ToLower(x.method)
	if x.method == http.MethodHead {
		method = "get"
	}
	paths := c.doc["paths"].(map[string]any)
	for _, template := range slices.Sorted(maps.Keys(paths)) {
		if matches(template, x.path) {
			op, _ = down(paths[template], method).(map[string]any)
			return []string{"paths", template, method}, op
		}
	}
	return nil, nil
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{") && g != ""
	})
}

// validate holds a JSON text against the schema at a place of the document.
func (c *contract) validate(at string, text []byte) error {
	c.mu.Lock()
	schema, err := c.compiler.Compile("roster.json#" + at)
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("the document: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%q is no JSON: %w", text, err)
	}
	if err := schema.Validate(value); err != nil {
		_, rules, _ := strings.Cut(err.Error(), "\n") // the first line says where the schema is
		return fmt.Errorf("%s: %s", text, rules)
	}
	return nil
}

// down goes down a tree by names.
func down(node any, names ...string) any {
	for _, name := range names {
		m, _ := node.(map[string]any)
		node = m[name]
	}
	return node
}

// pointer is a JSON Pointer in a URL's fragment.
func pointer(names ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + escape.Replace(name))
	}
	return b.String()
}

// checked is a transport that holds what goes through it against the document. A
// 500 fails the test, too: it is declared, and always a bug.
type checked struct {
	t    *testing.T
	log  *testkit.Log
	next http.RoundTripper
}

func (k *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := document()
	if err != nil {
		return nil, err
	}
	var sent []byte
	if r.Body != nil {
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := k.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 { // the test has asked for it itself
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	x := exchange{
		method: r.Method, path: r.URL.Path, query: r.URL.Query(), sentType: r.Header.Get("Content-Type"), sent: sent,
		answer: answer{resp.StatusCode, resp.Header, body},
	}
	faults := c.check(x)
	if resp.StatusCode == http.StatusInternalServerError {
		line := k.log.Await(k.t, resp.Header.Get("X-Request-Id"))
		faults = append(faults, fmt.Sprintf("a 500: %v", line["error"]))
	}
	for _, fault := range faults {
		k.t.Errorf("%s %s -> %d: %s", r.Method, r.URL.RequestURI(), resp.StatusCode, fault)
	}
	return resp, nil
}

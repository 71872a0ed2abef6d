package apitest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	product "github.com/roster-api/roster/internal/api"
)

const ada = `{"id":"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21","name":"Ada","email":"ada@example.org","role":"viewer","disabled":false,` +
	`"createdAt":"2026-03-14T09:26:53.589793Z","updatedAt":"2026-03-14T09:26:53.589793Z"}`

func goodExchange() exchange {
	return exchange{
		method: "PUT", path: "/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21", query: map[string][]string{},
		sentType: "application/json", sent: []byte(`{"name":"Ada","email":"ada@example.org","role":"viewer"}`),
		answer: answer{200, http.Header{
			"Content-Type": {"application/json"}, "Etag": {`"a"`}, "X-Request-Id": {"b"}, "Cache-Control": {"private"},
		}, []byte(ada)},
	}
}

// TestContractBites doctors a good answer in every way in which an answer can
// lie.
func TestContractBites(t *testing.T) {
	t.Parallel()
	c := must(document())(t)
	if faults := c.check(goodExchange()); faults != nil {
		t.Fatalf("the good answer: %q", faults)
	}
	replace := func(old, changed string) func(*exchange) {
		return func(x *exchange) {
			if !strings.Contains(string(x.Body), old) {
				t.Fatalf("nothing to doctor: %s", old)
			}
			x.Body = bytes.Replace(x.Body, []byte(old), []byte(changed), 1)
		}
	}
	problem := func(status int, body string) func(*exchange) {
		return func(x *exchange) {
			x.answer = answer{status, http.Header{"Content-Type": {"application/problem+json"}, "X-Request-Id": {"b"}}, []byte(body)}
		}
	}
	const notFound = `{"type":"about:blank","title":"Not Found","status":404,"detail":"None.","code":"not_found","requestId":"b","errors":[]}`
	for _, d := range []struct {
		name   string
		doctor func(*exchange)
		fault  string
	}{
		{"undeclared status", func(x *exchange) { x.Status = 202 }, "status 202"},
		{"undeclared operation", func(x *exchange) { x.method = "GET"; x.path = "/api/nothing" }, "does not have it"},
		{"undeclared method", func(x *exchange) { x.method = "POST" }, "does not have it"},
		{"undeclared type", func(x *exchange) { x.Header.Set("Content-Type", "text/html") }, "text/html"},
		{"no type", func(x *exchange) { x.Header.Del("Content-Type") }, "content type"},
		{"undeclared header", func(x *exchange) { x.Header.Set("X-Powered-By", "magic") }, "X-Powered-By"},
		{"missing header", func(x *exchange) { x.Header.Del("ETag") }, "Etag is missing"},
		{"one more property", replace(`"name"`, `"password":"x","name"`), "password"},
		{"one property less", replace(`"disabled":false,`, ``), "disabled"},
		{"another case", replace(`"name"`, `"Name"`), "Name"},
		{"null", replace(`"Ada"`, `null`), "null"},
		{"another type", replace(`false`, `"false"`), "boolean"},
		{"a role that is none", replace(`"viewer"`, `"root"`), "root"},
		{"an id that is none", replace(`019a8b1e-`, ``), "uuid"},
		{"a time that is none", replace(`2026-03-14T`, `2026-03-14 `), "date-time"},
		{"too long", replace(`"Ada"`, `"`+strings.Repeat("a", 101)+`"`), "maxLength"},
		{"two values", replace(`}`, `}{}`), "no JSON"},
		{"no body", func(x *exchange) { x.Body = nil }, "no JSON"},
		{"a body where there is none", func(x *exchange) { x.method = "GET"; x.Status = 304; x.Header.Del("Content-Type") }, "none is declared"},
		{"errors null", problem(404, strings.Replace(notFound, "[]", "null", 1)), "null"},
		{"an unknown code", problem(404, strings.Replace(notFound, "not_found", "oops", 1)), "oops"},
		{"no Retry-After", problem(503, notFound), "Retry-After is missing"},
		{"a problem as JSON", func(x *exchange) { problem(404, notFound)(x); x.Header.Set("Content-Type", "application/json") }, "application/json"},
		{"an error of no operation as text", func(x *exchange) {
			problem(404, notFound)(x)
			x.path = "/nothing"
			x.Header.Set("Content-Type", "text/plain")
		}, "text/plain"},
		{"an error of no operation with more", func(x *exchange) {
			problem(404, strings.Replace(notFound, `"code"`, `"stack":"x","code"`, 1))(x)
			x.path = "/nothing"
		}, "stack"},
		{"accepted a body that breaks the schema", func(x *exchange) { x.sent = []byte(`{"name":"Ada"}`) }, "accepted the body"},
		{"accepted another field", func(x *exchange) {
			x.sent = []byte(`{"name":"Ada","email":"ada@example.org","role":"viewer","disabled":true}`)
		}, "accepted the body"},
		{"accepted another type", func(x *exchange) { x.sentType = "text/plain" }, "accepted a body"},
		{"accepted a parameter", func(x *exchange) { x.query["force"] = []string{"1"} }, "accepted the parameter"},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			x := goodExchange()
			d.doctor(&x)
			if faults := strings.Join(c.check(x), "\n"); !strings.Contains(faults, d.fault) {
				t.Errorf("found %q, not %q", faults, d.fault)
			}
		})
	}
}

// TestContractBitesOnTheDocument doctors the document instead, and asks a real
// server.
func TestContractBitesOnTheDocument(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	id := a.admin(t).ID.String()
	got := a.send(t, "GET", "/api/users/"+id, "")
	_, text, _, err := product.Document(product.Describe())
	if err != nil {
		t.Fatal(err)
	}
	for name, doctor := range map[string]func(doc map[string]any){
		"nothing": func(map[string]any) {},
		"a property is not declared": func(doc map[string]any) {
			delete(down(doc, "components", "schemas", "User", "properties").(map[string]any), "disabled")
		},
		"a property is required that is not sent": func(doc map[string]any) {
			user := down(doc, "components", "schemas", "User").(map[string]any)
			user["required"] = append(user["required"].([]any), "phone")
		},
		"a type is another": func(doc map[string]any) {
			down(doc, "components", "schemas", "User", "properties", "name").(map[string]any)["type"] = "integer"
		},
		"the status is not declared": func(doc map[string]any) {
			delete(down(doc, "paths", "/api/users/{id}", "get", "responses").(map[string]any), "200")
		},
		"a header is not declared": func(doc map[string]any) {
			delete(down(doc, "paths", "/api/users/{id}", "get", "responses", "200", "headers").(map[string]any), "ETag")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var doc map[string]any
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			doctor(doc)
			c := must(newContract([]byte(jsonOf(t, doc))))(t)
			faults := c.check(exchange{method: "GET", path: "/api/users/" + id, answer: got})
			if lies := name != "nothing"; (len(faults) > 0) != lies {
				t.Errorf("found %q", faults)
			}
		})
	}
}

// TestDocumentIsClosed: what is not declared is not sent, because no object is
// open and no array may be null.
func TestDocumentIsClosed(t *testing.T) {
	t.Parallel()
	c := must(document())(t)
	for name, schema := range down(c.doc, "components", "schemas").(map[string]any) {
		if down(schema, "type") == "object" && down(schema, "additionalProperties") != false {
			t.Errorf("%s lets other properties in", name)
		}
		properties, _ := down(schema, "properties").(map[string]any)
		for property, s := range properties {
			if down(s, "items") != nil && down(s, "type") != "array" {
				t.Errorf("%s.%s is %v", name, property, down(s, "type"))
			}
		}
	}
	for _, code := range []roster.ErrorCode{roster.ErrorCodeInternal, roster.ErrorCodeUnavailable} {
		if !strings.Contains(jsonOf(t, down(c.doc, "components", "schemas", "ErrorCode")), string(code)) {
			t.Errorf("%s is not in the document", code)
		}
	}
}

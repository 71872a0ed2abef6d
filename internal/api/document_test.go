package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/google/uuid"
)

// own is what an operation can answer beside what all can, by status and code.
// It is written by hand from the contract: an operation that is missing here, or
// whose documentation says otherwise, fails.
var own = map[string][]string{
	"listUsers":   {"200"},
	"createUser":  {"201", "409 email_taken", "409 idempotency_in_flight", "422 idempotency_mismatch"},
	"getUser":     {"200", "304", "404 not_found"},
	"replaceUser": {"200", "404 not_found", "409 email_taken", "409 last_admin", "412 precondition_failed"},
	"updateUser":  {"200", "404 not_found", "409 email_taken", "409 last_admin", "412 precondition_failed"},
	"deleteUser":  {"204", "404 not_found", "409 last_admin", "412 precondition_failed"},

	"setPassword":         {"204", "403 wrong_password"},
	"createPasswordReset": {"201", "404 not_found"},
	"redeemPasswordReset": {"204", "422 reset_invalid"},

	"signIn":     {"201", "401 sign_in_failed"},
	"getSession": {"200"},
	"signOut":    {"204"},

	"listSessions":        {"200"},
	"revokeSession":       {"204", "404 not_found"},
	"revokeOtherSessions": {"204"},

	"listAudit": {"200"},
	"getStats":  {"200", "304"},

	"listKeys":  {"200"},
	"createKey": {"201", "404 not_found", "409 idempotency_in_flight", "409 secret_not_replayable", "422 idempotency_mismatch"},
	"rotateKey": {"201", "404 not_found"},
	"revokeKey": {"204", "404 not_found"},
}

// What all operations can answer, what all that take a body, what all that change
// something, and what all that are not for anyone.
var (
	ofAll      = []string{"400 malformed", "413 too_large", "421 misdirected", "422 validation_failed", "429 rate_limited", "500 internal", "503 unavailable"}
	withBody   = []string{"408 request_timeout", "415 unsupported_media_type"}
	ofWrites   = []string{"403 cross_origin"}
	notForAll  = []string{"401 unauthenticated", "403 forbidden"}
	public     = []string{"signIn", "redeemPasswordReset"}
	forAnybody = []string{"getSession"} // who is signed in, whatever they may do
)

func TestDocumentIsCommitted(t *testing.T) {
	t.Parallel()
	emitted, _, _, err := Document(Describe())
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../openapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(emitted, committed) {
		t.Error("openapi/openapi.yaml is not what the server serves: run make generate")
	}
}

func TestDocumentIsDeterministic(t *testing.T) {
	t.Parallel()
	first := emit(t)
	for range 20 { // maps have another order each time
		for i, form := range emit(t) {
			if !bytes.Equal(form, first[i]) {
				t.Fatalf("form %d differs from one emission to the next", i)
			}
		}
	}
}

func emit(t *testing.T) [3][]byte {
	t.Helper()
	yaml31, json31, yaml30, err := Document(Describe())
	if err != nil {
		t.Fatal(err)
	}
	return [3][]byte{yaml31, json31, yaml30}
}

// The YAML and the JSON form are one document.
func TestDocumentFormsAgree(t *testing.T) {
	t.Parallel()
	forms := emit(t)
	var converted bytes.Buffer
	if err := yaml.Convert(&converted, bytes.NewReader(forms[1])); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(converted.Bytes(), forms[0]) {
		t.Error("/openapi.json is not /openapi.yaml")
	}
}

func TestDocumentRoot(t *testing.T) {
	t.Parallel()
	d := document31(t)
	if got := d.at(d.root, "servers", "0", "url"); got != "/" || len(list(d.root["servers"])) != 1 {
		t.Errorf("servers: %v", d.root["servers"])
	}
	for _, path := range [][]string{{"info", "title"}, {"info", "version"}, {"info", "description"}, {"info", "license", "name"}, {"info", "contact", "url"}} {
		if text, _ := d.at(d.root, path...).(string); text == "" {
			t.Errorf("%v is empty", path)
		}
	}
	used := map[string]bool{}
	for _, op := range d.operations() {
		used[fmt.Sprint(op.node["tags"])] = true
	}
	for _, tag := range list(d.root["tags"]) {
		tag := object(tag)
		if !used[fmt.Sprint([]any{tag["name"]})] || text(tag["description"]) == "" {
			t.Errorf("tag %v: used %v, description %q", tag["name"], used[fmt.Sprint([]any{tag["name"]})], tag["description"])
		}
	}
	if raw := string(emit(t)[1]); strings.Contains(raw, `"$schema"`) || strings.Contains(raw, "localhost") {
		t.Error("the document has a $schema, or speaks of a host")
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	d := document31(t)
	declared := map[string]bool{}
	for _, tag := range list(d.root["tags"]) {
		declared[text(object(tag)["name"])] = true
	}
	camelCase := regexp.MustCompile(`^[a-z]+([A-Z][a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, op := range d.operations() {
		t.Run(op.at, func(t *testing.T) {
			id := text(op.node["operationId"])
			if !camelCase.MatchString(id) || seen[id] {
				t.Errorf("operationId %q is not camelCase, or not unique", id)
			}
			seen[id] = true
			for _, name := range []string{"summary", "description"} {
				if text(op.node[name]) == "" {
					t.Errorf("no %s", name)
				}
			}
			if strings.HasSuffix(text(op.node["summary"]), ".") || !strings.HasSuffix(text(op.node["description"]), ".") {
				t.Error("a summary is a title, a description is sentences")
			}
			if tags := list(op.node["tags"]); len(tags) != 1 || !declared[text(tags[0])] {
				t.Errorf("tags %v, want one that is declared", tags)
			}
			if _, ok := op.node["security"]; !ok {
				t.Error("no security: even [] says who may")
			}
			d.checkParameters(t, op)
			d.checkRequestBody(t, op)
			d.checkResponses(t, op)
		})
	}
	for id := range own {
		if !seen[id] {
			t.Errorf("own speaks of %s, which the document does not have", id)
		}
	}
}

func (d document) checkParameters(t *testing.T, op operation) {
	inPath := map[string]bool{}
	names := map[string]bool{}
	for _, node := range list(op.node["parameters"]) {
		p := object(node)
		name, in, schema := text(p["name"]), text(p["in"]), object(p["schema"])
		at := in + "." + name
		if names[at] {
			t.Errorf("%s: twice", at)
		}
		names[at] = true
		if in == "path" {
			inPath[name] = p["required"] == true
		}
		if text(p["description"]) == "" {
			t.Errorf("%s: no description", at)
		}
		examples := list(schema["examples"])
		if e, ok := p["example"]; ok {
			examples = append(examples, e)
		}
		if len(examples) == 0 && schema["$ref"] == nil {
			t.Errorf("%s: no example", at)
		}
		for _, e := range examples {
			d.obeys(t, at+" example", schema, e)
		}
		if in == "query" {
			d.checkBound(t, at, schema)
		}
	}
	for _, segment := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(op.path, -1) {
		if !inPath[segment[1]] {
			t.Errorf("{%s} is no required path parameter", segment[1])
		}
	}
}

func (d document) checkRequestBody(t *testing.T, op operation) {
	body, ok := op.node["requestBody"].(map[string]any)
	takes := op.method == "post" || op.method == "put" || op.method == "patch"
	if text(op.node["operationId"]) == "createPasswordReset" { // there is nothing to say
		takes = false
	}
	if ok != takes {
		t.Errorf("a body: %v, want %v", ok, takes)
	}
	if !ok {
		return
	}
	if body["required"] != true {
		t.Error("the body is not required")
	}
	for mediaType, node := range object(body["content"]) {
		media := object(node)
		d.obeys(t, mediaType+" example", object(media["schema"]), media["example"])
		for name, property := range object(d.resolve(object(media["schema"]))["properties"]) {
			d.checkBound(t, "body."+name, object(property))
		}
	}
}

// checkBound makes sure that no text of any length can be sent.
func (d document) checkBound(t *testing.T, at string, schema map[string]any) {
	schema = d.resolve(schema)
	if schema["type"] == "string" && schema["maxLength"] == nil && schema["enum"] == nil && schema["format"] != "uuid" && schema["format"] != "date-time" {
		t.Errorf("%s: a text without maxLength", at)
	}
}

func (d document) checkResponses(t *testing.T, op operation) {
	var answers []string
	for status, node := range object(op.node["responses"]) {
		response := object(node)
		if text(response["description"]) == "" {
			t.Errorf("%s: no description", status)
		}
		headers := object(response["headers"])
		if headers["X-Request-Id"] == nil {
			t.Errorf("%s: no X-Request-Id", status)
		}
		if (status == "503" || status == "429") && headers["Retry-After"] == nil {
			t.Errorf("%s: no Retry-After", status)
		}
		for name, node := range headers {
			header := object(node)
			schema := object(header["schema"])
			examples := list(schema["examples"])
			if e, ok := header["example"]; ok {
				examples = append(examples, e)
			}
			if text(header["description"]) == "" || len(examples) == 0 {
				t.Errorf("%s, header %s: no description, or no example", status, name)
			}
			for _, e := range examples {
				d.obeys(t, status+" header "+name, schema, e)
			}
			d.checkSchema(t, status+" header "+name, schema)
		}
		if status >= "400" { // and "default"
			answers = append(answers, d.checkProblem(t, status, response)...)
			continue
		}
		answers = append(answers, status)
		content := object(response["content"])
		if without := status == "204" || status == "304"; (len(content) == 0) != without {
			t.Errorf("%s: content %v", status, slices.Collect(maps.Keys(content)))
		}
		for mediaType, node := range content {
			media := object(node)
			d.obeys(t, status+" "+mediaType+" example", object(media["schema"]), media["example"])
		}
	}
	want, ok := own[text(op.node["operationId"])]
	if !ok {
		t.Error("its answers are missing in the list by hand, own")
	}
	want = slices.Concat(want, ofAll)
	id := text(op.node["operationId"])
	if op.method != "get" {
		want = slices.Concat(want, ofWrites)
	}
	switch {
	case slices.Contains(forAnybody, id):
		want = slices.Concat(want, notForAll[:1])
	case !slices.Contains(public, id):
		want = slices.Concat(want, notForAll)
	}
	if op.node["requestBody"] != nil {
		want = slices.Concat(want, withBody)
	}
	slices.Sort(want)
	slices.Sort(answers)
	if !slices.Equal(answers, want) {
		t.Errorf("answers\n%q, want\n%q", answers, want)
	}
}

// checkProblem returns the problems that a response documents.
func (d document) checkProblem(t *testing.T, status string, response map[string]any) []string {
	content := object(response["content"])
	media := object(content["application/problem+json"])
	if len(content) != 1 || d.at(media, "schema", "$ref") != "#/components/schemas/ApiError" {
		t.Errorf("%s is not an ApiError alone", status)
	}
	schema := object(media["schema"])
	if status == "default" {
		d.obeys(t, "default example", schema, media["example"])
		return nil
	}
	examples := object(media["examples"])
	if len(examples) == 0 {
		t.Errorf("%s has no examples", status)
	}
	var answers []string
	for code, node := range examples {
		value := object(object(node)["value"])
		d.obeys(t, status+" "+code, schema, value)
		if value["code"] != code || fmt.Sprint(value["status"]) != status || text(object(node)["summary"]) == "" {
			t.Errorf("%s: the example %s has code %v, status %v", status, code, value["code"], value["status"])
		}
		if !strings.Contains(text(response["description"]), "`"+code+"`") {
			t.Errorf("%s: the description does not name %s", status, code)
		}
		answers = append(answers, status+" "+code)
	}
	return answers
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	d := document31(t)
	schemas := object(d.at(d.root, "components", "schemas"))
	for name, node := range schemas {
		t.Run(name, func(t *testing.T) {
			schema := object(node)
			d.checkSchema(t, name, schema)
			if schema["enum"] != nil {
				if text(schema["description"]) == "" || len(list(schema["examples"])) == 0 {
					t.Error("an enum without description or example")
				}
				return
			}
			if schema["type"] != "object" || schema["additionalProperties"] != false {
				t.Errorf("type %v, additionalProperties %v; want an object of known fields", schema["type"], schema["additionalProperties"])
			}
			for name, node := range object(schema["properties"]) {
				property := object(node)
				d.checkSchema(t, name, property)
				if property["$ref"] != nil {
					continue
				}
				if text(property["description"]) == "" {
					t.Errorf("%s: no description", name)
				}
				if property["type"] != "array" && len(list(property["examples"])) == 0 {
					t.Errorf("%s: no example", name)
				}
				if property["enum"] != nil {
					t.Errorf("%s: an enum is a component of its own", name)
				}
				if property["readOnly"] != nil || property["writeOnly"] != nil {
					t.Errorf("%s: a request and an answer have types of their own", name)
				}
			}
		})
	}
	raw := string(emit(t)[1])
	for name := range schemas {
		if !strings.Contains(raw, `"#/components/schemas/`+name+`"`) {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// checkSchema checks a schema alone: its keywords, its numbers, its own examples.
func (d document) checkSchema(t *testing.T, at string, schema map[string]any) {
	for keyword := range schema {
		if !slices.Contains(d.keywords, keyword) {
			t.Errorf("%s: the keyword %s", at, keyword)
		}
	}
	for _, example := range list(schema["examples"]) {
		d.obeys(t, at+" example", schema, example)
	}
	if value, ok := schema["default"]; ok {
		d.obeys(t, at+" default", schema, value)
	}
	if types, ok := schema["type"].([]any); ok && slices.Contains(types, any("array")) {
		t.Errorf("%s: a list that can be null", at)
	}
	switch schema["type"] {
	case "integer":
		most := number(schema["maximum"], math.Inf(1))
		if schema["format"] != "int32" && most > 1<<53-1 {
			t.Errorf("%s: an integer that JavaScript cannot hold", at)
		}
	case "number":
		t.Errorf("%s: a number that is no integer", at)
	case "array":
		if schema["items"] == nil {
			t.Errorf("%s: a list of anything", at)
		}
		d.checkSchema(t, at+"[]", object(schema["items"]))
	}
}

// The 3.0 form has nothing that 3.0 does not know. (Redocly, in make lint, holds
// it to the whole specification.)
func TestDocument30(t *testing.T) {
	t.Parallel()
	doc := Describe().OpenAPI()
	old, err := doc.Downgrade()
	if err != nil {
		t.Fatal(err)
	}
	root := object(exact(t, old))
	wrapRefs(root)

	// What is looked at here is what is served.
	compact, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	var served bytes.Buffer
	if err := yaml.Convert(&served, bytes.NewReader(compact)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(served.Bytes(), emit(t)[2]) {
		t.Fatal("this is not the document that Document returns")
	}

	d := document{root: root, keywords: keywords30}
	if root["openapi"] != "3.0.3" || d.at(root, "info", "license", "identifier") != nil || root["webhooks"] != nil || root["jsonSchemaDialect"] != nil {
		t.Error("the root is not one of 3.0.3")
	}
	eachSchema(root, "", func(at string, schema map[string]any) {
		d.checkSchema(t, at, schema)
		if _, ok := schema["type"].([]any); ok {
			t.Errorf("%s: a list of types", at)
		}
		if schema["$ref"] != nil && len(schema) > 1 {
			t.Errorf("%s: something stands beside $ref", at)
		}
		if example, ok := schema["example"]; ok {
			d.obeys(t, at+" example", schema, example)
		}
	})
	for _, op := range d.operations() {
		body := object(op.node["requestBody"])
		for _, node := range object(body["content"]) {
			d.obeys(t, op.at+" body", object(object(node)["schema"]), object(node)["example"])
		}
	}
}

// eachSchema visits every schema below a node, wherever a schema can stand.
func eachSchema(node any, at string, visit func(at string, schema map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		for name, child := range node {
			here := at + "/" + name
			switch name {
			case "example", "examples", "default", "enum":
				continue // values, which may look like anything
			case "schema", "items":
				visit(here, object(child))
			case "allOf":
				for i, part := range list(child) {
					visit(here+"/"+strconv.Itoa(i), object(part))
				}
			case "schemas", "properties":
				for n, schema := range object(child) {
					visit(here+"/"+n, object(schema))
				}
			}
			eachSchema(child, here, visit)
		}
	case []any:
		for i, child := range node {
			eachSchema(child, at+"/"+strconv.Itoa(i), visit)
		}
	}
}

// document is a form of the document, as data.
type document struct {
	root     map[string]any
	keywords []string // that a schema may have
}

var (
	keywords31 = []string{
		"$ref", "type", "format", "description", "examples", "default", "enum", "properties", "required",
		"additionalProperties", "items", "minimum", "maximum", "minLength", "maxLength", "pattern",
		"minItems", "uniqueItems",
	}
	keywords30 = append([]string{"nullable", "example", "allOf"},
		slices.DeleteFunc(slices.Clone(keywords31), func(k string) bool { return k == "examples" })...)
)

func document31(t *testing.T) document {
	t.Helper()
	return document{root: object(exact(t, emit(t)[1])), keywords: keywords31}
}

type operation struct {
	at, path, method string
	node             map[string]any
}

func (d document) operations() []operation {
	var all []operation
	paths := object(d.root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object(paths[path])
		for _, method := range slices.Sorted(maps.Keys(item)) {
			all = append(all, operation{method + " " + path, path, method, object(item[method])})
		}
	}
	return all
}

func (d document) at(node any, path ...string) any {
	for _, name := range path {
		if i, err := strconv.Atoi(name); err == nil && i < len(list(node)) {
			node = list(node)[i]
			continue
		}
		node = object(node)[name]
	}
	return node
}

func (d document) resolve(schema map[string]any) map[string]any {
	for schema["$ref"] != nil {
		schema = object(d.at(d.root, strings.Split(strings.TrimPrefix(text(schema["$ref"]), "#/"), "/")...))
	}
	return schema
}

// obeys holds a value against a schema. It knows the keywords that the document
// uses, on its own: what serves does not judge itself here.
func (d document) obeys(t *testing.T, at string, schema map[string]any, value any) {
	t.Helper()
	if schema["$ref"] != nil {
		target := d.resolve(schema)
		if len(target) == 0 {
			t.Errorf("%s: %v leads nowhere", at, schema["$ref"])
			return
		}
		d.obeys(t, at, target, value)
		return
	}
	for _, part := range list(schema["allOf"]) {
		d.obeys(t, at, object(part), value)
	}
	if values := list(schema["enum"]); values != nil && !slices.Contains(values, value) {
		t.Errorf("%s: %v is none of %v", at, value, values)
	}
	types := list(schema["type"])
	if one := text(schema["type"]); one != "" {
		types = []any{one}
	}
	if schema["nullable"] == true {
		types = append(types, "null")
	}
	if kind := kindOf(value); types != nil && !slices.Contains(types, any(kind)) {
		t.Errorf("%s: %v is of type %s, want %v", at, value, kind, types)
		return
	}
	switch value := value.(type) {
	case json.Number:
		n := number(value, 0)
		if n < number(schema["minimum"], math.Inf(-1)) || n > number(schema["maximum"], math.Inf(1)) ||
			schema["format"] == "int32" && math.Abs(n) > math.MaxInt32 {
			t.Errorf("%s: %v is out of range", at, value)
		}
	case string:
		length := float64(utf8.RuneCountInString(value))
		if length < number(schema["minLength"], 0) || length > number(schema["maxLength"], math.Inf(1)) {
			t.Errorf("%s: the length of %q", at, value)
		}
		if pattern := text(schema["pattern"]); !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s: %q does not match %s", at, value, pattern)
		}
		if !formed(text(schema["format"]), value) {
			t.Errorf("%s: %q is no %v", at, value, schema["format"])
		}
	case []any:
		for i, item := range value {
			d.obeys(t, at+"/"+strconv.Itoa(i), object(schema["items"]), item)
		}
	case map[string]any:
		properties := object(schema["properties"])
		for _, name := range list(schema["required"]) {
			if _, ok := value[text(name)]; !ok {
				t.Errorf("%s: %v is missing", at, name)
			}
		}
		for name, child := range value {
			property, ok := properties[name]
			if !ok {
				if schema["additionalProperties"] != true {
					t.Errorf("%s: %s is not known", at, name)
				}
				continue
			}
			d.obeys(t, at+"/"+name, object(property), child)
		}
	}
}

func kindOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if _, err := value.Int64(); err == nil {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// formed reports whether a text has a format. A format that is not known here is
// not one that the clients know.
func formed(format, value string) bool {
	switch format {
	case "":
		return true
	case "date-time":
		at, err := time.Parse(time.RFC3339Nano, value)
		return err == nil && at.Location() == time.UTC
	case "date":
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case "uuid":
		return len(value) == 36 && uuid.Validate(value) == nil
	case "email", "idn-email":
		local, domain, ok := strings.Cut(value, "@")
		return ok && local != "" && strings.Contains(domain, ".")
	case "uri-reference":
		_, err := url.Parse(value)
		return err == nil
	default:
		return false
	}
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
func text(v any) string           { s, _ := v.(string); return s }

func number(v any, otherwise float64) float64 {
	n, ok := v.(json.Number)
	if !ok {
		return otherwise
	}
	f, err := n.Float64()
	if err != nil {
		return math.NaN()
	}
	return f
}

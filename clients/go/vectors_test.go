package roster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
)

const vectorsFolder = "../../openapi/vectors"

// vectors is one file of openapi/vectors; the README there says what it holds.
type vectors struct {
	Type      string `json:"type"`
	Direction string `json:"direction"`
	Cases     []struct {
		Name string          `json:"name"`
		JSON json.RawMessage `json:"json"`
	} `json:"cases"`
}

func readVectors(t *testing.T) []vectors {
	t.Helper()
	if _, err := os.Stat("../../go.mod"); os.IsNotExist(err) {
		t.Skip("the vectors are in the repository, not in this module")
	}
	paths, err := filepath.Glob(vectorsFolder + "/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var all []vectors
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if filepath.Base(path) != v.Type+".json" || len(v.Cases) == 0 {
			t.Errorf("%s holds %d cases of type %q", path, len(v.Cases), v.Type)
		}
		all = append(all, v)
	}
	return all
}

// wire holds what this package makes of each type of the wire.
var wire = map[string]wireType{
	"User": response[roster.User](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.GetUser(ctx, id) // with its ETag, which is no part of the JSON
	}),
	"PaginatedResponseUser": response[roster.PaginatedResponseUser](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.ListUsers(ctx, nil)
	}),
	"UserCreate": request(func(ctx context.Context, c *roster.Client, v roster.UserCreate) error {
		_, err := c.CreateUser(ctx, v)
		return err
	}),
	"UserReplace": request(func(ctx context.Context, c *roster.Client, v roster.UserReplace) error {
		_, err := c.ReplaceUser(ctx, id, v)
		return err
	}),
	"UserUpdate": request(func(ctx context.Context, c *roster.Client, v roster.UserUpdate) error {
		_, err := c.UpdateUser(ctx, id, v)
		return err
	}),
	"PasswordSet": request(func(ctx context.Context, c *roster.Client, v roster.PasswordSet) error {
		return c.SetPassword(ctx, id, v)
	}),
	"PasswordReset": response[roster.PasswordReset](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.CreatePasswordReset(ctx, id)
	}),
	"PasswordResetRedeem": request(func(ctx context.Context, c *roster.Client, v roster.PasswordResetRedeem) error {
		return c.RedeemPasswordReset(ctx, v)
	}),

	"SignIn":   request[roster.SignIn](nil), // TestSignIn
	"SignedIn": response[roster.SignedIn](nil),
	"Identity": response[roster.Identity](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.GetSession(ctx)
	}),

	"Key": response[roster.Key](nil),
	"PaginatedResponseKey": response[roster.PaginatedResponseKey](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.ListKeys(ctx, nil)
	}),
	"KeyCreate": request(func(ctx context.Context, c *roster.Client, v roster.KeyCreate) error {
		_, err := c.CreateKey(ctx, v)
		return err
	}),
	"KeyCreated": response[roster.KeyCreated](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.CreateKey(ctx, roster.KeyCreate{})
	}),
	"KeyRotate": request(func(ctx context.Context, c *roster.Client, v roster.KeyRotate) error {
		_, err := c.RotateKey(ctx, id, v)
		return err
	}),
	"KeyRotated": response[roster.KeyRotated](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.RotateKey(ctx, id, roster.KeyRotate{})
	}),

	"Session": response[roster.Session](nil),
	"PaginatedResponseSession": response[roster.PaginatedResponseSession](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.ListSessions(ctx, nil)
	}),

	"AuditEntry": response[roster.AuditEntry](nil),
	"PaginatedResponseAuditEntry": response[roster.PaginatedResponseAuditEntry](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.ListAudit(ctx, nil)
	}),

	"Stats": response[roster.Stats](func(ctx context.Context, c *roster.Client) (any, error) {
		return c.GetStats(ctx, 0)
	}),
	"UserCounts": response[roster.UserCounts](nil),
	"RoleCounts": response[roster.RoleCounts](nil),
	"DayCounts":  response[roster.DayCounts](nil),

	"Pagination": response[roster.Pagination](nil),
	"ApiError":   {direction: "response", goType: reflect.TypeFor[roster.Problem](), through: throughError},
	"FieldError": response[roster.FieldError](nil),
}

type wireType struct {
	direction string
	goType    reflect.Type
	// through takes the value through a call of the client, from an answer to the
	// type that the caller gets or from the caller's type to the body that is sent.
	through func(t *testing.T, value []byte) (encoded []byte)
}

func response[T any](call func(context.Context, *roster.Client) (any, error)) wireType {
	w := wireType{direction: "response", goType: reflect.TypeFor[T]()}
	if call != nil {
		w.through = func(t *testing.T, value []byte) []byte {
			got, err := call(t.Context(), over(t, &script{steps: []step{{status: 200, body: string(value)}}}))
			if err != nil {
				t.Fatal(err)
			}
			return encode(t, got)
		}
	}
	return w
}

func request[T any](call func(context.Context, *roster.Client, T) error) wireType {
	w := wireType{direction: "request", goType: reflect.TypeFor[T]()}
	if call != nil {
		w.through = func(t *testing.T, value []byte) []byte {
			var sent []byte
			client := over(t, roundTrip(func(r *http.Request) {
				var err error
				if sent, err = io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
				if media := r.Header.Get("Content-Type"); media != "application/json" {
					t.Errorf("Content-Type %q", media)
				}
				r.Body = nil
			}))
			if err := call(t.Context(), client, decode[T](t, value)); err != nil {
				t.Fatal(err)
			}
			return sent
		}
	}
	return w
}

func throughError(t *testing.T, value []byte) []byte {
	status := int(decode[roster.Problem](t, value).Status)
	client := over(t, &script{steps: []step{{status: status, body: string(value)}}}, roster.WithoutRetries())
	_, err := client.ListUsers(t.Context(), nil)
	return encode(t, err)
}

func decode[T any](t *testing.T, value []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(value, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// exact decodes JSON without losing digits.
func exact(t *testing.T, value []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, value)
	}
	return v
}

// Every vector goes through the SDK and comes back as it was.
func TestVectorsRoundTrip(t *testing.T) {
	for _, v := range readVectors(t) {
		w, ok := wire[v.Type]
		if !ok || w.direction != v.Direction {
			t.Errorf("%s.json, direction %q: this test knows no such type; add it to wire", v.Type, v.Direction)
			continue
		}
		for _, c := range v.Cases {
			t.Run(v.Type+"/"+c.Name, func(t *testing.T) {
				value := reflect.New(w.goType).Interface()
				decoder := json.NewDecoder(bytes.NewReader(c.JSON))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(value); err != nil {
					t.Fatal(err)
				}
				same(t, "encoded again", encode(t, value), c.JSON)
				if w.through != nil {
					same(t, "through a call", w.through(t, c.JSON), c.JSON)
				}
			})
		}
	}
}

func same(t *testing.T, how string, got, want []byte) {
	t.Helper()
	if !reflect.DeepEqual(exact(t, got), exact(t, want)) {
		t.Errorf("%s:\n%s\nwant:\n%s", how, got, want)
	}
}

// generated is what package gen makes of the schemas of the document.
type generated struct {
	types  map[string]string   // the schema's name, by the Go name
	fields map[string][]string // the JSON names of a struct's fields, by the schema's name
	enums  map[string][]string // the values, by the Go name
	consts []string
}

func readGenerated(t *testing.T) generated {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "gen/gen.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	g := generated{types: map[string]string{}, fields: map[string][]string{}, enums: map[string][]string{}}
	schemas := map[string]string{} // by their names in lower case: the generator spells APIError
	for _, v := range readVectors(t) {
		schemas[strings.ToLower(v.Type)] = v.Type
	}
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				name := spec.Name.Name
				schema := schemas[strings.ToLower(name)]
				if schema == "" {
					schema = name
				}
				switch wire := spec.Type.(type) {
				case *ast.Ident: // an enum; what is assigned is the name of a body
					if !spec.Assign.IsValid() && wire.Name == "string" {
						g.types[name] = schema
					}
				case *ast.StructType:
					var names []string
					for _, field := range wire.Fields.List {
						if field.Tag == nil {
							break // the client
						}
						tag, _ := strconv.Unquote(field.Tag.Value)
						jsonName, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
						names = append(names, jsonName)
					}
					if names != nil && !strings.HasSuffix(name, "Params") {
						g.types[name], g.fields[schema] = schema, names
					}
				}
			case *ast.ValueSpec:
				if general.Tok != token.CONST {
					continue
				}
				for i, name := range spec.Names {
					g.consts = append(g.consts, name.Name)
					if of, ok := spec.Type.(*ast.Ident); ok {
						value, _ := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
						g.enums[of.Name] = append(g.enums[of.Name], value)
					}
				}
			}
		}
	}
	if len(g.types) < 5 || len(g.enums) < 3 {
		t.Fatalf("gen.go reads otherwise than this test knows: %+v", g)
	}
	return g
}

// Every generated type of the wire has vectors with all its fields, and every
// enum value stands in one.
func TestVectorsCoverTheGeneratedTypes(t *testing.T) {
	seen := map[string]bool{} // "User.name", and "=admin" for any text
	for _, v := range readVectors(t) {
		seen[v.Type] = true
		for _, c := range v.Cases {
			texts(exact(t, c.JSON), seen)
			if object, ok := exact(t, c.JSON).(map[string]any); ok {
				for name := range object {
					seen[v.Type+"."+name] = true
				}
			}
		}
	}
	g := readGenerated(t)
	for schema, fields := range g.fields {
		if !seen[schema] {
			t.Errorf("%s/%s.json is missing", vectorsFolder, schema)
		}
		for _, field := range fields {
			if !seen[schema+"."+field] {
				t.Errorf("%s/%s.json has no case with %s", vectorsFolder, schema, field)
			}
		}
	}
	for name, values := range g.enums {
		if name == "UserSort" {
			continue // a parameter, never a body: TestSortsAreSent
		}
		for _, value := range values {
			if !seen["="+value] {
				t.Errorf("no vector has %s %q", name, value)
			}
		}
	}
}

func texts(value any, seen map[string]bool) {
	switch value := value.(type) {
	case string:
		seen["="+value] = true
	case []any:
		for _, item := range value {
			texts(item, seen)
		}
	case map[string]any:
		for _, item := range value {
			texts(item, seen)
		}
	}
}

func TestSortsAreSent(t *testing.T) {
	for _, sort := range readGenerated(t).enums["UserSort"] {
		sent := ""
		client := over(t, roundTrip(func(r *http.Request) { sent = r.URL.Query().Get("sort") }))
		_, _ = client.ListUsers(t.Context(), &roster.ListUsersParams{Sort: roster.Ptr(roster.UserSort(sort))})
		if sent != sort || !roster.UserSort(sort).Valid() {
			t.Errorf("%s is sent as %q", sort, sent)
		}
	}
}

// This package has every generated type and constant, so that nobody needs gen,
// and a method for each operation.
func TestNothingIsLeftInGen(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var have []string // what types.go takes from gen
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			have = append(have, s.Sel.Name)
		}
		return true
	})
	g := readGenerated(t)
	for name := range g.types {
		if !slices.Contains(have, name) {
			t.Errorf("types.go has no gen.%s", name)
		}
	}
	for _, name := range g.consts {
		if !slices.Contains(have, name) {
			t.Errorf("types.go has no gen.%s", name)
		}
	}
	operations, err := os.ReadFile("gen/gen.go")
	if err != nil {
		t.Fatal(err)
	}
	methods := reflect.TypeFor[*roster.Client]()
	found := regexp.MustCompile("Corresponds with .* \\(the `(\\w+)` operationId\\)").FindAllSubmatch(operations, -1)
	if len(found) == 0 {
		t.Fatal("gen.go names no operations as this test knows them")
	}
	for _, m := range found {
		if _, ok := methods.MethodByName(string(m[1])); !ok {
			t.Errorf("Client has no method %s", m[1])
		}
	}
}

package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

// plantedNumber is so long that no request id has it by chance.
const plantedNumber = "2114711471"

// planted is a value for a column, of its type, that nobody has set.
func planted(column, dataType string) any {
	switch {
	case strings.HasPrefix(dataType, "timestamp"):
		return "2001-02-03T04:05:06Z"
	case column == "role":
		return "admin"
	case dataType == "uuid":
		return "01890a5d-ac96-774b-bcce-b302099a8057"
	case dataType == "boolean":
		return true
	case dataType == "ARRAY":
		return []string{"users:admin"}
	case dataType == "integer" || dataType == "bigint" || dataType == "smallint":
		return json.Number(plantedNumber)
	case dataType == "jsonb":
		return map[string]any{"planted": true}
	}
	return "planted-" + plantedNumber
}

// columns are those of all tables, and what else a hopeful caller might think of, with
// a value each: as the wire would write them, as the database does, and in two cases
// that decoders are known to let through.
func columns(t *testing.T, a *api) map[string]any {
	t.Helper()
	rows, _ := a.Pool.Query(t.Context(), "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'")
	type column struct{ Name, Type string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil || len(found) < 40 {
		t.Fatalf("%d columns, %v", len(found), err)
	}
	all := map[string]any{}
	for _, c := range found {
		value := planted(c.Name, c.Type)
		words := strings.Split(c.Name, "_")
		camel := words[0]
		for _, w := range words[1:] {
			camel += strings.ToUpper(w[:1]) + w[1:]
		}
		all[c.Name], all[camel] = value, value
		all[strings.ToUpper(camel[:1])+camel[1:]], all[strings.ToUpper(camel)] = value, value
	}
	for _, name := range []string{"permissions", "isAdmin", "admin", "owner", "ownerId", "__proto__", "constructor", "$set", "user", "credential", "secret", "password", "currentPassword", "prefix", "etag", "version"} {
		all[name] = "planted-" + plantedNumber
	}
	all["isAdmin"], all["admin"], all["user"] = true, true, map[string]any{"role": "admin"}
	return all
}

func (t *accessTable) operation(id string) accessOperation {
	i := slices.IndexFunc(t.operations, func(op accessOperation) bool { return op.id == id })
	return t.operations[i]
}

// TestNobodySetsWhatIsNotTheirs sprays every column of the database on every write,
// by an admin, who may do the most: what the document does not have is refused, and
// nothing of the request is done.
func TestNobodySetsWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cases := accessCases()
	c := must(document())(t)
	tried := 0
	for id, op := range operationsOf(t) {
		content, _ := down(op, "requestBody", "content").(map[string]any)
		if content == nil {
			continue
		}
		row := table.operation(id).rows[0]
		ref := down(content["application/json"], "schema", "$ref").(string)
		properties := down(c.doc, "components", "schemas", ref[strings.LastIndex(ref, "/")+1:], "properties").(map[string]any)
		tried++
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.admin(t)
			me := a.called(t, table, "admin")
			request := cases[id+" "+row.what](t, me)
			var good map[string]json.RawMessage
			if err := json.Unmarshal([]byte(request.body), &good); err != nil {
				t.Fatal(err)
			}
			before := a.written(t)
			n := 0
			for column, value := range columns(t, a) {
				if properties[column] != nil {
					continue // the matrix has it
				}
				n++
				body := maps.Clone(good)
				body[column] = json.RawMessage(jsonOf(t, value))
				got := me.send(t, request.method, request.path, jsonOf(t, body))
				got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, " unknown_field")
				if strings.Contains(string(got.Body), plantedNumber) {
					t.Errorf("%s comes back: %s", column, got)
				}
				query := me.send(t, request.method, request.path+"?"+column+"=planted-"+plantedNumber, request.body)
				if query.Status != 422 && query.Status != 400 {
					t.Errorf("?%s= gave %s", column, query)
				}
			}
			if after := a.written(t); after != before {
				t.Errorf("something was done:\n%s\nbefore:\n%s", after, before)
			}
			t.Logf("%d names", n)
			// The request without them is one that is done.
			if got := me.send(t, request.method, request.path, request.body); got.Status != table.operation(id).success {
				t.Errorf("without them: %s", got)
			}
			if a.written(t) == before {
				t.Error("a change is not seen: this test shows nothing")
			}
		})
	}
	if tried < 7 {
		t.Errorf("%d operations were tried", tried)
	}
}

// written is all that requests write, but for the sessions of those who sign in.
func (a *api) written(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, line := range strings.Split(a.dump(t), "\n") {
		table, _, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"sessions", "session_tokens"}, table) {
			all.WriteString(line + "\n")
		}
	}
	return all.String()
}

// TestTheDatabaseSetsTheRest: what a caller does not set is as it must be, whoever
// made or changed the user.
func TestTheDatabaseSetsTheRest(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	editor := a.as(t, a.user(t, dbsqlc.User{Role: role.Editor}))
	var before, after string
	now := func(at *string) { *at = queryOne[string](t, a, "SELECT clock_timestamp()::text") }
	now(&before)
	made := editor.send(t, "POST", "/api/users", userBody(role.Viewer)).user(t)
	now(&after)
	right := queryOne[bool](t, a, `
		SELECT role = 'viewer' AND NOT disabled AND created_at = updated_at AND created_at BETWEEN $2::timestamptz AND $3::timestamptz
		FROM users WHERE id = $1`, made.ID, before, after)
	if !right || uuid.MustParse(made.ID.String()).Version() != 7 {
		t.Errorf("made as %+v", made)
	}
	for _, r := range [][2]string{
		{"PATCH", `{"name":"Renamed"}`}, {"PUT", `{"name":"Replaced","email":"` + made.Email + `","role":"editor"}`},
	} {
		now(&before)
		changed := editor.send(t, r[0], userPath(made.ID), r[1]).user(t)
		now(&after)
		if changed.ID != made.ID || changed.CreatedAt != made.CreatedAt || changed.Disabled ||
			!queryOne[bool](t, a, "SELECT updated_at BETWEEN $2::timestamptz AND $3::timestamptz FROM users WHERE id = $1", made.ID, before, after) {
			t.Errorf("%s made of %+v %+v", r[0], made, changed)
		}
	}
}

// TestNobodyRaisesThemselves goes the ways by which a caller could get a role or a
// permission of more: by each of them the role stays, and nothing more may be done.
func TestNobodyRaisesThemselves(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	for _, r := range role.All[1:] { // all below the admin
		t.Run(string(r), func(t *testing.T) {
			t.Parallel()
			u, victim := a.user(t, dbsqlc.User{Role: r}), a.user(t, dbsqlc.User{Role: role.Admin})
			me := a.as(t, u)
			own := userPath(u.ID)
			for _, to := range role.All {
				if to == r {
					continue
				}
				for _, try := range [][3]string{
					{"PATCH", own, `{"role":"` + string(to) + `"}`},
					{"PATCH", own, `{"name":"Me","role":"` + string(to) + `"}`},
					{"PATCH", own, `{"role":"` + string(r) + `","role":"` + string(to) + `"}`},
					{"PATCH", own, `{"role":"` + string(r) + `","Role":"` + string(to) + `"}`},
					{"PUT", own, fmt.Sprintf(`{"name":"Me","email":%q,"role":%q}`, u.Email, to)},
					{"PATCH", own, `{"disabled":true}`},
				} {
					if got := me.send(t, try[0], try[1], try[2]); got.Status != 403 && got.Status != 400 && got.Status != 422 {
						t.Errorf("%s %s: %s", try[0], try[2], got)
					}
				}
			}
			for _, try := range [][3]string{
				{"POST", "/api/users", userBody(role.Admin)},
				{"PATCH", userPath(victim.ID), `{"email":"mine@example.org"}`},
				{"PUT", userPath(victim.ID) + "/password", `{"currentPassword":"` + password + `","newPassword":"` + otherPassword + `"}`},
				{"POST", userPath(victim.ID) + "/password-reset", ""},
				{"POST", "/api/keys", `{"name":"x","scopes":["users:admin"]}`},
				{"POST", "/api/keys", `{"name":"x","scopes":["users:read"],"userId":"` + victim.ID.String() + `"}`},
				{"POST", "/api/keys", `{"name":"x","scopes":["profile"]}`},
				{"POST", "/api/keys", `{"name":"x","scopes":["keys:admin"]}`},
				{"GET", "/api/keys?userId=" + victim.ID.String(), ""},
				{"GET", "/api/sessions?all=true", ""},
				{"GET", "/api/audit", ""},
				{"DELETE", userPath(victim.ID), ""},
			} {
				if got := me.send(t, try[0], try[1], try[2]); got.Status != 403 && got.Status != 422 {
					t.Errorf("%s %s %s: %s", try[0], try[1], try[2], got)
				}
			}
			unchanged := queryOne[bool](t, a, "SELECT role::text = $2 AND NOT disabled AND email = $3 FROM users WHERE id = $1", u.ID, string(r), u.Email)
			if !unchanged || queryOne[int](t, a, "SELECT count(*) FROM keys WHERE user_id = ANY ($1)", []uuid.UUID{u.ID, victim.ID}) != 0 {
				t.Error("one of them worked")
			}
			if !queryOne[bool](t, a, "SELECT updated_at = created_at FROM users WHERE id = $1", victim.ID) {
				t.Error("the admin was written")
			}
		})
	}
}

package roster_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
)

// fake is a small Roster in memory: enough of the contract to try the client on.
// The real server is tested with this client elsewhere.
type fake struct {
	mu       sync.Mutex
	users    []roster.User // in the order of the list
	clock    time.Time
	lists    []string // the query of each list
	served   []string // the path of each call that was let in
	password string   // of all users

	sessions  map[string]roster.Identity // by token
	signIns   int
	refused   int  // sign-ins
	strangers int  // calls without a token that is known
	deaf      bool // no token is
}

// What the fake lets in from the start.
const (
	exampleKey      = "rst_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"
	exampleEmail    = "user1@example.org"
	examplePassword = "correct horse battery"
)

// newFake makes a fake with n users: User 1, user1@example.org, ...
func newFake(n int) *fake {
	f := &fake{
		clock:    time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC),
		password: examplePassword, sessions: map[string]roster.Identity{},
	}
	for i := 1; i <= n; i++ {
		f.add(roster.UserCreate{Name: fmt.Sprint("User ", i), Email: fmt.Sprintf("user%d@example.org", i)})
	}
	return f
}

// exampleServer serves a fake with n users.
func exampleServer(n int) *httptest.Server { return httptest.NewServer(newFake(n)) }

// exampleID is the id of the i-th user of a fake.
func exampleID(i int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("019a8b1e-7c1f-7d3a-9c55-%012d", i))
}

func (f *fake) add(in roster.UserCreate) roster.User {
	role := roster.RoleViewer
	if in.Role != nil {
		role = *in.Role
	}
	now := f.tick()
	user := roster.User{
		ID: exampleID(len(f.users) + 1), Name: in.Name, Email: in.Email, Role: role, CreatedAt: now, UpdatedAt: now,
	}
	f.users = append(f.users, user)
	return user
}

func (f *fake) tick() time.Time {
	f.clock = f.clock.Add(time.Second)
	return f.clock
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/session", f.signIn)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, ok := f.sessions[token]; (!ok && token != exampleKey || f.deaf) && (r.Method != "POST" || r.URL.Path != "/api/session") {
		f.strangers++
		problem(w, 401, roster.ErrorCodeUnauthenticated, "This needs a session or a key.")
		return
	}
	if r.URL.Path != "/api/session" || r.Method != "POST" {
		f.served = append(f.served, r.Method+" "+r.URL.Path)
	}
	mux.HandleFunc("GET /api/session", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, f.sessions[token]) })
	mux.HandleFunc("DELETE /api/session", func(w http.ResponseWriter, _ *http.Request) {
		delete(f.sessions, token)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /api/keys", f.createKey)
	mux.HandleFunc("GET /api/users", f.list)
	mux.HandleFunc("POST /api/users", f.create)
	mux.HandleFunc("GET /api/users/{id}", f.single(f.get))
	mux.HandleFunc("PUT /api/users/{id}", f.single(f.replace))
	mux.HandleFunc("PATCH /api/users/{id}", f.single(f.update))
	mux.HandleFunc("DELETE /api/users/{id}", f.single(func(w http.ResponseWriter, r *http.Request, u *roster.User) {
		if me, ok := f.sessions[token]; ok && me.Role != roster.RoleAdmin {
			problem(w, 403, roster.ErrorCodeForbidden, "The caller may not do this; see permission.", roster.PermissionUsersDelete)
			return
		}
		f.delete(w, r, u)
	}))
	mux.ServeHTTP(w, r)
}

func (f *fake) signIn(w http.ResponseWriter, r *http.Request) {
	var in roster.SignIn
	_ = json.NewDecoder(r.Body).Decode(&in)
	i := slices.IndexFunc(f.users, func(u roster.User) bool { return u.Email == in.Email })
	if i < 0 || in.Password != f.password {
		f.refused++
		problem(w, 401, roster.ErrorCodeSignInFailed, "The email or the password is wrong, or the user cannot sign in.")
		return
	}
	f.signIns++
	u := f.users[i]
	session := roster.SignedIn{
		Token: roster.Ptr(fmt.Sprint("rss_", f.signIns)),
		Identity: roster.Identity{
			UserID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Credential: roster.CredentialSession,
			Permissions: []roster.Permission{roster.PermissionUsersRead, roster.PermissionProfile},
		},
	}
	f.sessions[*session.Token] = session.Identity
	reply(w, http.StatusCreated, session)
}

func (f *fake) createKey(w http.ResponseWriter, r *http.Request) {
	var in roster.KeyCreate
	_ = json.NewDecoder(r.Body).Decode(&in)
	reply(w, http.StatusCreated, roster.KeyCreated{
		Key:    roster.Key{ID: exampleID(7), UserID: exampleID(1), Name: in.Name, Scopes: in.Scopes, CreatedAt: f.tick()},
		Secret: exampleKey,
	})
}

func (f *fake) endSessions() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.sessions)
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f.lists = append(f.lists, r.URL.RawQuery)
	limit := 20
	if s := query.Get("limit"); s != "" {
		limit, _ = strconv.Atoi(s)
	}
	found := slices.DeleteFunc(slices.Clone(f.users), func(u roster.User) bool {
		return query.Has("role") && query.Get("role") != string(u.Role)
	})
	start, _ := strconv.Atoi(query.Get("cursor"))
	end := min(start+limit, len(found))
	page := roster.PaginatedResponseUser{
		Data: found[start:end],
		Pagination: roster.Pagination{
			Page: int32(start/limit + 1), Limit: int32(limit), Total: int64(len(found)),
			Pages: int64((len(found) + limit - 1) / limit),
		},
	}
	if end < len(found) {
		page.Pagination.Next = roster.Ptr(strconv.Itoa(end))
	}
	reply(w, http.StatusOK, page)
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var in roster.UserCreate
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Name == "" {
		problem(w, 422, roster.ErrorCodeValidationFailed, "The request breaks a rule; see errors.",
			roster.FieldError{Pointer: "/name", Code: "too_short", Message: "must have at least 1 characters"})
		return
	}
	for _, u := range f.users {
		if u.Email == in.Email {
			problem(w, 409, roster.ErrorCodeEmailTaken, "Another user has this email.")
			return
		}
	}
	one(w, http.StatusCreated, f.add(in))
}

// single finds the user of a request and checks its conditions.
func (f *fake) single(next func(w http.ResponseWriter, r *http.Request, u *roster.User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(f.users, func(u roster.User) bool { return u.ID.String() == r.PathValue("id") })
		if i < 0 {
			problem(w, 404, roster.ErrorCodeNotFound, "There is no such user.")
			return
		}
		if match := r.Header.Get("If-Match"); match != "" && match != etag(f.users[i]) && match != "*" {
			problem(w, 412, roster.ErrorCodePreconditionFailed, "It has changed since it was read: read it again.")
			return
		}
		next(w, r, &f.users[i])
	}
}

func (f *fake) get(w http.ResponseWriter, r *http.Request, u *roster.User) {
	if r.Header.Get("If-None-Match") == etag(*u) {
		w.Header().Set("ETag", etag(*u))
		w.WriteHeader(http.StatusNotModified)
		return
	}
	one(w, http.StatusOK, *u)
}

func (f *fake) replace(w http.ResponseWriter, r *http.Request, u *roster.User) {
	var in roster.UserReplace
	_ = json.NewDecoder(r.Body).Decode(&in)
	u.Name, u.Email, u.Role, u.UpdatedAt = in.Name, in.Email, in.Role, f.tick()
	one(w, http.StatusOK, *u)
}

func (f *fake) update(w http.ResponseWriter, r *http.Request, u *roster.User) {
	_ = json.NewDecoder(r.Body).Decode(u) // absent fields stay
	u.UpdatedAt = f.tick()
	one(w, http.StatusOK, *u)
}

func (f *fake) delete(w http.ResponseWriter, _ *http.Request, u *roster.User) {
	f.users = slices.DeleteFunc(f.users, func(other roster.User) bool { return other.ID == u.ID })
	w.WriteHeader(http.StatusNoContent)
}

func etag(u roster.User) string {
	return `"` + strconv.FormatInt(u.UpdatedAt.UnixMicro(), 36) + `"`
}

func one(w http.ResponseWriter, status int, u roster.User) {
	w.Header().Set("ETag", etag(u))
	reply(w, status, u)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// problem refuses. more are the fields that break a rule, and the permission.
func problem(w http.ResponseWriter, status int, code roster.ErrorCode, detail string, more ...any) {
	p := roster.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: int32(status), Detail: detail,
		Code: code, RequestID: "0s3nvmnq5bkq8x4c", Errors: []roster.FieldError{},
	}
	for _, part := range more {
		switch part := part.(type) {
		case roster.FieldError:
			p.Errors = append(p.Errors, part)
		case roster.Permission:
			p.Permission = roster.Ptr(string(part))
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}

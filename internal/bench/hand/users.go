package hand

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"
)

// users holds what is the same in both programs: all but the list.
type users struct {
	pool  *pgxpool.Pool
	turns chan struct{} // to hash a password
}

func newUsers(pool *pgxpool.Pool) *users {
	return &users{pool: pool, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

func (u *users) handler(list http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /api/stats", stats(u.pool))
	mux.HandleFunc("POST /api/session", throttled())
	mux.HandleFunc("GET /api/users", list)
	mux.HandleFunc("POST /api/users", u.create)
	mux.HandleFunc("GET /api/users/{id}", u.get)
	mux.HandleFunc("PUT /api/users/{id}", u.replace)
	mux.HandleFunc("PATCH /api/users/{id}", u.update)
	mux.HandleFunc("DELETE /api/users/{id}", u.delete)
	return mux
}

var ok = []byte(`{"status":"ok"}` + "\n")

func health(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(ok)
}

func (u *users) get(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no id", http.StatusUnprocessableEntity)
		return
	}
	u.one(w, r, http.StatusOK, "SELECT "+columns+" FROM users WHERE id = $1", [16]byte(id))
}

func (u *users) create(w http.ResponseWriter, r *http.Request) {
	in := struct{ Name, Email, Password, Role string }{Role: "viewer"}
	if !decode(w, r, &in) {
		return
	}
	u.one(w, r, http.StatusCreated, `
		WITH credential AS (INSERT INTO credentials (user_id, password_hash) VALUES ($1, $5))
		INSERT INTO users (id, name, email, role) VALUES ($1, $2, $3, $4) RETURNING `+columns,
		[16]byte(uuid.Must(uuid.NewV7())), in.Name, in.Email, in.Role, u.hash(in.Password))
}

func (u *users) replace(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Email, Role string }
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no id", http.StatusUnprocessableEntity)
		return
	}
	if !decode(w, r, &in) {
		return
	}
	u.one(w, r, http.StatusOK, `
		UPDATE users SET name = $2, email = $3, role = $4,
		  updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
		WHERE id = $1 RETURNING `+columns, [16]byte(id), in.Name, in.Email, in.Role)
}

func (u *users) update(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name, Email, Role *string
		Disabled          *bool
	}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no id", http.StatusUnprocessableEntity)
		return
	}
	if !decode(w, r, &in) {
		return
	}
	u.one(w, r, http.StatusOK, `
		UPDATE users SET name = coalesce($2, name), email = coalesce($3, email),
		  role = coalesce($4, role), disabled = coalesce($5, disabled),
		  updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
		WHERE id = $1 RETURNING `+columns, [16]byte(id), in.Name, in.Email, in.Role, in.Disabled)
}

func (u *users) delete(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no id", http.StatusUnprocessableEntity)
		return
	}
	deleted, err := u.pool.Exec(r.Context(), "DELETE FROM users WHERE id = $1", [16]byte(id))
	switch {
	case err != nil:
		fail(w, err)
	case deleted.RowsAffected() == 0:
		fail(w, pgx.ErrNoRows)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// one answers with the one row of a statement.
func (u *users) one(w http.ResponseWriter, r *http.Request, status int, sql string, args ...any) {
	var found User
	if err := found.scan(u.pool.QueryRow(r.Context(), sql, args...)); err != nil {
		fail(w, err)
		return
	}
	answer(w, status, &found)
}

// hash makes an argon2id hash with Roster's parameters, as many at once as there.
func (u *users) hash(password string) string {
	u.turns <- struct{}{}
	defer func() { <-u.turns }()
	salt := make([]byte, 16)
	rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=19456,t=2,p=1$%s$%s", argon2.Version, b64.EncodeToString(salt), b64.EncodeToString(key))
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return false
	}
	return true
}

func fail(w http.ResponseWriter, err error) {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "not found", http.StatusNotFound)
	case errors.As(err, &pg) && pg.Code == "23505":
		http.Error(w, "email taken", http.StatusConflict)
	default:
		http.Error(w, "internal", http.StatusInternalServerError)
	}
}

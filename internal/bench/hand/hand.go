// Package hand is Roster's users written by hand on net/http and pgx, as two
// programs that Roster is measured against: the seed's way, and the best that
// hands can do. They use the database that Roster's migrations make, check no
// more than they must, and log nothing.
package hand

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// User is a user on the wire.
type User struct {
	ID        uuid.UUID `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	Disabled  bool      `json:"disabled"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

const columns = "id, name, email, role, disabled, created_at, updated_at"

func (u *User) scan(row pgx.Row) error {
	return row.Scan(raw(&u.ID), &u.Name, &u.Email, &u.Role, &u.Disabled, &u.CreatedAt, &u.UpdatedAt)
}

// raw is an id as pgx knows it by itself; as a uuid.UUID it would go through
// database/sql's interfaces and a text.
func raw(id *uuid.UUID) *[16]byte { return (*[16]byte)(id) }

// Main is the main function of a program that serves a handler.
func Main(handler func(*pgxpool.Pool) http.Handler) {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	database := flag.String("database", "", "the PostgreSQL, as a postgres:// URL")
	flag.Parse()
	pool, err := Open(*database)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *addr, Handler: handler(pool), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// Open makes a pool as large as Roster's.
func Open(url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = 10
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	return pgxpool.NewWithConfig(context.Background(), config)
}

// encoder is a buffer and the encoder that writes to it, kept for the next answer.
type encoder struct {
	bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.Buffer)
	e.json.SetEscapeHTML(false)
	return e
}}

var jsonType = []string{"application/json"}

func answer(w http.ResponseWriter, status int, body any) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.Reset()
	if err := e.json.Encode(body); err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(e.Len())}
	w.WriteHeader(status)
	_, _ = w.Write(e.Bytes())
}

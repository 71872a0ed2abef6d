package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/internal/role"
)

// seedBatch is how many users one COPY brings: enough to be fast, few enough
// that progress moves and that the counters' trigger holds its rows in memory.
const seedBatch = 25_000

// SeedUsers adds n made-up users without passwords, for trying Roster out at
// scale: about one in ten an editor, the others viewers, made over the past
// year. Their addresses are numbered and go on from those of the run before.
// progress is told after each batch how many are in; those stay when a later
// batch fails.
func SeedUsers(ctx context.Context, pool *pgxpool.Pool, n int, progress func(done int)) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// The connection gets settings and a lock that no other work should meet.
	conn := pooled.Hijack()
	defer conn.Close(context.WithoutCancel(ctx))

	for _, sql := range []string{
		"SET statement_timeout = 0",
		// VACUUM passes over rows whose commit may not have reached the disk.
		"SET synchronous_commit = on",
		"SET maintenance_work_mem = '256MB'",
		// Two runs at once would take the same numbers.
		"SELECT pg_advisory_lock(hashtextextended('seed_users', 0))",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	// COPY speaks the binary format, for which pgx must know the type.
	roleType, err := conn.LoadType(ctx, "role")
	if err != nil {
		return err
	}
	conn.TypeMap().RegisterType(roleType)

	var last int64
	err = conn.QueryRow(ctx, `
		SELECT coalesce(max(substring(email FROM '\.([0-9]{1,12})@example\.(?:com|net|org)$')::bigint), 0)
		FROM users`).Scan(&last)
	if err != nil {
		return err
	}

	now := time.Now().UTC()
	s := &seeds{
		number: last,
		at:     now.AddDate(-1, 0, 0),
		now:    now,
		random: rand.New(rand.NewPCG(uint64(last), uint64(n))),
	}
	s.step = now.Sub(s.at) / time.Duration(n+1)
	columns := []string{"id", "name", "email", "role", "disabled", "created_at", "updated_at"}
	for done := 0; done < n; {
		s.left = min(seedBatch, n-done)
		done += s.left
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"users"}, columns, s); err != nil {
			return fmt.Errorf("users %d to %d: %w", s.number+1-int64(seedBatch), s.number, err)
		}
		if progress != nil {
			progress(done)
		}
	}
	// Plans need the new figures, and a scan of an index alone needs to know
	// which pages everyone can see.
	_, err = conn.Exec(ctx, "VACUUM (ANALYZE) users")
	return err
}

// seeds makes up one user after another, as pgx.CopyFromSource.
type seeds struct {
	left   int // in this batch
	number int64
	at     time.Time
	step   time.Duration
	now    time.Time
	random *rand.Rand
	row    [7]any
}

func (s *seeds) Next() bool {
	if s.left == 0 {
		return false
	}
	s.left--
	s.number++
	s.at = s.at.Add(s.step)
	return true
}

func (s *seeds) Err() error { return nil }

func (s *seeds) Values() ([]any, error) {
	given := givenNames[s.random.IntN(len(givenNames))]
	family := familyNames[s.random.IntN(len(familyNames))]
	r := role.Viewer
	if s.random.IntN(10) == 0 {
		r = role.Editor
	}
	updated := s.at
	if s.random.IntN(4) == 0 {
		updated = s.at.Add(time.Duration(s.random.Int64N(int64(s.now.Sub(s.at)) + 1)))
	}
	email := make([]byte, 0, 48)
	email = append(email, given.latin...)
	email = append(email, '.')
	email = append(email, family.latin...)
	email = append(email, '.')
	email = strconv.AppendInt(email, s.number, 10)
	email = append(email, "@example."...)
	email = append(email, [...]string{"com", "net", "org"}[s.random.IntN(3)]...)

	s.row = [7]any{
		s.id(), given.name + " " + family.name, string(email), string(r),
		s.random.IntN(50) == 0, s.at, updated,
	}
	return s.row[:], nil
}

// id makes a UUIDv7 (RFC 9562) of the user's time, not of now, with the part of
// the millisecond in the 12 bits that the RFC leaves for it: so ids are in order.
func (s *seeds) id() uuid.UUID {
	var id uuid.UUID
	ms := s.at.UnixMilli()
	part := s.at.Sub(time.UnixMilli(ms)) * 4096 / time.Millisecond
	binary.BigEndian.PutUint64(id[:8], uint64(ms)<<16|0x7000|uint64(part))
	binary.BigEndian.PutUint64(id[8:], 0x8000_0000_0000_0000|s.random.Uint64()>>2)
	return id
}

// seedName is a name and how an address spells it.
type seedName struct{ name, latin string }

var givenNames = []seedName{
	{"Aaliyah", "aaliyah"}, {"Adaeze", "adaeze"}, {"Ahmed", "ahmed"}, {"Alice", "alice"}, {"Amélie", "amelie"},
	{"Ana", "ana"}, {"Anders", "anders"}, {"Anna", "anna"}, {"Ayşe", "ayse"}, {"Beatriz", "beatriz"},
	{"Björn", "bjoern"}, {"Bogdan", "bogdan"}, {"Camille", "camille"}, {"Carlos", "carlos"}, {"Chiara", "chiara"},
	{"Chloé", "chloe"}, {"Daniel", "daniel"}, {"Deepa", "deepa"}, {"Diego", "diego"}, {"Dmitri", "dmitri"},
	{"Élodie", "elodie"}, {"Emma", "emma"}, {"Esra", "esra"}, {"Fatima", "fatima"}, {"Felix", "felix"},
	{"Finn", "finn"}, {"Giulia", "giulia"}, {"Grace", "grace"}, {"Hana", "hana"}, {"Hugo", "hugo"},
	{"Ingrid", "ingrid"}, {"Isla", "isla"}, {"Ivan", "ivan"}, {"Jack", "jack"}, {"Jürgen", "juergen"},
	{"José", "jose"}, {"Julia", "julia"}, {"Kateřina", "katerina"}, {"Kenji", "kenji"}, {"Kwame", "kwame"},
	{"Lars", "lars"}, {"Leila", "leila"}, {"Liam", "liam"}, {"Łukasz", "lukasz"}, {"Lucía", "lucia"},
	{"Mai", "mai"}, {"Maria", "maria"}, {"Mateo", "mateo"}, {"Mehmet", "mehmet"}, {"Mia", "mia"},
	{"Mohammed", "mohammed"}, {"Nadia", "nadia"}, {"Ngozi", "ngozi"}, {"Nils", "nils"}, {"Noah", "noah"},
	{"Noor", "noor"}, {"Olga", "olga"}, {"Oliver", "oliver"}, {"Olivia", "olivia"}, {"Oscar", "oscar"},
	{"Paul", "paul"}, {"Priya", "priya"}, {"Rafael", "rafael"}, {"René", "rene"}, {"Rosa", "rosa"},
	{"Ruth", "ruth"}, {"Sakura", "sakura"}, {"Samuel", "samuel"}, {"Sara", "sara"}, {"Sean", "sean"},
	{"Šimon", "simon"}, {"Siobhán", "siobhan"}, {"Sofia", "sofia"}, {"Søren", "soeren"}, {"Stefan", "stefan"},
	{"Tariq", "tariq"}, {"Thandiwe", "thandiwe"}, {"Thomas", "thomas"}, {"Tomás", "tomas"}, {"Uma", "uma"},
	{"Valentina", "valentina"}, {"Viktor", "viktor"}, {"Wei", "wei"}, {"William", "william"}, {"Ximena", "ximena"},
	{"Yara", "yara"}, {"Yusuf", "yusuf"}, {"Zara", "zara"}, {"Zoë", "zoe"}, {"Žofie", "zofie"},
	{"Андрей", "andrei"}, {"Екатерина", "ekaterina"}, {"Ольга", "olga"}, {"Ελένη", "eleni"}, {"Οδυσσέας", "odysseas"},
	{"דוד", "david"}, {"محمد", "muhammad"}, {"अनीता", "anita"}, {"明", "ming"}, {"さくら", "sakura"},
}

var familyNames = []seedName{
	{"Abebe", "abebe"}, {"Adeyemi", "adeyemi"}, {"Andersson", "andersson"}, {"Bauer", "bauer"}, {"Bianchi", "bianchi"},
	{"Brown", "brown"}, {"Castro", "castro"}, {"Chen", "chen"}, {"Costa", "costa"}, {"Çelik", "celik"},
	{"Da Silva", "dasilva"}, {"Davies", "davies"}, {"De Vries", "devries"}, {"Díaz", "diaz"}, {"Dubois", "dubois"},
	{"Dvořák", "dvorak"}, {"Evans", "evans"}, {"Fernández", "fernandez"}, {"Fischer", "fischer"}, {"Fontaine", "fontaine"},
	{"García", "garcia"}, {"Gonçalves", "goncalves"}, {"Green", "green"}, {"Gupta", "gupta"}, {"Haddad", "haddad"},
	{"Hansen", "hansen"}, {"Hernández", "hernandez"}, {"Horvat", "horvat"}, {"Hughes", "hughes"}, {"Ibrahim", "ibrahim"},
	{"Ito", "ito"}, {"Ivanov", "ivanov"}, {"Jansen", "jansen"}, {"Johnson", "johnson"}, {"Jones", "jones"},
	{"Kaya", "kaya"}, {"Kelly", "kelly"}, {"Khan", "khan"}, {"Kim", "kim"}, {"Kowalski", "kowalski"},
	{"Kovács", "kovacs"}, {"Kumar", "kumar"}, {"Larsen", "larsen"}, {"Lefèvre", "lefevre"}, {"Li", "li"},
	{"Lindqvist", "lindqvist"}, {"López", "lopez"}, {"Martin", "martin"}, {"Mbeki", "mbeki"}, {"Mendoza", "mendoza"},
	{"Meyer", "meyer"}, {"Moreau", "moreau"}, {"Müller", "mueller"}, {"Murphy", "murphy"}, {"Nakamura", "nakamura"},
	{"Nguyễn", "nguyen"}, {"Nielsen", "nielsen"}, {"Novák", "novak"}, {"Núñez", "nunez"}, {"O'Brien", "obrien"},
	{"Okafor", "okafor"}, {"Okoye", "okoye"}, {"Olsen", "olsen"}, {"Öztürk", "oeztuerk"}, {"Papadopoulos", "papadopoulos"},
	{"Patel", "patel"}, {"Pereira", "pereira"}, {"Petrov", "petrov"}, {"Popescu", "popescu"}, {"Rahman", "rahman"},
	{"Ramírez", "ramirez"}, {"Ricci", "ricci"}, {"Roberts", "roberts"}, {"Rossi", "rossi"}, {"Sánchez", "sanchez"},
	{"Sato", "sato"}, {"Schäfer", "schaefer"}, {"Schmidt", "schmidt"}, {"Schröder", "schroeder"}, {"Singh", "singh"},
	{"Smith", "smith"}, {"Svensson", "svensson"}, {"Takahashi", "takahashi"}, {"Taylor", "taylor"}, {"Tan", "tan"},
	{"Tran", "tran"}, {"Van den Berg", "vandenberg"}, {"Vasile", "vasile"}, {"Virtanen", "virtanen"}, {"Walker", "walker"},
	{"Weiß", "weiss"}, {"Williams", "williams"}, {"Wójcik", "wojcik"}, {"Yamamoto", "yamamoto"}, {"Yılmaz", "yilmaz"},
	{"Zhang", "zhang"}, {"Кузнецова", "kuznetsova"}, {"Παπαδάκης", "papadakis"}, {"王", "wang"}, {"田中", "tanaka"},
}

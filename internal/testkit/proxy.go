package testkit

import (
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Fault is what a [Proxy] does to connections, those that are open and those that
// come.
type Fault int

// The faults.
const (
	None   Fault = iota // forward everything
	Refuse              // nobody listens, and what was open is closed
	Reset               // connections are accepted, and broken by RST
	Freeze              // connections are accepted and stay open, and no byte moves
	Half                // the database's side ends (FIN), and what is sent to it is lost
)

// Proxy stands between a server and its database and can break what goes through.
type Proxy struct {
	URL string // of the database, by way of the proxy

	t               testing.TB
	address         string
	network, target string

	mu     sync.Mutex
	fault  Fault
	thaw   chan struct{} // closed when Freeze ends; nil while there is none
	listen net.Listener
	pairs  map[*pair]bool
	ended  sync.WaitGroup
}

// pair is a connection of the server and the one to the database that serves it.
type pair struct{ front, back net.Conn }

// NewProxy puts a proxy in front of a database. It ends with the test.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	c, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, address: "127.0.0.1:0", pairs: map[*pair]bool{}}
	p.network, p.target = pgconn.NetworkAddress(c.Host, c.Port)
	p.open()
	p.address = p.listen.Addr().String()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Host: p.address, Path: "/" + c.Database, RawQuery: "sslmode=disable"}
	p.URL = u.String()
	t.Cleanup(func() {
		p.Set(Refuse)
		p.ended.Wait()
	})
	return p
}

// Set begins a fault, or with None ends it.
func (p *Proxy) Set(f Fault) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thaw != nil {
		close(p.thaw)
		p.thaw = nil
	}
	if p.fault == Half {
		for pair := range p.pairs {
			pair.close()
		}
	}
	p.fault = f
	if f == Refuse && p.listen != nil {
		p.listen.Close()
		p.listen = nil
	} else if f != Refuse && p.listen == nil {
		p.open()
	}
	if f == Freeze {
		p.thaw = make(chan struct{})
	}
	for pair := range p.pairs {
		p.harm(pair)
	}
}

// open listens. The caller holds the lock, or nobody else knows the proxy yet.
func (p *Proxy) open() {
	var err error
	if p.listen, err = net.Listen("tcp", p.address); err != nil {
		p.t.Fatal(err)
	}
	l := p.listen
	p.ended.Go(func() { p.accept(l) })
}

func (p *Proxy) accept(l net.Listener) {
	for {
		front, err := l.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial(p.network, p.target)
		if err != nil {
			front.Close()
			continue
		}
		c := &pair{front, back}
		p.mu.Lock()
		p.pairs[c] = true
		p.harm(c)
		p.mu.Unlock()
		p.ended.Go(func() { p.serve(c) })
	}
}

func (p *Proxy) serve(c *pair) {
	var both sync.WaitGroup
	both.Go(func() { p.forward(c, c.front, c.back) })
	both.Go(func() { p.forward(c, c.back, c.front) })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// forward copies until either end is closed, and then closes both.
func (p *Proxy) forward(c *pair, from, to net.Conn) {
	defer func() {
		if from == c.front || p.now() != Half {
			c.close()
		}
	}()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		for wait := p.frozen(); wait != nil; wait = p.frozen() {
			<-wait
		}
		if p.now() == Half && from == c.front {
			continue // lost
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) now() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// frozen returns a channel that is closed when Freeze ends; nil: nothing is frozen.
func (p *Proxy) frozen() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.thaw
}

// harm does the present fault to a connection. The caller holds the lock.
func (p *Proxy) harm(c *pair) {
	front := c.front.(*net.TCPConn)
	switch p.fault {
	case Refuse:
		c.close()
	case Reset:
		_ = front.SetLinger(0) // so that Close sends RST
		c.close()
	case Half:
		c.back.Close()
		_ = front.CloseWrite()
	}
}

func (c *pair) close() {
	c.front.Close()
	c.back.Close()
}

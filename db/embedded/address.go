package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// address is where a server listens: a socket in dir, or on Windows a host. port is part of the socket's name.
type address struct {
	dir  string
	host string
	port int
}

const (
	socketPort = 5432
	socketName = "/.s.PGSQL.5432"
	// socketLimit is what fits into sockaddr_un with its closing zero byte: 108 on Linux, 104 on macOS and BSD.
	socketLimit = 103
)

// listen chooses the address and makes the socket's folder.
func (l layout) listen(as *account) (address, error) {
	if runtime.GOOS == "windows" {
		return freePort()
	}
	dir := l.run()
	if !fitsSocket(dir) {
		var err error
		if dir, err = privateFolder(l.root, as); err != nil {
			return address{}, err
		}
	} else if err := os.Mkdir(dir, 0o700); err == nil {
		if err := as.own(dir); err != nil {
			return address{}, err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return address{}, err
	}
	// The data folder was cleared of other servers, so a socket or its lock file here is a leftover. PostgreSQL
	// itself would refuse it when its process id belongs to somebody by now.
	for _, name := range []string{socketName, socketName + ".lock"} {
		_ = os.Remove(dir + name)
	}
	return address{dir: dir, port: socketPort}, nil
}

// fitsSocket tells whether a socket in dir has a name that the system, PostgreSQL's list syntax and connection
// strings (where a comma separates hosts) all take.
func fitsSocket(dir string) bool {
	plain := !strings.ContainsFunc(dir, func(r rune) bool {
		return !strings.ContainsRune("/._-+", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	return plain && len(dir)+len(socketName) <= socketLimit
}

// privateFolder makes a short folder that only the server's user enters. Its name is made from the data folder's,
// so that a crash leaves one and not many. A folder of that name that somebody else made is not trusted.
func privateFolder(root string, as *account) (string, error) {
	base := os.TempDir()
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		base = "/tmp" // TMPDIR may be long itself
	}
	sum := sha256.Sum256([]byte(root))
	dir := filepath.Join(base, "roster-"+strconv.Itoa(as.id())+"-"+hex.EncodeToString(sum[:6]))
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		if private(dir, as) {
			return dir, nil
		}
		dir, err = os.MkdirTemp(base, "roster-")
	}
	if err != nil {
		return "", fmt.Errorf("the data folder's path is too long for a socket, and no folder could be made: %w", err)
	}
	return dir, as.own(dir)
}

func freePort() (address, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return address{}, err
	}
	defer l.Close()
	return address{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port}, nil
}

// connString is a postgres:// URL that pgx reads. There is no TLS: the socket never leaves the machine.
func connString(at address, user, password, database string) string {
	host := at.dir
	if host == "" {
		host = at.host
	}
	q := url.Values{"host": {host}, "port": {strconv.Itoa(at.port)}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

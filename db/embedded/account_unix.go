//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that PostgreSQL runs as when Roster runs as root, which PostgreSQL refuses. A nil account
// means Roster's own user, and its methods then change nothing.
type account struct {
	uid, gid int
	name     string
}

// chooseAccount returns who must run the server. As root that is the data folder's owner, else the owner of the
// folder around it, else postgres, else nobody. Its user must be able to enter the data folder.
func chooseAccount(l layout) (*account, error) {
	owner, hasData := ownerOf(l.data())
	if me := os.Geteuid(); me != 0 {
		if hasData && owner.uid != me {
			return nil, fmt.Errorf("the data folder %s belongs to the user %s: run Roster as that user or as root, "+
				"or choose another folder with ROSTER_DATA_DIR", l.data(), owner.name)
		}
		return nil, nil
	}
	if hasData && owner.uid == 0 {
		return nil, fmt.Errorf("the data folder %s belongs to root, and PostgreSQL never runs as root: "+
			"give it to another user (chown -R postgres %s)", l.data(), l.cluster())
	}
	as := owner
	if !hasData {
		as, _ = ownerOf(l.root)
		for _, name := range []string{"postgres", "nobody"} {
			if as == nil || as.uid == 0 {
				as = namedAccount(name)
			}
		}
		if as == nil {
			return nil, errors.New("PostgreSQL never runs as root, and there is neither a user postgres nor nobody: run Roster as an ordinary user")
		}
	}
	return as, as.admit(l.root)
}

// admit checks that the account can enter the folder. The data folder itself is opened for it, since it is
// Roster's; the folders above are not Roster's to change.
func (a *account) admit(root string) error {
	if info, err := os.Stat(root); err == nil && !a.enters(info) {
		if err := os.Chmod(root, info.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !a.enters(info) {
			return fmt.Errorf("PostgreSQL never runs as root, and the user %s, who runs it, cannot enter %s: "+
				"choose another folder with ROSTER_DATA_DIR", a.name, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (a *account) enters(dir fs.FileInfo) bool {
	stat, ok := dir.Sys().(*syscall.Stat_t)
	mode := dir.Mode().Perm()
	switch {
	case !ok:
		return true
	case int(stat.Uid) == a.uid:
		return mode&0o100 != 0
	case int(stat.Gid) == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

func (a *account) id() int {
	if a == nil {
		return os.Geteuid()
	}
	return a.uid
}

// own gives a file or folder to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// ownLike gives what root made to the owner of a folder, so that this user can use it later without root.
func ownLike(path, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	owner, ok := ownerOf(folder)
	if !ok {
		return nil
	}
	return os.Lchown(path, owner.uid, owner.gid)
}

func ownerOf(path string) (*account, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, false
	}
	a := &account{uid: int(stat.Uid), gid: int(stat.Gid), name: strconv.Itoa(int(stat.Uid))}
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a, true
}

func namedAccount(name string) *account {
	u, err := user.Lookup(name)
	if err != nil {
		return nil
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return nil
	}
	return &account{uid: uid, gid: gid, name: name}
}

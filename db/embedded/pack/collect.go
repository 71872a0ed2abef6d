package main

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// file is one entry of the archive: a copy of source, or a link to another name in its folder.
type file struct {
	name   string // with forward slashes, below the archive's root
	source string
	link   string
	mode   fs.FileMode
	size   int64
}

// modules are the server's loadable modules that stay. initdb needs plpgsql and dict_snowball, Roster needs
// pg_trgm, the rest is for looking into a slow or damaged database. What reaches out of the database (dblink,
// file_fdw, postgres_fdw) and languages that need another runtime (perl, python, tcl) stay out on purpose.
var modules = []string{
	"amcheck", "auto_explain", "btree_gin", "btree_gist", "citext", "dict_snowball", "libpqwalreceiver",
	"pageinspect", "pg_buffercache", "pg_prewarm", "pg_stat_statements", "pg_trgm", "pgcrypto", "pgoutput",
	"pgstattuple", "plpgsql", "unaccent",
}

// collect lists what goes into the archive, sorted by name.
func collect(dir, pkg string) ([]file, error) {
	native := filepath.Join(pkg, "native")
	var files []file
	err := filepath.WalkDir(native, func(p string, d fs.DirEntry, err error) error {
		// Links are taken from pg-symlinks.json: npm does not carry them, and its install script may not have run.
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(native, p)
		if err != nil {
			return err
		}
		f, err := regular(filepath.ToSlash(rel), p)
		if err == nil && wanted(f.name) {
			files = append(files, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	links, err := readLinks(native)
	if err != nil {
		return nil, err
	}
	files = linkedOnly(append(files, links...))

	texts, err := filepath.Glob(filepath.Join(dir, "licenses", "*"))
	if err != nil {
		return nil, err
	}
	for _, p := range append(texts, filepath.Join(pkg, "LICENSE.md")) {
		f, err := regular("licenses/"+filepath.Base(p), p)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

func regular(name, source string) (file, error) {
	info, err := os.Stat(source)
	if err != nil {
		return file{}, err
	}
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(name, "bin/") || info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	return file{name: name, source: source, mode: mode, size: info.Size()}, nil
}

// wanted tells whether a server needs the file: no headers, static libraries, samples or modules nobody loads.
func wanted(name string) bool {
	base := path.Base(name)
	switch {
	case strings.HasPrefix(name, "include/"), strings.Contains(name, "/pgxs/"), strings.Contains(name, "/pkgconfig/"),
		strings.HasSuffix(name, ".a"), strings.HasSuffix(name, ".lib"), strings.HasSuffix(name, ".pdb"),
		strings.HasPrefix(name, "share/locale/"),              // the server speaks English to Roster
		strings.HasPrefix(base, "wx"), base == "testplug.dll", // other programs' of the Windows package
		base == "pg-symlinks.json", base == "psqlrc.sample", base == "errcodes.txt",
		strings.Contains(name, "/tsearch_data/") && strings.Contains(base, "_sample"),
		strings.HasPrefix(base, "libecpg"), strings.HasPrefix(base, "libpgtypes"):
		return false
	case strings.Contains(name, "/extension/"):
		stem, _, _ := strings.Cut(strings.TrimSuffix(base, path.Ext(base)), "--")
		return slices.Contains(modules, stem)
	case path.Base(path.Dir(name)) == "postgresql" && slices.Contains([]string{".so", ".dylib"}, path.Ext(name)),
		path.Dir(name) == "lib" && path.Ext(name) == ".dll": // Windows keeps its libraries in bin
		stem := strings.TrimSuffix(base, path.Ext(base))
		// The _and_ modules convert between encodings: the server loads them when a client asks.
		return slices.Contains(modules, stem) || strings.Contains(stem, "_and_")
	}
	return true
}

func readLinks(native string) ([]file, error) {
	data, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the Windows package has none
	}
	var list []struct{ Source, Target string }
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	var links []file
	for _, l := range list {
		name := strings.TrimPrefix(l.Target, "native/")
		if wanted(name) {
			links = append(links, file{name: name, link: path.Base(l.Source), mode: 0o777})
		}
	}
	return links, err
}

// linkedOnly drops the ELF libraries of lib/ that no kept program or module needs, directly or through
// another library. Other systems' libraries are all kept.
func linkedOnly(files []file) []file {
	shared := map[string]file{} // libraries in lib/ itself, by the name a program asks for
	var queue []file
	for _, f := range files {
		switch {
		case path.Dir(f.name) == "lib" && strings.Contains(path.Base(f.name), ".so"):
			shared[path.Base(f.name)] = f
		case strings.HasPrefix(f.name, "bin/"), strings.HasPrefix(f.name, "lib/postgresql/"):
			queue = append(queue, f)
		}
	}
	needed := map[string]bool{}
	for len(queue) > 0 {
		f := queue[0]
		queue = queue[1:]
		for _, name := range imports(f.source) {
			for lib, ok := shared[name]; ok && !needed[lib.name]; lib, ok = shared[lib.link] {
				needed[lib.name] = true
				if lib.link == "" {
					queue = append(queue, lib)
				}
			}
		}
	}
	return slices.DeleteFunc(files, func(f file) bool {
		_, isLib := shared[path.Base(f.name)]
		return isLib && path.Dir(f.name) == "lib" && !needed[f.name]
	})
}

func imports(source string) []string {
	f, err := elf.Open(source)
	if err != nil {
		return nil // not ELF
	}
	defer f.Close()
	names, _ := f.ImportedLibraries()
	return names
}

func total(files []file) (n int64) {
	for _, f := range files {
		n += f.size
	}
	return n
}

package embedded

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// defaults fit a small machine that runs Roster beside the database. Durability stays PostgreSQL's own: every
// commit is on disk before it is acknowledged.
func defaults(major int) map[string]string {
	s := map[string]string{
		"max_connections":                 "100",
		"shared_buffers":                  "128MB",
		"jit":                             "off", // costs more than it saves on short queries
		"max_parallel_workers_per_gather": "0",   // one request shall not take every core
		"max_logical_replication_workers": "0",   // one process less
		"max_wal_size":                    "512MB",
		"wal_recycle":                     "on",
		"random_page_cost":                "1.1", // solid state disks
		"timezone":                        "UTC",
		"log_timezone":                    "UTC",
		"track_io_timing":                 "on",
		"log_line_prefix":                 "%m [%p] ",
		"log_checkpoints":                 "off",
		"log_autovacuum_min_duration":     "-1",
		"log_lock_waits":                  "on",
		// A log must not hold what users sent: no failed statements, no parameters, no "Key (email)=(...)".
		"log_min_error_statement":           "panic",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
		"log_error_verbosity":               "terse",
	}
	if major >= 18 {
		s["io_method"] = "sync" // the default keeps three more processes for reads that a small database does not do
	}
	return s
}

const settingsHead = `# Roster writes this file at every start. Put your own settings at the end of
# postgres/data/postgresql.conf: they win over these.
`

// writeSettings writes the defaults where postgresql.conf includes them.
func (l layout) writeSettings(major int) error {
	text := settingsHead + lines(defaults(major))
	if old, err := os.ReadFile(l.settings()); err == nil && string(old) == text {
		return nil
	}
	if err := writeFile(l.settings(), text, 0o644); err != nil {
		return err
	}
	return ownLike(l.settings(), l.root)
}

// includeSettings makes postgresql.conf read postgres.conf, two folders up so that the data folder can move.
func includeSettings(conf string) error {
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	const text = "\n# Roster's defaults. Your own settings go below this line.\ninclude_if_exists = '../../postgres.conf'\n"
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Close()
}

// serverArgs are what nobody may change in a file, and the caller's extra settings.
func serverArgs(l layout, at address, extra map[string]string) []string {
	must := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": at.dir,
		"unix_socket_permissions": "0700",
		"port":                    strconv.Itoa(at.port),
		"logging_collector":       "off", // the log goes through a pipe to Roster
		"log_destination":         "stderr",
		// After a crash PostgreSQL ends, and Roster starts it again, with pauses. By itself it
		// starts its parts again at once and without end, and where the disk is full it was
		// seen to hang so, with its recovery waiting for a checkpoint that nobody makes.
		"restart_after_crash": "off",
	}
	if at.dir == "" {
		must["listen_addresses"] = at.host
	}
	args := []string{"-D", l.data()}
	all := maps.Clone(must)
	maps.Copy(all, extra)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", k+"="+all[k])
	}
	return args
}

func lines(settings map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", k, strings.ReplaceAll(settings[k], "'", "''"))
	}
	return b.String()
}

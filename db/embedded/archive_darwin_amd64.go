package embedded

import "embed"

// A committed placeholder matches too, so that the package builds without the archive.
//
//go:embed archive/postgres-darwin-amd64.*
var archives embed.FS

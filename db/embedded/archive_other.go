//go:build !((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package embedded

import "embed"

// Nobody packs PostgreSQL for this system: Roster uses an installed one.
var archives embed.FS

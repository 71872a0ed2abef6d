// Package console is the web console's files, for the server to serve: a page that
// says how to have them, and, after make build, what Vite has built.
package console

import "embed"

// Files holds page/missing.html, and under packed/ the built files, compressed.
//
//go:embed page packed
var Files embed.FS

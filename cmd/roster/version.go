package main

import (
	"fmt"
	"runtime"

	"github.com/roster-api/roster/internal/api"
)

// build is the commit that the binary was made from; the Makefile sets it.
var build = ""

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Println(versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("roster %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func version() string {
	if build == "" {
		return api.Version
	}
	return api.Version + "+" + build
}

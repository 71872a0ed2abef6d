package main

import (
	"os"

	"github.com/roster-api/roster/internal/api"
)

type openapiCmd struct {
	Format string `enum:"yaml,json,3.0" default:"yaml" help:"yaml or json (OpenAPI 3.1), or 3.0 (OpenAPI 3.0.3, as YAML)."`
}

// Run prints the document that the server serves. It needs no database.
func (c *openapiCmd) Run() error {
	yaml, json31, yaml30, err := api.Document(api.Describe())
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(map[string][]byte{"yaml": yaml, "json": json31, "3.0": yaml30}[c.Format])
	return err
}

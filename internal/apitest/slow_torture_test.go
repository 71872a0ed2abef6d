//go:build torture

package apitest

import (
	"testing"
	"time"

	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureSlowClients: two thousand connections that send octet by octet, or
// read nothing, take nothing from those who do neither.
func TestTortureSlowClients(t *testing.T) {
	slowClients(t, testkit.Database(t), 2000, 40*time.Second, 100*time.Millisecond)
}

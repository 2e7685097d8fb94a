package pgstore_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// readmeGrants returns the SQL of the README that gives an application its
// rights.
func readmeGrants(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	grants := regexp.MustCompile("(?s)```sql\n(GRANT .*?)```").FindSubmatch(text)
	require.NotNil(t, grants)
	return string(grants[1])
}

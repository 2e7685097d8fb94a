package rbac_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Cells that a spreadsheet runs are neutralised in every width.
func TestCSVInEveryWidth(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1"} {
		var out bytes.Buffer
		require.NoError(t, rbac.Table{{"Name"}, {cell}}.WriteCSV(&out))
		require.True(t, strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(out.String(), "Name\n"), `"`), "'"), "%q", out.String())
	}
}

package rbac_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// The three forms of one table, in which a formula is neutralised, markup is
// escaped, and what would break a line is replaced.
func TestTableForms(t *testing.T) {
	t.Parallel()
	table := rbac.Table{
		{"Role", "Deals"},
		{"=cmd()", "read all"},
		{"a|b <i>", "no\nacc\x1bess"},
	}
	for _, test := range []struct {
		name  string
		write func(io.Writer) error
		want  string
	}{
		{"text", table.WriteText, "Role     Deals\n-------  ----------\n=cmd()   read all\na|b <i>  no�acc�ess\n"},
		{"Markdown", table.WriteMarkdown, "| Role | Deals |\n| --- | --- |\n| =cmd\\(\\) | read all |\n| a\\|b &lt;i&gt; | no�acc�ess |\n"},
		{"CSV", table.WriteCSV, "Role,Deals\n'=cmd(),read all\na|b <i>,\"no\nacc\x1bess\"\n"},
	} {
		var out bytes.Buffer
		require.NoError(t, test.write(&out), test.name)
		require.Equal(t, test.want, out.String(), test.name)
		pipe, broken := io.Pipe()
		require.NoError(t, pipe.CloseWithError(errBoom))
		require.ErrorIs(t, test.write(broken), errBoom, test.name)
	}
}

// Cells that a spreadsheet runs are neutralised in every width.
func TestCSVInEveryWidth(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1"} {
		var out bytes.Buffer
		require.NoError(t, rbac.Table{{"Name"}, {cell}}.WriteCSV(&out))
		require.True(t, strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(out.String(), "Name\n"), `"`), "'"), "%q", out.String())
	}
}

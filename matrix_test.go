package rbac_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Lists have the names of roles in the order of the rows, whatever the ids are.
func TestMatrixOrdersLists(t *testing.T) {
	matrix := rbac.Matrix{Roles: []rbac.Role{
		{ID: "z", Name: "Sales"},
		{ID: "a", Name: "Support"},
		{ID: "m", Name: "Help desk", Assigns: []rbac.RoleID{"a", "b", "z"}},
	}}
	var markdown bytes.Buffer
	require.NoError(t, matrix.WriteMarkdown(&markdown))
	require.Contains(t, markdown.String(), "| Help desk | Sales, Support, b |\n")
}

// The three forms of the matrix, to the letter.
func TestMatrixForms(t *testing.T) {
	matrix := rbac.Matrix{
		Areas: []rbac.AreaInfo{{Area: rbac.Deals, Label: "Deals"}, {Area: "inv", Label: "Ça va|so"}},
		Roles: []rbac.Role{
			{Name: "Administrator", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.All}, "inv": {Read: rbac.All, Manage: rbac.All}}},
			{Name: "=cmd()|*A*<b>", Permissions: rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}},
			{Name: "red\x1b[31m"},
		},
	}
	var text, markdown, table bytes.Buffer
	require.NoError(t, matrix.WriteText(&text))
	require.NoError(t, matrix.WriteMarkdown(&markdown))
	require.NoError(t, matrix.WriteCSV(&table))

	require.Equal(t, strings.Join([]string{
		"Role (read/manage)  Deals    Ça va|so",
		"------------------  -------  --------",
		"Administrator       all/all  all/all",
		"=cmd()|*A*<b>       -/own    -",
		"red�[31m            -        -",
		"",
	}, "\n"), text.String())
	require.Equal(t, strings.Join([]string{
		`| Role | Deals | Ça va\|so |`,
		`| --- | --- | --- |`,
		`| Administrator | read all, manage all | read all, manage all |`,
		`| =cmd\(\)\|\*A\*&lt;b&gt; | manage own | no access |`,
		`| red�\[31m | no access | no access |`,
		``,
	}, "\n"), markdown.String())
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"Role", "Deals", "Ça va|so"},
		{"Administrator", "read all, manage all", "read all, manage all"},
		{"'=cmd()|*A*<b>", "manage own", "no access"},
		{"red\x1b[31m", "no access", "no access"},
	}, rows)

	for name, write := range map[string]func(*failingWriter) error{
		"text":     func(w *failingWriter) error { return matrix.WriteText(w) },
		"markdown": func(w *failingWriter) error { return matrix.WriteMarkdown(w) },
		"csv":      func(w *failingWriter) error { return matrix.WriteCSV(w) },
	} {
		require.ErrorIs(t, write(&failingWriter{}), errBoom, name)
	}
}

// Roles in a list go by their names, those that are not there by their ids, and
// an area with one action has one scope.
func TestMatrixOfTeamsAndLists(t *testing.T) {
	t.Parallel()
	matrix := rbac.Matrix{
		Areas: []rbac.AreaInfo{{Area: rbac.Deals, Label: "Deals", Owned: true}, {Area: "export", Label: "Export", Only: rbac.Manage}},
		Roles: []rbac.Role{
			{ID: rbac.Administrator, Name: "Administrator", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All), "export": access(rbac.None, rbac.All)}},
			{ID: "r2", Name: "Lead", Permissions: rbac.Permissions{rbac.Deals: access(rbac.Team, rbac.Team)}, Assigns: []rbac.RoleID{"gone", "r3", "r4"}},
			{ID: "r4", Name: "Clerk", Permissions: rbac.Permissions{rbac.Deals: access(rbac.Team, rbac.Own)}},
			{ID: "r3", Name: "Sales"},
		},
	}
	var text, markdown bytes.Buffer
	require.NoError(t, matrix.WriteText(&text))
	require.NoError(t, matrix.WriteMarkdown(&markdown))
	require.Equal(t, strings.Join([]string{
		"Role (read/manage)  Deals      Export  Gives and takes",
		"------------------  ---------  ------  ------------------",
		"Administrator       all/all    all",
		"Lead                team/team  -       Clerk, Sales, gone",
		"Clerk               team/own   -",
		"Sales               -          -",
		"",
	}, "\n"), text.String())
	require.Equal(t, strings.Join([]string{
		"| Role | Deals | Export | Gives and takes |",
		"| --- | --- | --- | --- |",
		"| Administrator | read all, manage all | manage all |  |",
		"| Lead | read team, manage team | no access | Clerk, Sales, gone |",
		"| Clerk | read team, manage own | no access |  |",
		"| Sales | no access | no access |  |",
		"",
	}, "\n"), markdown.String())
}

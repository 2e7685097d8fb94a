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

package rbacui_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// The CSV of the review is the whole table, with when and of what it is. A cell that a
// spreadsheet would take for a formula is text.
func TestScenario40_ReviewIsNeutralisedInCSV(t *testing.T) {
	s := newSite(t, rbacui.WithName(func(*http.Request, string) string { return "@Ostervik" }))
	s.add("=HYPERLINK(0)", "deals: read own", "Sales", "Support")
	s.add("+49, \"quoted\"", "contacts: read all")
	s.assign("Auditor", "-1+1")
	file := s.get("-1+1", "review.csv")
	require.Equal(t, http.StatusOK, file.StatusCode)
	require.Equal(t, "text/csv; charset=utf-8; header=present", file.Header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="access-review-22.csv"`, file.Header.Get("Content-Disposition"))
	require.Equal(t, "no-store", file.Header.Get("Cache-Control"))
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	require.NoError(t, err)
	line := func(row []string) string { return strings.Join(row, "|") }
	require.Equal(t, "Role|Kind|People|Contacts: read|Contacts: manage|Organizations: read|Organizations: manage|Deals: read|Deals: manage|Services: read|Services: manage|"+
		"Tasks: read|Tasks: manage|Warranty claims: read|Warranty claims: manage|Deal approvals: manage|Users: read|Users: manage|API access: read|API access: manage|Audit: read|Audit: manage|May assign", line(rows[0]))
	byName := map[string]string{}
	for _, row := range rows[1:] {
		byName[row[0]] = line(row[1:])
	}
	require.Equal(t, "System role|2|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|", byName["Administrator"])
	require.Equal(t, "Role of this workspace|3|all|all|no|no|all|team|no|no|team|team|no|no|no|all|no|no|no|no|no|Sales", byName["Sales lead"])
	require.Equal(t, "Role of this workspace|0|no|no|no|no|own|no|no|no|no|no|no|no|no|no|no|no|no|no|no|Sales; Support", byName["'=HYPERLINK(0)"])
	require.Equal(t, "Role of this workspace|0|all|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|", byName["'+49, \"quoted\""])
	require.Equal(t, "'@Ostervik", strings.Split(byName["Workspace"], "|")[0])
	require.Equal(t, "'-1+1", strings.Split(byName["Exported by"], "|")[0])
	require.Equal(t, "22", strings.Split(byName["Revision"], "|")[0])
	require.Regexp(t, `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, strings.Split(byName["Time (UTC)"], "|")[0])
	require.Regexp(t, `^[0-9a-f]{64}$`, strings.Split(byName["Hash"], "|")[0])
	require.Len(t, rows, 1+11+6)
}

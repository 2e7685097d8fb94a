package rbacui_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var markup = regexp.MustCompile(`<[^>]*>`)

// matrix reads the table of a page: its columns, and the texts of its rows.
func (a answer) matrix(t testing.TB) (columns []string, rows [][]string) {
	t.Helper()
	table := regexp.MustCompile(`(?s)<table class="matrix">.*?</table>`).FindString(a.body)
	for _, tr := range regexp.MustCompile(`(?s)<tr>.*?</tr>`).FindAllString(table, -1) {
		var row []string
		for _, cell := range regexp.MustCompile(`(?s)<(t[hd])[^>]*>.*?</t[hd]>`).FindAllString(tr, -1) {
			row = append(row, strings.Join(strings.Fields(markup.ReplaceAllString(cell, " ")), " "))
		}
		rows = append(rows, row)
	}
	heads := 1
	if strings.Contains(table, "colgroup") {
		heads = 2
	}
	return rows[heads-1], rows[heads:]
}

// The matrix shows each role and area once, whichever are the columns.
func TestMatrix(t *testing.T) {
	s := newSite(t)
	columns, rows := s.get(lena, "review").matrix(t)
	require.Equal(t, []string{"Role", "Contacts", "Organizations", "Deals", "Services", "Tasks", "Warranty claims", "Deal approvals", "Users", "API access", "Audit"}, columns)
	none := "read no – manage no –"
	require.Equal(t, []string{"Sales 2 people", "read all manage own", none, "read team manage own", none, "read team manage own", none, "manage no –", "read own manage no –", none, none}, rows[5])
	require.Len(t, rows, 9)
	columns, turned := s.get(lena, "review?by=area").matrix(t)
	require.Equal(t, "Sales 2 people", columns[6])
	require.Len(t, turned, 10)
	for i, row := range turned {
		for j, cell := range row[1:] {
			require.Equal(t, rows[j][i+1], cell)
		}
	}
	require.Equal(t, []string{"Deals Records", rows[0][3], rows[1][3]}, turned[2][:3])
	require.Regexp(t, `<div class="scroll" role="region" aria-labelledby="matrix-h" tabindex="0">\s*<table class="matrix">`, s.get(lena, "review").body)

	for i := range 45 {
		s.add(fmt.Sprintf("Another %02d", i), "deals: read own")
	}
	for _, by := range []string{"", "?by=area"} {
		names := map[string]int{}
		path, pages := "review"+by, 0
		for ; path != ""; pages++ {
			page := s.get(lena, path)
			columns, rows := page.matrix(t)
			heads := columns[1:]
			if by == "" {
				heads = nil
				for _, row := range rows {
					heads = append(heads, row[0])
				}
			}
			require.LessOrEqual(t, len(heads), 20)
			for _, name := range heads {
				names[name]++
			}
			require.Contains(t, page.text(), fmt.Sprintf("Roles %d to %d of 54.", 20*pages+1, 20*pages+len(heads)))
			next := regexp.MustCompile(`href="([^"]*)#matrix">Next`).FindStringSubmatch(page.body)
			path = ""
			if next != nil {
				path = unescape(next[1])
			}
		}
		require.Equal(t, 3, pages)
		require.Len(t, names, 54)
	}
}

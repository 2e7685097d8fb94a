package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// Each block of docs/records.md stands in this folder, word for word, and each
// test that it names is here.
func TestRecordsDocIsTheSource(t *testing.T) {
	doc, err := os.ReadFile("../../docs/records.md")
	if err != nil {
		t.Fatal(err)
	}
	var source, tests strings.Builder
	for _, pattern := range []string{"*.go", "*.sql"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				tests.Write(text)
			} else {
				source.Write(text)
			}
		}
	}
	blocks := regexp.MustCompile("(?ms)^```(go|sql)\n(.*?)^```$").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) < 10 {
		t.Errorf("docs/records.md has %d blocks", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(source.String(), block[2]) {
			t.Errorf("this block of docs/records.md is not in the source:\n%s", block[2])
		}
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(doc), -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("docs/records.md names %s, which does not exist", name)
		}
	}
}

// What docs/records.md says about indexes: a page of own records is read in
// order from the index, and so is one of all records; one of a team is found in one of the two.
// PostgreSQL does so with plans that are made without the values.
func TestListsUseIndexes(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		ctx := t.Context()
		conn, err := c.db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		explain := "EXPLAIN QUERY PLAN "
		if strings.Contains(t.Name(), "PostgreSQL") {
			explain = "EXPLAIN "
			// With so few rows it would read them all.
			if _, err := conn.ExecContext(ctx, "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan"); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			user  string
			index string
			sorts bool // the team's rows
		}{
			{user: salesRep, index: "tasks_owner"},
			{user: salesLead, index: "tasks_company"},
			{user: teamLead, index: "(SEARCH tasks USING INDEX|using) tasks_(owner|company)", sorts: true},
		} {
			subject, err := c.az.Subject(ctx, test.user)
			if err != nil {
				t.Fatal(err)
			}
			var a args
			query := tasks.selects() + " WHERE " + c.db.inReach(subject, tasks.area, rbac.Read, &a) +
				" AND id > " + a.add("task-01") + " ORDER BY id LIMIT " + a.add(10)
			var plan string
			if explain == "EXPLAIN " {
				// Only what is prepared has a generic plan.
				if _, err := conn.ExecContext(ctx, "PREPARE of_"+strings.ReplaceAll(test.user, ".", "_")+" AS "+query); err != nil {
					t.Fatal(err)
				}
				plan = planOf(ctx, t, conn, "EXPLAIN EXECUTE of_"+strings.ReplaceAll(test.user, ".", "_")+"("+literals(a)+")", nil)
			} else {
				plan = planOf(ctx, t, conn, explain+query, a)
			}
			if !regexp.MustCompile(test.index).MatchString(plan) ||
				!test.sorts && regexp.MustCompile(`(?i)sort|temp b-tree`).MatchString(plan) {
				t.Errorf("%s:\n%s", test.user, plan)
			}
		}
	})
}

// literals writes arguments as PostgreSQL reads them in a text.
func literals(a args) string {
	var texts []string
	for _, arg := range a {
		switch arg := arg.(type) {
		case int:
			texts = append(texts, fmt.Sprint(arg))
		case string:
			texts = append(texts, "'"+arg+"'")
		case []string:
			texts = append(texts, "'{"+strings.Join(arg, ",")+"}'")
		}
	}
	return strings.Join(texts, ", ")
}

func planOf(ctx context.Context, t *testing.T, conn *sql.Conn, query string, a args) string {
	t.Helper()
	rows, err := conn.QueryContext(ctx, query, a...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		cells := make([]any, len(columns))
		for i := range cells {
			cells[i] = new(sql.NullString)
		}
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(cells[len(cells)-1].(*sql.NullString).String + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

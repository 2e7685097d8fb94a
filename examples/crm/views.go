package main

import (
	"database/sql"
	"net/http"
	"strings"

	"github.com/areagate/rbac"
)

// This file has what shows records beside lists: exports, counts, joins and
// searches. Each has to leave out what its caller may not see, as lists do.

// exportContacts answers with a CSV file for a spreadsheet, in which no cell is
// a formula.
func (s *server) exportContacts(w http.ResponseWriter, r *http.Request) error {
	var a args
	query := contacts.selects() + " WHERE " + s.db.inReach(subject(r), rbac.Contacts, rbac.Read, &a) + " ORDER BY name, id"
	rows, err := collect(r.Context(), s.db, query, a, contacts.scan)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="contacts.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	table := rbac.Table{{"id", "owner", "name", "email", "phone"}}
	for _, row := range rows {
		c := row.(*contact)
		table = append(table, []string{c.ID, c.Owner, c.Name, c.Email, c.Phone})
	}
	_ = table.WriteCSV(w) // an error is that of a client that has gone
	return nil
}

// summarizeDeals counts the deals of each stage, and adds up what they are
// worth. A number tells about the records behind it.
func (s *server) summarizeDeals(w http.ResponseWriter, r *http.Request) error {
	type summary struct {
		Stage  string `json:"stage"`
		Deals  int64  `json:"deals"`
		Amount int64  `json:"amount"`
	}
	var a args
	query := "SELECT stage, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM deals" +
		" WHERE " + s.db.inReach(subject(r), rbac.Deals, rbac.Read, &a) + " GROUP BY stage ORDER BY stage"
	stages, err := collect(r.Context(), s.db, query, a, func(rows *sql.Rows) (stage summary, err error) {
		return stage, rows.Scan(&stage.Stage, &stage.Deals, &stage.Amount)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"stages": stages})
}

// dealsOfOrganization joins two areas. That somebody may see the organization
// does not mean that they may see its deals.
func (s *server) dealsOfOrganization(w http.ResponseWriter, r *http.Request) error {
	found, err := s.find(r, organizations, rbac.Read)
	if err != nil {
		return err
	}
	var a args
	query := deals.selects() + " WHERE " + s.db.inReach(subject(r), rbac.Deals, rbac.Read, &a) +
		" AND organization = " + a.add(found.base().ID) + " ORDER BY id"
	rows, err := collect(r.Context(), s.db, query, a, deals.scan)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: rows})
}

// search looks for a name in three areas at once, in each as far as the caller
// may see.
func (s *server) search(w http.ResponseWriter, r *http.Request) error {
	type hit struct {
		Area string `json:"area"`
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	if problem := textProblem(text, true); problem != "" {
		return invalid("q", problem)
	}
	var a args
	var parts []string
	for _, k := range []kind{contacts, organizations, deals} {
		parts = append(parts, "SELECT '"+k.table()+"' AS area, id, name FROM "+k.table()+
			" WHERE "+s.db.inReach(subject(r), k.area, rbac.Read, &a)+" AND LOWER(name) LIKE "+a.add(pattern(text))+` ESCAPE '\'`)
	}
	query := strings.Join(parts, " UNION ALL ") + " ORDER BY name, id LIMIT 50"
	hits, err := collect(r.Context(), s.db, query, a, func(rows *sql.Rows) (h hit, err error) {
		return h, rows.Scan(&h.Area, &h.ID, &h.Name)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: hits})
}

// pattern returns the LIKE pattern for texts that contain a text.
func pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}

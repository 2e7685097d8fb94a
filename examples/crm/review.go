package main

import (
	"net/http"

	"github.com/areagate/rbac"
)

// matrix answers with the whole access model as one table, for a terminal or,
// with ?format=csv, for a spreadsheet.
func (s *server) matrix(w http.ResponseWriter, r *http.Request) error {
	matrix, err := s.az.Matrix(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Query().Get("format") == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="roles.csv"`)
		_ = matrix.WriteCSV(w) // the client has gone
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = matrix.WriteText(w)
	return nil
}

// findings answers with what a person should look at in the access model.
func (s *server) findings(w http.ResponseWriter, r *http.Request) error {
	found, err := s.az.Lint(r.Context())
	if err != nil {
		return err
	}
	type finding struct {
		Code     rbac.FindingCode `json:"code"`
		Severity string           `json:"severity"`
		Message  string           `json:"message"`
	}
	findings := []finding{}
	for _, f := range found {
		findings = append(findings, finding{f.Code, f.Severity.String(), f.Message})
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: findings})
}

// whoCan answers with everybody who may do something, as in
// ?area=deals&action=manage.
func (s *server) whoCan(w http.ResponseWriter, r *http.Request) error {
	var action rbac.Action
	if err := action.UnmarshalText([]byte(r.URL.Query().Get("action"))); err != nil {
		return invalid("action", "is not read or manage")
	}
	type holder struct {
		User     string     `json:"user"`
		RoleName string     `json:"roleName"`
		Scope    rbac.Scope `json:"scope"`
	}
	holders := []holder{}
	for h, err := range s.az.WhoCan(r.Context(), rbac.Area(r.URL.Query().Get("area")), action) {
		if err != nil {
			return err
		}
		holders = append(holders, holder{h.Member.User, h.RoleName, h.Scope})
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: holders})
}

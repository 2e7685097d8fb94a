package main

import (
	"errors"
	"net/http"

	"github.com/areagate/rbac"
)

// exportMatrix answers with the whole access model as a table for a spreadsheet.
func (s *server) exportMatrix(w http.ResponseWriter, r *http.Request) error {
	matrix, err := s.az.For(subject(r).Workspace()).Matrix(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="roles.csv"`)
	_ = matrix.WriteCSV(w) // the client has gone
	return nil
}

// verify answers whether the chain of all events is intact.
func (s *server) verify(w http.ResponseWriter, r *http.Request) error {
	err := s.az.For(subject(r).Workspace()).VerifyEvents(r.Context())
	if err != nil && !errors.Is(err, rbac.ErrTampered) {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]bool{"intact": err == nil})
}

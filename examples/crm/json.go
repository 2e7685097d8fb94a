package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// readJSON decodes the body of a request, and refuses what target does not
// have.
func readJSON(w http.ResponseWriter, r *http.Request, target any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(target)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
	}
	var large *http.MaxBytesError
	var invalid *rbac.ValidationError // from roles and permissions, which decode themselves
	switch {
	case errors.As(err, &large):
		return problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large"}
	case errors.As(err, &invalid):
		return invalid
	}
	return problem{Status: http.StatusBadRequest, Code: "malformed", Detail: "The body is not the JSON that this route takes."}
}

func writeJSON(w http.ResponseWriter, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone
	return nil
}

// listJSON is one page of a list.
type listJSON struct {
	Items any    `json:"items"`
	Next  string `json:"next,omitempty"` // for ?after=, if there is more
}

// page is the part of a list that a request asks for.
type page struct {
	after string
	limit int
}

func pageOf(r *http.Request) (page, error) {
	p := page{r.URL.Query().Get("after"), 100}
	if problem := textProblem(p.after, false); problem != "" {
		return p, invalid("after", problem)
	}
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if p.limit, err = strconv.Atoi(text); err != nil || p.limit < 1 || p.limit > 1000 {
			return p, invalid("limit", "is not a number from 1 to 1000")
		}
	}
	return p, nil
}

// listOf returns a page, and where the next one begins if this one is full.
func listOf[T any](items []T, p page, id func(T) string) listJSON {
	if len(items) < p.limit {
		return listJSON{Items: items}
	}
	return listJSON{items, id(items[len(items)-1])}
}

// problem is an answer that is no success, as an error.
type problem rbachttp.Problem

func (p problem) Error() string { return p.Code }

var (
	errNotFound = errors.New("not found")
	errChanged  = problem{Status: http.StatusConflict, Code: "conflict", Detail: "The record was changed in the meantime."}
)

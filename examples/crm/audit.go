package main

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/areagate/rbac"
)

// events answers with a page of the changes of access, newest first. Events
// encode themselves as JSON.
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	query := rbac.EventQuery{Newest: true, Limit: page.limit}
	if page.after != "" {
		if query.Before, err = strconv.ParseInt(page.after, 10, 64); err != nil || query.Before < 1 {
			return invalid("after", "is not the number of an event")
		}
	}
	events := []rbac.Event{}
	for event, err := range s.az.Events(r.Context(), query) {
		if err != nil {
			return err
		}
		events = append(events, event)
	}
	return writeJSON(w, http.StatusOK, listOf(events, page, func(e rbac.Event) string { return strconv.FormatInt(e.Seq, 10) }))
}

// verify answers whether the chain of all events is intact.
func (s *server) verify(w http.ResponseWriter, r *http.Request) error {
	err := s.az.VerifyEvents(r.Context())
	if err != nil && !errors.Is(err, rbac.ErrTampered) {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]bool{"intact": err == nil})
}

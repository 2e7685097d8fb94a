package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

type ticket struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Title string `json:"title"`
}

func (s *service) listTickets(w http.ResponseWriter, r *http.Request) error {
	subject, _ := s.caller(r)
	args := []any{subject.Workspace()}
	rows, err := s.db.QueryContext(r.Context(), "SELECT id, owner, title FROM tickets WHERE workspace = $1 AND "+
		subject.Reach(Tickets, rbac.Read).Where(s.db.holes, "owner", &args)+" ORDER BY id LIMIT 1000", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	tickets := []ticket{}
	for rows.Next() {
		var t ticket
		if err := rows.Scan(&t.ID, &t.Owner, &t.Title); err != nil {
			return err
		}
		tickets = append(tickets, t)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return encode(w, http.StatusOK, tickets)
}

// showTicket answers with one ticket. One that the caller may not see is not
// there.
func (s *service) showTicket(w http.ResponseWriter, r *http.Request) error {
	subject, _ := s.caller(r)
	var t ticket
	err := s.db.QueryRowContext(r.Context(), "SELECT id, owner, title FROM tickets WHERE workspace = $1 AND id = $2",
		subject.Workspace(), r.PathValue("id")).Scan(&t.ID, &t.Owner, &t.Title)
	if err != nil {
		return err
	}
	if !subject.CanRecord(Tickets, rbac.Read, t.Owner) {
		return sql.ErrNoRows
	}
	return encode(w, http.StatusOK, t)
}

func (s *service) createTicket(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Title string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	subject, _ := s.caller(r)
	t := ticket{ID: rand.Text(), Owner: subject.User(), Title: in.Title}
	if !subject.CanRecord(Tickets, rbac.Manage, t.Owner) {
		return rbac.ErrDenied
	}
	if _, err := s.db.ExecContext(r.Context(), "INSERT INTO tickets (id, workspace, owner, title) VALUES ($1, $2, $3, $4)",
		t.ID, subject.Workspace(), t.Owner, t.Title); err != nil {
		return err
	}
	s.live.publish(subject.Workspace(), t)
	return encode(w, http.StatusCreated, t)
}

// streamTickets sends new tickets for as long as the caller may see them.
func (s *service) streamTickets(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := rbachttp.Stream(r.Context())
	defer cancel()
	defer context.AfterFunc(s.closed, cancel)()
	subject, _ := s.caller(r)
	reach := subject.Reach(Tickets, rbac.Read)
	tickets, leave := s.live.follow(subject.Workspace())
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	for err := flush(); err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case t := <-tickets:
			if !reach.Includes(t.Owner) || ctx.Err() != nil { // both may have been ready
				continue
			}
			var data []byte
			if data, err = json.Marshal(t); err == nil {
				_, err = fmt.Fprintf(w, "data: %s\n\n", data)
			}
			err = errors.Join(err, flush())
		}
	}
	return nil // it has begun to answer, and the client is gone
}

// live brings new tickets to the streams of this process.
type live struct {
	mu        sync.Mutex
	followers map[chan ticket]string // and their workspaces
}

func (l *live) follow(workspace string) (tickets chan ticket, leave func()) {
	tickets = make(chan ticket, 16)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers[tickets] = workspace
	return tickets, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.followers, tickets)
	}
}

// publish does not wait: who is sixteen tickets behind misses some.
func (l *live) publish(workspace string, t ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for tickets, of := range l.followers {
		if of != workspace {
			continue
		}
		select {
		case tickets <- t:
		default:
		}
	}
}

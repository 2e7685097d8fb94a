package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/http"
	"strings"

	"github.com/areagate/rbac"
)

// list answers with a page of the records that the caller may see.
func (s *server) list(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, err := pageOf(r)
		if err != nil {
			return err
		}
		rows, err := s.records(r.Context(), subject(r), k, page)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, listOf(rows, page, func(r row) string { return r.base().ID }))
	}
}

// records returns a page of the records that somebody may see. What they may not
// see is left out by the query itself, so that pages are full.
func (s *server) records(ctx context.Context, who rbac.Subject, k kind, page page) ([]row, error) {
	var a args
	query := k.selects() + " WHERE " + s.db.inReach(who, k.area, rbac.Read, &a) +
		" AND id > " + a.add(page.after) + " ORDER BY id LIMIT " + a.add(page.limit)
	return collect(ctx, s.db, query, a, k.scan)
}

// get answers with one record.
func (s *server) get(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := s.find(r, k, rbac.Read)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, found)
	}
}

// create makes a record, which belongs to the caller unless it says otherwise.
// Who manages own records only makes none for others.
func (s *server) create(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		made := k.empty()
		if err := readJSON(w, r, made); err != nil {
			return err
		}
		base := made.base()
		if base.ID != "" {
			return invalid("id", "must be empty: the server gives it")
		}
		if base.Owner == "" {
			base.Owner = subject(r).User()
		}
		if !subject(r).CanRecord(k.area, rbac.Manage, base.Owner) {
			return rbac.ErrDenied
		}
		if err := s.checkRecord(r, k, made, nil); err != nil {
			return err
		}
		base.ID, base.company = newID(), subject(r).Workspace()
		if err := k.insert(r.Context(), s.db.exec, made); err != nil {
			return err
		}
		w.Header().Set("Location", fmt.Sprintf("/%s/%s", k.area, base.ID))
		return writeJSON(w, http.StatusCreated, made)
	}
}

// update replaces the values of a record. The owner stays: see transfer.
func (s *server) update(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		stored, err := s.find(r, k, rbac.Manage)
		if err != nil {
			return err
		}
		changed := k.empty()
		if err := readJSON(w, r, changed); err != nil {
			return err
		}
		// What get returned can be sent back as it is.
		base := changed.base()
		if base.ID != "" && base.ID != stored.base().ID {
			return invalid("id", "cannot be changed")
		}
		if base.Owner != "" && base.Owner != stored.base().Owner {
			return invalid("owner", "is changed by PUT of …/owner")
		}
		if err := s.checkRecord(r, k, changed, stored.organization()); err != nil {
			return err
		}
		var a args
		var sets []string
		for i, value := range changed.values() {
			sets = append(sets, k.columns[i]+" = "+a.add(value))
		}
		return s.change(w, r, "UPDATE "+k.table()+" SET "+strings.Join(sets, ", ")+k.same(stored, &a), a, errChanged)
	}
}

// remove deletes a record.
func (s *server) remove(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		stored, err := s.find(r, k, rbac.Manage)
		if err != nil {
			return err
		}
		var a args
		return s.change(w, r, "DELETE FROM "+k.table()+k.same(stored, &a), a, errChanged)
	}
}

// transfer gives a record to another owner. Its route needs manage all: by
// giving a record away, or by taking one, own would become more than own.
func (s *server) transfer(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		stored, err := s.find(r, k, rbac.Manage)
		if err != nil {
			return err
		}
		var body struct {
			Owner string `json:"owner"`
		}
		if err := readJSON(w, r, &body); err != nil {
			return err
		}
		if err := s.checkOwner(r, body.Owner); err != nil {
			return err
		}
		var a args
		return s.change(w, r, "UPDATE "+k.table()+" SET owner = "+a.add(body.Owner)+k.same(stored, &a), a, errChanged)
	}
}

// find returns the record that a request is about, if the caller may do
// something to it. One that they may not even see is not found, as if it were
// not there.
func (s *server) find(r *http.Request, k kind, action rbac.Action) (row, error) {
	found, err := s.load(r.Context(), subject(r).Workspace(), k, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	caller, owner := subject(r), found.base().Owner
	switch {
	case caller.CanRecord(k.area, action, owner):
		return found, nil
	case caller.CanRecord(k.area, rbac.Read, owner):
		return nil, rbac.ErrDenied
	}
	return nil, errNotFound
}

// load returns a record of a company, whoever asks.
func (s *server) load(ctx context.Context, company string, k kind, id string) (row, error) {
	if textProblem(id, true) != "" {
		return nil, errNotFound
	}
	found, err := collect(ctx, s.db, k.selects()+" WHERE id = $1 AND company = $2", args{id, company}, k.scan)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNotFound
	}
	return found[0], nil
}

// change answers when a statement has changed one row.
func (s *server) change(w http.ResponseWriter, r *http.Request, statement string, a args, none error) error {
	if err := s.changeOne(r.Context(), statement, a, none); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// changeOne runs a statement that changes one row, or returns what it means that
// there is none.
func (s *server) changeOne(ctx context.Context, statement string, a args, none error) error {
	result, err := s.db.ExecContext(ctx, statement, a...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

// checkRecord returns what is wrong with a record that the caller would store.
// An organization that they may not see is none to them, unless the record
// belongs to it already.
func (s *server) checkRecord(r *http.Request, k kind, checked row, organization *string) error {
	if err := k.check(checked); err != nil {
		return err
	}
	if owner := checked.base().Owner; owner != "" {
		if err := s.checkOwner(r, owner); err != nil {
			return err
		}
	}
	id := checked.organization()
	if id == nil || organization != nil && *organization == *id {
		return nil
	}
	found, err := s.load(r.Context(), subject(r).Workspace(), organizations, *id)
	if err != nil && err != errNotFound {
		return err
	}
	if err != nil || !subject(r).CanRecord(rbac.Organizations, rbac.Read, found.base().Owner) {
		return invalid("organization", "is not an organization")
	}
	return nil
}

func (s *server) checkOwner(r *http.Request, user string) error {
	known, err := s.known(r.Context(), subject(r).Workspace(), user)
	if err == nil && !known {
		return invalid("owner", "is not a user")
	}
	return err
}

// table returns the name of the table.
func (k kind) table() string { return string(k.area) }

func (k kind) selects() string {
	return "SELECT id, owner, company, " + strings.Join(k.columns, ", ") + " FROM " + k.table()
}

func (k kind) scan(rows *sql.Rows) (row, error) {
	scanned := k.empty()
	base := scanned.base()
	return scanned, rows.Scan(append([]any{&base.ID, &base.Owner, &base.company}, scanned.values()...)...)
}

func (k kind) insert(ctx context.Context, exec func(ctx context.Context, query string, values ...any) error, made row) error {
	var a args
	base := made.base()
	placeholders := []string{a.add(base.ID), a.add(base.Owner), a.add(base.company)}
	for _, value := range made.values() {
		placeholders = append(placeholders, a.add(value))
	}
	return exec(ctx, "INSERT INTO "+k.table()+" (id, owner, company, "+strings.Join(k.columns, ", ")+
		") VALUES ("+strings.Join(placeholders, ", ")+")", a...)
}

// same returns the condition for a record that still has the owner with whom
// the caller was judged: if it was given to somebody else meanwhile, nothing
// is changed.
func (k kind) same(judged row, a *args) string {
	return " WHERE id = " + a.add(judged.base().ID) + " AND owner = " + a.add(judged.base().Owner)
}

// newID returns an id that tells nothing about other records.
func newID() string { return strings.ToLower(rand.Text()) }

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// apiKey lets a program act for the user who made it, and do less than they
// may. The key itself is shown once.
type apiKey struct {
	ID          string           `json:"id"`
	User        string           `json:"user"`
	Name        string           `json:"name"`
	Permissions rbac.Permissions `json:"permissions"`
	Key         string           `json:"key,omitempty"`
}

// forPeople is what no key may do. AsSubject keeps a key's limit, so a key for
// users would give nobody more than it holds; but the members and keys that it
// made would outlive its revocation, and whoever had stolen it would be back.
var forPeople = rbac.Permissions{
	rbac.Users: {Manage: rbac.All},
	rbac.API:   {Manage: rbac.All},
}

// callerOfKey returns the owner of a key, limited to what the key may do. The
// owner is looked up for each request, so the key loses what they lose.
func (s *server) callerOfKey(ctx context.Context, token string) (rbachttp.Caller, error) {
	var company, user string
	var permissions []byte
	row := s.db.QueryRowContext(ctx, "SELECT company, user_id, permissions FROM api_keys WHERE hash = $1", hash(token))
	switch err := row.Scan(&company, &user, &permissions); {
	case errors.Is(err, sql.ErrNoRows):
		return rbachttp.Caller{}, nil
	case err != nil:
		return rbachttp.Caller{}, err
	}
	var most rbac.Permissions
	if err := json.Unmarshal(permissions, &most); err != nil {
		return rbachttp.Caller{}, err
	}
	return rbachttp.User(user).Key(company, most), nil
}

// createKey makes a key for the caller.
func (s *server) createKey(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name        string           `json:"name"`
		Permissions rbac.Permissions `json:"permissions"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	key, err := s.makeKey(r.Context(), subject(r), body.Name, body.Permissions)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api-keys/"+key.ID)
	return writeJSON(w, http.StatusCreated, key)
}

// makeKey makes a key, which cannot do what its owner cannot do, in the company in
// which they are.
func (s *server) makeKey(ctx context.Context, owner rbac.Subject, name string, most rbac.Permissions) (apiKey, error) {
	if err := checkTexts("name", name); err != nil {
		return apiKey{}, err
	}
	if err := s.az.ValidatePermissions(most); err != nil {
		return apiKey{}, err
	}
	if len(most.Intersect(forPeople)) > 0 {
		return apiKey{}, invalid("permissions", "has what keys may not do: "+forPeople.String())
	}
	if missing := owner.Permissions().Missing(most); len(missing) > 0 {
		return apiKey{}, &rbac.EscalationError{Actor: owner.User(), Missing: missing}
	}
	permissions, err := json.Marshal(most)
	if err != nil {
		return apiKey{}, err
	}
	key := apiKey{newID(), owner.User(), name, most, newToken(keyPrefix)}
	return key, s.db.exec(ctx, "INSERT INTO api_keys (id, hash, company, user_id, name, permissions) VALUES ($1, $2, $3, $4, $5, $6)",
		key.ID, hash(key.Key), owner.Workspace(), key.User, key.Name, string(permissions))
}

func (s *server) listKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.keys(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: keys})
}

// keys returns the keys of the company in which the caller is.
func (s *server) keys(r *http.Request) ([]apiKey, error) {
	query := "SELECT id, user_id, name, permissions FROM api_keys WHERE company = $1 ORDER BY user_id, name, id"
	return collect(r.Context(), s.db, query, args{subject(r).Workspace()}, func(rows *sql.Rows) (key apiKey, err error) {
		var permissions []byte
		if err := rows.Scan(&key.ID, &key.User, &key.Name, &permissions); err != nil {
			return key, err
		}
		if err := json.Unmarshal(permissions, &key.Permissions); err != nil {
			return key, fmt.Errorf("the stored permissions of key %s: %v", key.ID, err) // which is nothing to tell the client
		}
		return key, nil
	})
}

func (s *server) deleteKey(w http.ResponseWriter, r *http.Request) error {
	if err := s.dropKey(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) dropKey(r *http.Request) error {
	return s.changeOne(r.Context(), "DELETE FROM api_keys WHERE id = $1 AND company = $2", args{r.PathValue("id"), subject(r).Workspace()}, errNotFound)
}

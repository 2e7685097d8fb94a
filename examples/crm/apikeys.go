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
	var user string
	var permissions []byte
	row := s.db.QueryRowContext(ctx, "SELECT user_id, permissions FROM api_keys WHERE hash = $1", hash(token))
	switch err := row.Scan(&user, &permissions); {
	case errors.Is(err, sql.ErrNoRows):
		return rbachttp.Caller{}, nil
	case err != nil:
		return rbachttp.Caller{}, err
	}
	var most rbac.Permissions
	if err := json.Unmarshal(permissions, &most); err != nil {
		return rbachttp.Caller{}, err
	}
	return rbachttp.User(user).Key(s.az.ID(), most), nil
}

// createKey makes a key for the caller. It cannot do what they cannot do.
func (s *server) createKey(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name        string           `json:"name"`
		Permissions rbac.Permissions `json:"permissions"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	if err := checkTexts("name", body.Name); err != nil {
		return err
	}
	if err := s.az.ValidatePermissions(body.Permissions); err != nil {
		return err
	}
	if len(body.Permissions.Intersect(forPeople)) > 0 {
		return invalid("permissions", "has what keys may not do: "+forPeople.String())
	}
	caller := subject(r)
	if missing := caller.Permissions().Missing(body.Permissions); len(missing) > 0 {
		return &rbac.EscalationError{Actor: caller.User(), Missing: missing}
	}
	permissions, err := json.Marshal(body.Permissions)
	if err != nil {
		return err
	}
	key := apiKey{newID(), caller.User(), body.Name, body.Permissions, newToken(keyPrefix)}
	err = s.db.exec(r.Context(), "INSERT INTO api_keys (id, hash, user_id, name, permissions) VALUES ($1, $2, $3, $4, $5)",
		key.ID, hash(key.Key), key.User, key.Name, string(permissions))
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api-keys/"+key.ID)
	return writeJSON(w, http.StatusCreated, key)
}

func (s *server) listKeys(w http.ResponseWriter, r *http.Request) error {
	query := "SELECT id, user_id, name, permissions FROM api_keys ORDER BY user_id, name, id"
	keys, err := collect(r.Context(), s.db, query, nil, func(rows *sql.Rows) (key apiKey, err error) {
		var permissions []byte
		if err := rows.Scan(&key.ID, &key.User, &key.Name, &permissions); err != nil {
			return key, err
		}
		if err := json.Unmarshal(permissions, &key.Permissions); err != nil {
			return key, fmt.Errorf("the stored permissions of key %s: %v", key.ID, err) // which is nothing to tell the client
		}
		return key, nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: keys})
}

func (s *server) deleteKey(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "DELETE FROM api_keys WHERE id = $1", args{r.PathValue("id")}, errNotFound)
}

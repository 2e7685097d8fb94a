package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"

	"github.com/areagate/rbac"
)

// invite makes somebody a member, with an account if they have none. The rules
// decide whether the caller may give the role.
func (s *service) invite(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email string
		Role  rbac.RoleID
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	subject, workspace := s.caller(r)
	var person, token string
	err := s.db.write(r.Context(), workspace, func(t tx, acme *rbac.Transaction) (err error) {
		if person, err = ensurePerson(t, in.Email); err != nil {
			return err
		}
		if err := acme.AsSubject(subject).Because("invitation").Add(r.Context(), in.Role, person); err != nil {
			return err
		}
		token, err = addToken(t, person)
		return err
	})
	if err != nil {
		return err
	}
	s.mail(in.Email, token)
	return encode(w, http.StatusCreated, map[string]string{"user": person})
}

func (s *service) setTeam(w http.ResponseWriter, r *http.Request) error {
	subject, workspace := s.caller(r)
	if err := workspace.AsSubject(subject).SetTeam(r.Context(), r.PathValue("team"), r.PathValue("user")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// createKey makes a token of the caller's that is good for this workspace, and
// for no more than they say.
func (s *service) createKey(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Permissions rbac.Permissions }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	subject, workspace := s.caller(r)
	if subject.Limited() {
		return rbac.ErrDenied // a key would make one that may do more
	}
	if err := workspace.ValidatePermissions(in.Permissions); err != nil {
		return err
	}
	permissions, err := json.Marshal(in.Permissions)
	if err != nil {
		return err
	}
	token := rand.Text()
	if _, err := s.db.ExecContext(r.Context(), "INSERT INTO tokens (hash, person, workspace, permissions) VALUES ($1, $2, $3, $4)",
		hash(token), subject.User(), workspace.ID(), string(permissions)); err != nil {
		return err
	}
	return encode(w, http.StatusCreated, map[string]string{"token": token})
}

// offboard ends the workspace: our rows and the library's, or neither.
func (s *service) offboard(w http.ResponseWriter, r *http.Request) error {
	subject, workspace := s.caller(r)
	if subject.Role() != rbac.Administrator || subject.Limited() {
		return rbac.ErrDenied
	}
	err := s.db.write(r.Context(), workspace, func(t tx, acme *rbac.Transaction) error {
		if err := acme.System("off-boarding by " + subject.User()).DeleteWorkspace(r.Context()); err != nil {
			return err
		}
		return t.exec("DELETE FROM workspaces WHERE id = $1", workspace.ID())
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

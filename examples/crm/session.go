package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/areagate/rbac/rbachttp"
)

const (
	sessionPrefix = "crm_session_"
	keyPrefix     = "crm_key_"
	sessionLife   = 12 * time.Hour
)

// identify finds out who makes a request, from a session or an API key. It
// decides nothing about access. A token that is wrong is nobody; an error is
// a database that does not answer.
func (s *server) identify(r *http.Request) (rbachttp.Caller, error) {
	token, ok := bearer(r)
	switch {
	case ok && strings.HasPrefix(token, keyPrefix):
		return s.callerOfKey(r.Context(), token)
	case ok && strings.HasPrefix(token, sessionPrefix):
		user, err := s.userOfSession(r.Context(), token)
		return rbachttp.User(user), err
	}
	return rbachttp.Caller{}, nil
}

// userOfSession returns who signed in, or nobody.
func (s *server) userOfSession(ctx context.Context, token string) (user string, err error) {
	row := s.db.QueryRowContext(ctx, "SELECT user_id FROM sessions WHERE hash = $1 AND expires > $2", hash(token), time.Now().Unix())
	if err = row.Scan(&user); errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return user, err
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// newToken returns a secret that nobody can guess, so that one round of
// SHA-256 is enough to keep it.
func newToken(prefix string) string { return prefix + rand.Text() }

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// signIn gives a session to whoever asks. It is for trying the CRM out: put
// your own authentication here.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		User string `json:"user"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	known, err := s.known(r.Context(), body.User)
	if err != nil {
		return err
	}
	if !known {
		return problem{Status: http.StatusUnprocessableEntity, Code: "unknown-person", Detail: "Nobody here has this id."}
	}
	token := newToken(sessionPrefix)
	err = s.db.exec(r.Context(), "INSERT INTO sessions (hash, user_id, expires) VALUES ($1, $2, $3)",
		hash(token), body.User, time.Now().Add(sessionLife).Unix())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, map[string]string{"user": body.User, "token": token})
}

func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	token, _ := bearer(r)
	if err := s.db.exec(r.Context(), "DELETE FROM sessions WHERE hash = $1", hash(token)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endSessions signs a member out everywhere. The CRM asks rbac whether the caller
// may act on them, in the transaction that does it: so it asks, too, before
// anybody sets another's password or address.
func (s *server) endSessions(w http.ResponseWriter, r *http.Request) error {
	ctx, user := r.Context(), r.PathValue("user")
	err := s.transact(ctx, func(tx transaction) error {
		if err := tx.access().AsSubject(subject(r)).Authorize(ctx, user); err != nil {
			return err
		}
		return tx.exec(ctx, "DELETE FROM sessions WHERE user_id = $1", user)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// me answers with what belongs to the user, member or not.
func (s *server) me(w http.ResponseWriter, r *http.Request) error {
	caller := subject(r)
	people, err := s.people(r.Context(), caller.User())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		person
		Active bool   `json:"active"`
		Role   string `json:"role,omitempty"`
	}{people[caller.User()], caller.Active(), caller.RoleName()})
}

// health answers as long as the process does. It asks nobody: a database that
// is gone is no reason to restart the CRM.
func (s *server) health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

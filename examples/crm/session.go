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
	sessionCookie = "crm_session"
	sessionLife   = 12 * time.Hour
)

// companyHeader names the company that a request is for. Sessions and keys are of
// one company, so it is not needed; where it names another one, they do not count.
const companyHeader = "Crm-Company"

// identify finds out who makes a request, from a session or an API key. It
// decides nothing about access. A token that is wrong is nobody; an error is
// a database that does not answer.
func (s *server) identify(r *http.Request) (caller rbachttp.Caller, err error) {
	token, ok := bearer(r)
	switch {
	case ok && strings.HasPrefix(token, keyPrefix):
		caller, err = s.callerOfKey(r.Context(), token)
		if company := r.Header.Get(companyHeader); company != "" {
			caller = caller.In(company) // denied, unless it is the key's
		}
	case ok && strings.HasPrefix(token, sessionPrefix):
		company, user, err := s.sessionOf(r.Context(), token)
		if asked := r.Header.Get(companyHeader); err != nil || asked != "" && asked != company {
			return rbachttp.Caller{}, err
		}
		return rbachttp.User(user).In(company), nil
	}
	return caller, err
}

// sessionOf returns who signed in, and for which company, or nobody.
func (s *server) sessionOf(ctx context.Context, token string) (company, user string, err error) {
	row := s.db.QueryRowContext(ctx, "SELECT company, user_id FROM sessions WHERE hash = $1 AND expires > $2", hash(token), time.Now().Unix())
	if err = row.Scan(&company, &user); errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return company, user, err
}

// bearer returns the token of a request: that of a program or, of a browser, the
// session in its cookie.
func bearer(r *http.Request) (string, bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, ok := strings.Cut(header, " ")
		return token, ok && strings.EqualFold(scheme, "Bearer")
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", false
	}
	return cookie.Value, strings.HasPrefix(cookie.Value, sessionPrefix)
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
		User    string `json:"user"`
		Company string `json:"company"` // the first one that knows the user, if it is empty
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	company, token, err := s.newSession(r.Context(), body.Company, body.User)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, map[string]string{"user": body.User, "company": company, "token": token})
}

var errPerson = problem{Status: http.StatusUnprocessableEntity, Code: "unknown-person", Detail: "Nobody here has this id."}

// newSession begins a session of a person in a company, or in the first one that
// knows them.
func (s *server) newSession(ctx context.Context, in, user string) (company, token string, err error) {
	companies, err := s.companies(ctx, user)
	if err != nil {
		return "", "", err
	}
	for _, known := range companies {
		if in != "" && in != known.ID {
			continue
		}
		token := newToken(sessionPrefix)
		return known.ID, token, s.db.exec(ctx, "INSERT INTO sessions (hash, company, user_id, expires) VALUES ($1, $2, $3, $4)",
			hash(token), known.ID, user, time.Now().Add(sessionLife).Unix())
	}
	return "", "", errPerson
}

func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.endSession(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// signOutPage signs a browser out, and leads to where one begins.
func (s *server) signOutPage(w http.ResponseWriter, r *http.Request) error {
	if err := s.endSession(r); err != nil {
		return err
	}
	setCookie(w, r, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *server) endSession(r *http.Request) error {
	token, _ := bearer(r)
	return s.db.exec(r.Context(), "DELETE FROM sessions WHERE hash = $1", hash(token))
}

// setCookie gives a browser a session for some seconds. Below zero it takes it back.
func setCookie(w http.ResponseWriter, r *http.Request, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// endSessions signs a member out of the company everywhere. The CRM asks rbac whether the caller
// may act on them, in the transaction that does it: so it asks, too, before
// anybody sets another's password or address.
func (s *server) endSessions(w http.ResponseWriter, r *http.Request) error {
	ctx, company, user := r.Context(), subject(r).Workspace(), r.PathValue("user")
	err := s.transact(ctx, company, func(tx transaction) error {
		if err := tx.access().AsSubject(subject(r)).Authorize(ctx, user); err != nil {
			return err
		}
		return tx.exec(ctx, "DELETE FROM sessions WHERE company = $1 AND user_id = $2", company, user)
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
	people, err := s.people(r.Context(), caller.Workspace(), caller.User())
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

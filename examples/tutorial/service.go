package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

const Tickets rbac.Area = "tickets"

var options = []rbac.Option{
	rbac.WithAreas(
		rbac.AreaInfo{Area: Tickets, Label: "Tickets", Owned: true},
		rbac.AreaInfo{Area: rbac.Users, Label: "People and roles", Sensitive: true},
	),
	rbac.WithTeams(),
	rbac.WithoutDefaultWorkspace(),
}

// roles are those with which a workspace begins. Its people edit them.
var roles = []rbac.Role{
	{Name: "Agent", Permissions: rbac.Permissions{Tickets: {Read: rbac.Team, Manage: rbac.Own}}},
	{Name: "Lead", Permissions: rbac.Permissions{Tickets: {Read: rbac.All, Manage: rbac.All}, rbac.Users: {Read: rbac.All}}},
}

type service struct {
	db     *database
	az     *rbac.Authorizer
	guard  *rbachttp.Guard
	mux    *rbachttp.Mux
	mail   func(email, token string)
	live   live
	closed context.Context
	stop   context.CancelFunc // ends the streams
}

func newService(db *database, az *rbac.Authorizer, mail func(email, token string), opts ...rbachttp.Option) *service {
	s := &service{db: db, az: az, mail: mail, live: live{followers: map[chan ticket]string{}}}
	s.closed, s.stop = context.WithCancel(context.Background())
	s.guard = rbachttp.New(az, s.identify, opts...)
	s.mux = s.guard.Mux()

	s.handle("POST /sign-up", rbachttp.Public("whoever begins has no account"), s.signUp)
	s.handle("POST /sign-in", rbachttp.Public("the token goes to their address"), s.signIn)
	s.mux.Handle("GET /me/permissions", rbachttp.SignedIn(), s.guard.Permissions())

	s.handle("GET /tickets", rbachttp.NeedsScope(Tickets, rbac.Read), s.listTickets)
	s.handle("POST /tickets", rbachttp.NeedsScope(Tickets, rbac.Manage), s.createTicket)
	s.handle("GET /tickets/live", rbachttp.NeedsScope(Tickets, rbac.Read), s.streamTickets)
	s.handle("GET /tickets/{id}", rbachttp.NeedsScope(Tickets, rbac.Read), s.showTicket)

	s.handle("POST /invitations", rbachttp.Member(), s.invite)
	s.handle("PUT /teams/{team}/members/{user}", rbachttp.Member(), s.setTeam)
	s.handle("POST /keys", rbachttp.Member(), s.createKey)
	s.handle("DELETE /workspace", rbachttp.Needs(rbac.Users, rbac.Manage), s.offboard)
	s.mux.Handle("/admin/", rbachttp.SignedIn(), http.StripPrefix("/admin", s.guard.Admin()))
	return s
}

// handle registers a handler whose error is the answer.
func (s *service) handle(pattern string, need rbachttp.Requirement, h func(http.ResponseWriter, *http.Request) error) {
	s.mux.HandleFunc(pattern, need, func(w http.ResponseWriter, r *http.Request) {
		switch err := h(w, r); {
		case errors.Is(err, errTaken):
			s.guard.WriteProblem(w, r, rbachttp.Problem{Status: http.StatusConflict, Code: "taken"})
		case errors.Is(err, sql.ErrNoRows):
			s.guard.NotFound(w, r)
		case err != nil:
			s.guard.WriteError(w, r, err)
		}
	})
}

// identify finds out whose token it is. The workspace is that of the host,
// and of a key that with which it is stored.
func (s *service) identify(r *http.Request) (rbachttp.Caller, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return rbachttp.Caller{}, nil
	}
	var person, permissions string
	var workspace sql.NullString
	err := s.db.QueryRowContext(r.Context(), "SELECT person, workspace, permissions FROM tokens WHERE hash = $1", hash(token)).
		Scan(&person, &workspace, &permissions)
	if errors.Is(err, sql.ErrNoRows) {
		return rbachttp.Caller{}, nil
	}
	if err != nil {
		return rbachttp.Caller{}, err
	}
	name, _, _ := strings.Cut(r.Host, ".") // acme.desk.example
	caller := rbachttp.User(person).In(name)
	if workspace.Valid {
		var most rbac.Permissions
		if err := json.Unmarshal([]byte(permissions), &most); err != nil {
			return rbachttp.Caller{}, err
		}
		caller = caller.Key(workspace.String, most)
	}
	return caller, nil
}

// signUp makes a person, their workspace and its first Administrator, or
// nothing.
func (s *service) signUp(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Email, Workspace, Name string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if !validName(in.Workspace) {
		return invalid("workspace", "wants 1 to 40 small letters and digits")
	}
	var token string
	err := s.db.write(r.Context(), s.az.For(in.Workspace), func(t tx, acme *rbac.Transaction) error {
		person, err := ensurePerson(t, in.Email)
		if err != nil {
			return err
		}
		fresh, err := acme.System("sign-up").SetUp(r.Context(), roles, person)
		if err != nil {
			return err
		}
		if !fresh {
			return errTaken
		}
		if err := t.exec("INSERT INTO workspaces (id, name) VALUES ($1, $2)", in.Workspace, in.Name); err != nil {
			return err
		}
		token, err = addToken(t, person)
		return err
	})
	if err == nil {
		s.mail(in.Email, token)
		w.WriteHeader(http.StatusCreated)
	}
	return err
}

// signIn sends a token to whoever has the address. The answer does not tell
// whether somebody has.
func (s *service) signIn(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Email string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	token := rand.Text()
	result, err := s.db.ExecContext(r.Context(), "INSERT INTO tokens (hash, person) SELECT $1, id FROM people WHERE email = $2", hash(token), in.Email)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err == nil && n == 1 {
		s.mail(in.Email, token)
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func invalid(field, problem string) error {
	return &rbac.ValidationError{Fields: []rbac.FieldError{{Field: field, Problem: problem}}}
}

// errTaken is the answer to whoever wants a workspace that somebody has.
var errTaken = errors.New("the workspace is taken")

// validName keeps to what a host can have.
func validName(name string) bool {
	return name != "" && len(name) <= 40 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// ensurePerson returns the id of who has an address, and makes them if nobody
// has it.
func ensurePerson(t tx, email string) (id string, err error) {
	if email == "" {
		return "", invalid("email", "is empty")
	}
	err = t.row(`INSERT INTO people (id, email) VALUES ($1, $2)
		ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id`, rand.Text(), email).Scan(&id)
	return id, err
}

// addToken makes a session.
func addToken(t tx, person string) (token string, err error) {
	token = rand.Text()
	return token, t.exec("INSERT INTO tokens (hash, person) VALUES ($1, $2)", hash(token), person)
}

// hash is what we keep of a token.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// caller returns who calls, and their workspace.
func (s *service) caller(r *http.Request) (rbac.Subject, *rbac.Workspace) {
	subject, _ := rbac.FromContext(r.Context())
	return subject, s.az.For(subject.Workspace())
}

func decode(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func encode(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Print(err) // too late for an answer
	}
	return nil
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// person is a row of the table users. Whether somebody is a member, and with
// which role, is in rbac's tables.
type person struct {
	User  string `json:"user"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func scanPerson(rows *sql.Rows) (p person, err error) {
	return p, rows.Scan(&p.User, &p.Name, &p.Email)
}

// member is a person who is a member.
type member struct {
	person
	Role      rbac.RoleID `json:"role"`
	RoleName  string      `json:"roleName"`
	Team      string      `json:"team"`
	Suspended bool        `json:"suspended"`
}

var errMember = problem{Status: http.StatusConflict, Code: "member", Detail: "This person is a member already."}

// listUsers answers with a page of the members. Whoever reads own users only
// sees one: themselves.
func (s *server) listUsers(w http.ResponseWriter, r *http.Request) error {
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	members, err := s.reachedMembers(r, page)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listOf(members, page, func(m member) string { return m.User }))
}

func (s *server) reachedMembers(r *http.Request, page page) ([]member, error) {
	query := rbac.MemberQuery{After: page.after, Limit: page.limit, Users: []string{}}
	if reach := subject(r).Reach(rbac.Users, rbac.Read); reach.All {
		query.Users = nil // everybody
	} else {
		query.Users = append(query.Users, reach.Owners...)
	}
	return s.members(r.Context(), subject(r).Workspace(), query)
}

// invite adds a person as a member. Their row and their role are written in
// one transaction: there is never one without the other.
func (s *server) invite(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		person
		Role rbac.RoleID `json:"role"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	if err := checkTexts("user", body.User, "name", body.Name, "email", body.Email); err != nil {
		return err
	}
	ctx := r.Context()
	company := subject(r).Workspace()
	err := s.transact(ctx, company, func(tx transaction) error {
		// Somebody who was removed may come back.
		if err := addPerson(ctx, tx, company, body.person); err != nil {
			return err
		}
		is, err := isMember(ctx, tx.access(), body.User)
		if err != nil {
			return err
		}
		// Who may not do it does not learn who is a member.
		if err := tx.access().AsSubject(subject(r)).Assign(ctx, body.Role, body.User); err != nil {
			return err
		}
		if is {
			return errMember
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/admin/members/"+url.PathEscape(body.User))
	return writeJSON(w, http.StatusCreated, body)
}

// addPerson makes a person known to a company. Who works for another one already is
// the same person, and keeps their name.
func addPerson(ctx context.Context, tx transaction, company string, p person) error {
	err := tx.exec(ctx, "INSERT INTO users (id, name, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", p.User, p.Name, p.Email)
	if err != nil {
		return err
	}
	return tx.exec(ctx, "INSERT INTO accounts (company, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", company, p.User)
}

// removeMembers ends memberships as the API of administration does, and the
// sessions and API keys with them. The records stay with their owner until
// somebody transfers them.
func (s *server) removeMembers(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Users []string `json:"users"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	if len(body.Users) > 100 {
		return invalid("users", "has more than 100")
	}
	ctx, company := r.Context(), subject(r).Workspace()
	err := s.transact(ctx, company, func(tx transaction) error {
		admin := tx.access().AsSubject(subject(r)).Because(r.URL.Query().Get("reason"))
		if err := admin.Remove(ctx, body.Users...); err != nil {
			return err
		}
		for _, user := range body.Users {
			if err := tx.exec(ctx, "DELETE FROM sessions WHERE company = $1 AND user_id = $2", company, user); err != nil {
				return err
			}
			if err := tx.exec(ctx, "DELETE FROM api_keys WHERE company = $1 AND user_id = $2", company, user); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// keepIDs is there for nobody: sessions, keys and the owners of records are by
// the ids that people have.
func (s *server) keepIDs(http.ResponseWriter, *http.Request) error { return errNotFound }

// transact writes the CRM's tables and rbac's of a company in one transaction. When it returns
// nil, the next check sees the change.
func (s *server) transact(ctx context.Context, company string, fn func(transaction) error) error {
	return s.db.transact(ctx, s.az.For(company), fn)
}

// isMember asks the workspace inside a transaction.
func isMember(ctx context.Context, in *rbac.Transaction, user string) (bool, error) {
	_, err := in.Member(ctx, user)
	if errors.Is(err, rbac.ErrMemberNotFound) {
		return false, nil
	}
	return err == nil, err
}

// members joins what rbac knows about members with their rows in users.
func (s *server) members(ctx context.Context, company string, query rbac.MemberQuery) ([]member, error) {
	workspace := s.az.For(company)
	roles, err := workspace.Roles(ctx)
	if err != nil {
		return nil, err
	}
	names := map[rbac.RoleID]string{}
	for _, role := range roles {
		names[role.ID] = role.Name
	}
	found := []member{}
	for m, err := range workspace.Members(ctx, query) {
		if err != nil {
			return nil, err
		}
		found = append(found, member{person{User: m.User}, m.Role, names[m.Role], m.Team, m.Suspended})
	}
	users := make([]string, len(found))
	for i, m := range found {
		users[i] = m.User
	}
	people, err := s.people(ctx, company, users...)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if p, ok := people[found[i].User]; ok {
			found[i].person = p
		}
	}
	return found, nil
}

// people returns the rows of those of some users whom a company knows: nobody else
// there is told of them.
func (s *server) people(ctx context.Context, company string, users ...string) (map[string]person, error) {
	found := map[string]person{}
	if len(users) == 0 {
		return found, nil
	}
	var a args
	query := "SELECT u.id, u.name, u.email FROM accounts a JOIN users u ON u.id = a.user_id WHERE a.company = " + a.add(company)
	placeholders := make([]string, len(users))
	for i, user := range users {
		placeholders[i] = a.add(user)
	}
	query += " AND u.id IN (" + strings.Join(placeholders, ", ") + ")"
	rows, err := collect(ctx, s.db, query, a, scanPerson)
	for _, p := range rows {
		found[p.User] = p
	}
	return found, err
}

// known reports whether a company knows a person.
func (s *server) known(ctx context.Context, in, user string) (bool, error) {
	companies, err := s.companies(ctx, user)
	return slices.ContainsFunc(companies, func(c company) bool { return c.ID == in }), err
}

// company is a workspace, and what people call it.
type company struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Known []known `json:"-"`
}

// companies returns the companies that know a person.
func (s *server) companies(ctx context.Context, user string) ([]company, error) {
	if textProblem(user, true) != "" {
		return nil, nil
	}
	query := "SELECT id, name FROM companies JOIN accounts ON company = id WHERE user_id = $1 ORDER BY id"
	return collect(ctx, s.db, query, args{user}, func(rows *sql.Rows) (c company, err error) {
		return c, rows.Scan(&c.ID, &c.Name)
	})
}

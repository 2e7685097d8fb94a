package main

import (
	"cmp"
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
)

// This file is what a product would not have: everybody may be anybody, and look
// through the eyes of two people at once.

// known is a person whom a company knows, and what they are there: nothing, if it was
// not asked, or if they are no member.
type known struct {
	person
	Company string
	Member  member
}

// Value is the choice of this person in a form.
func (k known) Value() string { return choice(k.Company, k.User) }

func choice(company, user string) string { return company + "/" + user }

// everybody returns all people by company.
func (s *server) everybody(ctx context.Context) ([]company, error) {
	query := "SELECT c.id, c.name, u.id, u.name, u.email FROM companies c JOIN accounts a ON a.company = c.id JOIN users u ON u.id = a.user_id ORDER BY c.id, u.name, u.id"
	var all []company
	_, err := collect(ctx, s.db, query, nil, func(rows *sql.Rows) (k known, err error) {
		var c company
		if err := rows.Scan(&c.ID, &c.Name, &k.User, &k.Name, &k.Email); err != nil {
			return k, err
		}
		if len(all) == 0 || all[len(all)-1].ID != c.ID {
			all = append(all, c)
		}
		k.Company = c.ID
		all[len(all)-1].Known = append(all[len(all)-1].Known, k)
		return k, nil
	})
	return all, err
}

// begin shows who one may be.
func (s *server) begin(w http.ResponseWriter, r *http.Request) error {
	return s.showSignIn(w, r, http.StatusOK)
}

func (s *server) showSignIn(w http.ResponseWriter, r *http.Request, status int) error {
	all, err := s.everybody(r.Context())
	if err != nil {
		return err
	}
	for _, c := range all {
		members, err := s.members(r.Context(), c.ID, rbac.MemberQuery{})
		if err != nil {
			return err
		}
		for _, m := range members {
			if i := slices.IndexFunc(c.Known, func(k known) bool { return k.User == m.User }); i >= 0 {
				c.Known[i].Member = m
			}
		}
	}
	data := struct {
		Next      string
		Companies []company
	}{here(r), all}
	return s.show(w, r, status, "Who are you?", "sign-in", data)
}

// switchTo begins a session of whoever was chosen, in the cookie of the browser.
func (s *server) switchTo(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	company, user, _ := strings.Cut(r.PostForm.Get("person"), "/")
	if company == "" {
		return errPerson
	}
	_, token, err := s.newSession(r.Context(), company, user)
	if err != nil {
		return err
	}
	setCookie(w, r, token, int(sessionLife.Seconds()))
	next, err := url.Parse(r.PostForm.Get("next"))
	if err != nil || next.IsAbs() || next.Host != "" || !isPage(next.Path) {
		next = &url.URL{Path: "/app/"}
	}
	w.Header().Set("Location", next.RequestURI())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// beside shows one list as two people see it.
func (s *server) beside(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		all, err := s.everybody(r.Context())
		if err != nil {
			return err
		}
		values := r.URL.Query()
		data := struct {
			Label, Company, CompanyID string
			Lists                     []place
			Known                     []known
			Sides                     []shownList
		}{Label: s.label(k.area)}
		for _, c := range all {
			if c.ID == values.Get("company") {
				data.CompanyID, data.Company, data.Known = c.ID, c.Name, c.Known
			}
		}
		if data.CompanyID == "" {
			return errNotFound
		}
		one := cmp.Or(values.Get("one"), data.Known[0].User)
		two := values.Get("two")
		for _, p := range data.Known {
			if two == "" && p.User != one {
				two = p.User
			}
		}
		for _, other := range kinds {
			data.Lists = append(data.Lists, place{s.label(other.area), besideLink(other, data.CompanyID, one, two), other.area == k.area})
		}
		for i, user := range []string{one, two} {
			who, err := s.az.For(data.CompanyID).Subject(r.Context(), user)
			if err != nil {
				return err
			}
			list, _, err := s.shownList(r, who, k, page{limit: 100})
			if err != nil {
				return err
			}
			list.Field = []string{"one", "two"}[i]
			data.Sides = append(data.Sides, list)
		}
		return s.show(w, r, http.StatusOK, data.Label+", as two people", "beside", data)
	}
}

func besideLink(k kind, company, one, two string) string {
	return "/demo/beside/" + k.table() + "?" + url.Values{"company": {company}, "one": {one}, "two": {two}}.Encode()
}

// directory shows the role editor the people whom a company knows.
type directory struct{ *server }

var _ rbacui.Directory = directory{}

func (d directory) People(ctx context.Context, company string, users []string) (map[string]rbacui.Person, error) {
	people, err := d.people(ctx, company, users...)
	found := map[string]rbacui.Person{}
	for user, p := range people {
		found[user] = rbacui.Person{User: user, Name: p.Name, Email: p.Email}
	}
	return found, err
}

func (d directory) Search(ctx context.Context, company, query string, limit int) ([]rbacui.Person, bool, error) {
	var a args
	statement := "SELECT u.id, u.name, u.email FROM accounts a JOIN users u ON u.id = a.user_id WHERE a.company = " + a.add(company) +
		" AND LOWER(u.name || ' ' || u.email || ' ' || u.id) LIKE " + a.add(pattern(query)) + ` ESCAPE '\' ORDER BY u.name, u.id LIMIT ` + a.add(limit+1)
	found, err := collect(ctx, d.db, statement, a, func(rows *sql.Rows) (p rbacui.Person, err error) {
		return p, rows.Scan(&p.User, &p.Name, &p.Email)
	})
	if len(found) > limit {
		return found[:limit], true, err
	}
	return found, false, err
}

// Waiting returns whom the company knows: the role editor leaves out who is a member.
func (d directory) Waiting(ctx context.Context, company string, limit int) ([]rbacui.Person, bool, error) {
	return d.Search(ctx, company, "", limit)
}

package main

import (
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// kind is a kind of record: an area, the table of the same name, and the
// table's columns behind id and owner.
type kind struct {
	area    rbac.Area
	columns []string
	empty   func() row
}

var (
	contacts      = kind{rbac.Contacts, []string{"name", "email", "phone", "organization"}, func() row { return new(contact) }}
	organizations = kind{rbac.Organizations, []string{"name", "domain", "city"}, func() row { return new(organization) }}
	deals         = kind{rbac.Deals, []string{"name", "stage", "amount", "organization"}, func() row { return new(deal) }}
	services      = kind{rbac.Services, []string{"name", "price"}, func() row { return new(service) }}
	tasks         = kind{rbac.Tasks, []string{"name", "due", "done"}, func() row { return new(task) }}

	// Others refer to organizations, so these come first.
	kinds = []kind{organizations, contacts, deals, services, tasks}
)

// row is a record of some kind.
type row interface {
	base() *record
	values() []any               // pointers, in the order of the kind's columns
	organization() *string       // the id of the one that the record belongs to, if any
	problems() []rbac.FieldError // what is wrong with the values, beside what is wrong with any text
}

// record is what all kinds have in common.
type record struct {
	ID      string `json:"id"`
	Owner   string `json:"owner"` // a user id
	company string // whose record it is
}

func (r *record) base() *record               { return r }
func (r *record) organization() *string       { return nil }
func (r *record) problems() []rbac.FieldError { return nil }

type contact struct {
	record
	Name         string  `json:"name"`
	Email        string  `json:"email"`
	Phone        string  `json:"phone"`
	Organization *string `json:"organization"`
}

func (c *contact) values() []any         { return []any{&c.Name, &c.Email, &c.Phone, &c.Organization} }
func (c *contact) organization() *string { return c.Organization }

type organization struct {
	record
	Name   string `json:"name"`
	Domain string `json:"domain"`
	City   string `json:"city"`
}

func (o *organization) values() []any { return []any{&o.Name, &o.Domain, &o.City} }

type deal struct {
	record
	Name         string  `json:"name"`
	Stage        string  `json:"stage"`
	Amount       int64   `json:"amount"` // in cents
	Organization *string `json:"organization"`
}

var stages = []string{"lead", "offer", "won", "lost"}

func (d *deal) values() []any         { return []any{&d.Name, &d.Stage, &d.Amount, &d.Organization} }
func (d *deal) organization() *string { return d.Organization }
func (d *deal) problems() []rbac.FieldError {
	problems := amountProblems("amount", d.Amount)
	if !slices.Contains(stages, d.Stage) {
		problems = append(problems, rbac.FieldError{Field: "stage", Problem: "is not one of " + strings.Join(stages, ", ")})
	}
	return problems
}

type service struct {
	record
	Name  string `json:"name"`
	Price int64  `json:"price"` // in cents
}

func (s *service) values() []any               { return []any{&s.Name, &s.Price} }
func (s *service) problems() []rbac.FieldError { return amountProblems("price", s.Price) }

type task struct {
	record
	Name string `json:"name"`
	Due  string `json:"due"` // 2026-01-31, or empty
	Done bool   `json:"done"`
}

func (t *task) values() []any { return []any{&t.Name, &t.Due, &t.Done} }
func (t *task) problems() []rbac.FieldError {
	if _, err := time.Parse(time.DateOnly, t.Due); err != nil && t.Due != "" {
		return []rbac.FieldError{{Field: "due", Problem: "is not a date such as 2026-01-31"}}
	}
	return nil
}

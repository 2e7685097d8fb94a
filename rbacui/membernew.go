package rbacui

import (
	"slices"
	"strings"
)

var newMemberPage = page{segment: "member-new", template: "member-new.html", within: "members", needs: membersSeen, get: (*request).newMember}

// newMemberData is what the page shows on which one looks for somebody to admit.
type newMemberData struct {
	title
	May     bool
	Known   bool // there is a directory
	Query   string
	Waiting bool // the people are those who wait
	People  []named
	More    bool
	Exact   *named // what was looked for as an id
}

// newMember looks for people who are no members yet.
func (q *request) newMember() error {
	desk, err := q.desk()
	if err != nil {
		return err
	}
	d := newMemberData{
		title: title{Title: q.t("Add a person")}, May: len(desk.given()) > 0, Known: q.directory != nil,
		Query: strings.TrimSpace(q.value("q")),
	}
	switch {
	case !d.May:
	case d.Query != "":
		people, more := q.search(d.Query)
		if d.People, err = q.strangers(people); err != nil {
			return err
		}
		d.More = more
		exact, err := q.strangers(q.people(d.Query))
		if err != nil {
			return err
		}
		if len(exact) > 0 && !slices.ContainsFunc(d.People, func(p named) bool { return p.User == d.Query }) {
			d.Exact = &exact[0]
		}
	default:
		if d.People, d.More, err = q.waiting(); err != nil {
			return err
		}
		d.Waiting = len(d.People) > 0
	}
	return q.show(d)
}

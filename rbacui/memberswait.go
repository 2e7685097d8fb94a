package rbacui

import (
	"context"
	"slices"

	"github.com/areagate/rbac"
)

const (
	mostWaiting = 10 // that are shown on the page of the members
	mostSelects = 20 // roles: with more, one who waits has a link and no list
)

// wait fills in who waits to be admitted.
func (q *request) wait(d *membersData) error {
	waiting, more, err := q.waiting()
	if err != nil {
		return err
	}
	d.WaitingN = q.n(len(waiting), "1 person waits to be admitted", "%s people wait to be admitted")
	if more {
		d.WaitingN = q.t("More than %s people wait to be admitted", len(waiting))
	}
	d.Beyond = max(0, len(waiting)-mostWaiting)
	d.Waiting = waiting[:len(waiting)-d.Beyond]
	d.Selects = len(d.Give) <= mostSelects
	return nil
}

// waiting returns who may come in and is no member yet.
func (q *request) waiting() ([]named, bool, error) {
	people, more := q.found(func(ctx context.Context) ([]Person, bool, error) {
		return q.directory.Waiting(ctx, q.workspace.ID(), mostFound)
	})
	strangers, err := q.strangers(people)
	return strangers, more, err
}

// strangers are those of some people who are no members, each once.
func (q *request) strangers(people []named) ([]named, error) {
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.User
	}
	members, valid, err := q.known([]rbac.RoleID{""}, rbac.MemberQuery{}, users)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, member := range members {
		seen[member.User] = true
	}
	var strangers []named
	for _, p := range people {
		if !seen[p.User] && slices.Contains(valid, p.User) {
			strangers = append(strangers, p)
		}
		seen[p.User] = true
	}
	return strangers, nil
}

// admit gives a role to somebody who is no member yet.
func (q *request) admit() error {
	user, role := q.posted("user"), rbac.RoleID(q.posted("role"))
	switch {
	case role == "":
		return q.showMembers(refusal{q.t("Nobody was admitted."), []problem{{Say: q.th("Choose the role that %s gets.", q.names([]string{user}))}}})
	case role == rbac.Administrator: // which is asked once more
		return q.redirect(link("members-change", "user", user, "role", string(role), "admit", "1"))
	}
	c := memberChange{Users: []string{user}, Role: role, Admit: true}
	err := q.together(func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	if err == nil || q.twice(c, err) {
		return q.redirect(link("members", "done", user))
	}
	tried, err := q.tried(err)
	if err != nil {
		return err
	}
	return q.showMembers(tried)
}

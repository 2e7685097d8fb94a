package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/areagate/rbac"
)

// company is the workspace "w" on two instances that hear of each other only
// by Sync: lee, a lead, manages users and sees their own deals; sam and sid,
// who is suspended, hold the role strong and see all deals; kim holds weak,
// which is within lee's role; ann is the administrator.
type company struct {
	db                 Database
	store              rbac.Store
	instances          []*rbac.Workspace
	lead, strong, weak rbac.Role
}

func newCompany(t *testing.T, db Database) *company {
	t.Helper()
	store := db.Store()
	c := &company{db: db, store: store, instances: []*rbac.Workspace{
		Open(t, Deaf(store), Quiet()...).For("w"), Open(t, Deaf(db.Store()), Quiet()...).For("w"),
	}}
	w := c.instances[0]
	c.lead = AddRole(t, w, "Lead", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.Own}})
	c.strong = AddRole(t, w, "Strong", ReadsDeals(rbac.All))
	c.weak = AddRole(t, w, "Weak", ReadsDeals(rbac.Own))
	Assign(t, w, rbac.Administrator, "ann")
	Assign(t, w, c.lead.ID, "lee")
	Assign(t, w, c.strong.ID, "sam", "sid")
	Assign(t, w, c.weak.ID, "kim")
	must(t, w.As("ann").Suspend(t.Context(), "sid"))
	return c
}

type attempt = func(context.Context, *rbac.Admin) error

// refused makes attempts as lee, from each instance and in a transaction of
// the application that commits, and sees that the database stays as it is.
func (c *company) refused(t *testing.T, attempts map[string]attempt, check func(t *testing.T, err error)) {
	t.Helper()
	ctx := t.Context()
	before := stateOf(t, c.store, "w")
	for name, try := range attempts {
		t.Run(name, func(t *testing.T) {
			for _, w := range c.instances {
				check(t, try(ctx, w.As("lee")))
				must(t, c.db.Transaction(ctx, func(in rbac.Store) error {
					check(t, try(ctx, w.As("lee").In(in)))
					return nil
				}))
			}
			equal(t, before, stateOf(t, c.store, "w"))
		})
	}
	CheckInvariants(t, c.store, "w")
}

// escalates expects an *rbac.EscalationError about a member, a role, or both.
func escalates(user string, role rbac.RoleID, missing rbac.Permissions) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		mustBe(t, err, rbac.ErrEscalation)
		var escalation *rbac.EscalationError
		that(t, errors.As(err, &escalation), err)
		equal(t, rbac.EscalationError{Actor: "lee", User: user, Role: role, Missing: missing}, *escalation)
	}
}

var (
	dealsAll   = ReadsDeals(rbac.All)
	everything = func() rbac.Permissions { // that lee does not hold
		all := rbac.Permissions{}
		for _, info := range rbac.DefaultAreas() {
			all[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
		}
		delete(all, rbac.Users)
		return all
	}()
)

func creates(permissions rbac.Permissions) attempt {
	return func(ctx context.Context, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", Permissions: permissions})
		return err
	}
}

func updates(role rbac.Role, permissions rbac.Permissions) attempt {
	return func(ctx context.Context, a *rbac.Admin) error {
		edited := role
		edited.Name, edited.Permissions = "Renamed", permissions
		_, err := a.UpdateRole(ctx, edited)
		return err
	}
}

func assigns(role rbac.RoleID, users ...string) attempt {
	return func(ctx context.Context, a *rbac.Admin) error { return a.Assign(ctx, role, users...) }
}

func suspends(users ...string) attempt {
	return func(ctx context.Context, a *rbac.Admin) error { return a.Suspend(ctx, users...) }
}

func removes(users ...string) attempt {
	return func(ctx context.Context, a *rbac.Admin) error { return a.Remove(ctx, users...) }
}

func replaces(old, with rbac.RoleID) attempt {
	return func(ctx context.Context, a *rbac.Admin) error { return a.ReplaceRole(ctx, old, with) }
}

// Nobody makes a role of more than they hold.
func rolesBeyondOnesOwn(t *testing.T, db Database) {
	c := newCompany(t, db)
	c.refused(t, map[string]attempt{
		"create All from Own": creates(dealsAll),
		"create more among others": creates(rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.All},
		}),
		"copy a stronger role": creates(c.strong.Permissions),
	}, escalates("", "", dealsAll))
	c.refused(t, map[string]attempt{
		"create Manage from Read": creates(rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.Own}}),
	}, escalates("", "", rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}))
	c.refused(t, map[string]attempt{"edit to more": updates(c.weak, dealsAll)}, escalates("", c.weak.ID, dealsAll))
	c.refused(t, map[string]attempt{"edit one's own to more": updates(c.lead, dealsAll)}, escalates("", c.lead.ID, dealsAll))
	c.refused(t, map[string]attempt{
		"rename a stronger role":    updates(c.strong, dealsAll),
		"take from a stronger role": updates(c.strong, nil),
	}, escalates("", c.strong.ID, dealsAll))
	must(t, creates(c.lead.Permissions)(t.Context(), c.instances[1].As("lee")), "what one holds may be given")
}

// Nobody gives a role of more than they hold, and nobody touches their own
// membership.
func assignBeyondOnesOwn(t *testing.T, db Database) {
	c := newCompany(t, db)
	c.refused(t, map[string]attempt{
		"to somebody new":      assigns(c.strong.ID, "new"),
		"to a member":          assigns(c.strong.ID, "kim"),
		"to one of many":       assigns(c.strong.ID, "kim", "new", "sam"),
		"in place of a weaker": replaces(c.weak.ID, c.strong.ID),
	}, escalates("", c.strong.ID, dealsAll))
	c.refused(t, map[string]attempt{
		"Administrator": assigns(rbac.Administrator, "kim"),
	}, escalates("", rbac.Administrator, everything))
	c.refused(t, map[string]attempt{
		"to oneself, stronger":        assigns(c.strong.ID, "lee"),
		"to oneself, Administrator":   assigns(rbac.Administrator, "lee"),
		"to oneself, weaker":          assigns(c.weak.ID, "lee"),
		"to oneself, with others":     assigns(c.weak.ID, "kim", "lee"),
		"suspend oneself":             suspends("lee"),
		"remove oneself":              removes("lee"),
		"replace the role of oneself": replaces(c.lead.ID, c.weak.ID),
	}, func(t *testing.T, err error) { mustBe(t, err, rbac.ErrSelf) })
	must(t, assigns(c.lead.ID, "new", "kim")(t.Context(), c.instances[1].As("lee")), "what one holds may be given")
}

// Nobody touches a member who holds more.
func membersWhoHoldMore(t *testing.T, db Database) {
	c := newCompany(t, db)
	for user, holds := range map[string]struct {
		role    rbac.RoleID
		missing rbac.Permissions
	}{
		"sam": {c.strong.ID, dealsAll}, "sid": {c.strong.ID, dealsAll}, "ann": {rbac.Administrator, everything},
	} {
		c.refused(t, map[string]attempt{
			user + " is demoted":              assigns(c.weak.ID, user),
			user + " is demoted among others": assigns(c.weak.ID, "kim", user, "new"),
			user + " is suspended":            suspends(user),
			user + " is reinstated":           func(ctx context.Context, a *rbac.Admin) error { return a.Reinstate(ctx, user) },
			user + " is removed":              removes("kim", user),
		}, escalates(user, holds.role, holds.missing))
	}
	c.refused(t, map[string]attempt{
		"the role of all is replaced": replaces(c.strong.ID, c.weak.ID),
	}, escalates("sam", c.strong.ID, dealsAll))
	must(t, removes("kim")(t.Context(), c.instances[1].As("lee")), "who holds less may be removed")
}

// The actor is demoted by another instance a moment before, and their own does
// not know yet: refused, because rights are read in the transaction.
func actorDemotedElsewhere(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, Deaf(store), Quiet()...).For("w"), Open(t, Deaf(db.Store()), Quiet()...).For("w")
	viewer := AddRole(t, one, "Viewer", nil)
	for i, way := range Farewells(ctx, viewer.ID) {
		Assign(t, one, rbac.Administrator, "ann", "bob")
		must(t, one.System("test").Reinstate(ctx, "bob"))
		must(t, two.Sync(ctx))
		must(t, way(one.As("ann"), "bob"))
		before := stateOf(t, store, "w")
		that(t, Can(two, "bob"), "the other instance knows of way", i)
		mustBe(t, two.As("bob").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied, "way", i)
		equal(t, before, stateOf(t, store, "w"))
		must(t, two.Sync(ctx))
	}
	CheckInvariants(t, store, "w")
}

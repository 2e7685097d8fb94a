package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/workspacetest"
)

// escalation is a change that an actor of a company tries.
type escalation struct {
	name    string
	actor   string
	try     company.Try
	missing rbac.Permissions // what the actor does not hold; nil if it is allowed
	role    string           // the role that holds it, by name; empty for one that does not exist yet
	user    string           // the member who holds it
}

// tryAll tries each change, all of roles or all of members: those that are
// refused in one company, on two instances and in a transaction of the
// application, those that are allowed in a company each. The refusal of a change
// of members names the role that is not the actor's to give or take.
func tryAll(t *testing.T, db Database, members bool, tests []escalation) {
	t.Helper()
	store := db.Store()
	refusing := company.New(t, store, "w")
	other := workspacetest.Open(t, db.Store()).For("w")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx := t.Context()
			if test.missing == nil {
				c := company.New(t, store, fmt.Sprint("w", i))
				before := workspacetest.Text(workspacetest.Read(t, store, c.W.ID()))
				assert.NoError(t, test.try(ctx, c, c.W.As(test.actor)))
				c.Check(t)
				assert.True(t, before != workspacetest.Text(workspacetest.Read(t, store, c.W.ID())), "an allowed change is made")
				return
			}
			want := rbac.EscalationError{Actor: test.actor, User: test.user, Missing: test.missing}
			if test.role != "" {
				want.Role = refusing.Role(test.role).ID
			}
			if members {
				want.Roles = []rbac.RoleID{want.Role}
			}
			refused := func(err error) {
				t.Helper()
				assert.ErrorIs(t, err, rbac.ErrEscalation)
				var escalation *rbac.EscalationError
				assert.True(t, errors.As(err, &escalation), err)
				assert.Equal(t, want, *escalation)
				assert.True(t, strings.Contains(err.Error(), test.missing.String()), err)
			}
			workspacetest.Unchanged(t, store, "w", func() {
				for _, w := range []*rbac.Workspace{refusing.W, other} {
					refused(test.try(ctx, refusing, w.As(test.actor)))
					assert.NoError(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
						refused(test.try(ctx, refusing, w.In(in).As(test.actor)))
						return nil // the application commits all the same
					}))
				}
			})
		})
	}
	refusing.Check(t)
}

func all(area rbac.Area) rbac.Permissions {
	return rbac.Permissions{area: {Read: rbac.All, Manage: rbac.All}}
}

// beyondManager is what a Manager does not hold of what an Administrator does.
func beyondManager() rbac.Permissions {
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	delete(everything, rbac.Users)
	everything[rbac.Contacts] = rbac.Access{Manage: rbac.All}
	return everything
}

// Nobody creates, edits or copies a role beyond their own permissions, at the
// same scope, and nobody touches a role that holds more than they hold.
func rolesBeyondOnesOwn(t *testing.T, db Database) {
	dealsAll := workspacetest.ReadsDeals(rbac.All)
	tryAll(t, db, false, []escalation{
		{"create what one holds", "max", company.Creating(rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}, rbac.Deals: {Read: rbac.Own},
		}), nil, "", ""},
		{"create less", "max", company.Creating(rbac.Permissions{rbac.Contacts: {Read: rbac.Own}}), nil, "", ""},
		{"create nothing", "max", company.Creating(nil), nil, "", ""},
		{"create All from Own", "max", company.Creating(dealsAll), dealsAll, "", ""},
		{
			"create Manage from Read", "max", company.Creating(rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.Own}}),
			rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}, "", "",
		},
		{
			"create Manage All from Manage Own", "max", company.Creating(all(rbac.Contacts)),
			rbac.Permissions{rbac.Contacts: {Manage: rbac.All}}, "", "",
		},
		{
			"create in an area one has nothing in", "max", company.Creating(rbac.Permissions{rbac.Tasks: {Read: rbac.Own, Manage: rbac.All}}),
			rbac.Permissions{rbac.Tasks: {Read: rbac.Own, Manage: rbac.All}}, "", "",
		},
		{
			"create: exactly what is missing is named", "max",
			company.Creating(rbac.Permissions{
				rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Contacts: {Read: rbac.All, Manage: rbac.All},
				rbac.Deals: {Read: rbac.All, Manage: rbac.Own}, rbac.Audit: {Read: rbac.All},
			}),
			rbac.Permissions{
				rbac.Contacts: {Manage: rbac.All}, rbac.Deals: {Read: rbac.All, Manage: rbac.Own}, rbac.Audit: {Read: rbac.All},
			}, "", "",
		},
		{"create anything, as Administrator", "ada", company.Creating(rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.API: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.Own, Manage: rbac.All},
		}), nil, "", ""},

		{"edit to what one holds", "max", company.Editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.All, Manage: rbac.Own}
		}), nil, "", ""},
		{"edit to more", "max", company.Editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = rbac.Access{Read: rbac.All}
		}), dealsAll, "Clerk", ""},
		{"edit one's own role to more", "max", company.Editing("Manager", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = rbac.Access{Read: rbac.All}
		}), dealsAll, "Manager", ""},
		{"edit one's own role to less", "max", company.Editing("Manager", func(r *rbac.Role) {
			delete(r.Permissions, rbac.Deals)
		}), nil, "", ""},
		{"rename a role that holds more", "max", company.Editing("Seller", func(r *rbac.Role) { r.Name = "Sold" }), dealsAll, "Seller", ""},
		{"take from a role that holds more", "max", company.Editing("Seller", func(r *rbac.Role) { r.Permissions = rbac.Permissions{} }), dealsAll, "Seller", ""},
		{
			"edit a role that holds more, to yet another thing", "max",
			company.Editing("Seller", func(r *rbac.Role) { r.Permissions = rbac.Permissions{rbac.Tasks: {Read: rbac.Own}} }),
			rbac.Permissions{rbac.Deals: {Read: rbac.All}, rbac.Tasks: {Read: rbac.Own}}, "Seller", "",
		},
		{
			"edit a role with an area of a newer program", "max", company.Editing("Biller", func(r *rbac.Role) { r.Name = "Billed" }),
			all("billing"), "Biller", "",
		},
		{"the same as Administrator", "ada", company.Editing("Biller", func(r *rbac.Role) { r.Name = "Billed" }), nil, "", ""},
		{"copy a role that holds more", "max", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, rbac.Role{Name: "Copy of Seller", Permissions: c.Role("Seller").Permissions})
			return err
		}, dealsAll, "", ""},

		{"delete a role that holds less", "max", company.Deleting("Unused"), nil, "", ""},
		{"delete a role that holds more", "max", company.Deleting("Unused more"), dealsAll, "Unused more", ""},
		{"delete it as Administrator", "ada", company.Deleting("Unused more"), nil, "", ""},
	})
}

// Nobody assigns a role stronger than their own, to anyone.
func assignBeyondOnesOwn(t *testing.T, db Database) {
	dealsAll := workspacetest.ReadsDeals(rbac.All)
	tryAll(t, db, true, []escalation{
		{"a role within one's own", "max", company.Assigning("Clerk", "new"), nil, "", ""},
		{"one's own role", "max", company.Assigning("Manager", "new", "cleo"), nil, "", ""},
		{"a stronger one, to somebody new", "max", company.Assigning("Seller", "new"), dealsAll, "Seller", ""},
		{"a stronger one, to a member", "max", company.Assigning("Seller", "cleo"), dealsAll, "Seller", ""},
		{"a stronger one, to those who hold it", "max", company.Assigning("Seller", "stan"), dealsAll, "Seller", ""},
		{"a stronger one, to one of many", "max", company.Assigning("Seller", "cleo", "stan", "new"), dealsAll, "Seller", ""},
		{"Administrator", "max", company.Assigning("Administrator", "cleo"), beyondManager(), "Administrator", ""},
		{"Administrator, as Administrator", "ada", company.Assigning("Administrator", "cleo"), nil, "", ""},
		{"a role with an area of a newer program", "max", company.Assigning("Biller", "cleo"), all("billing"), "Biller", ""},
		{"the same as Administrator", "ada", company.Assigning("Biller", "cleo"), nil, "", ""},
		{"a stronger role in place of another", "max", company.Replacing("Clerk", "Seller"), dealsAll, "Seller", ""},
		{"a role within one's own in place of another", "max", company.Replacing("Clerk", "Unused"), nil, "", ""},
	})
}

// Nobody changes their own membership, whatever the change and whoever they
// are.
func onesOwnMembership(t *testing.T, db Database) {
	store := db.Store()
	c := company.New(t, store, "w")
	other := workspacetest.Open(t, db.Store()).For("w")
	for _, actor := range []string{"ada", "max"} {
		for name, try := range map[string]company.Try{
			"weaker":           company.Assigning("Clerk", actor),
			"stronger":         company.Assigning("Seller", actor),
			"Administrator":    company.Assigning("Administrator", actor),
			"the same":         company.Assigning("Manager", actor),
			"among others":     company.Assigning("Clerk", "new", actor, "cleo"),
			"suspend":          company.Suspending(actor),
			"reinstate":        company.Reinstating(actor),
			"remove":           company.Removing(actor),
			"remove with more": company.Removing("cleo", actor),
			"replace the role": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
				return a.ReplaceRole(ctx, c.Member(actor).Role, c.Role("Clerk").ID)
			},
			"replace the role by itself": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
				return a.ReplaceRole(ctx, c.Member(actor).Role, c.Member(actor).Role)
			},
		} {
			t.Run(actor+": "+name, func(t *testing.T) {
				refused := func(err error) {
					t.Helper()
					var refused *rbac.RefusalError
					assert.True(t, errors.As(err, &refused), err)
					assert.Equal(t, rbac.RefusalError{Rule: rbac.ErrSelf, Users: []string{actor}}, *refused)
				}
				workspacetest.Unchanged(t, store, "w", func() {
					for _, w := range []*rbac.Workspace{c.W, other} {
						refused(try(t.Context(), c, w.As(actor)))
						assert.NoError(t, db.Transaction(t.Context(), "w", func(in rbac.Store) error {
							refused(try(t.Context(), c, w.In(in).As(actor)))
							return nil
						}))
					}
				})
			})
		}
	}
	c.Check(t)
}

// Nobody demotes, suspends, reinstates or removes a member who holds more.
func membersWhoHoldMore(t *testing.T, db Database) {
	dealsAll := workspacetest.ReadsDeals(rbac.All)
	tryAll(t, db, true, []escalation{
		{"demote a peer", "max", company.Assigning("Clerk", "mia"), nil, "", ""},
		{"demote who holds more", "max", company.Assigning("Clerk", "stan"), dealsAll, "Seller", "stan"},
		{"demote who holds more, among others", "max", company.Assigning("Clerk", "mia", "stan", "new"), dealsAll, "Seller", "stan"},
		{"demote who holds an area of a newer program", "max", company.Assigning("Clerk", "bill"), all("billing"), "Biller", "bill"},
		{"the same as Administrator", "ada", company.Assigning("Clerk", "bill", "stan"), nil, "", ""},
		{"demote an Administrator", "max", company.Assigning("Clerk", "abe"), beyondManager(), "Administrator", "abe"},
		{"demote an Administrator as another", "ada", company.Assigning("Clerk", "abe"), nil, "", ""},
		{"suspend a peer", "max", company.Suspending("mia"), nil, "", ""},
		{"suspend who holds more", "max", company.Suspending("stan"), dealsAll, "Seller", "stan"},
		{"suspend an Administrator", "max", company.Suspending("ada"), beyondManager(), "Administrator", "ada"},
		{"reinstate a peer", "max", company.Reinstating("sam"), nil, "", ""},
		{"reinstate who holds more", "max", company.Reinstating("sid"), dealsAll, "Seller", "sid"},
		{"reinstate them as Administrator", "ada", company.Reinstating("sid"), nil, "", ""},
		{"remove a peer", "max", company.Removing("mia"), nil, "", ""},
		{"remove who holds more", "max", company.Removing("stan"), dealsAll, "Seller", "stan"},
		{"remove who holds more and is suspended", "max", company.Removing("sid"), dealsAll, "Seller", "sid"},
		{"remove who holds more, among others", "max", company.Removing("cleo", "mia", "stan"), dealsAll, "Seller", "stan"},
		{"remove an Administrator", "max", company.Removing("abe"), beyondManager(), "Administrator", "abe"},
		{"replace the role of those who hold more", "max", company.Replacing("Seller", "Clerk"), dealsAll, "Seller", "sid"},
		{"replace it as Administrator", "ada", company.Replacing("Seller", "Clerk"), nil, "", ""},
	})
}

// The actor is demoted by another instance a moment before, and their own does
// not know yet: refused, because rights are read in the transaction.
func actorDemotedElsewhere(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one := workspacetest.Open(t, workspacetest.Deaf(store), workspacetest.Quiet()...).For("w")
	two := workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For("w")
	viewer := workspacetest.AddRole(t, one, "Viewer", nil)
	for i, way := range workspacetest.Farewells(ctx, viewer.ID) {
		workspacetest.Assign(t, one, rbac.Administrator, "ann", "bob")
		assert.NoError(t, one.System("test").Reinstate(ctx, "ann", "bob"))
		assert.NoError(t, two.Sync(ctx))
		assert.NoError(t, way(one.As("ann"), "bob"))
		workspacetest.Unchanged(t, store, "w", func() {
			assert.True(t, workspacetest.Can(two, "bob"), "the other instance knows of way", i)
			assert.ErrorIs(t, two.As("bob").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied, "way", i)
		})
		assert.NoError(t, two.Sync(ctx))
		assert.True(t, slices.Equal(workspacetest.Administrators(t, two), []string{"ann"}), "who is left after way", i)
	}
	workspacetest.CheckInvariants(t, store, "w")
}

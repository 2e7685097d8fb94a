package rbac_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// escalation is a change that an actor of the company tries.
type escalation struct {
	name    string
	actor   string
	try     func(ctx context.Context, c *company, a *rbac.Admin) error
	missing rbac.Permissions // what the actor does not hold; nil if it is allowed
	role    string           // the role that holds it, by name; empty for one that does not exist yet
	user    string           // the member who holds it
}

func runEscalations(t *testing.T, tests []escalation) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			before := contentsOf(t, c.store, "")
			err := test.try(t.Context(), c, c.w.As(test.actor))
			c.check(t)
			if test.missing == nil {
				require.NoError(t, err)
				require.NotEqual(t, text(before), text(contentsOf(t, c.store, "")), "an allowed change is made")
				return
			}
			require.ErrorIs(t, err, rbac.ErrEscalation)
			var escalation *rbac.EscalationError
			require.ErrorAs(t, err, &escalation)
			want := &rbac.EscalationError{Actor: test.actor, User: test.user, Missing: test.missing}
			if test.role != "" {
				want.Role = c.role(test.role).ID
			}
			require.Equal(t, want, escalation)
			require.Contains(t, err.Error(), test.missing.String())
			require.Equal(t, text(before), text(contentsOf(t, c.store, "")), "a refused change is not")
		})
	}
}

func creating(p rbac.Permissions) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, _ *company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", Permissions: p})
		return err
	}
}

func editing(name string, edit func(*rbac.Role)) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, c *company, a *rbac.Admin) error {
		role := c.role(name)
		edit(&role)
		_, err := a.UpdateRole(ctx, role)
		return err
	}
}

func assigning(role string, users ...string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, c *company, a *rbac.Admin) error {
		return a.Assign(ctx, c.role(role).ID, users...)
	}
}

// Nobody creates, edits or copies a role beyond their own permissions, at the
// same scope, and nobody touches a role that holds more than they hold.
func TestScenario33_RolesBeyondOnesOwn(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	runEscalations(t, []escalation{
		{"create what one holds", "max", creating(rbac.Permissions{
			rbac.Users: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.All, rbac.Own), rbac.Deals: access(rbac.Own, rbac.None),
		}), nil, "", ""},
		{"create less", "max", creating(rbac.Permissions{rbac.Contacts: access(rbac.Own, rbac.None)}), nil, "", ""},
		{"create nothing", "max", creating(nil), nil, "", ""},
		{"create All from Own", "max", creating(rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}), dealsAll, "", ""},
		{
			"create Manage from Read", "max", creating(rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)}),
			rbac.Permissions{rbac.Deals: access(rbac.None, rbac.Own)}, "", "",
		},
		{
			"create Manage All from Manage Own", "max", creating(rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}),
			rbac.Permissions{rbac.Contacts: access(rbac.None, rbac.All)}, "", "",
		},
		{
			"create in an area one has nothing in", "max", creating(rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.All)}),
			rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.All)}, "", "",
		},
		{
			"create: exactly what is missing is named", "max",
			creating(rbac.Permissions{
				rbac.Users: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.All, rbac.All),
				rbac.Deals: access(rbac.All, rbac.Own), rbac.Audit: access(rbac.All, rbac.None),
			}),
			rbac.Permissions{
				rbac.Contacts: access(rbac.None, rbac.All), rbac.Deals: access(rbac.All, rbac.Own), rbac.Audit: access(rbac.All, rbac.None),
			}, "", "",
		},
		{"create anything, as Administrator", "ada", creating(rbac.Permissions{
			rbac.Users: access(rbac.All, rbac.All), rbac.API: access(rbac.All, rbac.All), rbac.Deals: access(rbac.Own, rbac.All),
		}), nil, "", ""},

		{"edit to what one holds", "max", editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Contacts] = access(rbac.All, rbac.Own)
		}), nil, "", ""},
		{"edit to more", "max", editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.All, rbac.None)
		}), dealsAll, "Clerk", ""},
		{"edit one's own role to more", "max", editing("Manager", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.All, rbac.None)
		}), dealsAll, "Manager", ""},
		{"edit one's own role to less", "max", editing("Manager", func(r *rbac.Role) {
			delete(r.Permissions, rbac.Deals)
		}), nil, "", ""},
		{"rename a role that holds more", "max", editing("Seller", func(r *rbac.Role) { r.Name = "Sold" }), dealsAll, "Seller", ""},
		{"take from a role that holds more", "max", editing("Seller", func(r *rbac.Role) { r.Permissions = nil }), dealsAll, "Seller", ""},
		{
			"edit a role that holds more, to yet another thing", "max",
			editing("Seller", func(r *rbac.Role) { r.Permissions = rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.None)} }),
			rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None), rbac.Tasks: access(rbac.Own, rbac.None)}, "Seller", "",
		},
		{
			"edit a role with an area of a newer program", "max", editing("Biller", func(r *rbac.Role) { r.Name = "Billed" }),
			rbac.Permissions{"billing": access(rbac.All, rbac.All)}, "Biller", "",
		},
		{"the same as Administrator", "ada", editing("Biller", func(r *rbac.Role) { r.Name = "Billed" }), nil, "", ""},
		{"copy a role that holds more", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, rbac.Role{Name: "Copy of Seller", Permissions: c.role("Seller").Permissions})
			return err
		}, dealsAll, "", ""},

		{"delete a role that holds less", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.DeleteRole(ctx, c.role("Unused").ID)
		}, nil, "", ""},
		{"delete a role that holds more", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.DeleteRole(ctx, c.role("Unused more").ID)
		}, dealsAll, "Unused more", ""},
		{"delete it as Administrator", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.DeleteRole(ctx, c.role("Unused more").ID)
		}, nil, "", ""},
	})
}

// Nobody assigns a role stronger than their own, to anyone.
func TestScenario34_AssignBeyondOnesOwn(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	delete(everything, rbac.Users)
	everything[rbac.Contacts] = access(rbac.None, rbac.All)
	runEscalations(t, []escalation{
		{"a role within one's own", "max", assigning("Clerk", "new"), nil, "", ""},
		{"one's own role", "max", assigning("Manager", "new", "cleo"), nil, "", ""},
		{"a stronger one, to somebody new", "max", assigning("Seller", "new"), dealsAll, "Seller", ""},
		{"a stronger one, to a member", "max", assigning("Seller", "cleo"), dealsAll, "Seller", ""},
		{"a stronger one, to those who hold it", "max", assigning("Seller", "stan"), dealsAll, "Seller", ""},
		{"a stronger one, to one of many", "max", assigning("Seller", "cleo", "stan", "new"), dealsAll, "Seller", ""},
		{"Administrator", "max", assigning("Administrator", "cleo"), everything, "Administrator", ""},
		{"Administrator, as Administrator", "ada", assigning("Administrator", "cleo"), nil, "", ""},
		{
			"a role with an area of a newer program", "max", assigning("Biller", "cleo"),
			rbac.Permissions{"billing": access(rbac.All, rbac.All)}, "Biller", "",
		},
		{"the same as Administrator", "ada", assigning("Biller", "cleo"), nil, "", ""},
		{"a stronger role in place of another", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, c.role("Seller").ID)
		}, dealsAll, "Seller", ""},
		{"a role within one's own in place of another", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, c.role("Unused").ID)
		}, nil, "", ""},
	})
}

// Nobody changes their own membership, whatever the change and whoever they
// are.
func TestScenario34_OnesOwnMembership(t *testing.T) {
	t.Parallel()
	for _, actor := range []string{"ada", "max"} {
		for name, try := range map[string]func(ctx context.Context, c *company, a *rbac.Admin) error{
			"weaker":           assigning("Clerk", actor),
			"stronger":         assigning("Seller", actor),
			"Administrator":    assigning("Administrator", actor),
			"the same":         assigning("Manager", actor),
			"among others":     assigning("Clerk", "new", actor, "cleo"),
			"suspend":          func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Suspend(ctx, actor) },
			"reinstate":        func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Reinstate(ctx, actor) },
			"remove":           func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Remove(ctx, actor) },
			"remove with more": func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Remove(ctx, "cleo", actor) },
			"replace the role": func(ctx context.Context, c *company, a *rbac.Admin) error {
				return a.ReplaceRole(ctx, c.member(actor).Role, c.role("Clerk").ID)
			},
			"replace the role by itself": func(ctx context.Context, c *company, a *rbac.Admin) error {
				return a.ReplaceRole(ctx, c.member(actor).Role, c.member(actor).Role)
			},
		} {
			t.Run(actor+": "+name, func(t *testing.T) {
				t.Parallel()
				c := newCompany(t)
				unchanged(t, c.store, "", func() {
					err := try(t.Context(), c, c.w.As(actor))
					var refused *rbac.RefusalError
					require.ErrorAs(t, err, &refused)
					require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrSelf, Users: []string{actor}}, refused)
				})
			})
		}
	}
}

// Nobody demotes, suspends, reinstates or removes a member who holds more.
func TestScenario35_MembersWhoHoldMore(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	billing := rbac.Permissions{"billing": access(rbac.All, rbac.All)}
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	delete(everything, rbac.Users)
	everything[rbac.Contacts] = access(rbac.None, rbac.All)
	suspend := func(users ...string) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Suspend(ctx, users...) }
	}
	reinstate := func(users ...string) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Reinstate(ctx, users...) }
	}
	remove := func(users ...string) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Remove(ctx, users...) }
	}
	runEscalations(t, []escalation{
		{"demote a peer", "max", assigning("Clerk", "mia"), nil, "", ""},
		{"demote who holds more", "max", assigning("Clerk", "stan"), dealsAll, "Seller", "stan"},
		{"demote who holds more, among others", "max", assigning("Clerk", "mia", "stan", "new"), dealsAll, "Seller", "stan"},
		{"demote who holds an area of a newer program", "max", assigning("Clerk", "bill"), billing, "Biller", "bill"},
		{"the same as Administrator", "ada", assigning("Clerk", "bill", "stan"), nil, "", ""},
		{"demote an Administrator", "max", assigning("Clerk", "abe"), everything, "Administrator", "abe"},
		{"demote an Administrator as another", "ada", assigning("Clerk", "abe"), nil, "", ""},
		{"suspend a peer", "max", suspend("mia"), nil, "", ""},
		{"suspend who holds more", "max", suspend("stan"), dealsAll, "Seller", "stan"},
		{"suspend an Administrator", "max", suspend("ada"), everything, "Administrator", "ada"},
		{"reinstate a peer", "max", reinstate("sam"), nil, "", ""},
		{"reinstate who holds more", "max", reinstate("sid"), dealsAll, "Seller", "sid"},
		{"reinstate them as Administrator", "ada", reinstate("sid"), nil, "", ""},
		{"remove a peer", "max", remove("mia"), nil, "", ""},
		{"remove who holds more", "max", remove("stan"), dealsAll, "Seller", "stan"},
		{"remove who holds more and is suspended", "max", remove("sid"), dealsAll, "Seller", "sid"},
		{"remove who holds more, among others", "max", remove("cleo", "mia", "stan"), dealsAll, "Seller", "stan"},
		{"remove an Administrator", "max", remove("abe"), everything, "Administrator", "abe"},
		{"replace the role of those who hold more", "max", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Seller").ID, c.role("Clerk").ID)
		}, dealsAll, "Seller", "sid"},
		{"replace it as Administrator", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Seller").ID, c.role("Clerk").ID)
		}, nil, "", ""},
	})
}

// The actor was demoted, suspended or removed by another instance a moment
// before: refused, though this instance does not know it yet (A11).
func TestScenario36_TheActorWasDemotedAMomentBefore(t *testing.T) {
	t.Parallel()
	for name, farewell := range map[string]func(ctx context.Context, a *rbac.Admin, viewer rbac.RoleID) error{
		"demoted": func(ctx context.Context, a *rbac.Admin, viewer rbac.RoleID) error {
			return a.Assign(ctx, viewer, "bob")
		},
		"suspended": func(ctx context.Context, a *rbac.Admin, _ rbac.RoleID) error { return a.Suspend(ctx, "bob") },
		"removed":   func(ctx context.Context, a *rbac.Admin, _ rbac.RoleID) error { return a.Remove(ctx, "bob") },
	} {
		for what, try := range map[string]func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error{
			"CreateRole": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				_, err := a.CreateRole(ctx, rbac.Role{Name: "New"})
				return err
			},
			"UpdateRole": func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error {
				viewer.Permissions = rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
				_, err := a.UpdateRole(ctx, viewer)
				return err
			},
			"DeleteRole": func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error { return a.DeleteRole(ctx, viewer.ID) },
			"ReplaceRole": func(ctx context.Context, a *rbac.Admin, v rbac.Role) error {
				return a.ReplaceRole(ctx, v.ID, rbac.Administrator)
			},
			"Assign": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				return a.Assign(ctx, rbac.Administrator, "eve")
			},
			"Suspend":   func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Suspend(ctx, "ann") },
			"Reinstate": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Reinstate(ctx, "sue") },
			"Remove":    func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Remove(ctx, "ann") },
			"Plan": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				_, err := a.Plan(ctx, rbac.Role{Name: "New"})
				return err
			},
		} {
			t.Run(name+": "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, inner := t.Context(), newStore(t)
					here, there := openOn(t, newFaultStore(inner)), openOn(t, inner)
					viewer := addRole(t, there.Workspace, "Viewer", nil)
					assign(t, there.Workspace, rbac.Administrator, "ann", "bob", "sue")
					assign(t, there.Workspace, viewer.ID, "vic")
					require.NoError(t, there.As("ann").Suspend(ctx, "sue"))
					require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
					require.NoError(t, farewell(ctx, there.As("ann"), viewer.ID))

					require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage), "not known here yet")
					unchanged(t, inner, "", func() {
						err := try(ctx, here.As("bob"), viewer)
						require.ErrorIs(t, err, rbac.ErrDenied)
						var denied *rbac.DeniedError
						require.ErrorAs(t, err, &denied)
						require.Equal(t, rbac.Users, denied.Decision.Area)
						require.Equal(t, rbac.Manage, denied.Decision.Action)
						require.Equal(t, contentsOf(t, inner, "").Revision.Seq, denied.Decision.Revision, "decided in the transaction")
					})
				})
			})
		}
	}
}

// The other way round: a promotion that this instance does not know yet
// counts.
func TestScenario36_TheActorWasPromotedAMomentBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		here, there := openOn(t, newFaultStore(inner)), openOn(t, inner)
		assign(t, there.Workspace, rbac.Administrator, "ann")
		require.False(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
		require.NoError(t, there.As("ann").Assign(ctx, rbac.Administrator, "bob"))
		require.False(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
		require.NoError(t, here.As("bob").Remove(ctx, "ann"))
		require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
	})
}

package scenarios

import (
	"errors"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// previewed is a house with a user manager, a delegate and somebody beyond each.
func previewed(t *testing.T, db Database) *house {
	h := newHouse(t, db)
	h.role("Sales", readsAll)
	h.role("Clerk", nil)
	h.role("Manager", managesUsers)
	h.role("Help desk", nil, "Sales")
	h.join("Manager", "", "max", "mia")
	h.join("Help desk", "", "hank")
	h.join("Sales", "", "stan", "sue")
	h.join("Clerk", "north", "cleo")
	return h
}

// Each method of Admin, as each kind of actor, comes to what its preview said, and
// the preview leaves no trace: not in the store, and not in the application's own
// transaction either.
func previewAndChange(t *testing.T, db Database) {
	h, ctx := previewed(t, db), t.Context()
	for name, change := range map[string]func(*rbac.Admin) error{
		"create and assign": func(a *rbac.Admin) error {
			role, err := a.CreateRole(ctx, rbac.Role{Name: "New"})
			if err != nil {
				return err
			}
			return a.Assign(ctx, role.ID, "cleo", "newcomer")
		},
		"edit": func(a *rbac.Admin) error {
			role := h.stored("Sales")
			role.Permissions = rbac.Permissions{}
			_, err := a.UpdateRole(ctx, role)
			return err
		},
		"delete":                 func(a *rbac.Admin) error { return a.DeleteRole(ctx, h.ids["Help desk"]) },
		"assign":                 func(a *rbac.Admin) error { return a.Assign(ctx, h.ids["Sales"], "newcomer", "cleo", "stan") },
		"replace":                func(a *rbac.Admin) error { return a.ReplaceRole(ctx, h.ids["Sales"], h.ids["Clerk"]) },
		"suspend":                func(a *rbac.Admin) error { return a.Suspend(ctx, "stan", "cleo") },
		"reinstate":              func(a *rbac.Admin) error { return a.Reinstate(ctx, "stan", "cleo") },
		"remove":                 func(a *rbac.Admin) error { return a.Remove(ctx, "sue") },
		"remove oneself":         func(a *rbac.Admin) error { return a.Remove(ctx, "max", "hank") },
		"move":                   func(a *rbac.Admin) error { return a.SetTeam(ctx, "north", "sue", "stan") },
		"the last administrator": func(a *rbac.Admin) error { return a.Remove(ctx, "ada") },
		"nobody":                 func(a *rbac.Admin) error { return a.Suspend(ctx, "nobody") },
	} {
		for _, actor := range []string{"", "ada", "max", "hank", "stan"} {
			rollBack := errors.New("rolled back")
			err := db.Transaction(ctx, h.w.ID(), func(in rbac.Store) error {
				admin := h.w.In(in).As(actor)
				if actor == "" {
					admin = h.w.In(in).System("test")
				}
				var plan rbac.Plan
				workspacetest.Unchanged(t, in, h.w.ID(), func() {
					var err error
					plan, err = admin.Preview(ctx, change)
					assert.NoError(t, err, name, actor)
				})
				before := workspacetest.Read(t, in, h.w.ID()).Events
				err := change(admin)
				// A store may wrap what it returns: their form has the rule and its details.
				assert.Equal(t, workspacetest.Text(rbac.Choice{Refused: plan.Refused}), workspacetest.Text(rbac.Choice{Refused: err}), name, actor)
				after := workspacetest.Read(t, in, h.w.ID()).Events
				if err == nil {
					assert.Equal(t, outline(after[len(before):]), outline(plan.Events), name, actor)
				}
				return rollBack
			})
			assert.ErrorIs(t, err, rollBack)
		}
		workspacetest.Unchanged(t, h.store, h.w.ID(), func() {
			_, err := h.w.As("ada").Preview(ctx, change)
			assert.NoError(t, err, name)
		})
	}
	h.check()
}

// outline is what a preview knows of events.
func outline(events []rbac.Event) (lines []string) {
	for _, e := range events {
		line := workspacetest.Text([]any{e.Seq, e.Kind, e.Actor, e.Reason})
		for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if m != nil {
				line += " " + workspacetest.Text([]any{m.User, m.RoleName, m.Team, m.Suspended})
			}
		}
		for _, r := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
			if r != nil {
				line += " " + workspacetest.Text([]any{r.Name, r.Permissions, r.Version})
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// Another instance changes the workspace while a preview looks at it, and after. The
// preview sees one state and holds nobody up, and the change is judged by what is
// there when it is made.
func changesInBetween(t *testing.T, db Database) {
	h, ctx := previewed(t, db), t.Context()
	elsewhere := h.again(rbac.WithTeams())
	max := h.w.As("max")
	suspend := func(a *rbac.Admin) error { return a.Suspend(ctx, "cleo") }

	plan, err := max.Preview(ctx, func(a *rbac.Admin) error {
		assert.NoError(t, a.Authorize(ctx, "cleo"))
		assert.NoError(t, elsewhere.System("test").Assign(ctx, rbac.Administrator, "cleo"))
		assert.NoError(t, a.Authorize(ctx, "cleo"), "in the state that the preview began with")
		return suspend(a)
	})
	assert.NoError(t, err)
	assert.NoError(t, plan.Refused)
	h.refuses(rbac.ErrEscalation, func() error { return suspend(max) })
	plan, err = max.Preview(ctx, suspend)
	assert.NoError(t, err)
	assert.ErrorIs(t, plan.Refused, rbac.ErrEscalation)

	// An actor who has lost the right does not learn what is there, by no way of asking.
	assert.NoError(t, elsewhere.System("test").Suspend(ctx, "max"))
	plan, err = workspacetest.Plan(ctx, max, h.stored("Sales"))
	assert.NoError(t, err)
	assert.ErrorIs(t, plan.Refused, rbac.ErrDenied)
	assert.True(t, plan.Before == nil && plan.Role.Name == "" && plan.Members == 0, plan)
	choices, err := max.Choices(ctx, "stan")
	assert.ErrorIs(t, err, rbac.ErrDenied)
	assert.Equal(t, 0, len(choices))
	assert.ErrorIs(t, max.Authorize(ctx, "nobody"), rbac.ErrDenied)

	// An edit that was previewed does not overwrite another.
	role := h.stored("Sales")
	role.Description = "Sells."
	plan, err = workspacetest.Plan(ctx, h.w.As("ada"), role)
	assert.NoError(t, err)
	assert.NoError(t, plan.Refused)
	role.Description = "Sells more."
	_, err = elsewhere.As("ada").UpdateRole(ctx, role)
	assert.NoError(t, err)
	h.refuses(rbac.ErrConflict, func() error { _, err := h.w.As("ada").UpdateRole(ctx, plan.Role); return err })
	h.check()
}

// Somebody resets the password of a member whom they could not suspend, by whatever
// way: refused, in the transaction of the application's own change.
func accountActions(t *testing.T, db Database) {
	h, ctx := previewed(t, db), t.Context()
	h.join("Manager", "", "sam")
	workspacetest.Assign(t, h.w, rbac.Administrator, "abe")
	assert.NoError(t, h.w.System("test").Suspend(ctx, "abe", "sam"))
	workspacetest.Update(t, h.store, h.w.ID(), func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "vic", Role: "vanished"}) })
	key, err := h.w.Subject(ctx, "ada")
	assert.NoError(t, err)
	asks := func(as func(workspacetest.Administered) *rbac.Admin, want error, users ...string) {
		t.Helper()
		assert.NoError(t, db.Transaction(ctx, h.w.ID(), func(in rbac.Store) error {
			err := as(h.w.In(in)).Authorize(ctx, users...)
			assert.True(t, errors.Is(err, want) && (err == nil) == (want == nil), users, err)
			return nil
		}))
		err := as(h.w).Authorize(ctx, users...)
		assert.True(t, errors.Is(err, want) && (err == nil) == (want == nil), users, err)
	}
	as := func(user string) func(workspacetest.Administered) *rbac.Admin {
		return func(w workspacetest.Administered) *rbac.Admin { return w.As(user) }
	}
	by := func(s rbac.Subject) func(workspacetest.Administered) *rbac.Admin {
		return func(w workspacetest.Administered) *rbac.Admin { return w.AsSubject(s) }
	}
	app := func(w workspacetest.Administered) *rbac.Admin { return w.System("test") }
	workspacetest.Unchanged(t, h.store, h.w.ID(), func() {
		asks(as("max"), nil, "mia", "cleo", "sam")
		asks(as("max"), rbac.ErrEscalation, "ada")
		asks(as("max"), rbac.ErrEscalation, "abe") // who may do nothing at the moment
		asks(as("max"), rbac.ErrEscalation, "vic") // whose role nobody knows
		asks(as("max"), rbac.ErrEscalation, "mia", "stan")
		asks(as("max"), rbac.ErrSelf, "max")
		asks(as("hank"), nil, "stan", "sue")
		asks(as("hank"), rbac.ErrEscalation, "cleo")
		asks(as("hank"), rbac.ErrSelf, "hank")
		asks(as("stan"), rbac.ErrDenied, "sue")
		asks(as("sam"), rbac.ErrDenied, "cleo")
		asks(as("ada"), nil, "abe", "vic", "max", "hank")
		asks(as("ada"), rbac.ErrMemberNotFound, "nobody", "max")
		asks(app, nil, "ada", "abe", "vic")
		asks(by(key.Limit(managesUsers)), rbac.ErrEscalation, "stan")
		asks(by(key.Limit(readsAll)), rbac.ErrDenied, "cleo")
	})

	// Promoted in between: the application asks in the transaction of its change.
	assert.NoError(t, h.w.As("max").Authorize(ctx, "cleo"))
	assert.NoError(t, h.w.As("ada").Assign(ctx, rbac.Administrator, "cleo"))
	asks(as("max"), rbac.ErrEscalation, "cleo")
}

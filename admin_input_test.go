package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

func TestA8_RoleNamesAreUnique(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"create under a new name", "ada", naming("Clerks"), nil},
		{"create under a taken one", "ada", naming(" CLERK"), rbac.ErrNameTaken},
		{"create under a taken one as the application", "", naming("clerk"), rbac.ErrNameTaken},
		{"rename to a new one", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "Sellers" }), nil},
		{"rename to a taken one", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "ｓeller" }), rbac.ErrNameTaken},
		{"respell one's own", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "CLERK" }), nil},
		{"take a name that was given up", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return errors.Join(a.DeleteRole(ctx, c.role("Unused").ID), naming("unused")(ctx, c, a))
		}, nil},
	})
}

func TestA9_EditsOfAnotherVersionConflict(t *testing.T) {
	t.Parallel()
	versioned := func(by int64) func(*rbac.Role) {
		return func(r *rbac.Role) { r.Name, r.Version = "New", r.Version+by }
	}
	runRule(t, []ruleCase{
		{"the version that was read", "ada", editing("Clerk", versioned(0)), nil},
		{"an older one", "ada", editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"a newer one", "ada", editing("Clerk", versioned(1)), rbac.ErrConflict},
		{"an impossible one", "ada", editing("Clerk", versioned(-100)), rbac.ErrConflict},
		{"an older one as the application", "", editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"two edits in turn", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			role := c.role("Clerk")
			role.Name = "One"
			role, err := a.UpdateRole(ctx, role)
			if err != nil {
				return err
			}
			role.Name = "Two"
			_, err = a.UpdateRole(ctx, role)
			return err
		}, nil},
	})
}

// fields are what a ValidationError names, in order.
func fields(t *testing.T, err error) []string {
	t.Helper()
	require.ErrorIs(t, err, rbac.ErrInvalid)
	var v *rbac.ValidationError
	require.ErrorAs(t, err, &v)
	var names []string
	for _, f := range v.Fields {
		require.NotEmpty(t, f.Problem)
		require.Contains(t, err.Error(), f.String())
		names = append(names, f.Field)
	}
	return names
}

func TestA10_BadInputNamesEveryField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 80)
	for _, test := range []struct {
		name string
		role rbac.Role
		want []string // of CreateRole; UpdateRole with a good id names the same, but for id and version
	}{
		{"the longest name and description", rbac.Role{Name: long, Description: strings.Repeat("é", 500)}, nil},
		{"every area and scope", rbac.Role{Name: "New", Permissions: rbac.Permissions{
			rbac.Contacts: access(rbac.Own, rbac.All), rbac.Audit: access(rbac.All, rbac.None), rbac.Users: access(rbac.Own, rbac.Own),
		}}, nil},
		{"an area that is not known and grants nothing", rbac.Role{Name: "New", Permissions: rbac.Permissions{"billing": {}}}, []string{"permissions.billing"}},
		{"no name", rbac.Role{}, []string{"name"}},
		{"a blank name", rbac.Role{Name: " \t\n"}, []string{"name"}},
		{"a name too long", rbac.Role{Name: long + "x"}, []string{"name"}},
		{"a name with a control character", rbac.Role{Name: "a\x00b"}, []string{"name"}},
		{"a name that is not UTF-8", rbac.Role{Name: "a\xff"}, []string{"name"}},
		{"a description too long", rbac.Role{Name: "New", Description: strings.Repeat("x", 501)}, []string{"description"}},
		{"a description with a line feed", rbac.Role{Name: "New", Description: "a\nb"}, []string{"description"}},
		{"an unknown area", rbac.Role{Name: "New", Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.None)}}, []string{"permissions.billing"}},
		{"a hostile area", rbac.Role{Name: "New", Permissions: rbac.Permissions{"a b\n": access(rbac.All, rbac.None)}}, []string{`permissions."a b\n"`}},
		{"unknown scopes", rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(3, 255)}}, []string{"permissions.deals.read", "permissions.deals.manage"}},
		{"Own where nobody owns", rbac.Role{Name: "New", Permissions: rbac.Permissions{
			rbac.API: access(rbac.Own, rbac.All), rbac.Audit: access(rbac.All, rbac.Own),
		}}, []string{"permissions.api.read", "permissions.audit.manage"}},
		{"everything at once", rbac.Role{Description: "\x00", Permissions: rbac.Permissions{
			"z": access(rbac.All, rbac.All), rbac.API: access(rbac.Own, 9), rbac.Deals: access(9, rbac.All),
		}}, []string{"name", "description", "permissions.api.read", "permissions.api.manage", "permissions.deals.read", "permissions.z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), newCompany(t)
			admin := c.w.System("test")
			edited := test.role
			edited.ID, edited.Version = c.role("Clerk").ID, c.role("Clerk").Version
			if test.want == nil {
				_, err := admin.CreateRole(ctx, test.role)
				require.NoError(t, err)
				edited.Name = "Edited"
				_, err = admin.UpdateRole(ctx, edited)
				require.NoError(t, err)
				return
			}
			unchanged(t, c.store, "", func() {
				_, err := admin.CreateRole(ctx, test.role)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.Plan(ctx, test.role)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.UpdateRole(ctx, edited)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.Plan(ctx, edited)
				require.Equal(t, test.want, fields(t, err))
			})
		})
	}
}

// Users, roles, reasons and workspaces alike; and all that is wrong at once.
func TestA10_BadIDsAndReasons(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, newStore(t))
	role, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "New"})
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		err  error
		want []string
	}{
		{"one user of many", az.System("x").Assign(ctx, role.ID, "a", "", "b", "c\x00"), []string{"users[1]", "users[3]"}},
		{"users and role", az.System("x").Assign(ctx, " ", ""), []string{"users[0]", "role"}},
		{"both roles", az.System("x").ReplaceRole(ctx, "", "\xff"), []string{"old", "with"}},
		{"no reason", az.System("").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a blank reason", az.System(" ").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a reason too long", az.System(strings.Repeat("x", 501)).Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a reason with a line feed", az.System("a\nb").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"everything", az.For("\x00").System("").Assign(ctx, "", "a", ""), []string{"users[1]", "role", "workspace", "reason"}},
		{"also for no change", az.System("").Remove(ctx), []string{"reason"}},
	} {
		require.Equal(t, test.want, fields(t, test.err), test.name)
	}
	require.Equal(t,
		`rbac: invalid input: users[1]: is empty; role: is empty; workspace: has the control character U+0000 at byte 0; reason: is empty`,
		az.For("\x00").System("").Assign(ctx, "", "a", "").Error())
}

// A11: within the caller's transaction, the actor's rights are those of the
// transaction, which nobody else sees yet.
func TestA11_RightsAreReadInTheTransaction(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	require.NoError(t, c.store.Update(ctx, "", func(tx rbac.Tx) error {
		in := rbac.TxStore("", tx)
		require.ErrorIs(t, c.w.As("cleo").In(in).Assign(ctx, c.role("Clerk").ID, "new"), rbac.ErrDenied)
		require.NoError(t, c.w.As("ada").In(in).Assign(ctx, rbac.Administrator, "cleo"))
		require.NoError(t, c.w.As("cleo").In(in).Assign(ctx, c.role("Clerk").ID, "ada", "new"))
		require.ErrorIs(t, c.w.As("ada").In(in).Assign(ctx, c.role("Clerk").ID, "other"), rbac.ErrDenied)
		require.True(t, c.w.Can(ctx, "ada", rbac.Users, rbac.Manage), "checks see it after the commit")
		return nil
	}))
	require.NoError(t, c.w.Sync(ctx))
	require.False(t, c.w.Can(ctx, "ada", rbac.Users, rbac.Manage))
	require.True(t, c.w.Can(ctx, "cleo", rbac.Users, rbac.Manage))
	c.check(t)
}

// A12: a change that changes nothing writes nothing, makes no event and no
// version, and is no error.
func TestA12_NoChangeIsNoEvent(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(ctx context.Context, c *company, a *rbac.Admin) error{
		"edit to what it is":      editing("Clerk", func(*rbac.Role) {}),
		"edit with a blank":       editing("Clerk", func(r *rbac.Role) { r.Name = " Clerk " }),
		"edit with empty entries": editing("Clerk", func(r *rbac.Role) { r.Permissions[rbac.Deals] = rbac.Access{} }),
		"edit of other fields": editing("Clerk", func(r *rbac.Role) {
			r.CreatedAt, r.UpdatedAt = time.Time{}, time.Now()
		}),
		"edit of what cannot be seen": editing("Biller", func(r *rbac.Role) { r.Permissions = nil }),
		"assign what they hold":       assigning("Clerk", "cleo", "cody", "cleo"),
		"assign nobody":               assigning("Clerk"),
		"suspend the suspended":       suspending("cody", "sam"),
		"suspend nobody":              suspending(),
		"reinstate the active":        reinstating("cleo"),
		"reinstate nobody":            reinstating(),
		"remove nobody":               removing(),
		"replace a role by itself": func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, c.role("Clerk").ID)
		},
		"replace a role that nobody holds": func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Unused").ID, c.role("Clerk").ID)
		},
	} {
		for _, actor := range []string{"ada", ""} {
			t.Run(name+" by "+actor, func(t *testing.T) {
				t.Parallel()
				c := newCompany(t)
				a := c.w.System("test")
				if actor != "" {
					a = c.w.As(actor)
				}
				unchanged(t, c.store, "", func() { require.NoError(t, try(t.Context(), c, a)) })
			})
		}
	}
	t.Run("an edit that changes nothing returns the role", func(t *testing.T) {
		t.Parallel()
		c := newCompany(t)
		role := c.role("Clerk")
		role.UpdatedAt = time.Time{}
		same, err := c.w.As("ada").UpdateRole(t.Context(), role)
		require.NoError(t, err)
		require.Equal(t, c.role("Clerk"), same)
	})
}

// A13: when several rules refuse, the first in the order answers.
func TestA13_TheFirstRuleAnswers(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	create := func(r rbac.Role) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, r)
			return err
		}
	}
	update := func(r rbac.Role) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error {
			_, err := a.UpdateRole(ctx, r)
			return err
		}
	}
	assignTo := func(role rbac.RoleID, users ...string) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Assign(ctx, role, users...) }
	}
	stale := func(name string, edit func(*rbac.Role)) func(context.Context, *company, *rbac.Admin) error {
		return editing(name, func(r *rbac.Role) {
			r.Version = 99
			edit(r)
		})
	}
	for _, test := range []struct {
		actor       string
		first, then error
		try         func(ctx context.Context, c *company, a *rbac.Admin) error
	}{
		{"nobody", rbac.ErrInvalid, rbac.ErrDenied, assigning("Clerk", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrRoleNotFound, assignTo("gone", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrMemberNotFound, removing("nobody", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrProtectedRole, create(rbac.Role{System: true})},
		{"ada", rbac.ErrInvalid, rbac.ErrSelf, removing("ada", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "" })},
		{"max", rbac.ErrInvalid, rbac.ErrEscalation, create(rbac.Role{Permissions: dealsAll})},
		{"ada", rbac.ErrInvalid, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Version: 1})},
		{"ada", rbac.ErrInvalid, rbac.ErrLastAdministrator, removing("ada", "abe", " ")},

		{"nobody", rbac.ErrDenied, rbac.ErrRoleNotFound, assignTo("gone", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrMemberNotFound, removing("nobody")},
		{"cleo", rbac.ErrDenied, rbac.ErrProtectedRole, deleting("Administrator")},
		{"cleo", rbac.ErrDenied, rbac.ErrSelf, removing("cleo")},
		{"cleo", rbac.ErrDenied, rbac.ErrConflict, stale("Clerk", func(*rbac.Role) {})},
		{"cleo", rbac.ErrDenied, rbac.ErrEscalation, assigning("Seller", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrNameTaken, naming("Seller")},
		{"cleo", rbac.ErrDenied, rbac.ErrRoleInUse, deleting("Clerk")},
		{"cleo", rbac.ErrDenied, rbac.ErrLastAdministrator, removing("ada", "abe")},

		{"ada", rbac.ErrRoleNotFound, rbac.ErrProtectedRole, update(rbac.Role{ID: "gone", Name: "Administrator", System: true})},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrSelf, assignTo("gone", "ada")},
		{"ada", rbac.ErrMemberNotFound, rbac.ErrSelf, removing("ada", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrConflict, update(rbac.Role{ID: "gone", Name: "New", Version: 9})},
		{"max", rbac.ErrRoleNotFound, rbac.ErrEscalation, assignTo("gone", "stan")},
		{"max", rbac.ErrMemberNotFound, rbac.ErrEscalation, removing("stan", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrNameTaken, update(rbac.Role{ID: "gone", Name: "Clerk"})},
		{"", rbac.ErrRoleNotFound, rbac.ErrLastAdministrator, assignTo("gone", "ada", "abe")},
		{"", rbac.ErrMemberNotFound, rbac.ErrLastAdministrator, removing("ada", "abe", "nobody")},

		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Administrator", func(*rbac.Role) {})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "administrator" })},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.System = true })},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, deleting("Administrator")},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, create(rbac.Role{Name: "administrator", Permissions: dealsAll})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", System: true})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrRoleInUse, deleting("Administrator")},

		{"max", rbac.ErrSelf, rbac.ErrEscalation, assigning("Seller", "max")},
		{"max", rbac.ErrSelf, rbac.ErrEscalation, removing("stan", "max")},
		{"ada", rbac.ErrSelf, rbac.ErrLastAdministrator, removing("ada", "abe")},

		{"max", rbac.ErrConflict, rbac.ErrEscalation, stale("Seller", func(r *rbac.Role) { r.Name = "New" })},
		{"ada", rbac.ErrConflict, rbac.ErrNameTaken, stale("Clerk", func(r *rbac.Role) { r.Name = "Seller" })},

		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Permissions: dealsAll})},
		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, editing("Seller", func(r *rbac.Role) { r.Name = "Clerk" })},
		{"max", rbac.ErrEscalation, rbac.ErrRoleInUse, deleting("Seller")},
		{"max", rbac.ErrEscalation, rbac.ErrLastAdministrator, removing("ada", "abe")},
	} {
		name := fmt.Sprintf("%v before %v", test.first, test.then)
		t.Run(strings.ReplaceAll(name, "rbac: ", ""), func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			a := c.w.System("test")
			if test.actor != "" {
				a = c.w.As(test.actor)
			}
			unchanged(t, c.store, "", func() {
				err := test.try(t.Context(), c, a)
				require.ErrorIs(t, err, test.first)
				require.NotErrorIs(t, err, test.then)
			})
		})
	}
}

func TestA14_SeveralUsersAreOneChange(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"all can be removed", "ada", removing("cleo", "stan"), nil},
		{"one of them is nobody", "ada", removing("cleo", "nobody", "stan"), rbac.ErrMemberNotFound},
		{"all can be suspended", "ada", suspending("cleo", "stan"), nil},
		{"one of them is nobody to suspend", "ada", suspending("cleo", "nobody"), rbac.ErrMemberNotFound},
		{"all can be reinstated", "ada", reinstating("cody", "sid"), nil},
		{"one of them is nobody to reinstate", "ada", reinstating("cody", "nobody"), rbac.ErrMemberNotFound},
		{"all can be assigned", "max", assigning("Unused", "cleo", "new"), nil},
		{"one of them holds more", "max", assigning("Unused", "cleo", "stan", "new"), rbac.ErrEscalation},
		{"one of them is the last", "", removing("cleo", "ada", "abe"), rbac.ErrLastAdministrator},
	})
	t.Run("duplicates count once", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		before := contentsOf(t, c.store, "").Revision.Seq
		require.NoError(t, c.w.As("ada").Assign(ctx, c.role("Unused").ID, "new", "cleo", "new", "cleo", "new"))
		require.NoError(t, c.w.As("ada").Suspend(ctx, "new", "new"))
		require.NoError(t, c.w.As("ada").Reinstate(ctx, "new", "new"))
		require.NoError(t, c.w.As("ada").Remove(ctx, "new", "cleo", "new"))
		require.Equal(t, before+6, contentsOf(t, c.store, "").Revision.Seq)
		c.check(t)
	})
	t.Run("who is missing is named, at most ten", func(t *testing.T) {
		t.Parallel()
		c := newCompany(t)
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("x%02d", 11-i))
		}
		err := c.w.As("ada").Suspend(t.Context(), append(users, "cleo", "x00")...)
		slices.Sort(users)
		require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: users[:10]}, err)
	})
	t.Run("Assign keeps a suspension", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		require.NoError(t, c.w.As("ada").Assign(ctx, rbac.Administrator, "cody", "cleo"))
		require.True(t, c.member("cody").Suspended)
		require.False(t, c.member("cleo").Suspended)
		require.False(t, c.w.Can(ctx, "cody", rbac.Deals, rbac.Read))
		require.True(t, c.w.Can(ctx, "cleo", rbac.Deals, rbac.Read))
		c.check(t)
	})
}

func TestA15_NewRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), newCompany(t)
		ada := c.w.As("ada")
		time.Sleep(time.Minute + 1500*time.Nanosecond)
		now := time.Now().UTC().Truncate(time.Microsecond)
		given := rbac.Role{
			Name: "  New ", Description: " As it is. ", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None), rbac.Tasks: {}},
		}
		role, err := ada.CreateRole(ctx, given)
		require.NoError(t, err)
		require.NotEmpty(t, role.ID)
		require.Equal(t, rbac.Role{
			ID: role.ID, Name: "New", Description: " As it is. ", Version: 1, CreatedAt: now, UpdatedAt: now,
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
		}, role)

		// What was given and what came back belong to the caller.
		given.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		role.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		require.NoError(t, ada.Assign(ctx, role.ID, "new"))
		require.False(t, c.w.Can(ctx, "new", rbac.Users, rbac.Manage))
		delete(role.Permissions, rbac.Users)

		// Each stored edit adds 1, and changes UpdatedAt alone.
		for version := int64(2); version < 5; version++ {
			time.Sleep(time.Second)
			role.Description = fmt.Sprint("Version ", version)
			want := role
			want.Version, want.UpdatedAt = version, time.Now().UTC().Truncate(time.Microsecond)
			role.CreatedAt = time.Unix(1, 0) // is not taken
			role, err = ada.UpdateRole(ctx, role)
			require.NoError(t, err)
			require.Equal(t, want, role)
		}

		for name, test := range map[string]struct {
			role rbac.Role
			want []string
		}{
			"an id":      {rbac.Role{ID: "mine", Name: "Other"}, []string{"id"}},
			"a version":  {rbac.Role{Name: "Other", Version: 1}, []string{"version"}},
			"a negative": {rbac.Role{Name: "Other", Version: -1}, []string{"version"}},
			"both":       {rbac.Role{ID: "mine", Name: "", Version: 1}, []string{"id", "version", "name"}},
		} {
			_, err := ada.CreateRole(ctx, test.role)
			require.Equal(t, test.want, fields(t, err), name)
		}
		_, err = ada.CreateRole(ctx, rbac.Role{Name: "Other", System: true})
		require.ErrorIs(t, err, rbac.ErrProtectedRole)
		c.check(t)
	})
}

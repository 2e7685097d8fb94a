package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// The longest ids and texts that are allowed, and what comes just short of
// being refused.
func goodIDs(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	for _, workspace := range []string{"", " ", strings.Repeat("w", 255), strings.Repeat("é", 127)} {
		w := az.For(workspace)
		role, err := w.System(strings.Repeat("ü", 500)).CreateRole(ctx, rbac.Role{
			Name: strings.Repeat("Ü", 80), Description: strings.Repeat("é", 500),
		})
		assert.NoError(t, err)
		for _, user := range []string{
			strings.Repeat("u", 255), strings.Repeat("🦊", 63) + "abc", "\ufffd", "a b", " a", "a ", "\u200b", "\ufeff", "\u00a0x",
		} {
			assert.NoError(t, w.System("test").Assign(ctx, role.ID, user), fmt.Sprintf("%q", user))
			s, err := w.Subject(ctx, user)
			assert.NoError(t, err)
			assert.Equal(t, role.ID, s.Role(), fmt.Sprintf("%q", user))
		}
		workspacetest.CheckInvariants(t, store, workspace)
	}
}

// alike are ids that are not the same.
var alike = []string{
	"bob", "Bob", "BOB", "bob ", " bob", "b\u200bob", "bоb", // the last has a Cyrillic o
	"caf\u00e9", "cafe\u0301", "CAFE\u0301", "Straße", "STRASSE", "strasse", "ﬁ", "fi", "i", "I", "İ", "ı",
	"0", "00", "0.0", "1e0", "1", "null", "NULL", "nil", "true",
}

// Ids are compared byte for byte: Bob is not bob, in members, workspaces,
// owners and actors.
func idsAreComparedByteForByte(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	own := workspacetest.AddRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: rbac.Access{Read: rbac.Own}})
	for _, member := range alike {
		workspacetest.Assign(t, az.Workspace, own.ID, member)
		for _, other := range alike {
			d, err := az.Explain(ctx, other, rbac.Deals, rbac.Read)
			assert.NoError(t, err)
			assert.Equal(t, member == other, d.Reason == rbac.ReasonOwnOnly, fmt.Sprintf("%q is %q", member, other))
			assert.Equal(t, member == other, az.CanRecord(ctx, member, rbac.Deals, rbac.Read, other), fmt.Sprintf("%q owns what is %q's", member, other))
		}
		assert.NoError(t, az.System("test").Remove(ctx, member))
	}
	// All of them together, with different fates.
	workspacetest.Assign(t, az.Workspace, own.ID, alike...)
	for i, user := range alike {
		if i%2 == 0 {
			assert.NoError(t, az.System("test").Suspend(ctx, user))
		}
	}
	for i, user := range alike {
		assert.Equal(t, i%2 != 0, az.CanRecord(ctx, user, rbac.Deals, rbac.Read, user), fmt.Sprintf("%q", user))
	}
	for i, id := range alike {
		workspacetest.Assign(t, az.For(id), rbac.Administrator, fmt.Sprint("ann", i))
	}
	for i, id := range alike {
		for j := range alike {
			assert.Equal(t, i == j, az.For(id).Can(ctx, fmt.Sprint("ann", j), rbac.Deals, rbac.Read), fmt.Sprintf("%q", id))
		}
	}
	assert.ErrorIs(t, az.As("Ann").Assign(ctx, own.ID, "x"), rbac.ErrDenied)
	assert.ErrorIs(t, az.System("test").Remove(ctx, "boB"), rbac.ErrMemberNotFound)
	loaded := workspacetest.Open(t, db.Store()) // as another instance has it
	for i, user := range alike {
		assert.Equal(t, i%2 != 0, loaded.CanRecord(ctx, user, rbac.Deals, rbac.Read, user), user)
	}
	assert.True(t, !loaded.CanRecord(ctx, "boB", rbac.Deals, rbac.Read, "boB"))
	workspacetest.CheckInvariants(t, store, "")
}

// Role names that differ only in case, blanks or Unicode form are the same.
func roleNames(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	for _, test := range []struct {
		why, one, other string
		same            bool
	}{
		{"equal", "Sales", "Sales", true},
		{"another word", "Sales", "Sale", false},
		{"case", "Sales Lead", "sALES lEAD", true},
		{"blanks around", "Sales", "  Sales\u3000", true},
		{"blanks within", "Sales lead", "Sales \u00a0  lead", true},
		{"no blank within", "Sales lead", "Saleslead", false},
		{"composed and decomposed", "Caf\u00e9", "cafe\u0301", true},
		{"an accent", "Café", "Cafe", false},
		{"sharp s", "Straße", "STRASSE", true},
		{"full width", "Ｓａｌｅｓ", "sales", true},
		{"ligature", "Oﬃce", "office", true},
		{"invisible", "Sa\u200bles\u00ad", "Sales", true},
		{"another script", "Sales", "Ѕales", false},
		{"Greek final sigma", "ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"Hangul", "\ud55c", "\u1112\u1161\u11ab", true},
	} {
		t.Run(test.why, func(t *testing.T) {
			w := az.For(test.why)
			one := workspacetest.AddRole(t, w, test.one, nil)
			assert.Equal(t, strings.TrimSpace(test.one), one.Name, "a name is shown as it was given")
			third := workspacetest.AddRole(t, w, "Third", nil)
			_, createErr := w.System("test").CreateRole(ctx, rbac.Role{Name: test.other})
			third.Name = test.other
			if test.same {
				want := &rbac.RefusalError{Rule: rbac.ErrNameTaken, Role: one.ID, RoleName: one.Name}
				var refused *rbac.RefusalError
				assert.True(t, errors.As(createErr, &refused), createErr)
				assert.Equal(t, want, refused)
				_, err := w.System("test").UpdateRole(ctx, third)
				assert.True(t, errors.As(err, &refused), err)
				assert.Equal(t, want, refused)
				one.Name = test.other
				_, err = w.System("test").UpdateRole(ctx, one)
				assert.NoError(t, err, "a role may be respelt")
			} else {
				assert.NoError(t, createErr)
			}
			_, err := az.For("not "+test.why).System("test").CreateRole(ctx, rbac.Role{Name: test.other})
			assert.NoError(t, err, "names are unique in one workspace")
			workspacetest.CheckInvariants(t, store, test.why)
		})
	}
	for _, name := range []string{"Administrator", " ADMINISTRATOR ", "ａdministrator", "Admin\u00adistrator", "administrator"} {
		t.Run(fmt.Sprintf("shadowing %q", name), func(t *testing.T) {
			w := az.For(name)
			_, err := w.System("test").CreateRole(ctx, rbac.Role{Name: name})
			assert.ErrorIs(t, err, rbac.ErrProtectedRole)
			role := workspacetest.AddRole(t, w, "Other", nil)
			role.Name = name
			_, err = w.System("test").UpdateRole(ctx, role)
			assert.ErrorIs(t, err, rbac.ErrProtectedRole)
		})
	}
}

// A user whose id is a role's id or name, or an area's, gets nothing from it;
// and a role whose name is a user's id gives nothing.
func idsOfUsersAndRolesAreApart(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	support := rbac.WithSystemRoles(rbac.Role{ID: "support", Name: "Support", Permissions: all(rbac.Contacts)})
	az := workspacetest.Open(t, store, support)
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	strong := workspacetest.AddRole(t, az.Workspace, "Strong", everything)
	named := workspacetest.AddRole(t, az.Workspace, "vic", everything) // named as a user
	nothing := workspacetest.AddRole(t, az.Workspace, "Nothing", nil)
	fresh := workspacetest.Open(t, db.Store(), support)
	users := []string{
		"administrator", "Administrator", "support", "Support", string(strong.ID), "Strong", string(named.ID), "vic", string(nothing.ID),
		"users", "deals", "manage", "system", "*",
	}
	for _, member := range []bool{false, true} {
		if member {
			workspacetest.Assign(t, az.Workspace, nothing.ID, users...)
		}
		for _, user := range users {
			s, err := az.Subject(ctx, user)
			assert.NoError(t, err)
			assert.Equal(t, 0, len(s.Permissions()), fmt.Sprintf("%q", user))
			assert.Equal(t, member, s.Role() == nothing.ID)
			for _, info := range rbac.DefaultAreas() {
				for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
					assert.True(t, !az.Can(ctx, user, info.Area, action), fmt.Sprintf("%q", user))
					assert.True(t, !fresh.Can(ctx, user, info.Area, action), fmt.Sprintf("%q", user))
				}
			}
			assert.ErrorIs(t, az.As(user).Assign(ctx, strong.ID, "new"), rbac.ErrDenied, fmt.Sprintf("%q", user))
		}
	}
	// A role is not held by holding a role, and a user is no role.
	assert.ErrorIs(t, az.System("test").Assign(ctx, "vic", "new"), rbac.ErrRoleNotFound)
	assert.ErrorIs(t, az.System("test").Assign(ctx, "Strong", "new"), rbac.ErrRoleNotFound)
	assert.ErrorIs(t, az.System("test").Remove(ctx, "nobody"), rbac.ErrMemberNotFound)
	// Who is given a role has it, whatever their id.
	workspacetest.Assign(t, az.Workspace, strong.ID, string(strong.ID))
	assert.True(t, az.Can(ctx, string(strong.ID), rbac.Users, rbac.Manage))
	assert.NoError(t, az.System("test").Remove(ctx, users...))
	assert.ErrorIs(t, az.System("test").DeleteRole(ctx, "administrator"), rbac.ErrProtectedRole)
	assert.NoError(t, az.System("test").DeleteRole(ctx, strong.ID))
	workspacetest.CheckInvariants(t, store, "", "support")
}

// Ids that are no ids are refused by the library, before a database sees them.
func badIDsAreRefused(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	w := az.For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	before := workspacetest.Read(t, store, "w")
	for _, user := range []string{"", " ", strings.Repeat("x", 256), "\xff", "a\x00b", "a\x01b", "a\nb", "a\x7f"} {
		for _, admin := range []*rbac.Admin{w.System("test"), w.As("ann")} {
			assert.ErrorIs(t, admin.Assign(ctx, rbac.Administrator, user), rbac.ErrInvalid, user)
			_, err := admin.CreateRole(ctx, rbac.Role{Name: user + "\x00"})
			assert.ErrorIs(t, err, rbac.ErrInvalid, user)
		}
		assert.True(t, !workspacetest.Can(w, user), user)
		assert.True(t, !w.CanRecord(ctx, user, rbac.Deals, rbac.Read, user), user)
	}
	assert.Equal(t, before, workspacetest.Read(t, store, "w"))
	for _, id := range []string{strings.Repeat("x", 256), "\xff", "a\x00b", "a\nb"} {
		for what, err := range queries(t, w, az.For(id), id) {
			assert.ErrorIs(t, err, rbac.ErrInvalid, fmt.Sprintf("%s: %.9q", what, id))
		}
	}
}

// queries asks a workspace for an id, and the workspace of that id, in every
// way in which a store would be asked.
func queries(t *testing.T, w, of *rbac.Workspace, id string) map[string]error {
	ctx := t.Context()
	_, roles := of.Roles(ctx)
	_, matrix := of.Matrix(ctx)
	_, lint := of.Lint(ctx)
	planNew := workspacetest.Refused(workspacetest.Plan(ctx, of.System("test"), rbac.Role{Name: "New"}))
	planOld := workspacetest.Refused(workspacetest.Plan(ctx, w.System("test"), rbac.Role{ID: rbac.RoleID(id), Name: "Old"}))
	return map[string]error{
		"Members, among users":       workspacetest.FirstError(w.Members(ctx, rbac.MemberQuery{Users: []string{"ann", id}})),
		"Members, of a role":         workspacetest.FirstError(w.Members(ctx, rbac.MemberQuery{Role: rbac.RoleID(id)})),
		"Members, behind a user":     workspacetest.FirstError(w.Members(ctx, rbac.MemberQuery{After: id})),
		"WhoCan, in an area":         workspacetest.FirstError(w.WhoCan(ctx, rbac.Area(id), rbac.Read)),
		"Plan, of a role":            planOld,
		"Plan, in a workspace":       planNew,
		"Members, of a workspace":    workspacetest.FirstError(of.Members(ctx, rbac.MemberQuery{})),
		"WhoCan, of a workspace":     workspacetest.FirstError(of.WhoCan(ctx, rbac.Deals, rbac.Read)),
		"Events, of a workspace":     workspacetest.FirstError(of.Events(ctx, rbac.EventQuery{})),
		"the newest, of a workspace": workspacetest.FirstError(of.Events(ctx, rbac.EventQuery{Newest: true, Limit: 1})),
		"VerifyEvents":               of.VerifyEvents(ctx),
		"Roles":                      roles,
		"Matrix":                     matrix,
		"Lint":                       lint,
		"Sync":                       of.Sync(ctx),
	}
}

// Several instances create a role under the same name at the same moment, which
// each of them writes otherwise.
func oneNameAtOnce(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	instances := []*rbac.Workspace{workspacetest.Open(t, store).For("w"), workspace(t, db), workspace(t, db)}
	workspacetest.Assign(t, instances[0], rbac.Administrator, "ann")
	for round := range long.Scale(40) {
		names := []string{"Caf\u00e9 ", " CAFE\u0301 ", "cafe\u0301 "}
		var fns []func() error
		for i, w := range instances {
			fns = append(fns, func() error {
				_, err := w.System("test").CreateRole(ctx, rbac.Role{Name: fmt.Sprint(names[i], round)})
				return err
			})
		}
		made := 0
		for _, err := range workspacetest.Together(fns...) {
			if err == nil {
				made++
			} else {
				assert.ErrorIs(t, err, rbac.ErrNameTaken)
			}
		}
		assert.Equal(t, 1, made, "roles with one name in round", round)
	}
	workspacetest.CheckInvariants(t, store, "w")
}

// A user or a name that is used again inherits nothing.
func idsUsedAgain(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, workspacetest.Deaf(store), workspacetest.Quiet()...).For("w"), workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For("w")
	workspacetest.Assign(t, one, rbac.Administrator, "ann", "bob")
	assert.True(t, workspacetest.Can(two, "bob"))
	assert.NoError(t, one.System("test").Suspend(ctx, "bob"))
	assert.NoError(t, one.System("test").Remove(ctx, "bob"))
	role := workspacetest.AddRole(t, one, "Sales", workspacetest.ReadsDeals(rbac.All))
	assert.NoError(t, one.System("test").DeleteRole(ctx, role.ID))
	again := workspacetest.AddRole(t, two, "Sales", nil)
	assert.True(t, role.ID != again.ID, "the id of a deleted role is given again")
	workspacetest.Assign(t, two, again.ID, "bob")
	assert.NoError(t, one.Sync(ctx))
	for _, w := range []*rbac.Workspace{one, two} {
		decision, err := w.Explain(ctx, "bob", rbac.Deals, rbac.Read)
		assert.NoError(t, err)
		assert.True(t, !decision.Allowed)
		assert.Equal(t, "Sales", decision.RoleName, "the suspension is not inherited either")
	}
	workspacetest.CheckInvariants(t, store, "w")
}

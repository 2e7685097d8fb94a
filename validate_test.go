package rbac_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

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
		{"unknown scopes", rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(4, 255)}}, []string{"permissions.deals.read", "permissions.deals.manage"}},
		{"Own where nobody owns", rbac.Role{Name: "New", Permissions: rbac.Permissions{
			rbac.API: access(rbac.Own, rbac.All), rbac.Audit: access(rbac.All, rbac.Own),
		}}, []string{"permissions.api.read", "permissions.audit.manage"}},
		{"everything at once", rbac.Role{Description: "\x00", Permissions: rbac.Permissions{
			"z": access(rbac.All, rbac.All), rbac.API: access(rbac.Own, 9), rbac.Deals: access(9, rbac.All),
		}}, []string{"name", "description", "permissions.api.read", "permissions.api.manage", "permissions.deals.read", "permissions.z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
			admin := c.W.System("test")
			var permissions []string
			for _, field := range test.want {
				if strings.HasPrefix(field, "permissions.") {
					permissions = append(permissions, field)
				}
			}
			if err := c.W.ValidatePermissions(test.role.Permissions); permissions == nil {
				require.NoError(t, err)
			} else {
				require.Equal(t, permissions, fields(t, err))
			}
			edited := test.role
			edited.ID, edited.Version = c.Role("Clerk").ID, c.Role("Clerk").Version
			if edited.Permissions == nil {
				edited.Permissions = rbac.Permissions{}
			}
			if test.want == nil {
				_, err := admin.CreateRole(ctx, test.role)
				require.NoError(t, err)
				edited.Name = "Edited"
				_, err = admin.UpdateRole(ctx, edited)
				require.NoError(t, err)
				return
			}
			unchanged(t, c.Store, "", func() {
				_, err := admin.CreateRole(ctx, test.role)
				require.Equal(t, test.want, fields(t, err))
				require.Equal(t, test.want, fields(t, refused(planOf(ctx, admin, test.role))))
				_, err = admin.UpdateRole(ctx, edited)
				require.Equal(t, test.want, fields(t, err))
				require.Equal(t, test.want, fields(t, refused(planOf(ctx, admin, edited))))
			})
		})
	}
}

// What an edit leaves out is not taken away, by whomever; an empty table is
// one that was written.
func TestA10_AnEditNeedsPermissions(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	partial := c.Role("Clerk")
	partial.Name, partial.Permissions = "Clerks", nil
	for _, admin := range []*rbac.Admin{c.W.As("ada"), c.W.As("nobody"), c.W.System("test")} {
		unchanged(t, c.Store, "", func() {
			_, err := admin.UpdateRole(ctx, partial)
			require.Equal(t, []string{"permissions"}, fields(t, err))
			require.EqualError(t, err, "rbac: invalid input: permissions: missing")
			require.EqualError(t, refused(planOf(ctx, admin, partial)), "rbac: invalid input: permissions: missing")
		})
	}
	require.True(t, c.W.Can(ctx, "cleo", rbac.Contacts, rbac.Read))

	partial.Permissions = rbac.Permissions{}
	saved, err := c.W.As("ada").UpdateRole(ctx, partial)
	require.NoError(t, err)
	require.Equal(t, rbac.Permissions{}, saved.Permissions)
	require.False(t, c.W.Can(ctx, "cleo", rbac.Contacts, rbac.Read))

	// A new role takes nothing away.
	plan, err := planOf(ctx, c.W.As("ada"), rbac.Role{Name: "New"})
	require.NoError(t, err)
	require.Equal(t, rbac.Permissions{}, plan.Role.Permissions)
	created, err := c.W.As("ada").CreateRole(ctx, rbac.Role{Name: "New"})
	require.NoError(t, err)
	require.Equal(t, rbac.Permissions{}, created.Permissions)
	c.Check(t)
}

// Users, roles, reasons and workspaces alike; and all that is wrong at once.
func TestA10_BadIDsAndReasons(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, rbac.NewMemStore())
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
		{"an id too long in bytes", az.System("x").Remove(ctx, strings.Repeat("é", 128)), []string{"users[0]"}},
		{"marks that reorder text", az.System("x").Remove(ctx, "a\u202eb", "a\u2066b", "a\u2069b"), []string{"users[0]", "users[1]", "users[2]"}},
		{"line and paragraph separators", az.System("x").Remove(ctx, "a\u2028b", "a\u2029b"), []string{"users[0]", "users[1]"}},
		{"also for no change", az.System("").Remove(ctx), []string{"reason"}},
	} {
		require.Equal(t, test.want, fields(t, test.err), test.name)
	}
	require.Equal(t,
		`rbac: invalid input: users[1]: is empty; role: is empty; workspace: has the control character U+0000 at byte 0; reason: is empty`,
		az.For("\x00").System("").Assign(ctx, "", "a", "").Error())
}

// allocated returns how many bytes a call allocates.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A name is counted before anything that costs more than its length is done
// with it.
func TestLongNamesCostNothing(t *testing.T) {
	az := openOn(t, rbac.NewMemStore())
	long := strings.Repeat("ﷺ", 1<<20) // each would become 18 characters
	for name, change := range map[string]func() error{
		"create": func() error {
			_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: long})
			return err
		},
		"update": func() error {
			_, err := az.As("nobody").UpdateRole(t.Context(), rbac.Role{ID: "x", Name: long, Permissions: rbac.Permissions{}})
			return err
		},
		"plan": func() error {
			return refused(planOf(t.Context(), az.As("nobody"), rbac.Role{Name: long}))
		},
	} {
		require.Less(t, allocated(func() { require.ErrorIs(t, change(), rbac.ErrInvalid) }), uint64(1<<20), name)
	}
}

// Names that show nothing are no names, and nothing that does not show makes
// another name of one.
func TestNamesThatShowNothing(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore())
	for _, name := range []string{
		"\u2800", "\u2800\u2800", "\ufdd0", "\ufffe", "\U0001ffff", "\u0301", " \u0301 ", "\U0001d159", "\u0301\u0302", "\u20dd",
		"Administrator\u2800", "Admin\ufdd0istrator", "\ufffeAdministrator", "Administrator\U0001d159",
	} {
		_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: name})
		require.ErrorIs(t, err, rbac.ErrInvalid, "%+q", name)
	}
	for _, name := range []string{"é", "e\u0301", "1", "*", "日本", "👩‍💻", "(x)"} {
		_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: name})
		if name != "e\u0301" { // the first one again
			require.NoError(t, err, "%+q", name)
		}
	}
}

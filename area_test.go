package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A catalogue so large that areas share slots of the library's index answers
// like any other.
func TestManyAreas(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	areas := []rbac.AreaInfo{{Area: rbac.Users}}
	p := rbac.Permissions{}
	for i := range 300 {
		area := rbac.Area(fmt.Sprint("area", i))
		areas = append(areas, rbac.AreaInfo{Area: area, Owned: i%2 == 0})
		if i%3 == 0 {
			p[area] = access(rbac.All, []rbac.Scope{rbac.None, rbac.All}[i%2])
		}
	}
	az := openOn(t, rbac.NewMemStore(), rbac.WithAreas(areas...))
	role := addRole(t, az.Workspace, "Many", p)
	assign(t, az.Workspace, role.ID, "vic")
	for _, info := range areas {
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			want := p[info.Area].Scope(action) == rbac.All
			require.Equal(t, want, az.Can(ctx, "vic", info.Area, action), "%s", info.Area)
			require.Equal(t, want, az.Can(ctx, "vic", rbac.Area(strings.Clone(string(info.Area))), action), "%s", info.Area)
		}
	}
	require.False(t, az.Can(ctx, "vic", "area300", rbac.Read))
}

// Areas is the catalogue, in every workspace, as a copy.
func TestAreas(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore())
	require.Equal(t, rbac.DefaultAreas(), az.Areas())
	require.Equal(t, rbac.DefaultAreas(), az.For("acme").Areas())
	az.Areas()[0].Area = "changed"
	require.Equal(t, rbac.DefaultAreas(), az.Areas())

	own := []rbac.AreaInfo{{Area: "invoices", Label: "Invoices", Owned: true}, {Area: rbac.Users, Label: "Users"}}
	require.Equal(t, own, openOn(t, rbac.NewMemStore(), rbac.WithAreas(own...)).Areas())
}

// E10: an area with Only has one action. The other is denied to everybody, with
// a reason of its own.
func TestE10_AreasWithOneAction(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store, rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Users, Only: rbac.Manage}, rbac.AreaInfo{Area: "export", Only: rbac.Manage}, rbac.AreaInfo{Area: "report", Only: rbac.Read, Owned: true},
	))
	system := az.System("test")
	verbs := addRole(t, az.Workspace, "Verbs", rbac.Permissions{"export": access(rbac.None, rbac.All), "report": access(rbac.Own, rbac.None)})
	assign(t, az.Workspace, verbs.ID, "vic")
	assign(t, az.Workspace, rbac.Administrator, "ada")
	update(t, store, "", func(tx rbac.Tx) error { // as another program did
		role := rbac.Role{ID: "both", Name: "Both", Version: 1, Permissions: rbac.Permissions{"export": access(rbac.All, rbac.All), "report": access(rbac.All, rbac.All)}}
		if err := tx.PutRole(role); err != nil {
			return err
		}
		return tx.PutMembers(rbac.Member{User: "bo", Role: "both"})
	})
	w := openOn(t, store, rbac.WithAreas(az.Areas()...)).Workspace
	for _, test := range []struct {
		area    rbac.Area
		action  rbac.Action
		allowed []string
	}{
		{"export", rbac.Manage, []string{"vic", "ada", "bo"}},
		{"export", rbac.Read, nil},
		{"report", rbac.Read, []string{"ada", "bo"}},
		{"report", rbac.Manage, nil},
		{rbac.Users, rbac.Manage, []string{"ada"}},
		{rbac.Users, rbac.Read, nil},
	} {
		var allowed []string
		for _, user := range []string{"vic", "ada", "bo"} {
			if w.Can(ctx, user, test.area, test.action) {
				allowed = append(allowed, user)
			}
			d, err := w.Explain(ctx, user, test.area, test.action)
			require.NoError(t, err)
			if test.allowed == nil {
				require.Equal(t, rbac.ReasonNoSuchAction, d.Reason)
				require.False(t, w.CanRecord(ctx, user, test.area, test.action, user))
			}
		}
		require.Equal(t, test.allowed, allowed, "%s %s", test.action, test.area)
	}
	d, err := w.Explain(ctx, "nobody", "export", rbac.Read)
	require.NoError(t, err)
	require.Equal(t, `"nobody" may not read export: the area has no such action`, d.String())

	_, err = system.CreateRole(ctx, rbac.Role{Name: "New", Permissions: rbac.Permissions{"export": access(rbac.All, rbac.All), "report": access(rbac.All, rbac.Own)}})
	var v *rbac.ValidationError
	require.ErrorAs(t, err, &v)
	require.Equal(t, []rbac.FieldError{
		{Field: "permissions.export.read", Problem: "this area has nothing to read, only to manage"},
		{Field: "permissions.report.manage", Problem: "this area has nothing to manage, only to read"},
	}, v.Fields)
	for _, err := range w.WhoCan(ctx, "export", rbac.Read) {
		require.ErrorIs(t, err, rbac.ErrInvalid)
	}
	roles, err := w.Roles(ctx)
	require.NoError(t, err)
	require.Equal(t, "export: manage all; report: read all; users: manage all", roles[0].Permissions.String(), "E5: All for every action that there is")
}

// E11: stored grants and limits are read through former names.
func TestE11_FormerNames(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	catalogue := rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Users, Former: []rbac.Area{"people"}},
		rbac.AreaInfo{Area: "deals", Owned: true, Former: []rbac.Area{"leads", "chances"}},
		rbac.AreaInfo{Area: "export", Only: rbac.Manage, Former: []rbac.Area{"dump"}},
	)
	update(t, store, "", func(tx rbac.Tx) error {
		return errors.Join(
			tx.PutRole(rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{
				"leads": access(rbac.All, rbac.None), "chances": access(rbac.Own, rbac.Own), "dump": access(rbac.All, rbac.All), "people": access(rbac.Own, rbac.All), "lost": access(rbac.All, rbac.All),
			}}),
			tx.PutMembers(rbac.Member{User: "ann", Role: "old"}),
		)
	})
	w := openOn(t, store, catalogue).Workspace
	s, err := w.Subject(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, "deals: read all, manage own; export: manage all; users: manage all", s.Permissions().String(), "united, before Owned and Only")
	require.ErrorContains(t, w.ValidatePermissions(rbac.Permissions{"leads": access(rbac.All, rbac.None)}), "permissions.leads: is not an area of this program")
	require.NoError(t, w.ValidatePermissions(s.Permissions()))
	require.False(t, w.Can(ctx, "ann", "leads", rbac.Read))
	d, err := w.Explain(ctx, "ann", "leads", rbac.Read)
	require.NoError(t, err)
	require.Equal(t, rbac.ReasonUnknownArea, d.Reason)
	require.Equal(t, "deals: read all; users: manage all", s.Limit(rbac.Permissions{
		"leads": access(rbac.All, rbac.None), "people": access(rbac.None, rbac.All),
	}).Permissions().String())
	require.ErrorIs(t, w.As("ann").Assign(ctx, "old", "ben"), rbac.ErrEscalation, "who manages people manages users; what is lost, nobody covers")
}

// E11: the new name alone is no change; the next edit writes it.
func TestE11_TheNewNameAloneIsNoChange(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"leads": access(rbac.All, rbac.None)}})
	})
	w := openOn(t, store, rbac.WithAreas(rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: "deals", Former: []rbac.Area{"leads"}})).Workspace
	role := rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"deals": access(rbac.All, rbac.None)}}
	unchanged(t, store, "", func() {
		same, err := w.System("test").UpdateRole(ctx, role)
		require.NoError(t, err)
		require.EqualValues(t, 1, same.Version)
		former := role
		former.Permissions = rbac.Permissions{"leads": access(rbac.All, rbac.All)}
		_, err = w.System("test").UpdateRole(ctx, former)
		require.ErrorContains(t, err, "permissions.leads: is not an area of this program")
	})
	role.Name = "New"
	_, err := w.System("test").UpdateRole(ctx, role)
	require.NoError(t, err)
	require.Equal(t, "deals: read all", contentsOf(t, store, "").Roles[0].Permissions.String())
}

// E7: what no program knows any more is removed by name, by those who hold
// everything.
func TestE7_RemovingAStoredArea(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"lost": access(rbac.All, rbac.None), rbac.Deals: access(rbac.Own, rbac.None)}})
	})
	w := openOn(t, store).Workspace
	assign(t, w, rbac.Administrator, "ada")
	manager := addRole(t, w, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.All)})
	assign(t, w, manager.ID, "max")
	edit := func(actor string, p rbac.Permissions) error {
		_, err := w.As(actor).UpdateRole(ctx, rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: p})
		return err
	}
	findings := func() (areas []rbac.Area) {
		found, err := w.Lint(ctx)
		require.NoError(t, err)
		for _, f := range found {
			if f.Code == rbac.FindingUnknownArea {
				areas = append(areas, f.Area)
			}
		}
		return areas
	}
	require.Equal(t, []rbac.Area{"lost"}, findings())
	unchanged(t, store, "", func() {
		require.ErrorIs(t, edit("max", rbac.Permissions{"lost": {}}), rbac.ErrEscalation)
		require.ErrorIs(t, edit("ada", rbac.Permissions{"lost": access(rbac.Own, rbac.None)}), rbac.ErrInvalid)
		require.ErrorIs(t, edit("ada", rbac.Permissions{"last": {}}), rbac.ErrInvalid, "a name that is misspelt")
	})
	require.NoError(t, edit("ada", rbac.Permissions{"lost": {}, rbac.Deals: access(rbac.Own, rbac.None)}))
	require.Equal(t, "deals: read own", contentsOf(t, store, "").Roles[slices.IndexFunc(contentsOf(t, store, "").Roles, func(r rbac.Role) bool { return r.ID == "old" })].Permissions.String())
	require.Empty(t, findings())
}

// Open refuses a catalogue in which a name means two things, or nobody can
// administer.
func TestCatalogueMistakes(t *testing.T) {
	t.Parallel()
	users := rbac.AreaInfo{Area: rbac.Users}
	for wrong, areas := range map[string][]rbac.AreaInfo{
		"areas[0].only: managing users is the right to administer": {{Area: rbac.Users, Only: rbac.Read}},
		"areas[1].only: 3 is not an action":                        {users, {Area: "export", Only: 3}},
		`areas[1].former[0]: "users" is an area of today`:          {users, {Area: "deals", Former: []rbac.Area{rbac.Users}}},
		`areas[1].former[1]: "leads" is there twice`:               {users, {Area: "deals", Former: []rbac.Area{"leads", "leads"}}},
		`areas[2].former[0]: "leads" is there twice`:               {users, {Area: "deals", Former: []rbac.Area{"leads"}}, {Area: "chances", Former: []rbac.Area{"leads"}}},
		"areas[1].former[0]: ":                                     {users, {Area: "deals", Former: []rbac.Area{"No Area"}}},
		"areas[1].ownWords: ":                                      {users, {Area: "deals", OwnWords: strings.Repeat("x", 81)}},
	} {
		_, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithAreas(areas...), quiet)
		require.ErrorIs(t, err, rbac.ErrInvalid, wrong)
		require.ErrorContains(t, err, wrong)
	}
	former := []rbac.Area{"leads"}
	az := openOn(t, rbac.NewMemStore(), rbac.WithAreas(users, rbac.AreaInfo{Area: "deals", Former: former, OwnWords: "assigned to them"}))
	former[0] = "changed"
	az.Areas()[1].Former[0] = "changed"
	require.Equal(t, []rbac.Area{"leads"}, az.Areas()[1].Former, "it is a copy")
	require.Equal(t, "assigned to them", az.Areas()[1].OwnWords)
}

package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// lintCase is a workspace, and the findings that it must give with this code:
// none in the row that stands beside it.
type lintCase struct {
	name  string
	roles []rbac.Role
	held  map[string]string // user to the name of the role; "" is Administrator
	setup func(t *testing.T, store rbac.Store, az *rbac.Authorizer)
	code  rbac.FindingCode
	want  []string // the messages
	grave rbac.Severity
}

func TestLint(t *testing.T) {
	permissions := func(p rbac.Permissions) rbac.Permissions { return p }
	people := func(n int, role string) map[string]string {
		held := map[string]string{"ann": "", "bob": ""}
		for i := range n {
			held[fmt.Sprintf("user-%02d", i)] = role
		}
		return held
	}
	two := map[string]string{"ann": "", "bob": ""}
	for _, test := range []lintCase{
		{name: "nobody at all", code: rbac.FindingNoAdministrator, grave: rbac.Danger,
			want: []string{"There is no active administrator."}},
		{name: "two administrators", held: two, code: rbac.FindingNoAdministrator},
		{name: "one administrator", held: map[string]string{"ann": ""}, code: rbac.FindingSingleAdministrator, grave: rbac.Warning,
			want: []string{"There is only one active administrator: name a second for the day when they are away."}},
		{name: "one of two is suspended", held: two, code: rbac.FindingSingleAdministrator, grave: rbac.Warning,
			setup: func(t *testing.T, _ rbac.Store, az *rbac.Authorizer) {
				require.NoError(t, az.System("test").Suspend(t.Context(), "bob"))
			},
			want: []string{"There is only one active administrator: name a second for the day when they are away."}},
		{name: "two are enough", held: two, code: rbac.FindingSingleAdministrator},
		{name: "manages what it does not read", code: rbac.FindingManageWithoutRead, grave: rbac.Warning,
			roles: []rbac.Role{{Name: "Blind", Permissions: permissions(rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.All}, rbac.Tasks: {Read: rbac.All, Manage: rbac.All}})}},
			want:  []string{`The role "Blind" manages all in "Deals" but reads own.`}},
		{name: "the same permissions", code: rbac.FindingDuplicateRole, grave: rbac.Warning,
			roles: []rbac.Role{{Name: "B", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}}, {Name: "A", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}}},
			want:  []string{`The roles "A" and "B" have the same permissions.`}},
		{name: "other permissions", code: rbac.FindingDuplicateRole,
			roles: []rbac.Role{{Name: "B", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}}, {Name: "A", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}}},
		{name: "within another, but for one area", code: rbac.FindingNearDuplicateRole, grave: rbac.Notice,
			roles: []rbac.Role{
				{Name: "More", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}, rbac.Tasks: {Read: rbac.All}}},
				{Name: "Less", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}, rbac.Tasks: {Read: rbac.All}}}},
			want: []string{`The role "Less" is "More" without some of "Deals": are both needed?`}},
		{name: "within another, but for two areas", code: rbac.FindingNearDuplicateRole,
			roles: []rbac.Role{
				{Name: "More", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}, rbac.Tasks: {Read: rbac.All}}},
				{Name: "Less", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}, rbac.Tasks: {Read: rbac.Own}}}}},
		{name: "nobody holds it", code: rbac.FindingUnusedRole, grave: rbac.Notice,
			roles: []rbac.Role{{Name: "B"}, {Name: "A", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}}, {Name: "Held", Permissions: rbac.Permissions{rbac.Tasks: {Read: rbac.Own}}}},
			held:  map[string]string{"cem": "Held"},
			want:  []string{`Nobody holds the role "A".`, `Nobody holds the role "B".`}},
		{name: "a sensitive area", code: rbac.FindingSensitiveManage, grave: rbac.Warning,
			roles: []rbac.Role{{Name: "Integrator", Permissions: rbac.Permissions{rbac.API: {Read: rbac.All, Manage: rbac.All}, rbac.Audit: {Read: rbac.All}, rbac.Deals: {Manage: rbac.All}}}},
			want:  []string{`The role "Integrator" manages all in the sensitive area "API access".`}},
		{name: "many manage users", code: rbac.FindingManyUserManagers, grave: rbac.Warning, held: people(2, "Office"),
			roles: []rbac.Role{{Name: "Office", Permissions: rbac.Permissions{rbac.Users: {Manage: rbac.All}}}},
			want:  []string{"4 of 4 active members can manage users: more than one in 5."}},
		{name: "few manage users", code: rbac.FindingManyUserManagers, held: people(1, "Office"),
			roles: []rbac.Role{{Name: "Office", Permissions: rbac.Permissions{rbac.Users: {Manage: rbac.All}}}}},
		{name: "many, of whom few manage users", code: rbac.FindingManyUserManagers, held: people(40, "Sales"),
			roles: []rbac.Role{{Name: "Sales", Permissions: rbac.Permissions{rbac.Users: {Manage: rbac.Own}}}}},
		{name: "a role is gone", code: rbac.FindingRoleGone, grave: rbac.Danger,
			setup: func(t *testing.T, store rbac.Store, _ *rbac.Authorizer) {
				require.NoError(t, store.Update(t.Context(), "", func(tx rbac.Tx) error {
					return tx.PutMembers(rbac.Member{User: "cem", Role: "gone"}, rbac.Member{User: "dee", Role: "gone"}, rbac.Member{User: "eve", Role: "lost"})
				}))
			},
			want: []string{
				`2 members hold the role "gone", which does not exist, and can do nothing.`,
				`1 member holds the role "lost", which does not exist, and can do nothing.`,
			}},
		{name: "an area of a newer program", code: rbac.FindingUnknownArea, grave: rbac.Notice,
			setup: func(t *testing.T, store rbac.Store, _ *rbac.Authorizer) {
				require.NoError(t, store.Update(t.Context(), "", func(tx rbac.Tx) error {
					return tx.PutRole(rbac.Role{ID: "new", Name: "New", Version: 1, Permissions: rbac.Permissions{"invoices": {Read: rbac.All}}})
				}))
			},
			want: []string{`The role "New" has permissions for "invoices", an area that this program does not know. They grant nothing here.`}},
		{name: "the name of a system role, and its id", code: rbac.FindingShadowedSystemRole, grave: rbac.Danger,
			setup: func(t *testing.T, store rbac.Store, _ *rbac.Authorizer) {
				require.NoError(t, store.Update(t.Context(), "", func(tx rbac.Tx) error {
					if err := tx.PutRole(rbac.Role{ID: "x", Name: "ADMINISTRATOR", Version: 1}); err != nil {
						return err
					}
					return tx.PutRole(rbac.Role{ID: rbac.Administrator, Name: "Forged", Version: 1})
				}))
			},
			want: []string{
				`A stored row has the id of the system role "Administrator". It is ignored, and somebody wrote it by hand.`,
				`The role "ADMINISTRATOR" has the name of the system role "administrator": rename it.`,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, store := t.Context(), rbac.NewMemStore()
			az := openOn(t, store)
			ids := map[string]rbac.RoleID{"": rbac.Administrator}
			for _, role := range test.roles {
				made, err := az.System("test").CreateRole(ctx, role)
				require.NoError(t, err)
				ids[role.Name] = made.ID
			}
			for user, role := range test.held {
				require.NoError(t, az.System("test").Assign(ctx, ids[role], user))
			}
			if test.setup != nil {
				test.setup(t, store, az)
			}
			findings, err := az.Lint(ctx)
			require.NoError(t, err)
			var got []string
			for i, f := range findings {
				if i > 0 {
					require.LessOrEqual(t, f.Severity, findings[i-1].Severity, "the gravest first")
				}
				require.Equal(t, fmt.Sprintf("%v: %s: %s", f.Severity, f.Code, f.Message), f.String())
				if f.Code == test.code {
					if len(got) == 0 {
						require.Equal(t, test.grave, f.Severity)
					}
					got = append(got, f.Message)
				}
			}
			require.Equal(t, test.want, got)

			ofRoles, err := az.LintRoles(ctx)
			require.NoError(t, err)
			ofMembers := func(f rbac.Finding) bool { return f.Code == rbac.FindingManyUserManagers }
			require.Equal(t, slices.DeleteFunc(findings, ofMembers), ofRoles, "the rest does not need the members")
		})
	}
}

type failingWriter struct{}

func (*failingWriter) Write([]byte) (int, error) { return 0, errBoom }

// What Lint says of teams, lists, former names and areas with one action.
func TestLintOfTeamsAndLists(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store, rbac.WithTeams(), rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: rbac.Deals, Owned: true, Former: []rbac.Area{"leads"}}, rbac.AreaInfo{Area: "export", Only: rbac.Manage},
	))
	assign(t, az.Workspace, rbac.Administrator, "ada", "abe")
	update(t, store, "", func(tx rbac.Tx) error {
		for _, role := range []rbac.Role{
			{ID: "r1", Name: "Scout", Permissions: reads(rbac.Team)},
			{ID: "r2", Name: "Manager", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}},
			{ID: "r3", Name: "Desk", Assigns: []rbac.RoleID{"gone", "r1", "r2"}},
			{ID: "r4", Name: "Exporter", Permissions: rbac.Permissions{"export": access(rbac.None, rbac.All)}},
			{ID: "r5", Name: "Old", Permissions: rbac.Permissions{"leads": access(rbac.Own, rbac.None)}},
			{ID: "r6", Name: "Other desk", Assigns: []rbac.RoleID{"r1"}},
		} {
			role.Version = 1
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return tx.PutMembers(
			rbac.Member{User: "a", Role: "r1", Team: "north"}, rbac.Member{User: "b", Role: "r1"}, rbac.Member{User: "c", Role: "r1", Suspended: true},
			rbac.Member{User: "d", Role: "r2"}, rbac.Member{User: "e", Role: "r3"}, rbac.Member{User: "f", Role: "r4"}, rbac.Member{User: "g", Role: "r5"},
			rbac.Member{User: "h", Role: "r6"},
		)
	})
	findings, err := az.Lint(ctx)
	require.NoError(t, err)
	var got []string
	for _, f := range findings {
		if f.Code != rbac.FindingManyUserManagers {
			got = append(got, f.String())
		}
	}
	require.Equal(t, []string{
		`warning: idle-assignment: The list of the role "Desk" has the role "gone", which does not exist: its holders can neither give nor take it.`,
		`warning: idle-assignment: The list of the role "Desk" has the role "r2", which administers: its holders can neither give nor take it.`,
		`notice: near-duplicate-role: The role "Old" is "Scout" without some of "deals": are both needed?`,
		`notice: no-team: 2 members hold the role "Scout", which reaches a team, and no team: they reach their own records.`,
	}, got, "nothing about Exporter, about leads, or that the desks are alike")
}

func TestSeverityAndFindingTexts(t *testing.T) {
	t.Parallel()
	require.Equal(t, "notice warning danger", strings.Join([]string{rbac.Notice.String(), rbac.Warning.String(), rbac.Danger.String()}, " "))
	require.Equal(t, "warning: unused-role: Nobody.", rbac.Finding{Code: rbac.FindingUnusedRole, Severity: rbac.Warning, Message: "Nobody."}.String())
}

// A workspace has at most 1,000 roles of its own, and who may not create one
// does not learn how many there are.
func TestTooManyRoles(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		for i := range 999 {
			if err := tx.PutRole(rbac.Role{ID: rbac.RoleID(fmt.Sprintf("r%03d", i)), Name: fmt.Sprint("Role ", i), Version: 1}); err != nil {
				return err
			}
		}
		return nil
	}))
	assign(t, az.Workspace, rbac.Administrator, "ann")
	last, err := az.As("ann").CreateRole(ctx, rbac.Role{Name: "The last"})
	require.NoError(t, err)
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.ErrorIs(t, err, rbac.ErrTooManyRoles)
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "Administrator"})
	require.ErrorIs(t, err, rbac.ErrTooManyRoles)
	_, err = az.As("bob").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.ErrorIs(t, err, rbac.ErrDenied)
	plan, err := planOf(ctx, az.As("ann"), rbac.Role{Name: "One more"})
	require.NoError(t, err)
	require.ErrorIs(t, plan.Refused, rbac.ErrTooManyRoles)
	require.NoError(t, az.As("ann").DeleteRole(ctx, last.ID))
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.NoError(t, err)

	// All of them have the same permissions: one finding each, bounded.
	var findings []rbac.Finding
	require.Less(t, allocated(func() {
		findings, err = az.Lint(ctx)
		require.NoError(t, err)
	}), uint64(64<<20))
	duplicates := 0
	for _, f := range findings {
		if f.Code == rbac.FindingDuplicateRole {
			duplicates++
		}
	}
	require.Equal(t, 101, duplicates)
	require.Contains(t, fmt.Sprint(findings), "There are 899 more findings of this kind.")
}

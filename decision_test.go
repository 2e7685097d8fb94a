package rbac_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Who may do what, and why, in every way to ask (E1 to E6).
func TestDecisions(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	role := addRole(t, az.Workspace, "Sales", rbac.Permissions{
		rbac.Contacts: access(rbac.All, rbac.None), rbac.Deals: access(rbac.Own, rbac.All),
	})
	assign(t, az.Workspace, rbac.Administrator, "ada")
	assign(t, az.Workspace, role.ID, "sam", "sue")
	require.NoError(t, az.System("test").Suspend(ctx, "sue"))
	update(t, store, "", func(tx rbac.Tx) error { // by hand
		require.NoError(t, tx.PutRole(rbac.Role{ID: "auditor", Name: "Auditor", Permissions: rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.All)}}))
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"}, rbac.Member{User: "aud", Role: "auditor"})
	})
	require.NoError(t, az.Close())
	az = openOn(t, store)
	for _, test := range []struct {
		user   string
		area   rbac.Area
		action rbac.Action
		scope  rbac.Scope
		reason rbac.Reason
	}{
		{"ada", rbac.Audit, rbac.Manage, rbac.All, rbac.ReasonGranted},
		{"ada", "billing", rbac.Read, rbac.None, rbac.ReasonUnknownArea},
		{"ada", rbac.Deals, 0, rbac.None, rbac.ReasonInvalidAction},
		{"ada", rbac.Deals, 3, rbac.None, rbac.ReasonInvalidAction},
		{"sam", rbac.Contacts, rbac.Read, rbac.All, rbac.ReasonGranted},
		{"sam", rbac.Contacts, rbac.Manage, rbac.None, rbac.ReasonNotGranted},
		{"sam", rbac.Deals, rbac.Read, rbac.Own, rbac.ReasonOwnOnly},
		{"sam", rbac.Deals, rbac.Manage, rbac.All, rbac.ReasonGranted},
		{"sam", rbac.Tasks, rbac.Read, rbac.None, rbac.ReasonNotGranted},
		{"sue", rbac.Contacts, rbac.Read, rbac.None, rbac.ReasonSuspended},
		{"gil", rbac.Contacts, rbac.Read, rbac.None, rbac.ReasonRoleGone},
		{"aud", rbac.Audit, rbac.Read, rbac.None, rbac.ReasonNotGranted}, // own, where nobody owns
		{"aud", rbac.Audit, rbac.Manage, rbac.All, rbac.ReasonGranted},
		{"nobody", rbac.Contacts, rbac.Read, rbac.None, rbac.ReasonNotMember},
		{"Sam", rbac.Contacts, rbac.Read, rbac.None, rbac.ReasonNotMember},
		{"", rbac.Contacts, rbac.Read, rbac.None, rbac.ReasonNotMember},
	} {
		d, err := az.Explain(ctx, test.user, test.area, test.action)
		require.NoError(t, err)
		require.Equal(t, test.scope, d.Scope, "%v", d)
		require.Equal(t, test.reason, d.Reason, "%v", d)
		require.Equal(t, test.scope == rbac.All, d.Allowed, "%v", d)
		s, err := az.Subject(ctx, test.user)
		require.NoError(t, err)
		require.Equal(t, d, s.Explain(test.area, test.action))
		scope, err := az.Scope(ctx, test.user, test.area, test.action)
		require.NoError(t, err)
		require.Equal(t, test.scope, scope)
		require.Equal(t, test.scope, s.Scope(test.area, test.action))
		for _, allowed := range []bool{
			az.Can(ctx, test.user, test.area, test.action), s.Can(test.area, test.action),
			az.Authorize(ctx, test.user, test.area, test.action) == nil, s.Authorize(test.area, test.action) == nil,
			az.Can(ctx, test.user, rbac.Area(strings.Clone(string(test.area))), test.action), // as from a request
			az.CanRecord(ctx, test.user, test.area, test.action), s.CanRecord(test.area, test.action, "somebody", "", "else"),
			az.CanRecord(ctx, test.user, test.area, test.action, strings.ToUpper(test.user)), s.CanRecord(test.area, test.action, strings.ToUpper(test.user)),
		} {
			require.Equal(t, d.Allowed, allowed, "%v", d)
		}
		for _, record := range []bool{
			az.CanRecord(ctx, test.user, test.area, test.action, "somebody", test.user), s.CanRecord(test.area, test.action, test.user),
		} {
			require.Equal(t, test.scope != rbac.None, record, "%v", d)
		}
	}
}

// A decision is a sentence, in which what comes from outside is quoted.
func TestDecisionSentences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		decision rbac.Decision
		want     string
	}{
		{rbac.Decision{}, `"" may not Action(0) "": no safe answer is available`},
		{
			rbac.Decision{Allowed: true, User: "ada", Area: rbac.Deals, Action: rbac.Manage, RoleName: "Lead", Reason: rbac.ReasonGranted},
			`"ada" may manage deals: the role "Lead" reaches everything in the area`,
		},
		{
			rbac.Decision{Allowed: true, User: "ada", Area: rbac.Deals, Action: rbac.Manage, RoleName: "Lead", Reason: rbac.ReasonOwnRecord},
			`"ada" may manage deals: the role "Lead" reaches own records, and this is one`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Manage, RoleName: "Sales representative", Reason: rbac.ReasonOwnOnly},
			`"ada" may not manage deals: the role "Sales representative" reaches own records only`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, RoleName: "Lead", Reason: rbac.ReasonNotOwner},
			`"ada" may not read deals: the role "Lead" reaches own records only, and this one is somebody else's`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, RoleName: "Lead", Reason: rbac.ReasonNotGranted},
			`"ada" may not read deals: the role "Lead" does not allow it`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, RoleName: "Lead", Reason: rbac.ReasonLimited},
			`"ada" may not read deals: the role "Lead" would allow it, but the key or token in use is limited`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, Reason: rbac.ReasonNotMember},
			`"ada" may not read deals: not a member of the workspace`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, RoleName: "Lead", Reason: rbac.ReasonSuspended},
			`"ada" may not read deals: the member is suspended`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: rbac.Read, Role: "gone", Reason: rbac.ReasonRoleGone},
			`"ada" may not read deals: the member's role does not exist`,
		},
		{
			rbac.Decision{User: "ada", Area: "x y", Action: rbac.Read, RoleName: "Lead", Reason: rbac.ReasonUnknownArea},
			`"ada" may not read "x y": the area is not known`,
		},
		{
			rbac.Decision{User: "ada", Area: rbac.Deals, Action: 9, RoleName: "Lead", Reason: rbac.ReasonInvalidAction},
			`"ada" may not Action(9) deals: the action is neither read nor manage`,
		},
		{
			rbac.Decision{User: "a\nb\"", Area: "\x1b[2J", Action: rbac.Read, RoleName: "x\r\ny", Reason: rbac.ReasonNotGranted},
			`"a\nb\"" may not read "\x1b[2J": the role "x\r\ny" does not allow it`,
		},
		{
			rbac.Decision{User: strings.Repeat("u", 300), Area: rbac.Area(strings.Repeat("a", 300)), Action: rbac.Read, Reason: rbac.ReasonUnknownArea},
			`"` + strings.Repeat("u", 100) + `"… may not read "` + strings.Repeat("a", 100) + `"…: the area is not known`,
		},
	} {
		require.Equal(t, test.want, test.decision.String())
	}
}

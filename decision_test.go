package rbac_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

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

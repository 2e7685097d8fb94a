package rbacui_test

import (
	"context"
	"html/template"
	"net/http"
	"testing"

	"github.com/areagate/rbac"
	"github.com/stretchr/testify/require"
)

// What was before an event is restored by the ordinary rules, after a look at the
// plan.
func TestRestore(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	admin := s.az.As(mara)
	require.NoError(t, admin.SetTeam(ctx, "North", tomas))
	require.NoError(t, admin.Assign(ctx, s.roles["Integrations"], tomas))
	require.NoError(t, admin.Assign(ctx, s.roles["Support"], tomas))
	toIntegrations := s.revision()
	require.NoError(t, admin.SetTeam(ctx, "", tomas))
	require.NoError(t, admin.Suspend(ctx, tomas))
	require.NoError(t, admin.Remove(ctx, tomas))
	removed := s.revision()

	page := s.get(lena, link("member", tomas))
	require.Contains(t, page.text(), "No member yet")
	restore := "members-change?back=1&restore=" + itoa(removed) + "&user=" + tomas
	require.Contains(t, page.body, `href="`+template.HTMLEscapeString(restore)+`"`)
	plan := s.get(lena, restore)
	require.Contains(t, plan.text(), "This is what was before the change of ")
	require.Contains(t, plan.text(), "Admit tomas.vikberg?")
	form := with(plan.filled(), "role", string(s.roles["Support"]), "state", "suspended", "do", "save")
	require.Equal(t, removed, s.revision())
	require.Equal(t, http.StatusSeeOther, s.post(lena, "members-change", form).StatusCode)
	m, _ := s.member(tomas)
	require.Equal(t, s.roles["Support"], m.Role)
	require.True(t, m.Suspended)

	// The role, the team and the state before, all at once; a rule refuses the role.
	restore = "members-change?back=1&restore=" + itoa(toIntegrations) + "&user=" + tomas
	refused := s.get(lena, restore)
	require.Contains(t, refused.text(), "Refused: nobody gives away more than they hold.")
	require.NotContains(t, refused.body, `value="save"`)
	unread := s.get(mara, restore, "X-Limit", "users: read all, manage all").text()
	require.Contains(t, unread, "Nothing would change.", "the record is not read")
	plan = s.get(mara, restore)
	require.Contains(t, plan.text(), "No rule refuses this.")
	for _, selected := range []string{string(s.roles["Integrations"]), "to", "active"} {
		require.Contains(t, plan.body, `value="`+selected+`" selected`)
	}
	require.Contains(t, plan.body, `name="team" value="North"`)
	saved := s.post(mara, "members-change", with(plan.filled(), "role", string(s.roles["Integrations"]), "move", "to", "state", "active", "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	m, _ = s.member(tomas)
	require.Equal(t, rbac.Member{User: tomas, Role: s.roles["Integrations"], RoleName: "Integrations", Team: "North", UpdatedAt: m.UpdatedAt}, m)

	// The event of somebody else, or for who does not read the record, restores nothing.
	require.Contains(t, s.get(mara, "members-change?back=1&restore="+itoa(toIntegrations)+"&user=samir.bassi").text(), "Nothing would change.")
}

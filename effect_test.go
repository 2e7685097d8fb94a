package rbac_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Effects are grouped by what is gained and lost, whatever role it comes from. Who
// is suspended reaches nothing before and after.
func TestEffects(t *testing.T) {
	t.Parallel()
	ctx, w := t.Context(), workspacetest.Open(t, rbac.NewMemStore()).For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "root")
	viewer := workspacetest.AddRole(t, w, "Viewer", workspacetest.ReadsDeals(rbac.All))
	twin := workspacetest.AddRole(t, w, "Twin", workspacetest.ReadsDeals(rbac.All))
	seller := workspacetest.AddRole(t, w, "Seller", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}})
	var users []string
	for i := range 12 {
		users = append(users, fmt.Sprintf("u%02d", i))
	}
	workspacetest.Assign(t, w, viewer.ID, users[:6]...)
	workspacetest.Assign(t, w, twin.ID, users[6:]...)
	workspacetest.Assign(t, w, seller.ID, "sue")
	require.NoError(t, w.System("test").Suspend(ctx, users[11]))

	plan, err := w.As("root").Preview(ctx, func(a *rbac.Admin) error {
		return a.Assign(ctx, seller.ID, append([]string{"sue", "new"}, users...)...)
	})
	require.NoError(t, err)
	require.NoError(t, plan.Refused)
	require.Equal(t, []rbac.Effect{
		{Users: []string{"new"}, Members: 1, Gained: seller.Permissions, Lost: rbac.Permissions{}},
		{Users: users[:10], Members: 11, Gained: rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}, Lost: rbac.Permissions{}},
	}, plan.Effects)
	require.Equal(t, `11 members: gains deals: manage own; loses nothing`, plan.Effects[1].String())
	require.Equal(t, `member "new": gains deals: read all, manage own; loses nothing`, plan.Effects[0].String())
}

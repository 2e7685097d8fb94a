package rbacui_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// What is wrong with the rows of the store is said, too, and areas that nobody has
// decided about.
func TestReviewFindings(t *testing.T) {
	ctx, store := context.Background(), rbac.NewMemStore()
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		for _, role := range []rbac.Role{
			{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"invoices": {Read: rbac.All}, rbac.Deals: {Read: rbac.Own}}, Assigns: []rbac.RoleID{"lost"}},
			{ID: "x", Name: "ADMINISTRATOR", Version: 1, Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
			{ID: "y", Name: "Twin", Version: 1, Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
		} {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return tx.PutMembers(rbac.Member{User: "bob", Role: "lost"}, rbac.Member{User: "cy", Role: "lost"})
	}))
	az := workspacetest.Open(t, store)
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify)}
	s.assign("Administrator", mara)
	page := s.get(mara, "review")
	text := page.text()
	for _, say := range []string{
		"No role of this workspace reaches contacts, organizations, services and tasks Until somebody decides, only system roles do. Decide in: ADMINISTRATOR, Old, Twin All roles",
		"The role lost does not exist any more Its people may do nothing until somebody gives them another role: 2 people. See who",
		"There is one active administrator Have a second one soon",
		"ADMINISTRATOR has the name of a system role",
		"Old lists a role that it cannot give",
		"Twin is the same as ADMINISTRATOR",
		"Old has rights in an area that this program does not know They allow nothing here: invoices.",
	} {
		require.Contains(t, strings.ToLower(text), strings.ToLower(say))
	}
	require.Contains(t, page.body, `id="new-areas"`)
	require.Contains(t, page.body, `<a href="role?id=x#area-contacts">`)
	require.Less(t, strings.Index(text, "does not exist any more"), strings.Index(text, "one active administrator"), "the gravest first")
	require.NoError(t, az.System("test").Suspend(ctx, "bob"))

	// A finding of a role is found from the role, however many there are.
	for i := range 60 {
		s.add(fmt.Sprint("Unused ", i), "users: manage all")
	}
	chips := regexp.MustCompile(`href="(review[?][^"]*)#(f-[^"]*)"`).FindAllStringSubmatch(s.get(mara, "").body, -1)
	require.Greater(t, len(chips), 100)
	for _, i := range []int{0, 1, 50, 80, len(chips) - 1} {
		require.Contains(t, s.get(mara, chips[i][1]).body, `id="`+chips[i][2]+`"`)
	}
}

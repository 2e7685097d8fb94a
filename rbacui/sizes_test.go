package rbacui_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// With 200 roles, 60 areas and a hundred people in one change, pages stay small.
func TestMemberSizes(t *testing.T) {
	store := rbac.NewMemStore()
	var areas = many(t, 60)
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams())
	var dir staff
	for i := range 100 {
		dir.waiting = append(dir.waiting, rbacui.Person{User: fmt.Sprint("waits-", i), Name: fmt.Sprintf("Somebody of a name %d", i), Email: "somebody.of.a.name@ostervik.example"})
	}
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify, rbacui.WithDirectory(dir))}
	s.assign("Administrator", mara)
	ctx := context.Background()
	var users []string
	require.NoError(t, az.System("test").Together(ctx, func(a *rbac.Admin) error {
		scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
		for i := range 199 {
			p := rbac.Permissions{}
			for j, info := range areas {
				if info.Owned && info.Area != rbac.Users {
					p[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
				}
			}
			role, err := a.CreateRole(ctx, rbac.Role{Name: fmt.Sprintf("A role with a name of some length, number %03d", i), Permissions: p})
			if err != nil {
				return err
			}
			s.roles[fmt.Sprint(i)] = role.ID
			if i < 100 {
				users = append(users, fmt.Sprintf("somebody-with-an-id-%03d@ostervik.example", i))
				if err := a.Assign(ctx, role.ID, users[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	for i, page := range []answer{
		s.get(mara, "members"), s.get(mara, "member-new"), s.get(mara, link("member", users[3])+"&role="+string(s.roles["150"])),
		s.post(mara, "members-change", with(chosen(users...), "role", string(s.roles["150"]), "do", "plan")),
		s.post(mara, "members-change", with(chosen(users...), "role", "gone", "do", "save")),
	} {
		require.Contains(t, []int{200, 422}, page.StatusCode, i)
		require.Less(t, len(page.body), 200_000, regexp.MustCompile("<title>.*</title>").FindString(page.body))
	}
	page := s.get(mara, "members")
	require.Contains(t, page.body, `<a class="btn" href="member?user=waits-0">`, "a link, and no list of 200 roles for each")
	require.Equal(t, 2, strings.Count(page.body, "number 150<"))
}

// With 200 roles and 60 areas, and what people write as long as it may be, each page
// is below 200 KB.
func TestSizesOfReviewAndAudit(t *testing.T) {
	store := rbac.NewMemStore()
	s := &site{TB: t, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	s.az = workspacetest.Open(t, store, rbac.WithAreas(many(t, 60)...), rbac.WithTeams())
	s.ui = rbacui.New(s.az, identify, rbacui.WithLogger(slog.New(slog.DiscardHandler)))
	s.assign("Administrator", mara)
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
	sized := func(i int) rbac.Role {
		role := rbac.Role{
			ID: rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i)), Name: fmt.Sprintf("%s%03d", strings.Repeat("Ｗ", 77), i),
			Description: strings.Repeat("&", 500), Permissions: rbac.Permissions{}, Version: 1,
		}
		for j, info := range many(t, 60) {
			if info.Owned && info.Area != rbac.Users {
				role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
			}
		}
		return role
	}
	const stored = 189
	require.NoError(t, store.Update(context.Background(), "", func(tx rbac.Tx) error {
		for i := range stored {
			if err := tx.PutRole(sized(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	for i := range 10 {
		role := sized(stored + i)
		role.ID, role.Version = "", 0
		_, err := s.az.System(strings.Repeat("<", 100)).CreateRole(context.Background(), role)
		require.NoError(t, err)
	}
	paths := []string{"review", "review?by=area", "review?area=deals&person=" + mara, "review?findings=50", "review?area=area-20&action=manage&roles=role-of-twenty-six-bytes-100"}
	seen := map[string]bool{}
	for path, pages := "audit", 0; path != ""; pages++ {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, len(page.body), 200_000, path)
		for _, id := range regexp.MustCompile(`id="e-(\d+)"`).FindAllStringSubmatch(page.body, -1) {
			seen[id[1]] = true
		}
		next := regexp.MustCompile(`href="([^"]*)">Older`).FindStringSubmatch(page.body)
		path = ""
		if next != nil {
			path = unescape(next[1])
		}
		require.Less(t, pages, 11)
	}
	require.Len(t, seen, 11)
	for _, path := range paths {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, len(page.body), 200_000, path)
	}
}

// The pages are bounded: with 200 roles and 60 areas, each is below 200 KB.
func TestSizes(t *testing.T) {
	store := rbac.NewMemStore()
	s := &site{TB: t, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
	require.NoError(t, store.Update(context.Background(), "", func(tx rbac.Tx) error {
		for i := range 199 {
			role := rbac.Role{
				ID: rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i)), Name: fmt.Sprintf("A role with a name of some length, number %03d", i),
				Description: "Something that tells people what it is for.", Permissions: rbac.Permissions{}, Version: 1, CreatedAt: time.Unix(1, 0).UTC(), UpdatedAt: time.Unix(1, 0).UTC(),
			}
			for j, info := range many(t, 60) {
				if info.Owned && info.Area != rbac.Users {
					role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
				}
			}
			if i == 198 {
				for n := range 100 {
					role.Assigns = append(role.Assigns, rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", n)))
				}
			}
			s.roles[role.Name] = role.ID
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return nil
	}))
	s.az = workspacetest.Open(t, store, rbac.WithAreas(many(t, 60)...), rbac.WithTeams())
	s.ui = rbacui.New(s.az, identify)
	s.assign("Administrator", mara)
	role := "A role with a name of some length, number 198"
	s.assign(role, "bob", "cy")
	stale := with(s.get(mara, s.path("role", role)).filled(), "do", "save")
	for name, value := range stale {
		if strings.HasSuffix(name, ".read") && value[0] == "all" {
			stale.Set(name, "none")
		}
	}
	s.edits(mara, role, func(r *rbac.Role) {
		for area := range r.Permissions {
			r.Permissions[area] = rbac.Access{Read: rbac.Own}
		}
	})
	for _, page := range []answer{
		s.get(mara, ""), s.get(mara, "?q=number"), s.get(mara, s.path("role", role)), s.get(mara, "role-new"), s.get(mara, "role?id=administrator"),
		s.get(mara, s.path("role-delete", role)), s.post(mara, s.path("role", role), stale),
	} {
		require.Contains(t, []int{200, 409}, page.StatusCode)
		require.Less(t, len(page.body), 200_000, regexp.MustCompile("<title>.*</title>").FindString(page.body))
	}
	first := s.get(mara, "")
	require.Contains(t, first.text(), "200 of 200 roles match. Next")
	next := regexp.MustCompile(`href="(\./\?from=[^"]*)"`).FindStringSubmatch(first.body)
	require.NotNil(t, next)
	require.Contains(t, s.get(mara, next[1][2:]).text(), "number 198")
}

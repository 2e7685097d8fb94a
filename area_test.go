package rbac_test

import (
	"context"
	"fmt"
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

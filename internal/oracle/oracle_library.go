package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// Between the oracle's data and the library's.

func (p oraclePerms) library() rbac.Permissions {
	if p == nil {
		return nil
	}
	out := rbac.Permissions{}
	for area, a := range p {
		out[rbac.Area(area)] = rbac.Access{Read: rbac.Scope(a.read), Manage: rbac.Scope(a.manage)}
	}
	return out
}

// libraryIDs returns ids of roles that the library did not make, as it has them.
func libraryIDs(keys []string) []rbac.RoleID {
	var ids []rbac.RoleID
	for _, key := range keys {
		ids = append(ids, rbac.RoleID(key))
	}
	return ids
}

// oraclePermsOf returns a library's permissions, without the areas that grant
// nothing.
func oraclePermsOf(p rbac.Permissions) oraclePerms {
	out := oraclePerms{}
	for area, a := range p {
		out[string(area)] = oracleAccess{int(a.Read), int(a.Manage)}
	}
	return out.granted()
}

func (p oraclePerms) String() string {
	names := [...]string{"none", "own", "team", "all"}
	name := func(s int) string {
		if s < len(names) {
			return names[s]
		}
		return fmt.Sprint(s)
	}
	var parts []string
	for _, area := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, fmt.Sprintf("%s %s/%s", area, name(p[area].read), name(p[area].manage)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

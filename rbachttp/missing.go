package rbachttp

import "github.com/areagate/rbac"

// mostTables bounds what one denial can cost: an AllOf of several AnyOf has as
// many alternatives as the product of theirs.
const mostTables = 16

// missing returns tables of permissions, each of which would be enough for
// somebody who holds some: none if no permission would be, and none if there
// are more than mostTables alternatives.
func (n Requirement) missing(held rbac.Permissions) []rbac.Permissions {
	var tables []rbac.Permissions
	for _, wanted := range n.tables() {
		if lacks := held.Missing(wanted); len(lacks) > 0 {
			tables = append(tables, lacks)
		}
	}
	return tables
}

// tables returns the requirement's permissions as alternatives, or nil if they
// are more than mostTables.
func (n Requirement) tables() []rbac.Permissions {
	switch n.kind {
	case kindNeeds:
		return []rbac.Permissions{grant(n.area, n.action, rbac.All)}
	case kindNeedsScope:
		return []rbac.Permissions{grant(n.area, n.action, rbac.Own)}
	case kindAnyOf:
		var tables []rbac.Permissions
		for _, part := range n.parts {
			more := part.tables()
			if more == nil || len(tables)+len(more) > mostTables {
				return nil
			}
			tables = append(tables, more...)
		}
		return tables
	case kindAllOf:
		tables := []rbac.Permissions{{}}
		for _, part := range n.parts {
			more := part.tables()
			if more == nil || len(tables)*len(more) > mostTables {
				return nil
			}
			var joined []rbac.Permissions
			for _, table := range tables {
				for _, other := range more {
					joined = append(joined, table.Union(other))
				}
			}
			tables = joined
		}
		return tables
	}
	return []rbac.Permissions{{}}
}

func grant(area rbac.Area, action rbac.Action, scope rbac.Scope) rbac.Permissions {
	if action == rbac.Read {
		return rbac.Permissions{area: {Read: scope}}
	}
	return rbac.Permissions{area: {Manage: scope}}
}

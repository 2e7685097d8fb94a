package rbachttp

import (
	"github.com/areagate/rbac"
)

// decide reports whether a subject meets the requirement, and if not, the
// decisions that stood in the way. It is reach, told to the Authorizer's
// observer: each permission is asked for once.
func (n Requirement) decide(s rbac.Subject) (denied []rbac.Decision, ok bool) {
	switch n.kind {
	case kindNeeds, kindNeedsScope:
		d := s.Explain(n.area, n.action)
		if d.Allowed || n.kind == kindNeedsScope && d.Scope == rbac.Own {
			return nil, true
		}
		return []rbac.Decision{d}, false
	case kindAllOf:
		for _, part := range n.parts {
			if denied, ok := part.decide(s); !ok {
				return denied, false
			}
		}
		return nil, true
	case kindAnyOf:
		for _, part := range n.parts {
			more, ok := part.decide(s)
			if ok {
				return nil, true
			}
			denied = append(denied, more...)
		}
		return denied, false
	}
	return nil, n.Allows(s)
}

// missing returns tables of permissions, each of which would be enough for
// somebody who holds some: none if no permission would be.
func (n Requirement) missing(held rbac.Permissions) []rbac.Permissions {
	var tables []rbac.Permissions
	for _, wanted := range n.tables() {
		if lacks := held.Missing(wanted); len(lacks) > 0 {
			tables = append(tables, lacks)
		}
	}
	return tables
}

// tables returns the requirement's permissions as alternatives.
func (n Requirement) tables() []rbac.Permissions {
	switch n.kind {
	case kindNeeds:
		return []rbac.Permissions{grant(n.area, n.action, rbac.All)}
	case kindNeedsScope:
		return []rbac.Permissions{grant(n.area, n.action, rbac.Own)}
	case kindAnyOf:
		var tables []rbac.Permissions
		for _, part := range n.parts {
			tables = append(tables, part.tables()...)
		}
		return tables
	case kindAllOf:
		tables := []rbac.Permissions{{}}
		for _, part := range n.parts {
			var joined []rbac.Permissions
			for _, table := range tables {
				for _, more := range part.tables() {
					joined = append(joined, table.Union(more))
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

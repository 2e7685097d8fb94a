package rbachttp

import "github.com/areagate/rbac"

// Allows reports whether a subject meets the requirement.
func (n Requirement) Allows(s rbac.Subject) bool {
	return n.reach(subjectStanding{s}) != rbac.None
}

// standing is what somebody is and holds.
type standing interface {
	signedIn() bool
	active() bool
	explain(permission Requirement) rbac.Decision // of a Needs or a NeedsScope
}

// subjectStanding tells the Authorizer's observer.
type subjectStanding struct{ rbac.Subject }

func (s subjectStanding) signedIn() bool { return s.User() != "" }
func (s subjectStanding) active() bool   { return s.Active() }
func (s subjectStanding) explain(n Requirement) rbac.Decision {
	return s.Explain(n.area, n.action)
}

// holder is somebody who holds permissions, by way of a role or not at all.
// It tells no observer.
type holder struct {
	user, member bool
	permissions  rbac.Permissions
}

func (h holder) signedIn() bool { return h.user }
func (h holder) active() bool   { return h.member }
func (h holder) explain(n Requirement) rbac.Decision {
	return rbac.Decision{Scope: h.permissions.Scope(n.area, n.action)}
}

// asking is how much is asked of somebody's standing.
type asking bool

const (
	everything asking = true  // each permission of the requirement
	enough     asking = false // in their order, until it is known whether it is met
)

// reach is decide, with everything asked.
func (n Requirement) reach(s standing) rbac.Scope {
	reach, _ := n.decide(s, everything)
	return reach
}

// decide returns None for somebody who does not meet the requirement, Own or
// Team for somebody who meets it only with own records or those of a team, else
// All; and with None the decisions that are in the way. If no more than enough is
// asked, it may be less than the whole would have been, but not None.
//
// Nothing else says who meets a requirement.
func (n Requirement) decide(s standing, asks asking) (reach rbac.Scope, denied []rbac.Decision) {
	switch n.kind {
	case kindNeeds, kindNeedsScope:
		d := s.explain(n)
		switch d.Scope {
		case rbac.All:
			return d.Scope, nil
		case rbac.Own, rbac.Team:
			if n.kind == kindNeedsScope {
				return d.Scope, nil
			}
		}
		return rbac.None, []rbac.Decision{d}
	case kindMember:
		return allIf(s.active()), nil
	case kindSignedIn:
		return allIf(s.signedIn()), nil
	case kindPublic:
		return rbac.All, nil
	case kindAllOf:
		reach = rbac.All
		for _, part := range n.parts {
			of, lacks := part.decide(s, asks)
			reach, denied = min(reach, of), append(denied, lacks...)
			if reach == rbac.None && asks == enough {
				break
			}
		}
		return reach, denied
	case kindAnyOf:
		for _, part := range n.parts {
			of, lacks := part.decide(s, asks)
			reach, denied = max(reach, of), append(denied, lacks...)
			if reach != rbac.None && asks == enough {
				break
			}
		}
		if reach != rbac.None {
			denied = nil
		}
		return reach, denied
	}
	return rbac.None, nil
}

func allIf(met bool) rbac.Scope {
	if met {
		return rbac.All
	}
	return rbac.None
}

package rbachttp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// Requirement is what a route asks of its caller. The functions of this
// package make them; they are values that can be kept, shared and listed. The
// zero Requirement is none: nobody meets it, and it cannot be registered.
type Requirement struct {
	kind   kind
	area   rbac.Area
	action rbac.Action
	reason string
	parts  []Requirement
}

type kind uint8

const (
	kindNone kind = iota
	kindNeeds
	kindNeedsScope
	kindAllOf
	kindAnyOf
	kindMember
	kindSignedIn
	kindPublic
)

// Needs asks for an action on everything in an area, as [rbac.Subject.Can]
// does. A user who reaches own records only, or those of a team, is denied.
func Needs(area rbac.Area, action rbac.Action) Requirement {
	return permission(kindNeeds, "Needs", area, action)
}

// NeedsScope asks for an action on own records in an area, on those of the
// caller's team, or on everything. The handler has to ask which of them, with
// [Reach] or of the request's Subject, and filter by the answer. If it does not,
// it is reported: see [WithUnusedScope]. The area must be one whose records have
// owners.
func NeedsScope(area rbac.Area, action rbac.Action) Requirement {
	return permission(kindNeedsScope, "NeedsScope", area, action)
}

func permission(k kind, name string, area rbac.Area, action rbac.Action) Requirement {
	if area == "" {
		panic("rbachttp: " + name + " of the empty area")
	}
	if action != rbac.Read && action != rbac.Manage {
		panic(fmt.Sprintf("rbachttp: %s of %q: %v is neither rbac.Read nor rbac.Manage", name, area, action))
	}
	return Requirement{kind: k, area: area, action: action}
}

// AllOf asks for all of its parts. The handler has to look at the scope of
// each [NeedsScope] among them.
func AllOf(parts ...Requirement) Requirement { return combine(kindAllOf, "AllOf", parts) }

// AnyOf asks for at least one of its parts.
//
// The handler has to look at enough scopes to justify that the caller was let
// in: at those of one part that the caller meets. A part without scopes that
// the caller meets is justification enough.
func AnyOf(parts ...Requirement) Requirement { return combine(kindAnyOf, "AnyOf", parts) }

func combine(k kind, name string, parts []Requirement) Requirement {
	if len(parts) == 0 {
		panic("rbachttp: " + name + " of no requirements")
	}
	for _, part := range parts {
		switch part.kind {
		case kindNone:
			panic("rbachttp: " + name + " of a zero Requirement")
		case kindPublic:
			panic("rbachttp: " + name + " of Public, which stands alone")
		}
	}
	return Requirement{kind: k, parts: slices.Clone(parts)}
}

// Member asks for an active member of the workspace, whatever the role
// allows: not suspended, and with a role that exists. It grants no permission.
func Member() Requirement { return Requirement{kind: kindMember} }

// SignedIn asks for an identity and for nothing else.
//
// It says nothing about membership. Somebody who was removed from the
// workspace, is suspended or never was a member passes, because all that is
// known is that Identify returned a user id. Use it for what belongs to the
// user and not to the workspace, such as the user's own profile, and [Member]
// for what every member may see.
func SignedIn() Requirement { return Requirement{kind: kindSignedIn} }

// Public asks for nothing: the guard does not even find out who calls. The
// reason, which must not be blank, is shown in the table of routes.
func Public(reason string) Requirement {
	if strings.TrimSpace(reason) == "" {
		panic("rbachttp: Public without a reason")
	}
	return Requirement{kind: kindPublic, reason: reason}
}

// String returns the requirement for people: "deals: read all", "deals: read
// own or more", "signed in", "public: load balancers ask".
func (n Requirement) String() string {
	switch n.kind {
	case kindNeeds:
		return fmt.Sprintf("%s: %s all", n.area, n.action)
	case kindNeedsScope:
		return fmt.Sprintf("%s: %s own or more", n.area, n.action)
	case kindMember:
		return "member"
	case kindSignedIn:
		return "signed in"
	case kindPublic:
		return "public: " + n.reason
	case kindAllOf:
		return n.join(", and ")
	case kindAnyOf:
		return n.join(", or ")
	}
	return "none"
}

func (n Requirement) join(word string) string {
	texts := make([]string, len(n.parts))
	for i, part := range n.parts {
		texts[i] = part.String()
		if part.kind == kindAllOf || part.kind == kindAnyOf {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, word)
}

// Asks reports whether the requirement, or a part of it, asks for an action in an
// area.
func (n Requirement) Asks(area rbac.Area, action rbac.Action) bool {
	if n.kind == kindNeeds || n.kind == kindNeedsScope {
		return n.area == area && n.action == action
	}
	return slices.ContainsFunc(n.parts, func(part Requirement) bool { return part.Asks(area, action) })
}

// check panics if the requirement cannot be met in a catalogue.
func (n Requirement) check(areas catalogue) {
	switch n.kind {
	case kindNone:
		panic("rbachttp: zero Requirement")
	case kindNeeds, kindNeedsScope:
		info, known := areas[n.area]
		if !known {
			panic(fmt.Sprintf("rbachttp: the Authorizer has no area %q%s", n.area, areas.renamed(n.area)))
		}
		if info.Only != 0 && info.Only != n.action {
			panic(fmt.Sprintf("rbachttp: the area of %v has %v only", n, info.Only))
		}
		if n.kind == kindNeedsScope && !info.Owned {
			panic(fmt.Sprintf("rbachttp: NeedsScope of %q, whose records have no owners: use Needs", n.area))
		}
	}
	for _, part := range n.parts {
		part.check(areas)
	}
}

// catalogue is the areas of an Authorizer.
type catalogue map[rbac.Area]rbac.AreaInfo

// renamed says what a former name of an area is now, for the end of a message.
func (c catalogue) renamed(former rbac.Area) string {
	for _, info := range c {
		if slices.Contains(info.Former, former) {
			return fmt.Sprintf(" any more: it is %q now", info.Area)
		}
	}
	return ""
}

// scopes returns each NeedsScope in the requirement once.
func (n Requirement) scopes() []permissionKey {
	var keys []permissionKey
	if n.kind == kindNeedsScope {
		keys = append(keys, permissionKey{n.area, n.action})
	}
	for _, part := range n.parts {
		for _, key := range part.scopes() {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// whole returns the requirement as it is to a handler that looks at no scopes
// but these: a NeedsScope of another one needs the whole area.
func (n Requirement) whole(looks []permissionKey) Requirement {
	if n.kind == kindNeedsScope && !slices.Contains(looks, permissionKey{n.area, n.action}) {
		n.kind = kindNeeds
	}
	n.parts = slices.Clone(n.parts)
	for i, part := range n.parts {
		n.parts[i] = part.whole(looks)
	}
	return n
}

type permissionKey struct {
	area   rbac.Area
	action rbac.Action
}

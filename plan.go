package rbac

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Plan is what a change would do, as [Admin.Preview] found.
type Plan struct {
	// Role is the role that the change saves, as it would be saved; an area that
	// the edit takes away has no access there. Give it to [Admin.CreateRole] or
	// [Admin.UpdateRole] to carry the plan out; if somebody edited the role
	// meanwhile, that is ErrConflict. Of several roles it is the last. A change
	// that saves none leaves it, and the fields down to AssignedAfter, empty; one
	// that is refused does not, once the role was found.
	Role Role

	Before  *Role       // the role as it is; nil for a new one
	Gained  Permissions // what its holders would gain: the scopes that they would reach
	Lost    Permissions // what its holders would lose: the scopes that they reach no longer
	Members int         // how many members hold the role, suspended ones included

	// The roles whose holders may give and take this one, as it is and as it
	// would be: who strengthens it lets them hand that out. In byte order.
	AssignedBefore, AssignedAfter []RoleID

	// Events are what would be recorded. Their numbers, times and hashes are
	// provisional, and so are the ids of new roles. There are none, and no
	// Effects, if the change is refused.
	Events []Event

	// Effects are who would gain and lose what, with everything that the change
	// does taken together, in the byte order of their first users.
	Effects []Effect

	// Refused is the rule that would refuse, as the error that the methods of
	// Admin would return; nil if none would.
	Refused error
}

// MarshalJSON encodes a plan as {"role":{…},"before":{…},"gained":{…},"lost":{…},
// "members":1,"assignedBefore":["…"],"assignedAfter":["…"],"events":[{…}],
// "effects":[{…}],"refused":{…}}. What is before the events is there for a plan
// that saves a role; before, the roles that assign it and refused are left out if
// there are none.
//
// A refusal is {"rule":"escalation","message":"more than the actor holds",
// "fields":[{"field":"…","problem":"…"}],"missing":{…},"role":"…","roleName":"…",
// "version":1,"users":["…"],"roles":["…"]}: all but the first two are left out
// when they are zero. The rule is named as the code of the problem with which
// package rbachttp answers, and the message is the same for everybody.
func (p Plan) MarshalJSON() ([]byte, error) {
	type roleJSON struct {
		Role           Role        `json:"role"`
		Before         *Role       `json:"before,omitempty"`
		Gained         Permissions `json:"gained"`
		Lost           Permissions `json:"lost"`
		Members        int         `json:"members"`
		AssignedBefore []RoleID    `json:"assignedBefore,omitempty"`
		AssignedAfter  []RoleID    `json:"assignedAfter,omitempty"`
	}
	j := struct {
		*roleJSON
		Events  []Event      `json:"events"`
		Effects []Effect     `json:"effects"`
		Refused *refusalJSON `json:"refused,omitempty"`
	}{
		Events: append([]Event{}, p.Events...), Effects: append([]Effect{}, p.Effects...), Refused: refusalOf(p.Refused),
	}
	if p.savesRole() {
		j.roleJSON = &roleJSON{p.Role, p.Before, p.Gained, p.Lost, p.Members, p.AssignedBefore, p.AssignedAfter}
	}
	return json.Marshal(j)
}

// savesRole reports whether the plan has the saving of a role: all have names.
func (p Plan) savesRole() bool { return p.Role.Name != "" }

// String returns the plan in a few words: `role "Sales lead", 3 members:
// gains deals: manage all; loses nothing`. Of a change that saves no role it is
// `1 change; member "bob": gains nothing; loses contacts: read all`.
func (p Plan) String() string {
	var parts []string
	if p.savesRole() {
		parts = append(parts, "role "+quote(p.Role.Name)+", "+count(p.Members, "member")+": "+changed(p.Gained, p.Lost))
		if len(p.Role.Assigns) > 0 {
			parts = append(parts, "may hand out "+quoteRoles(p.Role.Assigns))
		}
		if len(p.AssignedAfter) > 0 {
			parts = append(parts, "handed out by holders of "+quoteRoles(p.AssignedAfter))
		}
	} else if p.Refused == nil {
		parts = append(parts, count(len(p.Events), "change"))
		for _, e := range p.Effects {
			parts = append(parts, e.String())
		}
	}
	if p.Refused != nil {
		parts = append(parts, "refused: "+p.Refused.Error())
	}
	return strings.Join(parts, "; ")
}

// changed says what is gained and lost.
func changed(gained, lost Permissions) string {
	what := func(p Permissions) string {
		if len(p) == 0 {
			return "nothing"
		}
		return p.String()
	}
	return "gains " + what(gained) + "; loses " + what(lost)
}

// plan describes the saving of a role, for a preview.
func (c *change) plan(role Role, s saving) (Plan, error) {
	p := Plan{Role: role.clone()}
	p.Role.Name = s.after.Name
	p.Role.Permissions = role.Permissions.normalised()
	for area := range role.Permissions {
		if c.model.cells[area] == 0 {
			p.Role.Permissions[area] = Access{} // carrying the plan out takes it away, too
		}
	}
	p.Role.Assigns = listed(role.Assigns)
	var before Permissions
	if s.before != nil {
		shown := c.model.shown(*s.before)
		p.Before, before = &shown, shown.Permissions
		holders, err := c.Holders()
		if err != nil {
			return Plan{}, err
		}
		p.Members = holders[s.before.ID]
		if p.AssignedBefore, err = c.assigners(*s.before); err != nil {
			return Plan{}, err
		}
		if p.AssignedAfter, err = c.assigners(s.after); err != nil {
			return Plan{}, err
		}
	}
	p.Gained, p.Lost = before.Missing(p.Role.Permissions), p.Role.Permissions.Missing(before)
	return p, nil
}

// assigners returns the roles in whose lists a role is, unless it administers and
// so cannot be given by a list (D4).
func (c *change) assigners(role Role) ([]RoleID, error) {
	stored, err := c.stored()
	if err != nil || c.model.administers(role) {
		return nil, err
	}
	var ids []RoleID
	for id, other := range stored {
		if slices.Contains(other.Assigns, role.ID) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// count returns "1 member", "2 members".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

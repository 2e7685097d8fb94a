package rbac

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action is what somebody wants to do in an area. The zero Action is invalid
// and always denied.
type Action uint8

const (
	Read   Action = 1 // see records
	Manage Action = 2 // create, change and delete records and settings
)

// Scope is how far an action reaches in an area. Scopes are ordered, and the
// zero Scope denies. A Scope beyond All does not exist: it counts as None in
// every answer and comparison, and is refused where it is written or encoded.
//
// A program that filters a list by Scope shows nothing for one that it has no
// case for. [Subject.Reach] has all of them in one value.
type Scope uint8

const (
	None Scope = iota // nothing
	Own               // only records that belong to the user
	Team              // those, and the records of the members of the user's team: see WithTeams
	All               // everything
)

// Access is what a role may do in one area. Reading and managing are
// independent of each other.
type Access struct {
	Read   Scope `json:"read"`
	Manage Scope `json:"manage"`
}

// Permissions is a table from area to access. An area that is not in it is
// denied. Its methods never change it; a nil Permissions is an empty one,
// except to [Admin.UpdateRole], which refuses it.
type Permissions map[Area]Access

// Scope returns how far an action reaches in an area: None for an area that
// is not in p, for an invalid action and for a scope that does not exist.
func (p Permissions) Scope(area Area, action Action) Scope {
	return p[area].Scope(action)
}

// Can reports whether an action is allowed on everything in an area.
func (p Permissions) Can(area Area, action Action) bool {
	return p.Scope(area, action) == All
}

// Covers reports whether p grants everything that q grants. Every table covers
// an empty one.
//
// Don't ask it of two members to find out whether one may act on the account of
// the other: what [Subject.Permissions] returns for a suspended Administrator is
// empty. docs/http.md, Account actions, has what to ask instead.
func (p Permissions) Covers(q Permissions) bool {
	return len(p.Missing(q)) == 0
}

// Missing returns what q grants beyond p: q's scopes where they reach further
// than p's.
func (p Permissions) Missing(q Permissions) Permissions {
	missing := Permissions{}
	for area, wanted := range q {
		var m Access
		wanted, held := wanted.existing(), p[area].existing()
		if wanted.Read > held.Read {
			m.Read = wanted.Read
		}
		if wanted.Manage > held.Manage {
			m.Manage = wanted.Manage
		}
		if m != (Access{}) {
			missing[area] = m
		}
	}
	return missing
}

// Union returns what p or q grants.
func (p Permissions) Union(q Permissions) Permissions {
	union := p.normalised()
	for area, access := range q {
		if access = access.union(union[area]); access != (Access{}) {
			union[area] = access
		}
	}
	return union
}

// Intersect returns what both p and q grant.
func (p Permissions) Intersect(q Permissions) Permissions {
	both := Permissions{}
	for area, a := range p {
		a, b := a.existing(), q[area].existing()
		if i := (Access{min(a.Read, b.Read), min(a.Manage, b.Manage)}); i != (Access{}) {
			both[area] = i
		}
	}
	return both
}

// normalised returns a copy without the areas that grant nothing.
func (p Permissions) normalised() Permissions {
	n := make(Permissions, len(p))
	for area, access := range p {
		if access = access.existing(); access != (Access{}) {
			n[area] = access
		}
	}
	return n
}

// equal reports whether p and q grant the same.
func (p Permissions) equal(q Permissions) bool {
	return maps.Equal(p.normalised(), q.normalised())
}

// reachTeam reports whether a scope of p is Team.
func (p Permissions) reachTeam() bool {
	for _, access := range p {
		if access.Read == Team || access.Manage == Team {
			return true
		}
	}
	return false
}

// sorted returns the areas of p in alphabetical order.
func (p Permissions) sorted() []Area {
	return slices.Sorted(maps.Keys(p))
}

// String returns "contacts: read all, manage own; deals: read own", in
// alphabetical order, and "no access" when nothing is granted.
func (p Permissions) String() string {
	var parts []string
	for _, area := range p.sorted() {
		if a := p[area]; a != (Access{}) {
			parts = append(parts, string(area)+": "+a.String())
		}
	}
	if len(parts) == 0 {
		return noAccess
	}
	return strings.Join(parts, "; ")
}

// MarshalText is [Permissions.String], refusing what could not be read back.
func (p Permissions) MarshalText() ([]byte, error) {
	if err := p.encodable(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads the form of [Permissions.String]. It fails with a
// *[ValidationError] that names the area.
func (p *Permissions) UnmarshalText(text []byte) error {
	read := Permissions{}
	if s := strings.TrimSpace(string(text)); s != noAccess {
		for part := range strings.SplitSeq(s, ";") {
			name, access, _ := strings.Cut(part, ":")
			area := Area(strings.TrimSpace(name))
			if p := areaProblem(area); p != "" {
				return invalid("permissions", p)
			}
			if _, twice := read[area]; twice {
				return invalid(permissionField(area), "is there twice")
			}
			var a Access
			if err := a.UnmarshalText([]byte(strings.TrimSpace(access))); err != nil {
				return within(permissionField(area), err)
			}
			read[area] = a
		}
	}
	*p = read
	return nil
}

// MarshalJSON encodes p as {"contacts":{"read":"all","manage":"own"}}, areas
// in alphabetical order, without those that grant nothing.
func (p Permissions) MarshalJSON() ([]byte, error) {
	if err := p.encodable(); err != nil {
		return nil, err
	}
	return json.Marshal(map[Area]Access(p.normalised()))
}

// encodable refuses areas and scopes that could not be read back.
func (p Permissions) encodable() error {
	for area, access := range p {
		if problem := areaProblem(area); problem != "" {
			return invalid(permissionField(area), problem)
		}
		if access.Read > All || access.Manage > All {
			return invalid(permissionField(area), "has a scope that does not exist")
		}
	}
	return nil
}

// UnmarshalJSON decodes what MarshalJSON encodes. It refuses, with a
// *[ValidationError] that names the place, malformed area names, keys that
// are there twice and anything that it does not know. Whether an area is in
// the catalogue is not its business: a program stores and carries the areas
// of its newer versions.
func (p *Permissions) UnmarshalJSON(data []byte) error {
	read := Permissions{}
	err := decodeObject(data, func(key string, value json.RawMessage) error {
		area := Area(key)
		if p := areaProblem(area); p != "" {
			return invalid(permissionField(area), p)
		}
		var a Access
		if err := a.UnmarshalJSON(value); err != nil {
			return within(permissionField(area), err)
		}
		if a != (Access{}) {
			read[area] = a
		}
		return nil
	})
	if err != nil {
		return within("permissions", err)
	}
	*p = read
	return nil
}

func permissionField(area Area) string {
	return fmt.Sprintf("permissions.%s", quoteField(string(area)))
}

// Scope returns how far an action reaches: None for an invalid action and for
// a scope that does not exist.
func (a Access) Scope(action Action) Scope {
	switch a = a.existing(); action {
	case Read:
		return a.Read
	case Manage:
		return a.Manage
	}
	return None
}

// scopes returns the scopes of a by action as they are, those that do not
// exist included.
func (a Access) scopes() [Manage + 1]Scope {
	return [...]Scope{Read: a.Read, Manage: a.Manage}
}

// existing returns a with None in place of scopes that do not exist.
func (a Access) existing() Access {
	if a.Read > All {
		a.Read = None
	}
	if a.Manage > All {
		a.Manage = None
	}
	return a
}

// union returns what a or b grants.
func (a Access) union(b Access) Access {
	a, b = a.existing(), b.existing()
	return Access{max(a.Read, b.Read), max(a.Manage, b.Manage)}
}

// toGive returns what somebody must hold in order to give a: Team is given from
// All (T4), since whoever gets it sees what their team will be, too.
func (a Access) toGive() Access {
	if a.Read == Team {
		a.Read = All
	}
	if a.Manage == Team {
		a.Manage = All
	}
	return a
}

const noAccess = "no access"

// String returns "read all, manage own", or "no access".
func (a Access) String() string {
	var parts []string
	for action, s := range a.scopes() {
		if s != None {
			parts = append(parts, Action(action).String()+" "+s.String())
		}
	}
	if len(parts) == 0 {
		return noAccess
	}
	return strings.Join(parts, ", ")
}

// MarshalText is [Access.String], refusing what could not be read back.
func (a Access) MarshalText() ([]byte, error) {
	if a.Read > All || a.Manage > All {
		return nil, invalid("scope", "does not exist")
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads the form of [Access.String].
func (a *Access) UnmarshalText(text []byte) error {
	var read Access
	seen := map[Action]bool{}
	if s := string(text); s != noAccess {
		for part := range strings.SplitSeq(s, ",") {
			first, second, _ := strings.Cut(strings.TrimSpace(part), " ")
			action, problem := parseAction(first)
			if problem != "" {
				return invalid("", problem)
			}
			scope, problem := parseScope(second)
			if problem != "" {
				return invalid(action.String(), problem)
			}
			if seen[action] {
				return invalid(action.String(), "is there twice")
			}
			seen[action] = true
			read = read.with(action, scope)
		}
	}
	*a = read
	return nil
}

func (a Access) with(action Action, scope Scope) Access {
	if action == Read {
		a.Read = scope
	} else {
		a.Manage = scope
	}
	return a
}

// MarshalJSON encodes a as {"read":"all","manage":"own"}.
func (a Access) MarshalJSON() ([]byte, error) {
	type plain Access // without MarshalText, so that it is an object
	return json.Marshal(plain(a))
}

// UnmarshalJSON decodes what MarshalJSON encodes; a key that is left out is
// none. It refuses, with a *[ValidationError] that names the place, keys and
// scopes that it does not know.
func (a *Access) UnmarshalJSON(data []byte) error {
	var read Access
	err := decodeObject(data, func(key string, value json.RawMessage) error {
		action, problem := parseAction(key)
		if problem != "" {
			return invalid(quoteField(key), "is not an action: want read or manage")
		}
		var name string
		if err := decodeValue(value, &name); err != nil {
			return within(key, err)
		}
		scope, problem := parseScope(name)
		if problem != "" {
			return invalid(key, problem)
		}
		read = read.with(action, scope)
		return nil
	})
	if err != nil {
		return err
	}
	*a = read
	return nil
}

var actionNames = [...]string{Read: "read", Manage: "manage"}

// String returns "read" or "manage".
func (a Action) String() string {
	if a.valid() {
		return actionNames[a]
	}
	return fmt.Sprintf("Action(%d)", uint8(a))
}

func (a Action) valid() bool { return a-Read <= Manage-Read }

// MarshalText encodes a as its name.
func (a Action) MarshalText() ([]byte, error) {
	if !a.valid() {
		return nil, invalid("action", fmt.Sprintf("%d is not an action: want read or manage", uint8(a)))
	}
	return []byte(a.String()), nil
}

// UnmarshalText decodes "read" or "manage".
func (a *Action) UnmarshalText(text []byte) error {
	action, problem := parseAction(string(text))
	if problem != "" {
		return invalid("action", problem)
	}
	*a = action
	return nil
}

func parseAction(name string) (action Action, problem string) {
	switch name {
	case "read":
		return Read, ""
	case "manage":
		return Manage, ""
	}
	return 0, fmt.Sprintf("%s is not an action: want read or manage", quote(name))
}

var scopeNames = [...]string{None: "none", Own: "own", Team: "team", All: "all"}

// String returns "none", "own", "team" or "all".
func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return fmt.Sprintf("Scope(%d)", uint8(s))
}

// MarshalText encodes s as its name.
func (s Scope) MarshalText() ([]byte, error) {
	if s > All {
		return nil, invalid("scope", fmt.Sprintf("%d is not a scope: want none, own, team or all", uint8(s)))
	}
	return []byte(s.String()), nil
}

// UnmarshalText decodes "none", "own", "team" or "all".
func (s *Scope) UnmarshalText(text []byte) error {
	scope, problem := parseScope(string(text))
	if problem != "" {
		return invalid("scope", problem)
	}
	*s = scope
	return nil
}

func parseScope(name string) (scope Scope, problem string) {
	if i := slices.Index(scopeNames[:], name); i >= 0 {
		return Scope(i), ""
	}
	return None, fmt.Sprintf("%s is not a scope: want none, own, team or all", quote(name))
}

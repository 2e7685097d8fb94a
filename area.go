package rbac

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"unsafe"
)

// Area is a part of the product that is authorized as one. The constants
// below are built in; an application adds its own with [WithAreas].
//
// An area's name is 1 to 64 characters: lower-case ASCII letters, digits and
// the marks "-", "_" and ".", starting with a letter.
type Area string

// The areas of a CRM, described by [DefaultAreas].
const (
	Contacts      Area = "contacts"
	Organizations Area = "organizations"
	Deals         Area = "deals"
	Services      Area = "services"
	Tasks         Area = "tasks"
	Users         Area = "users" // members and roles: Manage All on Users is the right to administer
	API           Area = "api"
	Audit         Area = "audit"
)

// AreaInfo describes an area to the library and to people.
type AreaInfo struct {
	Area        Area   `json:"area"`
	Label       string `json:"label"`                 // for people: "Contacts"
	Description string `json:"description,omitempty"` // for people: one sentence
	Section     string `json:"section,omitempty"`     // groups areas in a role editor: "Records"
	Owned       bool   `json:"owned,omitempty"`       // records have owners, so that scopes Own and Team mean something
	Sensitive   bool   `json:"sensitive,omitempty"`   // reviewed with extra care

	// Only is the one action that the area has: a verb, such as an export, that
	// one may do or not, or a setting. If it is zero, the area has both.
	Only Action `json:"only,omitzero"`

	// Former are names that the area had. What is stored under them is read as
	// the area's, and the next edit of a role writes the name of today. They can
	// be neither asked for nor written.
	Former []Area `json:"former,omitempty"`

	// OwnWords says for people what Own means here: "assigned to them".
	OwnWords string `json:"ownWords,omitempty"`
}

// cloneAreas returns a copy that shares nothing with areas.
func cloneAreas(areas []AreaInfo) []AreaInfo {
	areas = slices.Clone(areas)
	for i := range areas {
		areas[i].Former = slices.Clone(areas[i].Former)
	}
	return areas
}

// has reports whether the area has an action.
func (a AreaInfo) has(action Action) bool {
	return action.valid() && (a.Only == 0 || a.Only == action)
}

// DefaultAreas returns a fresh copy of the built-in catalogue: eight areas in
// the sections Records and Administration.
func DefaultAreas() []AreaInfo {
	const records, administration = "Records", "Administration"
	area := func(area Area, label, section, description string, owned, sensitive bool) AreaInfo {
		return AreaInfo{Area: area, Label: label, Section: section, Description: description, Owned: owned, Sensitive: sensitive}
	}
	return []AreaInfo{
		area(Contacts, "Contacts", records, "People the company deals with.", true, false),
		area(Organizations, "Organizations", records, "Companies and other bodies the contacts belong to.", true, false),
		area(Deals, "Deals", records, "Sales opportunities and their stages.", true, false),
		area(Services, "Services", records, "What the company sells and delivers.", true, false),
		area(Tasks, "Tasks", records, "Things to do, and who does them.", true, false),
		area(Users, "Users", administration, "Members of the workspace and their roles.", true, true),
		area(API, "API access", administration, "API keys and integrations.", false, true),
		area(Audit, "Audit", administration, "The record of every change of access.", false, true),
	}
}

// catalogue is the set of areas that one Authorizer knows, fixed at Open.
//
// Every compiled role is a row of cells, two for each area, in the order of
// the catalogue; cell 0 and 1 belong to no area and always deny, so an area
// that is not known needs no branch of its own.
type catalogue struct {
	areas   []AreaInfo
	cells   map[Area]uint32 // the area's first cell; absent means 0
	current map[Area]Area   // by former name
	teams   bool            // scope Team means something

	misspelt *misspelt // what checks asked for; nil where nobody checks

	// identity finds the cell of an area by where its name lies in memory:
	// the linker keeps one copy of equal constants, so the name that a
	// handler passes is nearly always the very string that the catalogue
	// holds. Equal address and equal length are equal content, because the
	// catalogue keeps its strings alive and unchanged; anything else, such as
	// a name that was read from a request, is looked up by content in cells.
	// Don't replace this by comparing names: that call costs as much as the
	// rest of Subject.Can.
	identity   [identitySlots]areaSlot
	multiplier uint64
}

type areaSlot struct {
	name *byte
	size uint32
	cell uint32
}

const (
	identityBits  = 6
	identitySlots = 1 << identityBits
)

// newCatalogue validates areas and compiles them.
func newCatalogue(areas []AreaInfo, teams bool) (*catalogue, error) {
	c := &catalogue{areas: cloneAreas(areas), cells: make(map[Area]uint32, len(areas)), current: map[Area]Area{}, teams: teams}
	var bad problems
	for i, info := range c.areas {
		field := fmt.Sprintf("areas[%d]", i)
		if p := areaProblem(info.Area); p != "" {
			bad.add(field+".area", p)
		} else if _, twice := c.cells[info.Area]; twice {
			bad.add(field+".area", fmt.Sprintf("%q is there twice", info.Area))
		}
		bad.check(field+".label", textProblem(info.Label, maxName))
		bad.check(field+".description", textProblem(info.Description, maxDescription))
		bad.check(field+".section", textProblem(info.Section, maxName))
		bad.check(field+".ownWords", textProblem(info.OwnWords, maxName))
		if info.Only != 0 && !info.Only.valid() {
			bad.add(field+".only", fmt.Sprintf("%d is not an action", uint8(info.Only)))
		}
		if info.Area == Users && info.Only == Read {
			bad.add(field+".only", "managing users is the right to administer")
		}
		if info.Label == "" {
			c.areas[i].Label = string(info.Area)
		}
		c.cells[info.Area] = uint32(2 * (i + 1))
	}
	for i, info := range c.areas {
		for j, former := range info.Former {
			field := indexed(indexed("areas", i)+".former", j)
			bad.check(field, areaProblem(former))
			if c.cells[former] != 0 {
				bad.add(field, fmt.Sprintf("%q is an area of today", former))
			} else if c.current[former] != "" {
				bad.add(field, fmt.Sprintf("%q is there twice", former))
			}
			c.current[former] = info.Area
		}
	}
	if _, ok := c.cells[Users]; !ok {
		bad.add("areas", fmt.Sprintf("%q, which governs administration, is missing", Users))
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	c.index()
	return c, nil
}

// index fills the identity table with a multiplier under which no two areas
// share a slot. With very many areas there may be none among those tried; the
// areas that then find their slot taken are looked up by content.
func (c *catalogue) index() {
	best := -1
	for range 1000 {
		multiplier := rand.Uint64() | 1
		var table [identitySlots]areaSlot
		placed := 0
		for _, info := range c.areas {
			name := unsafe.StringData(string(info.Area))
			slot := &table[slotOf(name, multiplier)]
			if slot.name == nil {
				*slot = areaSlot{name, uint32(len(info.Area)), c.cells[info.Area]}
				placed++
			}
		}
		if placed > best {
			best, c.identity, c.multiplier = placed, table, multiplier
		}
		if placed == len(c.areas) {
			return
		}
	}
}

func slotOf(name *byte, multiplier uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(name))) * multiplier >> (64 - identityBits)
}

// cell returns the first cell of an area, 0 for one that is not known.
func (c *catalogue) cell(area Area) uint32 {
	if slot := c.slot(area); slot.holds(area) {
		return slot.cell
	}
	return c.cells[area]
}

// noteUnknown notes that a check asked for an area, if it is not known.
func (c *catalogue) noteUnknown(area Area) {
	if c.misspelt != nil && c.cell(area) == 0 {
		c.misspelt.note(area)
	}
}

// slot returns the slot in which an area is, if the name is the very string
// of the catalogue.
func (c *catalogue) slot(area Area) *areaSlot {
	return &c.identity[slotOf(unsafe.StringData(string(area)), c.multiplier)]
}

func (s *areaSlot) holds(area Area) bool {
	return s.name == unsafe.StringData(string(area)) && int(s.size) == len(area)
}

// width is the number of cells of one role.
func (c *catalogue) width() int { return 2 * (len(c.areas) + 1) }

// hasAction reports whether an area is known and has an action.
func (c *catalogue) hasAction(area Area, action Action) bool {
	info, known := c.info(area)
	return known && info.has(action)
}

// info describes an area; ok is false for one that is not known.
func (c *catalogue) info(area Area) (info AreaInfo, ok bool) {
	cell := c.cells[area]
	if cell == 0 {
		return AreaInfo{}, false
	}
	return c.areas[cell/2-1], true
}

// everything is All for every action of every area: what Administrator holds
// (E5).
func (c *catalogue) everything() Permissions {
	p := make(Permissions, len(c.areas))
	for _, info := range c.areas {
		p[info.Area] = Access{c.counts(info, Read, All), c.counts(info, Manage, All)}
	}
	return p
}

// renamed returns stored permissions under the names that areas have today
// (E11). It returns stored itself where there is nothing to rename.
func (c *catalogue) renamed(stored Permissions) Permissions {
	if len(c.current) == 0 {
		return stored
	}
	today := make(Permissions, len(stored))
	for area, access := range stored {
		if current, former := c.current[area]; former {
			area = current
		}
		today[area] = access.union(today[area])
	}
	return today
}

// effective returns what stored permissions grant in this program, which is
// what it shows of them. Areas that the program does not know are left out
// (E7).
//
// It is for what a check answers and what an actor holds. What somebody's
// rights are compared with is compared as it is stored.
func (c *catalogue) effective(stored Permissions) Permissions {
	p := make(Permissions, len(stored))
	for area, access := range c.renamed(stored) {
		info, known := c.info(area)
		if !known {
			continue
		}
		access = Access{c.counts(info, Read, access.Read), c.counts(info, Manage, access.Manage)}
		if access != (Access{}) {
			p[area] = access
		}
	}
	return p
}

// counts returns what a stored scope counts as in an area. One that does not
// exist is None, as is any for an action that the area has not (E10), and Own
// and Team where records have no owners (E6). Without teams, Team is Own (T1).
func (c *catalogue) counts(info AreaInfo, action Action, s Scope) Scope {
	switch {
	case s > All || !info.has(action):
		return None
	case s == Own || s == Team:
		if !info.Owned {
			return None
		}
		if !c.teams {
			return Own
		}
	}
	return s
}

// edited returns stored permissions after an edit to those that somebody
// wrote. What the program does not show, and each scope that the edit leaves
// as it is shown, stays as it is stored (E7). An area that it does not know
// goes if it is written with no access.
func (c *catalogue) edited(stored, written Permissions) Permissions {
	after, shown := c.renamed(stored).normalised(), c.effective(stored)
	for area := range written {
		if c.cells[area] == 0 {
			delete(after, area)
		}
	}
	for _, info := range c.areas {
		access := after[info.Area]
		for _, action := range []Action{Read, Manage} {
			if scope := written.Scope(info.Area, action); scope != shown.Scope(info.Area, action) {
				access = access.with(action, scope)
			}
		}
		after[info.Area] = access
	}
	return after.normalised()
}

// withoutRemoved returns written permissions without the areas that an edit
// takes away: those that the program does not know, written with no access.
func (c *catalogue) withoutRemoved(written Permissions) Permissions {
	left := maps.Clone(written)
	maps.DeleteFunc(left, func(area Area, access Access) bool {
		return c.cells[area] == 0 && access == Access{}
	})
	return left
}

// removedProblems judges the areas that an edit takes away: it takes away what is
// stored, and not the misspelt name of another.
func (c *catalogue) removedProblems(stored, written Permissions) problems {
	var bad problems
	stored = c.renamed(stored)
	for _, area := range written.sorted() {
		if _, is := stored[area]; !is && c.cells[area] == 0 {
			bad.add(permissionField(area), unknownArea)
		}
	}
	return bad
}

const unknownArea = "is not an area of this program"

// scopeProblems judges permissions that somebody wants to write (A10, E6, E10,
// T1).
func (c *catalogue) scopeProblems(bad *problems, p Permissions) {
	for _, area := range p.sorted() {
		field := permissionField(area)
		info, known := c.info(area)
		if !known {
			bad.add(field, unknownArea)
			continue
		}
		for action, scope := range p[area].scopes() {
			field := field + "." + Action(action).String()
			switch {
			case scope > All:
				bad.add(field, fmt.Sprintf("%d is not a scope", uint8(scope)))
			case scope != None && !info.has(Action(action)):
				bad.add(field, fmt.Sprintf("this area has nothing to %s, only to %s", Action(action), info.Only))
			case (scope == Own || scope == Team) && !info.Owned:
				bad.add(field, scope.String()+" has no meaning here: records of this area have no owners")
			case scope == Team && !c.teams:
				bad.add(field, "team has no meaning here: this program has no teams")
			}
		}
	}
}

package rbac

import (
	"fmt"
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
	Area        Area
	Label       string // for people: "Contacts"
	Description string // for people: one sentence
	Section     string // groups areas in a role editor: "Records"
	Owned       bool   // records have owners, so that scope Own means something
	Sensitive   bool   // reviewed with extra care
}

// DefaultAreas returns a fresh copy of the built-in catalogue: eight areas in
// the sections Records and Administration.
func DefaultAreas() []AreaInfo {
	const records, administration = "Records", "Administration"
	return []AreaInfo{
		{Contacts, "Contacts", "People the company deals with.", records, true, false},
		{Organizations, "Organizations", "Companies and other bodies the contacts belong to.", records, true, false},
		{Deals, "Deals", "Sales opportunities and their stages.", records, true, false},
		{Services, "Services", "What the company sells and delivers.", records, true, false},
		{Tasks, "Tasks", "Things to do, and who does them.", records, true, false},
		{Users, "Users", "Members of the workspace and their roles.", administration, true, true},
		{API, "API access", "API keys and integrations.", administration, false, true},
		{Audit, "Audit", "The record of every change of access.", administration, false, true},
	}
}

// catalogue is the set of areas that one Authorizer knows, fixed at Open.
//
// Every compiled role is a row of cells, two for each area, in the order of
// the catalogue; cell 0 and 1 belong to no area and always deny, so an area
// that is not known needs no branch of its own.
type catalogue struct {
	areas []AreaInfo
	cells map[Area]uint32 // the area's first cell; absent means 0

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
func newCatalogue(areas []AreaInfo) (*catalogue, error) {
	c := &catalogue{areas: slices.Clone(areas), cells: make(map[Area]uint32, len(areas))}
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
		if info.Label == "" {
			c.areas[i].Label = string(info.Area)
		}
		c.cells[info.Area] = uint32(2 * (i + 1))
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

// info describes an area; ok is false for one that is not known.
func (c *catalogue) info(area Area) (info AreaInfo, ok bool) {
	cell := c.cells[area]
	if cell == 0 {
		return AreaInfo{}, false
	}
	return c.areas[cell/2-1], true
}

// everything is All on every area: what Administrator holds (E5).
func (c *catalogue) everything() Permissions {
	p := make(Permissions, len(c.areas))
	for _, info := range c.areas {
		p[info.Area] = Access{All, All}
	}
	return p
}

// effective returns what stored permissions grant in this program, which is
// what it shows of them. A scope that does not exist is None, and so is Own
// where records have no owners (E6). Areas that the program does not know are
// left out (E7).
//
// It is for what a check answers and what an actor holds. What somebody's
// rights are compared with is compared as it is stored.
func (c *catalogue) effective(stored Permissions) Permissions {
	p := make(Permissions, len(stored))
	for area, access := range stored {
		info, known := c.info(area)
		if !known {
			continue
		}
		access = access.existing()
		if !info.Owned {
			access = Access{withoutOwners(access.Read), withoutOwners(access.Manage)}
		}
		if access != (Access{}) {
			p[area] = access
		}
	}
	return p
}

// withoutOwners returns what a scope counts as where records have no owners.
func withoutOwners(s Scope) Scope {
	if s == Own {
		return None
	}
	return s
}

// edited returns stored permissions after an edit to those that somebody
// wrote. What the program does not show, and each scope that the edit leaves
// as it is shown, stays as it is stored (E7).
func (c *catalogue) edited(stored, written Permissions) Permissions {
	after, shown := stored.normalised(), c.effective(stored)
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

// scopeProblems judges permissions that somebody wants to write (A10, E6).
func (c *catalogue) scopeProblems(bad *problems, p Permissions) {
	for _, area := range p.sorted() {
		field := permissionField(area)
		info, known := c.info(area)
		if !known {
			bad.add(field, "is not an area of this program")
			continue
		}
		for action, scope := range p[area].scopes() {
			field := field + "." + Action(action).String()
			switch {
			case scope > All:
				bad.add(field, fmt.Sprintf("%d is not a scope", uint8(scope)))
			case scope == Own && !info.Owned:
				bad.add(field, "own has no meaning here: records of this area have no owners")
			}
		}
	}
}

package rbac

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
)

// snapshot is one revision of a workspace, compiled for checks. All of it but
// detour is immutable, and a new snapshot shares what a change did not touch.
//
// Each role is a row of cells, two for each area of the catalogue. Row 0
// belongs to nobody and denies everything. A member's seat has the offset of
// their role's first cell, so that a check is a lookup in the map of members
// and one in the slice of cells.
type snapshot struct {
	model    *model
	areas    *catalogue // model's, a step nearer
	revision Revision

	// trail has the revisions of the newest events up to this one, as far as
	// they were read: what the snapshot is known to have in it. Numbers do not
	// tell: a workspace may be deleted, or restored, and begin anew.
	trail []Revision

	// unsettled marks a state whose newest event is not there, as while a
	// backup is restored in several transactions. Its revision does not stand
	// for its rows, so that it is read again until it does.
	unsettled bool

	cells []Scope
	rows  []row
	row   map[RoleID]int
	gone  int // rows whose role does not exist

	// members is one large map that is never written again. In a large
	// workspace changes go to overlay, a small map copied with each change,
	// which is merged into a new large one now and then.
	members    map[string]seat
	overlay    map[string]seat // a zero seat hides the member
	generation *byte           // the identity of members

	teams *teams

	absent Reason // of who is not a member; zero for ReasonNotMember

	detour atomic.Uint32
}

// row describes the role behind a row of cells.
type row struct {
	id   RoleID
	name string
	gone bool // the role does not exist, or cannot be read
}

// seat is where a member sits. The zero seat is nobody's.
type seat struct {
	cell uint32 // the role's first
	team uint32 // the number of the member's team, 0 for none
}

// suspendedSeat marks the cell of a suspended member. It puts the seat beyond
// all cells, which denies.
const suspendedSeat uint32 = 1 << 31

// Reasons why a check must take the long way, as bits of snapshot.detour.
// One flag for all keeps the short way short.
const (
	detourUnused   = 1 << iota // nobody asked since the last sweep for idle workspaces
	detourOverlay              // overlay is not empty
	detourObserved             // an observer wants to know
)

const (
	// smallWorkspace is the number of members up to which a change copies
	// the whole map, so that an overlay, and the second lookup it costs, is
	// only needed above.
	smallWorkspace = 4096

	// mergeOverlay is the size from which the overlay is merged.
	mergeOverlay = 4096

	// Following an event costs as much as loading some members: 8 from
	// MemStore, up to 35 from PostgreSQL (docs/performance.md).
	mostFollowed      = 50 // in a workspace that takes next to nothing to load
	membersForAnEvent = 16

	// trailLength is the length of a trail. What is behind it is read again when
	// it matters.
	trailLength = 32

	// goneRows is the number of rows without a role that a snapshot carries
	// before the workspace is loaded anew.
	goneRows = 256
)

func newSnapshot(m *model, revision Revision) *snapshot {
	s := &snapshot{
		model:      m,
		areas:      m.catalogue,
		revision:   revision,
		cells:      make([]Scope, m.width()),
		rows:       []row{{gone: true}},
		row:        map[RoleID]int{},
		members:    map[string]seat{},
		generation: new(byte),
		teams:      noTeams,
	}
	for _, role := range m.system {
		s.setRole(role)
	}
	return s
}

// load reads a whole workspace. Rows that cannot be read grant nothing and
// are reported; the rest of the workspace serves.
func load(r reading, workspace string, log *reports) (*snapshot, error) {
	r = r.skipping(func(row *MalformedError) { reportMalformed(log, workspace, row) })
	revision, err := r.Revision()
	if err != nil {
		return nil, err
	}
	s := newSnapshot(r.model, revision)
	trail, settled := r.trail(revision)
	s.trail = trail
	if s.unsettled = !settled; s.unsettled {
		log.warn("rbac: the newest event is not there, as while a backup is restored: the workspace is read again with each poll",
			"workspace", workspace, "revision", revision.Seq)
	}
	for role, err := range r.roles() {
		if err != nil {
			return nil, err
		}
		s.setRole(role)
	}
	moves := s.teams.change()
	for member, err := range r.members(MemberQuery{}) {
		if err != nil {
			return nil, err
		}
		if _, twice := s.members[member.User]; twice {
			return nil, fmt.Errorf("rbac: the store returned member %s twice", quote(member.User))
		}
		at := s.seat(member, moves)
		moves.move(member.User, 0, at.team)
		s.members[member.User] = at
	}
	s.teams = moves.done()
	return s, nil
}

func reportMalformed(log *reports, workspace string, err error) {
	log.error("rbac: what is stored is malformed and grants nothing", "workspace", workspace, "error", err)
}

var errBroken = errors.New("the store's history is not a continuation of what is known")

// advance returns the snapshot of a later revision by following the events
// behind s: nil where it is better to load the workspace anew, with the reason
// if that is nothing usual.
func (s *snapshot) advance(r reading, workspace string, to Revision, log *reports) (*snapshot, error) {
	switch behind := to.Seq - s.revision.Seq; {
	case behind <= 0:
		return nil, errBroken
	case behind > mostFollowed+int64(len(s.members)/membersForAnEvent) || s.wantsReload():
		return nil, nil
	}
	return s.follow(r, workspace, to, log)
}

// follow applies the events behind s up to a revision, after checking that
// they continue the chain.
func (s *snapshot) follow(r reading, workspace string, to Revision, log *reports) (*snapshot, error) {
	var events []Event
	at := s.revision
	for event, err := range r.events(EventQuery{After: at.Seq}) {
		if err != nil {
			return nil, err
		}
		if !event.follows(workspace, at) {
			return nil, errBroken
		}
		at = event.Revision()
		events = append(events, event)
	}
	if at != to {
		return nil, errBroken
	}
	for _, event := range events {
		if err := event.malformed(); err != nil {
			reportMalformed(log, workspace, err)
		}
	}
	return s.apply(events), nil
}

// apply returns the snapshot after events that continue s.
func (s *snapshot) apply(events []Event) *snapshot {
	next := &snapshot{
		model:      s.model,
		areas:      s.areas,
		revision:   events[len(events)-1].Revision(),
		trail:      s.trailWith(events),
		unsettled:  s.unsettled,
		cells:      s.cells,
		rows:       s.rows,
		row:        s.row,
		gone:       s.gone,
		members:    s.members,
		overlay:    s.overlay,
		generation: s.generation,
		teams:      s.teams,
	}
	if slices.ContainsFunc(events, func(e Event) bool { return next.touchesRows(e) }) {
		next.cells, next.rows, next.row = slices.Clone(s.cells), slices.Clone(s.rows), maps.Clone(s.row)
	}
	seats := map[string]seat{}
	moves := s.teams.change()
	for _, e := range events {
		switch {
		case e.RoleAfter != nil:
			next.setStoredRole(*e.RoleAfter)
		case e.RoleBefore != nil:
			next.dropRole(e.RoleBefore.ID)
		case e.MemberAfter != nil:
			at := seat{}
			if malformedMember(*e.MemberAfter) == nil {
				at = next.seat(*e.MemberAfter, moves)
			}
			if before, seated := seats[e.MemberAfter.User]; e.Form == 0 && at != (seat{}) {
				// A program that knew no teams has left the team as it was.
				if !seated {
					before = s.find(e.MemberAfter.User)
				}
				at.team = before.team
			}
			if e.MemberBefore != nil {
				seats[e.MemberBefore.User] = seat{} // who may have been renamed
			}
			seats[e.MemberAfter.User] = at
		case e.MemberBefore != nil:
			seats[e.MemberBefore.User] = seat{}
		}
	}
	for user, at := range seats {
		moves.move(user, s.find(user).team, at.team)
	}
	next.teams = moves.done()
	next.setSeats(seats)
	return next
}

// trailWith returns the trail after events that continue s.
func (s *snapshot) trailWith(events []Event) []Revision {
	events = events[max(0, len(events)-trailLength):]
	kept := s.trail[max(0, len(s.trail)+len(events)-trailLength):]
	trail := append(make([]Revision, 0, len(kept)+len(events)), kept...)
	for _, e := range events {
		trail = append(trail, e.Revision())
	}
	return trail
}

// has reports whether a revision is known to be in s: its own, or one before.
func (s *snapshot) has(revision Revision) bool {
	return s.revision == revision || slices.Contains(s.trail, revision)
}

// touchesRows reports whether applying an event writes to the rows.
func (s *snapshot) touchesRows(e Event) bool {
	if e.RoleAfter != nil || e.RoleBefore != nil {
		return true
	}
	if e.MemberAfter == nil {
		return false
	}
	_, known := s.row[e.MemberAfter.Role]
	return !known
}

// setSeats changes the seats of some members.
func (s *snapshot) setSeats(seats map[string]seat) {
	switch {
	case len(seats) == 0:
	case len(s.members) <= smallWorkspace:
		members := make(map[string]seat, len(s.members)+len(seats))
		maps.Copy(members, s.members)
		write(members, s.overlay)
		write(members, seats)
		s.members, s.overlay, s.generation = members, nil, new(byte)
	default:
		overlay := make(map[string]seat, len(s.overlay)+len(seats))
		maps.Copy(overlay, s.overlay)
		maps.Copy(overlay, seats)
		s.overlay = overlay
	}
}

// write puts the seats of an overlay into a map of members.
func write(members, overlay map[string]seat) {
	for user, at := range overlay {
		if at == (seat{}) {
			delete(members, user)
		} else {
			members[user] = at
		}
	}
}

// merged returns the members of s in one map.
func (s *snapshot) merged() map[string]seat {
	members := make(map[string]seat, len(s.members))
	maps.Copy(members, s.members)
	write(members, s.overlay)
	return members
}

// onto returns a snapshot of the same revision as s whose large map is
// members, merged from an earlier snapshot that had the same large map as s.
func (s *snapshot) onto(members map[string]seat, earlier *snapshot) *snapshot {
	next := &snapshot{
		model: s.model, areas: s.areas, revision: s.revision, trail: s.trail, unsettled: s.unsettled,
		cells: s.cells, rows: s.rows, row: s.row, gone: s.gone,
		members: members, generation: new(byte), teams: s.teams,
	}
	overlay := map[string]seat{}
	for user, at := range s.overlay {
		if before, was := earlier.overlay[user]; !was || before != at {
			overlay[user] = at
		}
	}
	if len(overlay) > 0 {
		next.overlay = overlay
	}
	return next
}

// wantsMerge reports whether the overlay has grown too large.
func (s *snapshot) wantsMerge() bool { return len(s.overlay) >= mergeOverlay }

// wantsReload reports whether s carries too much that is of no use any more.
func (s *snapshot) wantsReload() bool {
	if s.gone > goneRows && s.gone > len(s.rows)/2 {
		return true
	}
	teams := len(s.teams.list)
	return teams > goneRows && s.teams.empty() > teams/2
}

// empty reports whether the workspace was never written.
func (s *snapshot) empty() bool {
	return s.revision == (Revision{}) && len(s.members) == 0 && len(s.row) <= len(s.model.system)
}

// setStoredRole is setRole for a role from an event, which may be forged or
// malformed.
func (s *snapshot) setStoredRole(role Role) {
	if _, system := s.model.byID[role.ID]; system {
		return
	}
	if malformedRole(role) != nil {
		s.dropRole(role.ID)
		return
	}
	s.setRole(role)
}

func (s *snapshot) setRole(role Role) {
	i := s.rowOf(role.ID)
	if s.rows[i].gone {
		s.gone--
	}
	s.rows[i] = row{id: role.ID, name: role.Name}
	copy(s.cells[i*s.model.width():], s.model.compile(s.model.effective(role.Permissions)))
}

func (s *snapshot) dropRole(id RoleID) {
	if _, system := s.model.byID[id]; system {
		return
	}
	i, known := s.row[id]
	if !known || s.rows[i].gone {
		return
	}
	s.gone++
	s.rows[i] = row{id: id, gone: true}
	width := s.model.width()
	clear(s.cells[i*width : (i+1)*width])
}

// rowOf returns the row of a role, making one that grants nothing for a role
// that is not there.
func (s *snapshot) rowOf(id RoleID) int {
	if i, ok := s.row[id]; ok {
		return i
	}
	i := len(s.rows)
	s.row[id] = i
	s.rows = append(s.rows, row{id: id, gone: true})
	s.cells = append(s.cells, make([]Scope, s.model.width())...)
	s.gone++
	return i
}

// seat returns the seat of a member, with a number for their team.
func (s *snapshot) seat(member Member, moves *moves) seat {
	at := seat{cell: uint32(s.rowOf(member.Role) * s.model.width())}
	if member.Suspended {
		at.cell |= suspendedSeat
	}
	if s.model.teams {
		at.team = moves.number(teamOf(member))
	}
	return at
}

// find returns a user's seat, the zero seat for a user who is not a member.
func (s *snapshot) find(user string) seat {
	if s.overlay != nil {
		if at, ok := s.overlay[user]; ok {
			return at
		}
	}
	return s.members[user]
}

// scope answers a check. It is what Workspace.Can does on its short way.
func (s *snapshot) scope(user string, area Area, action Action) Scope {
	offset := s.areas.cell(area) + uint32(action) - 1
	if offset < 2 { // those of no area, or no action of the first
		s.areas.noteUnknown(area)
	}
	cell := s.find(user).cell + offset
	if !action.valid() || cell >= uint32(len(s.cells)) {
		return None
	}
	return s.cells[cell]
}

// teamed reports whether one of the owners is in a team.
func (s *snapshot) teamed(team uint32, owners []string) bool {
	if team == 0 {
		return false
	}
	for _, owner := range owners {
		if s.find(owner).team == team {
			return true
		}
	}
	return false
}

// resolve returns a user as a subject.
func (s *snapshot) resolve(user string) *subject {
	p := &subject{model: s.model, areas: s.areas, user: user, revision: s.revision.Seq}
	at := s.find(user)
	if at == (seat{}) {
		p.standing = cmp.Or(s.absent, ReasonNotMember)
		return p
	}
	width := s.model.width()
	i := int(at.cell&^suspendedSeat) / width
	p.role, p.roleName = s.rows[i].id, s.rows[i].name
	if at.team != 0 {
		p.snapshot, p.team = s, at.team
	}
	switch {
	case at.cell&suspendedSeat != 0:
		p.standing = ReasonSuspended
	case s.rows[i].gone:
		p.standing = ReasonRoleGone
	default:
		p.standing = ReasonGranted
		p.cells = s.cells[i*width : (i+1)*width : (i+1)*width]
	}
	return p
}

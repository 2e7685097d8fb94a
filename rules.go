package rbac

import (
	"errors"
	"slices"

	"github.com/areagate/rbac/internal/fold"
)

// The rules of administration that judge who does what to whom, each in one
// place: A1 to A9, A16, D1 to D5 and T4, with the numbers of docs/guarantees.md, where
// each is explained. A method returns nil, or the error with which its rule refuses.
// The order in which they are asked (A13) is that of the methods in change_role.go and
// change_member.go; input that is malformed (A10) is refused before, by validate.go.

// authorize applies A1: the actor must be an active member with Manage All on
// Users. A change of members alone may also be made by a delegate, who has a list
// that gives something (D2). It reads the actor in the transaction (A11), and
// notes what they hold for the rules that compare with it.
func (c *change) authorize() error {
	if c.admin.system {
		c.everything = true
		return nil
	}
	d, err := c.actor()
	if err != nil {
		return err
	}
	if d.Allowed || c.delegable && len(c.list) > 0 {
		return nil
	}
	return &DeniedError{d}
}

func (c *change) actor() (Decision, error) {
	d := Decision{
		Workspace: c.admin.workspace.replica.id, User: c.admin.actor, Area: Users, Action: Manage,
		Reason: ReasonNotMember,
	}
	revision, err := c.Revision()
	if err != nil {
		return d, err
	}
	d.Revision = revision.Seq
	if idProblem(c.admin.actor) != "" {
		return d, nil // not to be asked of a store
	}
	member, err := c.member(c.admin.actor)
	if errors.Is(err, ErrMemberNotFound) || errors.Is(err, ErrMalformed) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.Role = member.Role
	if member.Suspended {
		d.Reason = ReasonSuspended
	}
	role, err := c.lookUp(member.Role)
	if errors.Is(err, ErrRoleNotFound) || errors.Is(err, ErrMalformed) {
		if !member.Suspended {
			d.Reason = ReasonRoleGone
		}
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.RoleName = role.Name
	if member.Suspended {
		return d, nil
	}
	full := c.model.effective(role.Permissions)
	c.held = c.admin.limit.of(full)
	c.everything = role.ID == Administrator && !c.admin.limit.set
	c.team = member.Team
	d.settle(c.held.Scope(Users, Manage))
	c.manages = d.Allowed
	if d.Scope < full.Scope(Users, Manage) {
		d.Reason = ReasonLimited
	}
	return d, c.readList(role)
}

// readList notes the roles of the actor's list that give something: those that
// are there, can be read and administer nothing (D4). Whoever acts under a limit
// has none (D5).
func (c *change) readList(role Role) error {
	if len(role.Assigns) == 0 || c.admin.limit.set {
		return nil
	}
	stored, err := c.stored()
	if err != nil {
		return err
	}
	c.list = map[RoleID]Role{}
	for _, id := range role.Assigns {
		if listed, ok := stored[id]; ok && !c.model.administers(listed) {
			c.list[id] = listed
		}
	}
	return nil
}

// stored returns all roles that can be read.
func (c *change) stored() (map[RoleID]Role, error) {
	if c.roles != nil {
		return c.roles, nil
	}
	roles := map[RoleID]Role{}
	for role, err := range c.readable().roles() {
		if err != nil {
			return nil, err
		}
		roles[role.ID] = role
	}
	c.roles = roles
	return roles, nil
}

// missing returns what the actor does not hold of what it takes to give stored
// permissions. An Administrator without a limit, and the application, hold
// everything; others hold what a check would grant them. Don't narrow what is
// stored as well: what grants nothing here may grant something in another
// version of the program.
func (c *change) missing(stored Permissions) Permissions {
	if c.everything {
		return nil
	}
	wanted := Permissions{}
	for area, access := range c.model.renamed(stored) {
		wanted[area] = access.toGive()
	}
	return c.held.Missing(wanted)
}

// excess is what is beyond the actor in a change, united over all of it (A2).
type excess struct {
	missing Permissions
	roles   []RoleID // not the actor's to give
	role    RoleID   // the first with something beyond
	user    string   // the member who holds it, if it is about a member
}

func (e *excess) add(role RoleID, user string, missing Permissions, roles ...RoleID) {
	if len(missing) == 0 && len(roles) == 0 {
		return
	}
	if len(e.missing) == 0 && len(e.roles) == 0 {
		e.role, e.user = role, user
	}
	e.missing = e.missing.Union(missing)
	e.roles = append(e.roles, roles...)
}

func (c *change) refuseExcess(e excess) error {
	if len(e.missing) == 0 && len(e.roles) == 0 {
		return nil
	}
	return &EscalationError{
		Actor: c.admin.actor, Role: e.role, User: e.user,
		Missing: e.missing.normalised(), Roles: slices.Compact(slices.Sorted(slices.Values(e.roles))),
	}
}

// uncovered returns what is beyond the actor in a role (A2, A3): what they do not
// hold of its permissions, and of those of the roles in its list, unless these are
// in their own list (D3). What a role holds that this program does not know or
// cannot read is anybody's guess, so it is beyond all but those who hold
// everything.
func (c *change) uncovered(role Role) (missing Permissions, roles []RoleID, err error) {
	if c.everything {
		return nil, nil, nil
	}
	missing = c.missing(role.Permissions)
	for _, id := range role.Assigns {
		if _, own := c.list[id]; own {
			continue
		}
		stored, err := c.stored()
		if err != nil {
			return nil, nil, err
		}
		listed, known := stored[id]
		if beyond := c.missing(listed.Permissions); !known || len(beyond) > 0 {
			missing, roles = missing.Union(beyond), append(roles, id)
		}
	}
	return missing, roles, nil
}

// refuseUncovered applies A2 and A3 to a role that is created, edited or deleted,
// as it is before and after, and D1 to roles that are added to its list: only who
// holds everything adds.
func (c *change) refuseUncovered(id RoleID, added []Role, roles ...Role) error {
	if c.everything {
		return nil
	}
	var e excess
	for _, role := range roles {
		missing, beyond, err := c.uncovered(role)
		if err != nil {
			return err
		}
		e.add(id, "", missing, beyond...)
	}
	for _, listed := range added {
		e.add(id, "", nil, listed.ID)
	}
	return c.refuseExcess(e)
}

// addBeyond applies A2, A3 and D2 to a change of members: the actor may give the
// role that is given, if one is, and take each role that a member holds. They may
// give and take the roles of their list, and with Manage All on Users those that
// they cover.
func (c *change) addBeyond(e *excess, given *Role, members []Member) error {
	if c.everything {
		return nil
	}
	if given != nil {
		if err := c.addRole(e, "", *given); err != nil {
			return err
		}
	}
	seen := map[RoleID]bool{}
	for _, member := range members {
		if seen[member.Role] {
			continue
		}
		seen[member.Role] = true
		role, err := c.lookUp(member.Role)
		if errors.Is(err, ErrRoleNotFound) || errors.Is(err, ErrMalformed) {
			e.add(member.Role, member.User, nil, member.Role)
			continue
		}
		if err != nil {
			return err
		}
		if err := c.addRole(e, member.User, role); err != nil {
			return err
		}
	}
	return nil
}

// addRole is addBeyond for one role, and a member who holds it.
func (c *change) addRole(e *excess, user string, role Role) error {
	if _, own := c.list[role.ID]; own {
		return nil
	}
	missing, roles, err := c.uncovered(role)
	if err != nil {
		return err
	}
	if !c.manages {
		missing = missing.Union(Permissions{Users: {Manage: All}})
	}
	if len(missing) > 0 || len(roles) > 0 {
		e.add(role.ID, user, missing, append(roles, role.ID)...)
	}
	return nil
}

// addSharing applies T4 to members who come into a team: the team will see
// their records, and they the team's. Wherever one of them, or of the team, has a
// role with scope Team, the actor holds All, or has a role in their list that
// reaches the team or everything. The own Team of a delegate will do for their own
// team, but not of one who manages users: they could pull in anybody whose role
// they cover, and read their records.
func (c *change) addSharing(e *excess, team string, coming []Member) error {
	if c.everything || team == "" || len(coming) == 0 {
		return nil
	}
	stored, err := c.stored()
	if err != nil {
		return err
	}
	seen := map[RoleID]bool{}
	share := func(member Member) {
		role, known := stored[member.Role]
		switch {
		case seen[member.Role]:
		case known:
			e.add(member.Role, member.User, c.unshared(team, role))
		default:
			e.add(member.Role, member.User, nil, member.Role)
		}
		seen[member.Role] = true
	}
	for _, member := range coming {
		share(member)
	}
	for member, err := range c.members(MemberQuery{Team: team}) {
		if err != nil {
			return err
		}
		share(member)
	}
	return nil
}

// unshared returns what the actor must hold in order to move somebody into a team
// because of one of the roles there.
func (c *change) unshared(team string, role Role) Permissions {
	missing := Permissions{}
	for area, access := range c.model.renamed(role.Permissions) {
		for action, scope := range access.scopes() {
			if scope == Team && !c.shares(team, area, Action(action)) {
				missing[area] = missing[area].with(Action(action), All)
			}
		}
	}
	return missing
}

// shares reports whether the actor may let a team share the records of an area.
func (c *change) shares(team string, area Area, action Action) bool {
	held := c.held.Scope(area, action)
	if held == All || held == Team && len(c.list) > 0 && !c.manages && team == c.team {
		return true
	}
	for _, listed := range c.list {
		if c.model.effective(listed.Permissions).Scope(area, action) >= Team {
			return true
		}
	}
	return false
}

// refuseListing applies D1 to the roles that are added to the list of a role:
// they administer nothing.
func (c *change) refuseListing(role Role, added []Role) error {
	for _, listed := range added {
		if listed.ID == role.ID || c.model.administers(listed) {
			return &RefusalError{Rule: ErrProtectedRole, Role: listed.ID, RoleName: listed.Name}
		}
	}
	return nil
}

// refuseSelf applies A4: nobody changes their own membership.
func (c *change) refuseSelf(users []string) error {
	if c.admin.system || !slices.Contains(users, c.admin.actor) {
		return nil
	}
	return &RefusalError{Rule: ErrSelf, Users: []string{c.admin.actor}}
}

// refuseDemoting applies A16: several users at once, as an import has them, are no
// place to take Administrator from somebody.
func (c *change) refuseDemoting(users []string, members []Member, role Role) error {
	if len(users) < 2 || role.ID == Administrator {
		return nil
	}
	var demoted []string
	for _, member := range members {
		if member.Role == Administrator {
			demoted = append(demoted, member.User)
		}
	}
	if len(demoted) == 0 {
		return nil
	}
	return &RefusalError{
		Rule: ErrAdministrator, Role: Administrator,
		RoleName: c.model.byID[Administrator].Name, Users: some(demoted),
	}
}

// refuseSystem applies A5 to a role: nobody creates, edits or deletes a system
// role, or makes one.
func (c *change) refuseSystem(role Role) error {
	if !role.System {
		return nil
	}
	return &RefusalError{Rule: ErrProtectedRole, Role: role.ID, RoleName: role.Name}
}

// refuseShadow applies A5 to a name: no custom role passes for a system role.
func (c *change) refuseShadow(role Role) error {
	id, taken := c.model.byFolded[fold.Name(role.Name)]
	if !taken || id == role.ID {
		return nil
	}
	return &RefusalError{Rule: ErrProtectedRole, Role: id, RoleName: c.model.byID[id].Name}
}

// mostRoles bounds the roles of a workspace beside the system roles. What
// compares roles with each other, and people who choose one, need a bound.
const mostRoles = 1000

// refuseTooMany refuses a role beyond mostRoles.
func (c *change) refuseTooMany() error {
	n := 0
	for _, err := range c.skipping(func(*MalformedError) { n++ }).roles() {
		if err != nil {
			return err
		}
		n++
	}
	if n-len(c.model.system) < mostRoles {
		return nil
	}
	return &RefusalError{Rule: ErrTooManyRoles}
}

// refuseStale applies A9: the caller must have read the version they change.
func (c *change) refuseStale(version int64, stored Role) error {
	if version == stored.Version {
		return nil
	}
	return &RefusalError{Rule: ErrConflict, Role: stored.ID, RoleName: stored.Name, Version: stored.Version}
}

// refuseTakenName applies A8: names are unique in a workspace.
func (c *change) refuseTakenName(role Role) error {
	folded := fold.Name(role.Name)
	for other, err := range c.readable().roles() {
		if err != nil {
			return err
		}
		if other.ID != role.ID && fold.Name(other.Name) == folded {
			return &RefusalError{Rule: ErrNameTaken, Role: other.ID, RoleName: other.Name}
		}
	}
	return nil
}

// refuseInUse applies A7: a role that members hold, or that is in the list of
// another role, stays. A member whose row cannot be read may hold it, and a role
// that cannot be read may list it, for all but those who may mend the row.
func (c *change) refuseInUse(role Role) error {
	var holders []string
	var listing []RoleID
	unreadable := func(row *MalformedError) {
		if !c.everything {
			holders = append(holders, row.ID)
		}
	}
	for member, err := range c.skipping(unreadable).members(MemberQuery{Role: role.ID, Limit: mostNamed}) {
		if err != nil {
			return err
		}
		holders = append(holders, member.User)
	}
	unreadable = func(row *MalformedError) {
		if !c.everything {
			listing = append(listing, RoleID(row.ID))
		}
	}
	for other, err := range c.skipping(unreadable).roles() {
		if err != nil {
			return err
		}
		if slices.Contains(other.Assigns, role.ID) {
			listing = append(listing, other.ID)
		}
	}
	if len(holders) == 0 && len(listing) == 0 {
		return nil
	}
	slices.Sort(listing)
	return &RefusalError{Rule: ErrRoleInUse, Role: role.ID, RoleName: role.Name, Users: holders, Roles: some(listing)}
}

// refuseLastAdministrator applies A6: if there is an active Administrator
// among the members who leave, in whatever way, one must be left. The
// transaction is serial with every other of the workspace, which is what
// makes this safe when two administrators demote each other at once.
func (c *change) refuseLastAdministrator(leaving []Member) error {
	var users []string
	for _, member := range leaving {
		if member.Role == Administrator && !member.Suspended {
			users = append(users, member.User)
		}
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	if stays, err := c.administratorStays(users); err != nil || stays {
		return err
	}
	return &RefusalError{
		Rule: ErrLastAdministrator, Role: Administrator,
		RoleName: c.model.byID[Administrator].Name, Users: some(users),
	}
}

// stay is whether there is an active Administrator beside some users.
type stay struct {
	leaving []string
	stays   bool
}

// administratorStays reports whether there is an active Administrator beside users,
// who are sorted. It asks the store once for the same users.
func (c *change) administratorStays(leaving []string) (bool, error) {
	if c.stay != nil && slices.Equal(c.stay.leaving, leaving) {
		return c.stay.stays, nil
	}
	stay := &stay{leaving: leaving}
	for member, err := range c.readable().members(MemberQuery{Role: Administrator, State: ActiveOnly}) {
		if err != nil {
			return false, err
		}
		if _, leaves := slices.BinarySearch(leaving, member.User); !leaves {
			stay.stays = true
			break
		}
	}
	c.stay = stay
	return stay.stays, nil
}

// mostNamed bounds the users, and the roles, that a refusal names.
const mostNamed = 10

func some[T any](named []T) []T {
	return named[:min(len(named), mostNamed)]
}

package rbac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/areagate/rbac/internal/fold"
)

// FindingCode names a kind of finding. Codes do not change between versions.
type FindingCode string

const (
	FindingNoAdministrator     FindingCode = "no-administrator"     // nobody can administer without the application's help
	FindingSingleAdministrator FindingCode = "single-administrator" // one absence locks the workspace
	FindingRoleGone            FindingCode = "role-gone"            // members whose role does not exist
	FindingMalformedRow        FindingCode = "malformed-row"        // a stored row that cannot be read
	FindingManyUserManagers    FindingCode = "many-user-managers"   // more than a sensible share can manage users
	FindingSensitiveManage     FindingCode = "sensitive-manage"     // a custom role manages a sensitive area
	FindingManageWithoutRead   FindingCode = "manage-without-read"  // a role manages more than it can see
	FindingDuplicateRole       FindingCode = "duplicate-role"       // two roles with the same permissions
	FindingNearDuplicateRole   FindingCode = "near-duplicate-role"  // a role within another, differing in one area only
	FindingUnusedRole          FindingCode = "unused-role"          // a custom role that nobody holds
	FindingUnknownArea         FindingCode = "unknown-area"         // a stored area that this program does not know: see UpdateRole
	FindingShadowedSystemRole  FindingCode = "shadowed-system-role" // a stored role named, or with the id, as a system role
	FindingIdleAssignment      FindingCode = "idle-assignment"      // a role in a list that the list does not give
	FindingNoTeam              FindingCode = "no-team"              // members whose role reaches a team, and who are in none
)

// Severity orders findings.
type Severity uint8

const (
	Notice  Severity = 1 // worth a look
	Warning Severity = 2 // worth a change
	Danger  Severity = 3 // worth a change today
)

var severityNames = [...]string{Notice: "notice", Warning: "warning", Danger: "danger"}

func (s Severity) valid() bool { return s-Notice <= Danger-Notice }

// String returns "notice", "warning" or "danger".
func (s Severity) String() string {
	if s.valid() {
		return severityNames[s]
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// MarshalText encodes s as its name.
func (s Severity) MarshalText() ([]byte, error) {
	if !s.valid() {
		return nil, invalid("severity", fmt.Sprintf("%d is not a severity: want notice, warning or danger", uint8(s)))
	}
	return []byte(s.String()), nil
}

// UnmarshalText decodes "notice", "warning" or "danger".
func (s *Severity) UnmarshalText(text []byte) error {
	for severity := Notice; severity.valid(); severity++ {
		if severity.String() == string(text) {
			*s = severity
			return nil
		}
	}
	return invalid("severity", quote(string(text))+" is not a severity: want notice, warning or danger")
}

// Finding is something about a workspace's access model that a person should
// look at.
type Finding struct {
	Code     FindingCode `json:"code"`
	Severity Severity    `json:"severity"`
	Role     RoleID      `json:"role,omitempty"` // what it is about, if it is about a role
	Area     Area        `json:"area,omitempty"` // what it is about, if it is about an area
	Message  string      `json:"message"`        // a sentence for people; what comes from outside is quoted
}

// String returns "warning: unused-role: …".
func (f Finding) String() string {
	return fmt.Sprintf("%v: %s: %s", f.Severity, f.Code, f.Message)
}

// The share of active members who can manage users that Lint lets pass: up to
// three people, or up to a fifth.
const (
	fewUserManagers  = 3
	userManagerShare = 5
)

// Lint looks for what tends to go wrong in an access model. It returns the
// findings by severity, the gravest first, then by code, then in the order of
// [Workspace.Roles]: at most 100 of each code and severity, and one more that
// says how many there are beside.
func (w *Workspace) Lint(ctx context.Context) ([]Finding, error) {
	return w.lint(ctx, (*lint).countMembers)
}

// LintRoles is Lint for what roles tell, and how many hold each: it reads no
// members but two Administrators, so that it is as quick in a workspace of any
// size. [FindingManyUserManagers], [FindingNoTeam] and the members that cannot be
// read are for Lint to find.
func (w *Workspace) LintRoles(ctx context.Context) ([]Finding, error) {
	return w.lint(ctx, (*lint).countHolders)
}

func (w *Workspace) lint(ctx context.Context, count func(*lint, reading) error) ([]Finding, error) {
	var l lint
	err := w.review(ctx, func(r reading) error {
		l = lint{model: r.model}
		return l.read(r, count)
	})
	if err != nil {
		return nil, err
	}
	l.administrators()
	l.userManagers()
	l.roles()
	l.pairs()
	place := map[RoleID]int{}
	for i, role := range l.all {
		place[role.ID] = i + 1
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(place[a.Role], place[b.Role]),
			cmp.Compare(a.Role, b.Role),
		)
	})
	return bounded(l.findings), nil
}

// mostFindings bounds the findings of one kind.
const mostFindings = 100

// bounded returns findings in order with at most mostFindings of each code,
// and one that says how many more there are.
func bounded(findings []Finding) []Finding {
	var kept []Finding
	for len(findings) > 0 {
		first := findings[0]
		n := slices.IndexFunc(findings, func(f Finding) bool { return f.Severity != first.Severity || f.Code != first.Code })
		if n < 0 {
			n = len(findings)
		}
		kept = append(kept, findings[:min(n, mostFindings)]...)
		if more := n - mostFindings; more > 0 {
			kept = append(kept, Finding{Code: first.Code, Severity: first.Severity, Message: fmt.Sprintf("There are %d more findings of this kind.", more)})
		}
		findings = findings[n:]
	}
	return kept
}

// lint is one run of Lint.
type lint struct {
	model    *model
	findings []Finding

	all         []Role // as they are shown
	administers map[RoleID]bool
	holders     map[RoleID]int
	active      map[RoleID]int
	teamless    map[RoleID]int
}

func (l *lint) add(code FindingCode, severity Severity, role RoleID, area Area, format string, args ...any) {
	l.findings = append(l.findings, Finding{code, severity, role, area, fmt.Sprintf(format, args...)})
}

// read collects roles and counts members, and reports what is wrong with the
// rows.
func (l *lint) read(r reading, count func(*lint, reading) error) error {
	l.holders, l.active, l.teamless = map[RoleID]int{}, map[RoleID]int{}, map[RoleID]int{}
	l.administers = map[RoleID]bool{}
	r = r.skipping(l.malformed)
	for _, system := range l.model.system {
		_, err := r.Role(system.ID) // which role hides
		if errors.Is(err, ErrRoleNotFound) {
			continue
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			return err
		}
		l.add(FindingShadowedSystemRole, Danger, system.ID, "",
			"A stored row has the id of the system role %s. It is ignored, and somebody wrote it by hand.", quote(system.Name))
	}
	for role, err := range r.roles() {
		if err != nil {
			return err
		}
		l.all = append(l.all, l.model.shown(role))
		l.administers[role.ID] = l.model.administers(role)
		for _, area := range role.Permissions.sorted() {
			if _, known := l.model.info(area); known || l.model.current[area] != "" {
				continue
			}
			l.add(FindingUnknownArea, Notice, role.ID, area,
				"The role %s has permissions for %s, an area that this program does not know. They grant nothing here.", quote(role.Name), quote(string(area)))
		}
	}
	if err := count(l, r); err != nil {
		return err
	}
	sortRoles(l.all[len(l.model.system):])
	known := map[RoleID]bool{}
	for _, role := range l.all {
		known[role.ID] = true
	}
	for _, role := range l.all {
		for _, id := range role.Assigns {
			why := "does not exist"
			if l.administers[id] {
				why = "administers"
			} else if known[id] {
				continue
			}
			l.add(FindingIdleAssignment, Warning, role.ID, "",
				"The list of the role %s has the role %s, which %s: its holders can neither give nor take it.", quote(role.Name), quote(string(id)), why)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.holders)) {
		if !known[id] {
			l.add(FindingRoleGone, Danger, id, "",
				"%s the role %s, which does not exist, and can do nothing.", holds(l.holders[id]), quote(string(id)))
		}
	}
	return nil
}

// countMembers reads them all.
func (l *lint) countMembers(r reading) error {
	for member, err := range r.members(MemberQuery{}) {
		if err != nil {
			return err
		}
		l.holders[member.Role]++
		if member.Team == "" {
			l.teamless[member.Role]++
		}
		if !member.Suspended {
			l.active[member.Role]++
		}
	}
	return nil
}

// countHolders lets the store count, and reads as many active Administrators as
// make a difference.
func (l *lint) countHolders(r reading) (err error) {
	if l.holders, err = r.Holders(); err != nil {
		return err
	}
	for member, err := range r.readable().readableMembers(MemberQuery{Role: Administrator, State: ActiveOnly, Limit: 2}) {
		if err != nil {
			return err
		}
		l.active[member.Role]++
	}
	return nil
}

// malformed reports a row that cannot be read.
func (l *lint) malformed(row *MalformedError) {
	if row.Kind == "role" {
		l.add(FindingMalformedRow, Danger, RoleID(row.ID), "", "The stored role %s cannot be read and grants nothing.", quote(row.ID))
		return
	}
	l.add(FindingMalformedRow, Danger, "", "", "The stored member %s cannot be read and is denied everything.", quote(row.ID))
}

func (l *lint) administrators() {
	switch l.active[Administrator] {
	case 0:
		l.add(FindingNoAdministrator, Danger, Administrator, "", "There is no active administrator.")
	case 1:
		l.add(FindingSingleAdministrator, Warning, Administrator, "", "There is only one active administrator: name a second for the day when they are away.")
	}
}

func (l *lint) userManagers() {
	managers, active := 0, 0
	for _, role := range l.all {
		active += l.active[role.ID]
		if role.Permissions.Can(Users, Manage) {
			managers += l.active[role.ID]
		}
	}
	if managers > fewUserManagers && managers*userManagerShare > active {
		l.add(FindingManyUserManagers, Warning, "", Users,
			"%d of %d active members can manage users: more than one in %d.", managers, active, userManagerShare)
	}
}

// roles looks at each role for itself.
func (l *lint) roles() {
	for _, role := range l.all {
		if !role.System && l.holders[role.ID] == 0 {
			l.add(FindingUnusedRole, Notice, role.ID, "", "Nobody holds the role %s.", quote(role.Name))
		}
		if id, shadows := l.model.byFolded[fold.Name(role.Name)]; shadows && !role.System {
			l.add(FindingShadowedSystemRole, Warning, role.ID, "",
				"The role %s has the name of the system role %s: rename it.", quote(role.Name), quote(string(id)))
		}
		if n := l.teamless[role.ID]; n > 0 && role.Permissions.reachTeam() {
			l.add(FindingNoTeam, Notice, role.ID, "", "%s the role %s, which reaches a team, and no team: they reach their own records.", holds(n), quote(role.Name))
		}
		for _, info := range l.model.areas {
			access := role.Permissions[info.Area]
			if access.Manage > access.Read && info.Only == 0 {
				l.add(FindingManageWithoutRead, Warning, role.ID, info.Area,
					"The role %s manages %s in %s but reads %s.", quote(role.Name), access.Manage, quote(info.Label), access.Read)
			}
			if info.Sensitive && !role.System && access.Manage != None {
				l.add(FindingSensitiveManage, Warning, role.ID, info.Area,
					"The role %s manages %s in the sensitive area %s.", quote(role.Name), access.Manage, quote(info.Label))
			}
		}
	}
}

// pairs compares the roles with each other. Those with the same permissions
// are one group, with one finding for each role but the first. Groups of which
// at least one can be changed are compared as one role each.
func (l *lint) pairs() {
	var groups [][]Role
	place := map[string]int{} // of a group, by its permissions
	for _, role := range l.all {
		key := fmt.Sprint(role.Permissions, role.Assigns)
		i, found := place[key]
		if !found {
			i = len(groups)
			place[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], role)
		if first := groups[i][0]; found && !(first.System && role.System) {
			l.add(FindingDuplicateRole, Warning, role.ID, "", "The roles %s and %s have the same permissions.", quote(first.Name), quote(role.Name))
		}
	}
	for i, a := range groups {
		for _, b := range groups[i+1:] {
			switch a, b := a[len(a)-1], b[len(b)-1]; { // the last is a custom one if there is one
			case a.System && b.System || !slices.Equal(a.Assigns, b.Assigns):
			case a.Permissions.Covers(b.Permissions):
				l.near(a, b)
			case b.Permissions.Covers(a.Permissions):
				l.near(b, a)
			}
		}
	}
}

// near reports a role that is within another and differs in one area only.
func (l *lint) near(outer, inner Role) {
	missing := inner.Permissions.Missing(outer.Permissions)
	if len(missing) != 1 || len(inner.Permissions) == 0 {
		return
	}
	area := missing.sorted()[0]
	info, _ := l.model.info(area)
	l.add(FindingNearDuplicateRole, Notice, inner.ID, area,
		"The role %s is %s without some of %s: are both needed?", quote(inner.Name), quote(outer.Name), quote(info.Label))
}

func holds(n int) string {
	if n == 1 {
		return "1 member holds"
	}
	return count(n, "member") + " hold"
}

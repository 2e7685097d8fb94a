package rbacui

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"

	"github.com/areagate/rbac"
)

const mostFindings = 50 // on one page

// findingRow is a finding, in words, with the place that mends it.
type findingRow struct {
	ID, Severity, Icon string
	Head, Say          template.HTML
	Link, Label        string // where to mend it, if that is in these pages
}

// sayFindings lays out one page of findings, those of one role and kind as one.
func (q *request) sayFindings(d *reviewData, findings []rbac.Finding) {
	type key struct {
		code rbac.FindingCode
		role rbac.RoleID
	}
	var order []key
	areas, severity := map[key][]rbac.AreaInfo{}, map[key]rbac.Severity{}
	for _, f := range findings {
		k := key{f.Code, f.Role}
		if _, known := severity[k]; !known {
			order, severity[k] = append(order, k), f.Severity
		}
		if f.Area != "" {
			areas[k] = append(areas[k], q.info(f.Area))
		}
	}
	d.Found = len(order)
	from, _ := strconv.Atoi(q.value("findings"))
	asked := func(k key) bool { return findingID(k.code, k.role) == q.value("finding") }
	if at := slices.IndexFunc(order, asked); at >= 0 {
		from = at - at%mostFindings // the page that has it
	}
	from = min(max(from, 0), len(order))
	to := min(from+mostFindings, len(order))
	if to < len(order) {
		d.Rest = link("review", "findings", strconv.Itoa(to))
	}
	names := map[rbac.RoleID]rbac.Role{}
	for _, role := range d.Roles {
		names[role.ID] = role
	}
	twins := q.twins(d.Roles)
	for _, k := range order[from:to] {
		role, known := names[k.role]
		if !known {
			role = rbac.Role{ID: k.role, Name: string(k.role)}
		}
		row := q.sayFinding(k.code, role, areas[k], d.model, twins[k.role])
		row.ID, row.Severity = findingID(k.code, k.role), severity[k].String()
		row.Icon = map[rbac.Severity]string{rbac.Danger: "no", rbac.Warning: "warning"}[severity[k]]
		row.Icon = cmp.Or(row.Icon, "info")
		d.Findings = append(d.Findings, row)
	}
}

// sayFinding says what is, then why it may matter, and that it may be meant.
func (q *request) sayFinding(code rbac.FindingCode, role rbac.Role, areas []rbac.AreaInfo, m model, twin string) findingRow {
	name := bdi(role.Name)
	var where []template.HTML
	var row findingRow
	open := link("role", "id", string(role.ID))
	for _, info := range areas {
		where = append(where, bdi(q.noun(info)))
	}
	these := q.some(where, areasNamed)
	openRow := func() {
		row.Link, row.Label = open, q.t("Open the row")
		if len(areas) > 0 {
			row.Link += "#" + areaID(areas[0].Area)
		}
	}
	held := q.countPeople(m.Held[role.ID])
	switch {
	case code == rbac.FindingNoAdministrator:
		row.Head, row.Say = q.th("There is no active administrator"), q.th("Nobody can repair what others may not. Whoever runs the application can name one.")
		row.Link, row.Label = link("members"), q.t("Members")
	case code == rbac.FindingSingleAdministrator:
		row.Head, row.Say = q.th("There is one active administrator"), q.th("Have a second one soon: then no single absence locks the workspace.")
		row.Link, row.Label = link("members", "role", string(rbac.Administrator)), q.t("See who")
	case code == rbac.FindingManyUserManagers:
		row.Head, row.Say = q.th("Many people can change roles and members"), q.th("It is more than one in five. Each can give others what they hold.")
		row.Link, row.Label = link("review", "action", "manage", "area", string(rbac.Users))+"#who-can", q.t("See who")
	case code == rbac.FindingMalformedRow && role.ID == "":
		row.Head, row.Say = q.th("Stored members cannot be read"), q.th("They may do nothing. Whoever runs the application finds them in its log.")
	case code == rbac.FindingMalformedRow:
		row.Head, row.Say = q.th("The stored role %s cannot be read", name), q.th("It allows nothing. Whoever runs the application can look at its row.")
	case role.ID == "":
		row.Head, row.Say = q.th("There are more of this kind"), q.th("Only the first are shown.")
	case code == rbac.FindingRoleGone:
		row.Head = q.th("The role %s does not exist any more", name)
		row.Say = q.th("Its people may do nothing until somebody gives them another role: %s.", held)
		row.Link, row.Label = link("members", "role", string(role.ID)), q.t("See who")
	case code == rbac.FindingShadowedSystemRole && role.System:
		row.Head, row.Say = q.th("A stored row has the id of the system role %s", name), q.th("It is ignored, and somebody wrote it by hand.")
		row.Link, row.Label = open, q.t("Open the role")
	case code == rbac.FindingShadowedSystemRole:
		row.Head, row.Say = q.th("%s has the name of a system role", name), q.th("People will take one for the other. Rename it.")
		row.Link, row.Label = open, q.t("Open the role")
	case code == rbac.FindingSensitiveManage:
		row.Head, row.Say = q.th("%s manages %s", name, these), q.th("A role of this workspace manages a sensitive area. People who hold it: %s.", held)
		openRow()
	case code == rbac.FindingManageWithoutRead:
		row.Head, row.Say = q.th("%s manages more than it reads", name), q.th("It manages more of %s than it reads. That may be meant: an import need not browse.", these)
		openRow()
	case code == rbac.FindingDuplicateRole:
		row.Head, row.Say = q.th("%s is the same as %s", name, bdi(twin)), q.th("They allow the same. One may be enough.")
		row.Link, row.Label = open, q.t("Open the role")
	case code == rbac.FindingNearDuplicateRole:
		row.Head, row.Say = q.th("%s is nearly the same as another role", name), q.th("They differ in one area: %s.", these)
		openRow()
		for _, other := range m.Roles {
			if missing := role.Permissions.Missing(other.Permissions); len(areas) == 1 && other.Permissions.Covers(role.Permissions) &&
				len(missing) == 1 && missing[areas[0].Area] != (rbac.Access{}) && slices.Equal(other.Assigns, role.Assigns) {
				row.Head = q.th("%s is nearly the same as %s", name, bdi(other.Name))
				if q.manages() && !role.System {
					row.Link, row.Label = link("role-delete", "id", string(role.ID), "to", string(other.ID)), q.t("Compare")
				}
				break
			}
		}
	case code == rbac.FindingUnusedRole:
		row.Head, row.Say = q.th("Nobody holds %s", name), q.th("It may be for later. If not, it can go.")
		row.Link, row.Label = open, q.t("Open the role")
		if q.manages() {
			row.Link, row.Label = link("role-delete", "id", string(role.ID)), q.t("Delete…")
		}
	case code == rbac.FindingUnknownArea:
		row.Head, row.Say = q.th("%s has rights in an area that this program does not know", name), q.th("They allow nothing here: %s.", these)
		row.Link, row.Label = open, q.t("Open the role")
	case code == rbac.FindingIdleAssignment:
		row.Head, row.Say = q.th("%s lists a role that it cannot give", name), q.th("That role is gone, or administers others.")
		row.Link, row.Label = open, q.t("Open the role")
	case code == rbac.FindingNoTeam:
		row.Head, row.Say = q.th("Some people with the role %s are in no team", name), q.th("The role reaches the team’s records, so they reach their own only.")
		row.Link, row.Label = link("members", "role", string(role.ID)), q.t("See who")
	default:
		row.Head, row.Say = name, q.th("This deserves a look.")
		row.Link, row.Label = open, q.t("Open the role")
	}
	return row
}

// sayUndecided names the areas that no role of the workspace reaches, and the roles
// that could.
func (q *request) sayUndecided(d *reviewData) {
	reached, own := map[rbac.Area]bool{}, []rbac.Role(nil)
	for _, role := range d.Roles {
		if role.System {
			continue
		}
		own = append(own, role)
		for area := range role.Permissions {
			reached[area] = true
		}
	}
	if len(own) == 0 {
		return
	}
	if d.Undecided = q.undecided(reached); d.Undecided == "" {
		return
	}
	at := slices.IndexFunc(q.areas, func(info rbac.AreaInfo) bool { return !reached[info.Area] && !info.Sensitive })
	for _, role := range own[:min(len(own), areasNamed)] {
		d.Decide = append(d.Decide, anchor(link("role", "id", string(role.ID))+"#"+areaID(q.areas[at].Area), bdi(role.Name)))
	}
	if more := len(own) - areasNamed; more > 0 {
		d.Decide = append(d.Decide, anchor("./", q.t("%s more", more)))
	}
}

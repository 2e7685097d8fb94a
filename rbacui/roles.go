package rbacui

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

var rolesPage = page{segment: "", template: "roles.html", nav: "Roles", needs: usersRead, get: (*request).roles}

// rolesData is what the list of roles shows.
type rolesData struct {
	title
	May        bool // make roles
	Query      string
	Searchable bool
	Groups     []roleGroup
	Roles      int
	Members    int
	Undecided  template.HTML // areas that no role of the workspace reaches
	First      bool          // there is no role of the workspace yet
	Admin      bool          // the reader is an administrator
	Waiting    int
	Next       string
	Back       string
	Matches    int
}

type roleGroup struct {
	System bool
	Rows   []roleRow
}

type roleRow struct {
	ID          rbac.RoleID
	Name        string
	Description string
	Sentence    string
	Assigns     template.HTML
	Findings    []chip
	Held        int
	You         bool
}

// chip is a finding, short.
type chip struct{ Label, Link string }

const (
	searchFrom   = 12  // roles
	rolesPerPage = 100 // the page is under 200 KB
	areasNamed   = 5   // of each reach, in a list
)

// roles shows every role, what it allows and who holds it.
func (q *request) roles() error {
	roles, err := q.workspace.Roles(q.ctx)
	if err != nil {
		return err
	}
	held, err := q.workspace.Holders(q.ctx)
	if err != nil {
		return err
	}
	d := rolesData{
		title: title{Title: q.t("Roles")}, May: q.manages(), Query: q.value("q"), Searchable: len(roles) >= searchFrom,
		Roles: len(roles), First: true, Admin: q.subject.Role() == rbac.Administrator,
	}
	reached, handed := map[rbac.Area]bool{}, map[rbac.RoleID]bool{}
	for _, role := range roles {
		handed[role.ID] = !q.administers(role)
		if role.System {
			continue
		}
		d.First = false
		for area := range role.Permissions {
			reached[area] = true
		}
	}
	for _, n := range held {
		d.Members += n
	}
	if !d.First {
		d.Undecided = q.undecided(reached)
	}
	shown := q.matching(roles, d.Query)
	d.Matches = len(shown)
	first := max(slices.IndexFunc(shown, func(r rbac.Role) bool { return string(r.ID) == q.value("from") }), 0)
	last := min(first+rolesPerPage, len(shown))
	if last < len(shown) {
		d.Next = link("", "q", d.Query, "from", string(shown[last].ID))
	}
	if first > 0 {
		d.Back = link("", "q", d.Query, "from", string(shown[max(first-rolesPerPage, 0)].ID))
	}
	twins := q.twins(roles)
	groups := [2]roleGroup{{System: true}, {}}
	for _, role := range shown[first:last] {
		row := roleRow{
			ID: role.ID, Name: role.Name, Description: role.Description, Held: held[role.ID],
			Sentence: q.words(role.Permissions, areasNamed).Sentence, You: role.ID == q.subject.Role(),
		}
		if len(role.Assigns) > 0 {
			row.Assigns = q.assigned(role, roles)
		}
		group := &groups[0]
		if !role.System {
			group = &groups[1]
			row.Findings = q.findings(role, held[role.ID], twins, handed)
		}
		group.Rows = append(group.Rows, row)
	}
	for _, group := range groups {
		if len(group.Rows) > 0 {
			d.Groups = append(d.Groups, group)
		}
	}
	return q.show(d)
}

// assigned says which roles a role may assign, in a list.
func (q *request) assigned(role rbac.Role, roles []rbac.Role) template.HTML {
	var html []template.HTML
	for _, name := range q.roleNames(role.Assigns, roles) {
		html = append(html, bdi(name))
	}
	return q.th("Assigns %s.", q.some(html, areasNamed))
}

// matching returns the roles that have a text in their names or descriptions, or
// that reach an area which has it.
func (q *request) matching(roles []rbac.Role, query string) []rbac.Role {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return roles
	}
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), query) }
	var found []rbac.Role
	for _, role := range roles {
		reaches := slices.ContainsFunc(q.areas, func(info rbac.AreaInfo) bool {
			return role.Permissions[info.Area] != rbac.Access{} && has(info.Label)
		})
		if has(role.Name) || has(role.Description) || reaches {
			found = append(found, role)
		}
	}
	return found
}

// undecided names the areas that no role of the workspace reaches.
func (q *request) undecided(reached map[rbac.Area]bool) template.HTML {
	var names []template.HTML
	for _, info := range q.areas {
		if !reached[info.Area] && !info.Sensitive {
			names = append(names, bdi(info.Label))
		}
	}
	return q.some(names, areasNamed)
}

// findingID is the id under which the review page has a finding.
func findingID(code rbac.FindingCode, role rbac.RoleID) string {
	return "f-" + string(code) + "-" + string(role)
}

// findings are those of one role that is held by so many. Handed are the roles that a
// list can hand out.
func (q *request) findings(role rbac.Role, held int, twins map[rbac.RoleID]string, handed map[rbac.RoleID]bool) []chip {
	var chips []chip
	add := func(code rbac.FindingCode, label string) {
		id := findingID(code, role.ID)
		chips = append(chips, chip{label, link("review", "finding", id) + "#" + id})
	}
	if len(q.overreaching(role.Permissions)) > 0 {
		add(rbac.FindingManageWithoutRead, q.t("Manages more than it reads"))
	}
	var sensitive []string
	for _, info := range q.areas {
		if info.Sensitive && role.Permissions.Scope(info.Area, rbac.Manage) != rbac.None {
			sensitive = append(sensitive, q.noun(info))
		}
	}
	if len(sensitive) > 0 {
		if more := len(sensitive) - 2; more > 1 {
			sensitive = append(sensitive[:2], q.t("%s more", more))
		}
		add(rbac.FindingSensitiveManage, q.t("Manages %s", q.list(sensitive)))
	}
	if held == 0 {
		add(rbac.FindingUnusedRole, q.t("Nobody holds it"))
	}
	if slices.ContainsFunc(role.Assigns, func(id rbac.RoleID) bool { return !handed[id] }) {
		add(rbac.FindingIdleAssignment, q.t("Lists a role that it cannot give"))
	}
	if twin := twins[role.ID]; twin != "" {
		add(rbac.FindingDuplicateRole, q.t("The same as %s", visible(twin)))
	}
	return chips
}

// overreaching returns the areas in which permissions manage more than they read.
func (u *ui) overreaching(p rbac.Permissions) []rbac.AreaInfo {
	var areas []rbac.AreaInfo
	for _, info := range u.areas {
		if a := p[info.Area]; info.Only == 0 && a.Scope(rbac.Manage) > a.Scope(rbac.Read) {
			areas = append(areas, info)
		}
	}
	return areas
}

// twins returns, by role, the name of an earlier one with the same permissions and
// list.
func (q *request) twins(roles []rbac.Role) map[rbac.RoleID]string {
	first, twins := map[string]string{}, map[rbac.RoleID]string{}
	for _, role := range roles {
		key := q.alike(role)
		if name, known := first[key]; known {
			twins[role.ID] = name
		} else {
			first[key] = role.Name
		}
	}
	return twins
}

// alike is the same text for roles with the same permissions and list.
func (u *ui) alike(role rbac.Role) string {
	var b strings.Builder
	known := 0
	for _, info := range u.areas {
		access, there := role.Permissions[info.Area]
		if there {
			known++
		}
		b.WriteByte(byte(access.Read))
		b.WriteByte(byte(access.Manage))
	}
	if known < len(role.Permissions) {
		b.WriteString(role.Permissions.String()) // with areas that this program does not know
	}
	for _, id := range role.Assigns {
		b.WriteString("\n" + string(id))
	}
	return b.String()
}

// toastFor is how long after a change it is told.
const toastFor = 10 * time.Minute

// toast tells of the change that led here: of the newest event of the role that the
// address names, if the reader has just made it. So an address that somebody made up
// tells nothing that is not true.
func (q *request) toast() *toast {
	id := q.value("done")
	if id == "" || q.r.Method == http.MethodPost {
		return nil
	}
	if q.page.segment == "members" || q.page.within == "members" {
		return q.memberToast(id)
	}
	e, found, err := q.event(rbac.EventQuery{
		Role: rbac.RoleID(id), Actor: q.subject.User(), Newest: true,
		Kinds: []rbac.EventKind{rbac.RoleCreated, rbac.RoleUpdated, rbac.RoleDeleted},
	})
	if err != nil || !found || time.Since(e.Time) > toastFor {
		return nil // what was done is done, whether it is told or not
	}
	t := &toast{}
	switch {
	case e.RoleAfter != nil && e.RoleBefore == nil:
		t.Text = q.th("“%s” is made. Nobody holds it until you assign it.", bdi(e.RoleAfter.Name))
	case e.RoleAfter != nil:
		d := q.difference(e.RoleBefore.Permissions, e.RoleAfter.Permissions)
		t.Text = q.th("Saved “%s”: %s.", bdi(e.RoleAfter.Name), q.counted(d))
	case e.RoleBefore != nil:
		t.Text = q.th("Deleted “%s”.", bdi(e.RoleBefore.Name))
	default:
		return nil
	}
	if q.mayAudit() {
		t.Link = link("audit", "role", id)
	}
	return t
}

// counted says how many rights come and go.
func (u *ui) counted(d difference) string {
	gains, loses := len(d.Gains), len(d.Loses)
	switch {
	case gains > 0 && loses > 0:
		return u.t("%s and %s", u.n(gains, "gains 1 right", "gains %s rights"), u.n(loses, "loses 1", "loses %s"))
	case gains > 0:
		return u.n(gains, "gains 1 right", "gains %s rights")
	case loses > 0:
		return u.n(loses, "loses 1 right", "loses %s rights")
	}
	return u.t("gains and loses nothing")
}

package rbacui

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strconv"

	"github.com/areagate/rbac"
)

// roleForm is the form of a role: what is stored, and what is chosen.
type roleForm struct {
	title
	New      bool
	Stored   rbac.Role // what a new one began as, without an id
	Draft    rbac.Role
	From     string // the role that a new one is a copy of
	Action   string // where the form is sent
	Sections []section
	Search   bool // many areas: with a search, and sections that fold
	Assign   assignList
	Copies   []rbac.Role
	Copy     rbac.RoleID // that is chosen there
	Words    words
	Plan     planView
	Refusal  refusal // of the save that was tried, or of the plan
	Tried    bool    // to save
	Notice   template.HTML
	Changed  template.HTML // when, and by whom
	History  string
	Most     struct{ Name, Description int }
}

// section is a section of the catalogue.
type section struct {
	ID, Label string
	Hint      template.HTML
	Rows      []areaRow
}

// areaRow is an area in the form.
type areaRow struct {
	ID          string
	Area        rbac.Area
	Label       string
	What        string
	Sensitive   bool
	Segments    []segment
	Why         template.HTML // why something is off
	WhyID       string
	Errors      []template.HTML
	Overreaches string // what it means to manage more than is read
	Warns       string // what it means to manage a sensitive area
}

// segment is an action of an area: four slots, always in the same order.
type segment struct {
	Action    rbac.Action
	Name      string // of the field
	Legend    string // "Deals: manage"
	Word      string // "Manage"
	Has       bool   // the area has the action
	Slots     []slot
	Was       string
	Described string // ids of what explains it
}

type slot struct {
	Value, Label string
	Word         string // "all", for what can only be read
	Has          bool
	Checked      bool
	Stored       bool
	Off          bool
}

// assignList is the list of roles that the holders may give and take.
type assignList struct {
	Boxes  []assignBox
	Why    string // why boxes are off
	Errors []template.HTML
	Search bool
}

type assignBox struct {
	ID              rbac.RoleID
	Name            string
	Stored, Checked bool
	Off             bool
	Hint            string
}

// planView is what saving would do.
type planView struct {
	New      bool
	Holding  holding
	Diff     difference
	Text     bool // name or description differ
	Worth    []areaRow
	Refusal  refusal
	Revision int64
	Changes  int
	Lists    []string // names of the roles whose holders may assign this one
}

const (
	foldFrom   = 12 // areas: a search, and sections that fold
	searchRole = 20 // roles in a list: a search, and those that are chosen first
)

// draft returns the role that the form describes. What is missing in it is as it is
// stored: an input that is off is not sent.
func (q *request) draft(stored rbac.Role) rbac.Role {
	form := q.r.PostForm
	draft := rbac.Role{ID: stored.ID, Name: stored.Name, Description: stored.Description, Assigns: slices.Clone(stored.Assigns)}
	draft.Version, _ = strconv.ParseInt(form.Get("version"), 10, 64)
	if form.Has("name") {
		draft.Name = form.Get("name")
	}
	if form.Has("description") {
		draft.Description = form.Get("description")
	}
	draft.Permissions = q.chosen(stored.Permissions, form)
	if form.Has("assigns") {
		draft.Assigns = nil
		for _, id := range form["assign"] {
			draft.Assigns = append(draft.Assigns, rbac.RoleID(id))
		}
		slices.Sort(draft.Assigns)
		draft.Assigns = slices.Compact(draft.Assigns)
	}
	return draft
}

// chosen returns the permissions that a form describes.
func (u *ui) chosen(stored rbac.Permissions, form url.Values) rbac.Permissions {
	p := rbac.Permissions{}
	for _, info := range u.areas {
		var access rbac.Access
		for _, action := range actions(info) {
			scope := stored.Scope(info.Area, action)
			var read rbac.Scope
			if name := fieldName(info.Area, action); form.Has(name) && read.UnmarshalText([]byte(form.Get(name))) == nil {
				scope = read
			}
			access = with(access, action, scope)
		}
		if access != (rbac.Access{}) {
			p[info.Area] = access
		}
	}
	return p
}

func fieldName(area rbac.Area, action rbac.Action) string {
	return string(area) + "." + action.String()
}

func with(a rbac.Access, action rbac.Action, scope rbac.Scope) rbac.Access {
	if action == rbac.Read {
		a.Read = scope
	} else {
		a.Manage = scope
	}
	return a
}

// offers are the scopes that mean something for an action of an area.
func (u *ui) offers(info rbac.AreaInfo) []rbac.Scope {
	switch {
	case !info.Owned:
		return []rbac.Scope{rbac.None, rbac.All}
	case !u.teams:
		return []rbac.Scope{rbac.None, rbac.Own, rbac.All}
	}
	return []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
}

// grants reports whether whoever asks may give a scope: it is the rules that decide
// when the form is sent, so this only says what to offer.
func (q *request) grants(held rbac.Permissions, area rbac.Area, action rbac.Action, scope rbac.Scope) bool {
	need := scope
	if scope == rbac.Team {
		need = rbac.All
	}
	return scope == rbac.None || q.everything() || held.Scope(area, action) >= need
}

// preset fills in choices as far as whoever asks may grant them: those of another role
// for "copy".
func (q *request) preset(draft rbac.Role, name, other string, roles []rbac.Role) rbac.Role {
	held := q.subject.Permissions()
	var from rbac.Permissions
	if name == "copy" {
		i := slices.IndexFunc(roles, func(r rbac.Role) bool { return string(r.ID) == other })
		if i < 0 {
			return draft
		}
		from = roles[i].Permissions
		if q.everything() {
			draft.Assigns = nil
			for _, id := range roles[i].Assigns {
				if id != draft.ID {
					draft.Assigns = append(draft.Assigns, id)
				}
			}
		}
	}
	p := rbac.Permissions{}
	for _, info := range q.areas {
		var access rbac.Access
		for _, action := range actions(info) {
			most := rbac.None
			switch {
			case name == "copy":
				most = from.Scope(info.Area, action)
			case name == "full", name == "read" && action == rbac.Read:
				most = rbac.All
			}
			for _, scope := range q.offers(info) {
				if scope <= most && q.grants(held, info.Area, action, scope) {
					access = with(access, action, scope)
				}
			}
		}
		if access != (rbac.Access{}) {
			p[info.Area] = access
		}
	}
	draft.Permissions = p
	return draft
}

// form lays a role out as a form.
func (q *request) form(stored, draft rbac.Role, roles []rbac.Role, r refusal) roleForm {
	f := roleForm{
		New: stored.ID == "", Stored: stored, Draft: draft, Copies: roles, Refusal: r,
		Search: len(q.areas) > foldFrom, Copy: rbac.RoleID(cmp.Or(q.posted("copy"), q.value("copy"))),
		Words: q.words(draft.Permissions, 0),
	}
	f.Most.Name, f.Most.Description = mostName, mostDescription
	f.Words.Assigns = q.assigns(draft, roles)
	f.Sections = q.sections(stored.Permissions, draft.Permissions, r)
	f.Assign = q.assignList(stored, draft, roles, r)
	return f
}

// sections lays permissions out section by section, in the order of the catalogue.
func (q *request) sections(stored, draft rbac.Permissions, r refusal) []section {
	held := q.subject.Permissions()
	var sections []section
	for _, info := range q.areas {
		i := slices.IndexFunc(sections, func(s section) bool { return s.Label == info.Section })
		if i < 0 {
			i = len(sections)
			sections = append(sections, section{ID: "sec-" + strconv.Itoa(i+1), Label: info.Section})
		}
		s := &sections[i]
		s.Rows = append(s.Rows, q.areaRow(info, held, stored, draft, r))
		if info.Owned && s.Hint == "" {
			s.Hint = q.ownHint()
		}
		if info.Area == rbac.Users {
			s.Hint = q.th("What governs the workspace itself.")
		}
	}
	for i := range sections {
		if sections[i].Label == "" {
			sections[i].Label = q.t("Areas")
		}
	}
	return sections
}

func (q *request) ownHint() template.HTML {
	if q.teams {
		return q.th("How far its people reach. %s means records that belong to them, %s those of their team, %s everything in the workspace.",
			strong(q.t("Own")), strong(q.t("team")), strong(q.t("all")))
	}
	return q.th("How far its people reach. %s means records that belong to them, %s everything in the workspace.", strong(q.t("Own")), strong(q.t("all")))
}

func (q *request) areaRow(info rbac.AreaInfo, held, stored, draft rbac.Permissions, r refusal) areaRow {
	row := areaRow{
		ID: areaID(info.Area), Area: info.Area, Label: info.Label, Sensitive: info.Sensitive,
		What: q.what(info), Errors: r.Beside(areaID(info.Area)),
	}
	if info.Only == 0 {
		row.Overreaches = q.t("Manages more than it reads: its people would change %s that they cannot see.", q.noun(info))
	}
	if info.Sensitive {
		row.Warns = q.t("Sensitive. Reviewed with extra care; the next review will list this role.")
	}
	if info.Area == rbac.Users {
		row.Warns = q.t("Managing users is the right to administer: to edit roles, and to add, suspend and remove people.")
	}
	var off []rbac.Action
	for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
		seg := segment{
			Action: action, Name: fieldName(info.Area, action), Legend: q.right(info.Label, action),
			Has: slices.Contains(actions(info), action),
		}
		seg.Word = q.t("Read")
		if action == rbac.Manage {
			seg.Word = q.t("Manage")
		}
		was, is := stored.Scope(info.Area, action), draft.Scope(info.Area, action)
		seg.Was = q.t("was %s", q.scope(was).Word)
		limited := false
		for scope := rbac.None; scope <= rbac.All; scope++ {
			if scope == rbac.Team && !q.teams {
				continue
			}
			s := slot{
				Value: scope.String(), Label: q.scopeLabel(scope), Word: q.scope(scope).Word, Has: seg.Has && slices.Contains(q.offers(info), scope),
				Checked: scope == is, Stored: scope == was,
			}
			// What is chosen or stored stays on, so that the form comes back whole.
			s.Off = !s.Checked && !s.Stored && !q.grants(held, info.Area, action, scope)
			limited = limited || s.Has && s.Off
			seg.Slots = append(seg.Slots, s)
		}
		if limited {
			off = append(off, action)
		}
		row.Segments = append(row.Segments, seg)
	}
	if len(off) > 0 {
		row.WhyID, row.Why = "why-"+string(info.Area), q.why(info, held, off)
	}
	for i := range row.Segments {
		seg := &row.Segments[i]
		switch {
		case len(row.Errors) > 0:
			seg.Described = row.ID + "-error"
		case slices.Contains(off, seg.Action):
			seg.Described = row.WhyID
		}
	}
	return row
}

func (q *request) scopeLabel(s rbac.Scope) string {
	switch s {
	case rbac.Own:
		return q.t("Own")
	case rbac.Team:
		return q.t("Team")
	case rbac.All:
		return q.t("All")
	}
	return q.t("No")
}

// what describes an area, and says once what own means in it.
func (q *request) what(info rbac.AreaInfo) string {
	var own string
	switch {
	case !info.Owned:
	case info.OwnWords != "":
		own = q.t("Own: %s %s.", q.noun(info), info.OwnWords)
	case info.Area == rbac.Users && info.Label == "Users":
		own = q.t("Own: their own profile.")
	default:
		own = q.t("Own: %s that belong to them.", q.noun(info))
	}
	if info.Description == "" || own == "" {
		return info.Description + own
	}
	return info.Description + " " + own
}

// why says why choices of an area are off: the fact about one's own role.
func (q *request) why(info rbac.AreaInfo, held rbac.Permissions, off []rbac.Action) template.HTML {
	name := bdi(info.Label)
	partly := false
	for _, action := range off {
		partly = partly || held.Scope(info.Area, action) != rbac.None
	}
	var say template.HTML
	switch {
	case partly && len(off) == 2:
		say = q.th("Your own role does not read and manage all of %s, so you cannot give that away.", name)
	case partly && off[0] == rbac.Read:
		say = q.th("Your own role does not read all of %s, so you cannot give that away.", name)
	case partly:
		say = q.th("Your own role does not manage all of %s, so you cannot give that away.", name)
	case len(off) == 2:
		say = q.th("Your own role does not read or manage %s, so you cannot give that away.", name)
	case off[0] == rbac.Read:
		say = q.th("Your own role does not read %s, so you cannot give that away.", name)
	default:
		say = q.th("Your own role does not manage %s, so you cannot give that away.", name)
	}
	who := link("review", "area", string(info.Area), "action", off[len(off)-1].String()) + "#who-can"
	return say + " " + anchor(who, q.th("Who can?"))
}

// assignList lays out the roles that may be assigned. If they are many, those chosen
// come first, and where only these can be changed the others are left out.
func (q *request) assignList(stored, draft rbac.Role, roles []rbac.Role, r refusal) assignList {
	l := assignList{Errors: r.Beside("assign"), Search: len(roles) > searchRole}
	adds := q.everything()
	if !adds {
		l.Why = q.t("Only an administrator adds roles here.")
	}
	listed, left := slices.Clone(draft.Assigns), 0
	for _, role := range roles {
		if role.ID == draft.ID && draft.ID != "" {
			continue
		}
		listed = slices.DeleteFunc(listed, func(id rbac.RoleID) bool { return id == role.ID })
		b := assignBox{
			ID: role.ID, Name: role.Name,
			Stored: slices.Contains(stored.Assigns, role.ID), Checked: slices.Contains(draft.Assigns, role.ID),
		}
		administers := q.administers(role)
		// One that is chosen stays on, so that it can be taken off.
		b.Off = !b.Checked && (administers || !adds && !b.Stored)
		if administers {
			b.Hint = q.t("This role administers others, so it cannot be handed out this way.")
		}
		if b.Off && !adds && l.Search {
			left++
			continue
		}
		l.Boxes = append(l.Boxes, b)
	}
	if left > 0 {
		l.Why += " " + q.n(left, "1 role that is not on the list is left out.", "%s roles that are not on the list are left out.")
	}
	for _, id := range listed {
		l.Boxes = append(l.Boxes, assignBox{
			ID: id, Name: string(id), Stored: slices.Contains(stored.Assigns, id), Checked: true,
			Hint: q.t("This role does not exist any more."),
		})
	}
	if l.Search {
		slices.SortStableFunc(l.Boxes, func(a, b assignBox) int { return rank(a) - rank(b) })
	}
	return l
}

func rank(b assignBox) int {
	switch {
	case b.Checked || b.Stored:
		return 0
	case !b.Off:
		return 1
	}
	return 2
}

// administers reports whether a role may change who may do what, so that no list
// hands it out.
func (q *request) administers(role rbac.Role) bool {
	return role.ID == rbac.Administrator || len(role.Assigns) > 0 || role.Permissions.Can(rbac.Users, rbac.Manage)
}

package rbacui

import (
	"cmp"
	"encoding/hex"
	"errors"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

var reviewPage = page{segment: "review", template: "review.html", nav: "Review", needs: usersRead, get: (*request).review, post: (*request).reviewAll}

var reviewCSVPage = page{segment: "review.csv", template: "review.html", within: "review", needs: usersRead, get: (*request).reviewCSV}

// The bounds of the review.
const (
	mostFindings     = 50  // on one page
	mostWhoRoles     = 50  // that allow something
	mostLinted       = 500 // members, up to which a page looks at each
	matrixRoles      = 20  // on one page
	matrixCells      = 480 // likewise; a page of a hundred areas has fewer roles
	holdersPerPage   = 25  // people who can do something
	mostPeopleListed = 10  // found by a name
	modelTries       = 5
)

// reviewData is what the review shows.
type reviewData struct {
	title
	model
	Now       time.Time
	By        named
	Verified  *verification // the last, if the reader may see it
	MayVerify bool
	Findings  []findingRow
	Found     int
	Rest      string // the page with the next findings
	Deep      bool   // every member was looked at
	Undecided template.HTML
	Decide    []template.HTML // where to decide
	Ask       askForm
	Who       *whoCan
	Why       *whyNot
	Matrix    matrixView
}

// model is the roles of the workspace at one revision.
type model struct {
	Roles    []rbac.Role
	Held     map[rbac.RoleID]int
	Revision int64
	Hash     string // of the newest event; empty where there is none that can be read
}

// People is how many members there are.
func (m model) People() int {
	n := 0
	for _, held := range m.Held {
		n += held
	}
	return n
}

// ShortHash is the beginning of the hash, in groups.
func (m model) ShortHash() string { return grouped(m.Hash) }

func grouped(hash string) string {
	var groups []string
	for i := 0; i+4 <= min(len(hash), 16); i += 4 {
		groups = append(groups, hash[i:i+4])
	}
	return strings.Join(groups, " ")
}

// findingRow is a finding, in words, with the place that mends it.
type findingRow struct {
	ID, Severity, Icon string
	Head, Say          template.HTML
	Link, Label        string // where to mend it, if that is in these pages
}

// model reads roles and their holders with the revision they belong to: what is
// filed as evidence must not be of two states.
func (q *request) model() (model, error) {
	for range modelTries {
		before, err := q.newest()
		if err != nil {
			return model{}, err
		}
		m := model{Revision: before.Seq}
		if before.Hash != [32]byte{} {
			m.Hash = hex.EncodeToString(before.Hash[:])
		}
		if m.Roles, err = q.workspace.Roles(q.ctx); err != nil {
			return model{}, err
		}
		if m.Held, err = q.workspace.Holders(q.ctx); err != nil {
			return model{}, err
		}
		after, err := q.newest()
		if err != nil || after == before {
			return m, err
		}
	}
	return model{}, rbac.ErrContention
}

// newest is the revision of the workspace. One whose newest event cannot be read has
// a number and no hash.
func (q *request) newest() (rbac.Revision, error) {
	records, err := q.read(rbac.EventQuery{Newest: true, Limit: 1})
	if err != nil || len(records) == 0 {
		return rbac.Revision{}, err
	}
	return records[0].Revision(), nil
}

// review shows the state of access as a whole.
func (q *request) review() error { return q.showReview(false) }

// reviewAll looks at each member, too.
func (q *request) reviewAll() error { return q.showReview(q.posted("do") == "look") }

// showReview shows a review of one revision: what is on it was read while nothing was
// changed.
func (q *request) showReview(deep bool) error {
	for range modelTries {
		d, err := q.reviewed(deep)
		if err != nil {
			return err
		}
		after, err := q.newest()
		if err != nil {
			return err
		}
		if after.Seq == d.Revision {
			return q.show(d)
		}
	}
	return rbac.ErrContention
}

// reviewed reads what a review shows.
func (q *request) reviewed(deep bool) (d reviewData, err error) {
	m, err := q.model()
	if err != nil {
		return d, err
	}
	d = reviewData{
		title: title{Title: q.t("Access review")}, model: m, Now: time.Now(), By: q.people(q.subject.User())[0],
		Deep: deep || m.People() <= mostLinted, MayVerify: q.mayAudit(),
	}
	if d.MayVerify {
		d.Verified = q.verified.last(q.workspace.ID())
	}
	look := q.workspace.LintRoles
	if d.Deep {
		look = q.workspace.Lint
	}
	findings, err := look(q.ctx)
	if err != nil {
		return d, err
	}
	q.sayFindings(&d, findings)
	q.sayUndecided(&d)
	d.Ask = q.askForm()
	if q.r.URL.Query().Has("area") {
		if d.Who, err = q.whoCan(d.Ask, m); err != nil {
			return d, err
		}
	}
	if d.Ask.Person != "" {
		if d.Why, err = q.whyNot(d.Ask, m.Roles); err != nil {
			return d, err
		}
	}
	d.Matrix = q.matrix(m)
	return d, nil
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

// info returns what is known of an area.
func (u *ui) info(area rbac.Area) rbac.AreaInfo {
	for _, info := range u.areas {
		if info.Area == area {
			return info
		}
	}
	return rbac.AreaInfo{Area: area, Label: string(area)}
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
	if more := len(where) - areasNamed; more > 1 {
		where = append(where[:areasNamed:areasNamed], q.th("%s more", more))
	}
	these := q.listHTML(where)
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

// askForm is the two questions, as they were asked.
type askForm struct {
	Action rbac.Action
	Area   rbac.AreaInfo
	Areas  []rbac.AreaInfo
	Person string // what was written
}

// Manage reports whether managing is asked about.
func (a askForm) Manage() bool { return a.Action == rbac.Manage }

// Link is the address of the question, and of a place on its page.
func (a askForm) Link(place string, pairs ...string) string {
	return link("review", append([]string{"action", a.Action.String(), "area", string(a.Area.Area)}, pairs...)...) + place
}

func (q *request) askForm() askForm {
	a := askForm{Action: rbac.Read, Area: q.areas[0], Areas: q.areas, Person: strings.TrimSpace(q.value("person"))}
	if q.value("action") == rbac.Manage.String() {
		a.Action = rbac.Manage
	}
	for _, info := range q.areas {
		if string(info.Area) == q.value("area") {
			a.Area = info
		}
	}
	if only := a.Area.Only; only != 0 {
		a.Action = only
	}
	return a
}

// does is an action in an area, in a sentence: "manage deals".
func (q *request) does(a askForm) template.HTML {
	if a.Manage() {
		return q.th("manage %s", bdi(q.noun(a.Area)))
	}
	return q.th("read %s", bdi(q.noun(a.Area)))
}

// whoCan answers who can do something: the roles that allow it, and a page of the
// people who hold one.
type whoCan struct {
	Say    template.HTML
	Roles  []whoRole
	Rest   int // more roles
	People []whoPerson
	Next   string
	First  string // the first page, from another
}

type whoRole struct {
	Name, Link string
	Scope      scopeView
	Held       int
	far        rbac.Scope
}

type whoPerson struct {
	named
	Role  string
	Scope scopeView
}

// whoCan reads one page of people, by role and then by id: what it reads does not grow
// with the members.
func (q *request) whoCan(a askForm, m model) (*whoCan, error) {
	w := &whoCan{}
	fromRole, after := rbac.RoleID(q.value("from")), q.value("after")
	if fromRole != "" {
		w.First = a.Link("#who-can")
	}
	var ids []string
	var members []whoPerson
	started, total := fromRole == "", 0
	for _, role := range m.Roles {
		scope := role.Permissions.Scope(a.Area.Area, a.Action)
		if scope == rbac.None {
			continue
		}
		held := m.Held[role.ID]
		total += held
		if len(w.Roles) == mostWhoRoles {
			w.Rest++
		} else {
			w.Roles = append(w.Roles, whoRole{role.Name, link("members", "role", string(role.ID)), q.scope(scope), held, scope})
		}
		query := rbac.MemberQuery{Role: role.ID, State: rbac.ActiveOnly, Limit: holdersPerPage + 1 - len(members)}
		if !started && role.ID == fromRole {
			started, query.After = true, after
		}
		if !started || held == 0 || w.Next != "" {
			continue
		}
		for member, err := range q.workspace.Members(q.ctx, query) {
			if err != nil {
				return nil, err
			}
			if len(members) == holdersPerPage {
				w.Next = a.Link("#who-can", "from", string(role.ID), "after", query.After)
				break
			}
			query.After = member.User
			ids, members = append(ids, member.User), append(members, whoPerson{Role: role.Name, Scope: q.scope(scope)})
		}
	}
	for i, p := range q.people(ids...) {
		members[i].named = p
	}
	w.People = members
	slices.SortStableFunc(w.Roles, func(x, y whoRole) int { return cmp.Compare(y.far, x.far) })
	w.Say = q.th("People who hold a role that can %s: %s.", q.does(a), strong(q.countPeople(total)))
	return w, nil
}

// whyNot answers whether somebody can do something, and why or why not.
type whyNot struct {
	Found  []whyPerson // whom the text may mean, if it means several
	More   bool
	Person *named
	Yes    bool
	Say    template.HTML
	Who    string // who can
}

type whyPerson struct {
	named
	Ask string
}

func (q *request) whyNot(a askForm, roles []rbac.Role) (*whyNot, error) {
	w := &whyNot{Who: a.Link("#who-can")}
	user, found, more := q.whom(a.Person)
	if len(found) > 1 {
		w.More = more
		for _, p := range found {
			w.Found = append(w.Found, whyPerson{p, a.Link("#why", "person", p.User)})
		}
		return w, nil
	}
	d, err := q.workspace.Explain(q.ctx, user, a.Area.Area, a.Action)
	if errors.Is(err, rbac.ErrInvalid) {
		d, err = rbac.Decision{Reason: rbac.ReasonNotMember}, nil
	}
	if err != nil {
		return nil, err
	}
	person := q.people(user)[0]
	w.Person, w.Yes = &person, d.Scope != rbac.None
	w.Say = q.because(d, a)
	return w, nil
}

// because says why somebody can do something, or not.
func (q *request) because(d rbac.Decision, a askForm) template.HTML {
	role, does := strong(visible(d.RoleName)), q.does(a)
	switch d.Reason {
	case rbac.ReasonGranted:
		return q.th("Can %s, all of it: the role %s allows it.", does, role)
	case rbac.ReasonTeamOnly:
		return q.th("Can %s of their team, and no others: the role %s reaches no further.", does, role)
	case rbac.ReasonOwnOnly:
		return q.th("Can %s of their own, and no others: the role %s reaches no further.", does, role)
	case rbac.ReasonNotGranted:
		return q.th("Cannot %s: the role %s does not allow it.", does, role)
	case rbac.ReasonSuspended:
		return q.th("Cannot %s: suspended, and may do nothing until reinstated.", does)
	case rbac.ReasonRoleGone:
		return q.th("Cannot %s: the role does not exist any more, or cannot be read.", does)
	case rbac.ReasonNotMember:
		return q.th("Cannot %s: not a member.", does)
	}
	return q.th("Cannot %s.", does)
}

// whom returns the user that a text means: an id, or the only one whom the directory
// finds by it, or several of whom somebody has to choose one.
func (q *request) whom(text string) (user string, found []named, more bool) {
	if q.directory == nil || text == "" || usersRead(q) != nil {
		return text, nil, false
	}
	if known := q.people(text); known[0].Name != "" {
		return text, nil, false
	}
	found, more = q.search(text)
	switch {
	case len(found) == 0:
		return text, nil, false
	case len(found) == 1 && !more:
		return found[0].User, nil, false
	case len(found) > mostPeopleListed:
		found, more = found[:mostPeopleListed], true
	}
	return "", found, more
}

// matrixView is one page of the matrix.
type matrixView struct {
	ByArea      bool // areas are rows, roles columns
	Corner      string
	Groups      []matrixGroup // above the columns
	Columns     []matrixHead
	Rows        []matrixRow
	First, Last int // of the roles, from 1
	Of          int
	Turn        string
	Back, Next  string
}

type matrixGroup struct {
	Label string
	Span  int
	Sect  bool
}

type matrixHead struct {
	Name, Link, Note string
	Sect             bool // the first of a section
}

type matrixRow struct {
	matrixHead
	Cells []template.HTML
}

// matrix lays out one page of roles with all areas.
func (q *request) matrix(m model) matrixView {
	v := matrixView{ByArea: q.value("by") == "area", Of: len(m.Roles), Corner: q.t("Role")}
	by, other := "", "area"
	if v.ByArea {
		by, other, v.Corner = "area", "", q.t("Area")
	}
	perPage := min(matrixRoles, max(matrixCells/len(q.areas), 1))
	at := func(i int) string { return link("review", "by", by, "roles", string(m.Roles[i].ID)) + "#matrix" }
	from := max(slices.IndexFunc(m.Roles, func(r rbac.Role) bool { return string(r.ID) == q.value("roles") }), 0)
	to := min(from+perPage, len(m.Roles))
	v.First, v.Last = from+1, to
	v.Turn = link("review", "by", other, "roles", q.value("roles")) + "#matrix"
	if from > 0 {
		v.Back = at(max(from-perPage, 0))
	}
	if to < len(m.Roles) {
		v.Next = at(to)
	}
	roles := m.Roles[from:to]
	roleHeads := make([]matrixHead, len(roles))
	for i, role := range roles {
		roleHeads[i] = matrixHead{Name: role.Name, Link: link("role", "id", string(role.ID)), Note: q.countPeople(m.Held[role.ID])}
	}
	var areaHeads []matrixHead
	for i, info := range q.areas {
		sect := i > 0 && info.Section != q.areas[i-1].Section
		if i == 0 || sect {
			v.Groups = append(v.Groups, matrixGroup{Label: info.Section, Sect: sect})
		}
		v.Groups[len(v.Groups)-1].Span++
		areaHeads = append(areaHeads, matrixHead{Name: info.Label, Sect: sect})
	}
	cells := q.cells()
	if v.ByArea {
		v.Groups, v.Columns = nil, roleHeads
		for _, info := range q.areas {
			row := matrixRow{matrixHead: matrixHead{Name: info.Label, Note: info.Section}}
			for _, role := range roles {
				row.Cells = append(row.Cells, cells(info, role.Permissions[info.Area], false))
			}
			v.Rows = append(v.Rows, row)
		}
		return v
	}
	v.Columns = areaHeads
	for i, role := range roles {
		row := matrixRow{matrixHead: roleHeads[i]}
		for j, info := range q.areas {
			row.Cells = append(row.Cells, cells(info, role.Permissions[info.Area], areaHeads[j].Sect))
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// cells makes the cells of a matrix: read on the left, manage on the right.
func (q *request) cells() func(rbac.AreaInfo, rbac.Access, bool) template.HTML {
	read, manage := q.t("read"), q.t("manage")
	one := func(word string, scope rbac.Scope) template.HTML {
		s := q.scope(scope)
		text := template.HTMLEscapeString(s.Word)
		if scope == rbac.None {
			text = `<span class="vh">` + text + `</span><span aria-hidden="true">–</span>`
		}
		return template.HTML(`<span class="scope" data-scope="` + s.Value + `"><span class="vh">` + template.HTMLEscapeString(word) + ` </span>` + text + `</span>`)
	}
	var parts [2][rbac.All + 1]template.HTML
	for scope := rbac.None; scope <= rbac.All; scope++ {
		parts[0][scope], parts[1][scope] = one(read, scope), one(manage, scope)
	}
	return func(info rbac.AreaInfo, access rbac.Access, sect bool) template.HTML {
		left, right := parts[0][access.Scope(rbac.Read)], parts[1][access.Scope(rbac.Manage)]
		switch info.Only {
		case rbac.Read:
			right = "<span></span>"
		case rbac.Manage:
			left = "<span></span>"
		}
		class := ""
		if sect {
			class = ` class="sect"`
		}
		return template.HTML("<td"+class+`><span class="cell">`) + left + right + "</span></td>"
	}
}

// reviewCSV is the whole matrix for a spreadsheet, with when and of what it is.
func (q *request) reviewCSV() error {
	m, err := q.model()
	if err != nil {
		return err
	}
	heading := []string{q.t("Role"), q.t("Kind"), q.t("People")}
	for _, info := range q.areas {
		for _, action := range actions(info) {
			heading = append(heading, q.right(info.Label, action))
		}
	}
	heading = append(heading, q.t("May assign"))
	table := rbac.Table{heading}
	for _, role := range m.Roles {
		kind := q.t("Role of this workspace")
		if role.System {
			kind = q.t("System role")
		}
		row := []string{role.Name, kind, strconv.Itoa(m.Held[role.ID])}
		for _, info := range q.areas {
			for _, action := range actions(info) {
				row = append(row, q.scope(role.Permissions.Scope(info.Area, action)).Word)
			}
		}
		table = append(table, append(row, strings.Join(q.roleNames(role.Assigns, m.Roles), "; ")))
	}
	for _, fact := range [][2]string{
		{},
		{q.t("Workspace"), visible(q.name())},
		{q.t("Exported by"), q.people(q.subject.User())[0].Shown()},
		{q.t("Time (UTC)"), time.Now().UTC().Format(time.RFC3339)},
		{q.t("Revision"), strconv.FormatInt(m.Revision, 10)},
		{q.t("Hash"), m.Hash},
	} {
		row := make([]string, len(heading)) // every line of the file has as many cells
		row[0], row[1] = fact[0], fact[1]
		table = append(table, row)
	}
	q.download("text/csv; charset=utf-8; header=present", "access-review-"+strconv.FormatInt(m.Revision, 10)+".csv")
	return table.WriteCSV(q.w)
}

// download sets the headers of a file to keep.
func (q *request) download(kind, name string) {
	q.w.Header().Set("Content-Type", kind)
	q.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

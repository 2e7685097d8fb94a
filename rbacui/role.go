package rbacui

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/areagate/rbac"
)

var rolePage = page{segment: "role", template: "role.html", needs: usersRead, get: (*request).role, post: (*request).editRole}

var newRolePage = page{segment: "role-new", template: "role.html", needs: usersManage, get: (*request).newRole, post: (*request).createRole}

// usersManage is what pages need that are only there to change something.
func usersManage(q *request) error {
	if err := usersRead(q); err != nil {
		return err
	}
	return q.subject.Authorize(rbac.Users, rbac.Manage)
}

// roleData is what the page of a role shows: a form, or what it may not be changed
// into.
type roleData struct {
	roleForm
	Form    bool
	Why     template.HTML // it cannot be changed
	Instead template.HTML // what to do instead
	May     bool          // copy it
	Choices []named       // the first who hold it
}

// find returns all roles, and the one of an id.
func (q *request) find(id rbac.RoleID) (rbac.Role, []rbac.Role, error) {
	roles, err := q.workspace.Roles(q.ctx)
	if err != nil {
		return rbac.Role{}, nil, err
	}
	for _, role := range roles {
		if role.ID == id {
			return role, roles, nil
		}
	}
	return rbac.Role{}, roles, rbac.ErrRoleNotFound
}

// role shows a role: as a form to whoever may edit it, else as it is.
func (q *request) role() error {
	stored, roles, err := q.find(rbac.RoleID(q.value("id")))
	if errors.Is(err, rbac.ErrRoleNotFound) {
		return q.gone()
	}
	if err != nil {
		return err
	}
	draft, notice, err := q.restored(stored)
	if err != nil {
		return err
	}
	return q.showRole(stored, draft, roles, roleForm{Notice: notice})
}

// editRole answers the form of a role: with its plan, or by saving it.
func (q *request) editRole() error {
	stored, roles, err := q.find(rbac.RoleID(q.value("id")))
	if errors.Is(err, rbac.ErrRoleNotFound) {
		return q.gone()
	}
	if err != nil {
		return err
	}
	if q.posted("merge") != "" {
		return q.merge(stored, roles)
	}
	draft := q.draft(stored)
	if preset := q.posted("preset"); preset != "" {
		return q.showRole(stored, q.preset(draft, preset, q.posted("copy"), roles), roles, roleForm{})
	}
	if q.posted("do") != "save" {
		return q.showRole(stored, draft, roles, roleForm{})
	}
	saved, err := q.admin().UpdateRole(q.ctx, draft)
	switch refusal := q.refusal(err, roles...); {
	case err == nil && saved.Version == draft.Version:
		return q.redirect(link("")) // nothing was changed, so there is nothing to tell
	case err == nil:
		return q.redirect(link("", "done", string(saved.ID)))
	case errors.Is(err, rbac.ErrConflict):
		return q.conflict(draft)
	case errors.Is(err, rbac.ErrRoleNotFound) && refusal.Rule != "":
		if _, _, err := q.find(stored.ID); errors.Is(err, rbac.ErrRoleNotFound) {
			return q.gone()
		}
		fallthrough
	case refusal.Rule != "":
		return q.showRole(stored, draft, roles, roleForm{Refusal: refusal, Tried: true})
	}
	return err
}

// newRole shows the form of a new role.
func (q *request) newRole() error {
	begun, notice, roles, err := q.begun()
	if err != nil {
		return err
	}
	return q.showRole(begun, begun, roles, roleForm{Notice: notice})
}

// begun returns what a new role begins as, which counts as no edit: nothing, the copy
// or the restored role that the address names.
func (q *request) begun() (begun rbac.Role, notice template.HTML, roles []rbac.Role, err error) {
	if roles, err = q.workspace.Roles(q.ctx); err != nil {
		return begun, "", nil, err
	}
	begun, notice, err = q.restored(rbac.Role{})
	if id := q.value("copy"); id != "" {
		begun = q.preset(begun, "copy", id, roles)
	}
	return begun, notice, roles, err
}

// createRole answers the form of a new role.
func (q *request) createRole() error {
	begun, _, roles, err := q.begun()
	if err != nil {
		return err
	}
	draft := q.draft(begun)
	draft.Version = 0
	if preset := q.posted("preset"); preset != "" {
		return q.showRole(begun, q.preset(draft, preset, q.posted("copy"), roles), roles, roleForm{})
	}
	if q.posted("do") != "save" {
		return q.showRole(begun, draft, roles, roleForm{})
	}
	created, err := q.admin().CreateRole(q.ctx, draft)
	if err == nil {
		return q.redirect(link("", "done", string(created.ID)))
	}
	if refusal := q.refusal(err, roles...); refusal.Rule != "" {
		return q.showRole(begun, draft, roles, roleForm{Refusal: refusal, Tried: true})
	}
	return err
}

// showRole shows a role, for a new one what it began as, with a draft of it. The extra
// fields of the form are those that say how it came to be shown.
func (q *request) showRole(stored, draft rbac.Role, roles []rbac.Role, extra roleForm) error {
	isNew := stored.ID == ""
	if !isNew && draft.Version == 0 {
		draft.Version = stored.Version
	}
	plan, err := q.planRole(stored, draft, roles, extra)
	if err != nil {
		return err
	}
	if extra.Refusal.Rule == "" {
		// What the plan was refused for stands beside its fields, too.
		extra.Refusal = plan.Refusal
	}
	plan.Refusal = extra.Refusal
	f := q.form(stored, draft, roles, extra.Refusal)
	f.Plan, f.Tried, f.Notice = plan, extra.Tried, extra.Notice
	f.Action = link("role", "id", string(stored.ID))
	f.Title = stored.Name
	if isNew {
		if i := slices.IndexFunc(roles, func(r rbac.Role) bool { return string(r.ID) == q.value("copy") }); i >= 0 {
			f.From = roles[i].Name
		}
		f.Title, f.Action = q.t("New role"), link("role-new", "copy", q.value("copy"), "restore", q.value("restore"))
	}
	if extra.Tried {
		f.State, q.status = q.t("Not saved"), http.StatusUnprocessableEntity
	}
	d := roleData{roleForm: f, Form: true, May: q.manages()}
	if !isNew {
		if d.Changed, d.History, err = q.changed(stored); err != nil {
			return err
		}
		d.Why, d.Instead = q.readOnly(stored, roles)
		d.Form = d.Why == ""
	}
	if !d.Form {
		d.Choices = plan.Holding.Faces
	}
	if q.posted("part") == "plan" && d.Form {
		return q.showPart("plan-part", d)
	}
	return q.show(d)
}

// planRole asks what saving the draft would do.
func (q *request) planRole(stored, draft rbac.Role, roles []rbac.Role, extra roleForm) (planView, error) {
	v := planView{New: stored.ID == "", Revision: q.subject.Explain(rbac.Users, rbac.Manage).Revision}
	if v.New {
		stored = rbac.Role{}
	}
	v.Diff = q.difference(stored.Permissions, draft.Permissions)
	v.Diff.lists(q.ui, stored.Assigns, draft.Assigns, roles)
	v.Changes = v.Diff.Rows()
	if draft.Name != stored.Name {
		v.Changes, v.Text = v.Changes+1, true
	}
	if draft.Description != stored.Description {
		v.Changes, v.Text = v.Changes+1, true
	}
	for _, info := range q.overreaching(draft.Permissions) {
		v.Worth = append(v.Worth, areaRow{ID: areaID(info.Area), Label: info.Label})
	}
	if stored.System || !q.manages() {
		held, err := q.workspace.Holders(q.ctx)
		if err != nil {
			return v, err
		}
		v.Holding, err = q.holding(stored.ID, held[stored.ID])
		return v, err
	}
	tried := draft
	if v.New && draft.Name == "" && !extra.Tried {
		tried.Name = q.t("New role") // which is said beside the field once somebody saves
	}
	plan, err := q.admin().Preview(q.ctx, func(a *rbac.Admin) (err error) {
		if v.New {
			_, err = a.CreateRole(q.ctx, tried)
		} else {
			_, err = a.UpdateRole(q.ctx, tried)
		}
		return err
	})
	if err != nil {
		return v, err
	}
	if plan.Refused != nil && !(tried.Name != draft.Name && errors.Is(plan.Refused, rbac.ErrNameTaken)) {
		v.Refusal = q.refusal(plan.Refused, roles...)
	}
	v.Lists = q.roleNames(plan.AssignedAfter, roles)
	if v.New {
		return v, nil
	}
	members := plan.Members
	if plan.Before == nil { // it was refused before the members were counted
		held, err := q.workspace.Holders(q.ctx)
		if err != nil {
			return v, err
		}
		members = held[stored.ID]
	}
	v.Holding, err = q.holding(stored.ID, members)
	return v, err
}

// readOnly says why a role cannot be changed by whoever asks, and what to do
// instead.
func (q *request) readOnly(role rbac.Role, roles []rbac.Role) (why, instead template.HTML) {
	switch {
	case role.System:
		return q.th("It is part of the program and the same in every workspace, so that there is always somebody who can repair the others. Nobody can edit or delete it, and no other role may take its name."),
			q.th("Need something like it, with less? Copy it and take away what is too much.")
	case !q.manages():
		return q.th("Your own role does not manage users, so you can read roles and not change them."), ""
	case q.everything():
		return "", ""
	}
	held := q.subject.Permissions()
	var beyond []template.HTML
	for _, info := range q.areas {
		for _, action := range actions(info) {
			if scope := role.Permissions.Scope(info.Area, action); !q.grants(held, info.Area, action, scope) {
				beyond = append(beyond, bdi(q.right(info.Label, action)))
			}
		}
	}
	if len(beyond) == 0 {
		return "", ""
	}
	return q.th("It holds more than your own role: %s. Nobody changes a role that is more than theirs.", q.some(beyond, areasNamed)),
		q.th("Somebody who holds all of that can do it.")
}

// changed says when a role was last changed, and by whom if the reader may see that.
func (q *request) changed(role rbac.Role) (when template.HTML, history string, err error) {
	if role.System || role.UpdatedAt.IsZero() {
		return "", "", nil
	}
	date := q.date(role.UpdatedAt)
	if !q.mayAudit() {
		return q.th("Last changed %s.", date), "", nil
	}
	history = link("audit", "role", string(role.ID))
	e, found, err := q.event(rbac.EventQuery{Role: role.ID, Newest: true, Kinds: []rbac.EventKind{rbac.RoleCreated, rbac.RoleUpdated}})
	switch {
	case err != nil:
		return "", "", err
	case !found:
		return q.th("Last changed %s.", date), history, nil
	}
	return q.th("Last changed %s by %s.", date, q.actor(e)), history, nil
}

// mayAudit reports whether the reader may see the record of changes.
func (q *request) mayAudit() bool { return auditRead(q) == nil }

// actor is who made a change, in a sentence.
func (q *request) actor(e rbac.Event) template.HTML {
	if e.Actor == "" {
		return q.th("the application (%s)", bdi(e.Reason))
	}
	return q.people(e.Actor)[0].HTML()
}

// gone says that a role does not exist any more, and who deleted it.
func (q *request) gone() error {
	s := state{
		title: title{Title: q.t("This role does not exist any more")}, Icon: "no",
		Actions: q.home(),
	}
	id := q.value("id")
	if q.mayAudit() && id != "" {
		query := rbac.EventQuery{Role: rbac.RoleID(id), Newest: true, Kinds: []rbac.EventKind{rbac.RoleDeleted}}
		if e, found, err := q.event(query); err == nil && found && e.RoleBefore != nil {
			who := q.th("The application")
			if e.Actor != "" {
				who = q.actor(e)
			}
			s.Say = []any{q.th("%s deleted “%s” on %s.", who, bdi(e.RoleBefore.Name), q.date(e.Time))}
			s.Actions = append(s.Actions, action{q.t("See the event"), link("audit", "role", id), false})
		}
	}
	if len(s.Say) == 0 {
		s.Say = []any{q.t("Somebody deleted it, or the address was never right.")}
	}
	if form := q.r.PostForm; form.Has("name") && q.manages() { // what was chosen is kept
		s.Retry, s.RetryTo = url.Values{"do": {"plan"}}, "role-new"
		for name, values := range form {
			if !slices.Contains([]string{"do", "part", "preset", "merge", "version"}, name) && !strings.HasPrefix(name, "keep.") {
				s.Retry[name] = values
			}
		}
		s.Say = append(s.Say, q.t("Your choices are all still here."))
	}
	q.state(http.StatusNotFound, s)
	return nil
}

// restored returns a role as it was before an event, with what says so; the role
// itself if the address names no event. Nothing is stored by it.
func (q *request) restored(stored rbac.Role) (draft rbac.Role, notice template.HTML, err error) {
	draft = stored
	seq, bad := strconv.ParseInt(q.value("restore"), 10, 64)
	if bad != nil || seq < 1 || !q.mayAudit() {
		return draft, "", nil
	}
	e, found, err := q.event(rbac.EventQuery{After: seq - 1})
	if err != nil || !found || e.Seq != seq || e.RoleBefore == nil || stored.ID != "" && e.RoleBefore.ID != stored.ID {
		return draft, "", err
	}
	draft.Name, draft.Description, draft.Assigns = e.RoleBefore.Name, e.RoleBefore.Description, slices.Clone(e.RoleBefore.Assigns)
	draft.Permissions = q.shown(e.RoleBefore.Permissions)
	return draft, q.th("The form below has the role as it was before the change of %s. Nothing is saved yet. Look at the plan first.", q.date(e.Time)), nil
}

// shown returns what stored permissions grant here, as the form shows them: areas
// under the names of today, and scopes that mean something.
func (u *ui) shown(stored rbac.Permissions) rbac.Permissions {
	p := rbac.Permissions{}
	for _, info := range u.areas {
		access := stored[info.Area]
		for _, former := range info.Former {
			access = rbac.Permissions{info.Area: access}.Union(rbac.Permissions{info.Area: stored[former]})[info.Area]
		}
		var shown rbac.Access
		for _, action := range actions(info) {
			scope := access.Scope(action)
			if scope == rbac.Team && !u.teams && info.Owned {
				scope = rbac.Own
			}
			if slices.Contains(u.offers(info), scope) {
				shown = with(shown, action, scope)
			}
		}
		if shown != (rbac.Access{}) {
			p[info.Area] = shown
		}
	}
	return p
}

package rbacui

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"

	"github.com/areagate/rbac"
)

var deleteRolePage = page{segment: "role-delete", template: "role-delete.html", needs: usersManage, get: (*request).askDeleteRole, post: (*request).deleteRole}

// deleteData is what the page of a role's deletion shows.
type deleteData struct {
	title
	Role    rbac.Role
	Holding holding
	Names   template.HTML // the first who hold it
	Choices []replacement
	Rest    []replacement // the ones further away
	To      rbac.RoleID
	ToName  string
	Diff    difference
	Refusal refusal
	Tried   bool
	Unseen  bool          // it was to be deleted with another plan than was shown
	Why     template.HTML // it cannot be deleted at all
	Listing template.HTML // the roles that may assign it
	Audit   string
	Action  string
}

// replacement is a role that the holders could get.
type replacement struct {
	Role         rbac.Role
	Sentence     string
	Gains, Loses int
	Off          bool
	Why          template.HTML
	Checked      bool
}

const (
	nearChoices   = 6   // are shown with what they allow
	mostPreviewed = 100 // people whose move is tried for the page; the move itself has no bound
)

func (q *request) askDeleteRole() error { return q.showDelete(rbac.RoleID(q.value("to")), refusal{}) }

// deleteRole deletes a role, after its holders got another, in one step. It does so
// for the role whose plan was shown, and else shows the plan first.
func (q *request) deleteRole() error {
	to := rbac.RoleID(q.posted("to"))
	if q.posted("do") != "delete" || q.posted("shown") != string(to) {
		return q.showDelete(to, refusal{})
	}
	id := rbac.RoleID(q.value("id"))
	err := q.together(func(a *rbac.Admin) error { return replaceAndDelete(q.ctx, a, id, to) })
	if err == nil {
		return q.redirect(link("", "done", string(id)))
	}
	_, roles, found := q.find(id)
	if errors.Is(found, rbac.ErrRoleNotFound) {
		return q.gone()
	}
	if refusal := q.refusal(err, roles...); refusal.Rule != "" {
		return q.showDelete(to, refusal)
	}
	return err
}

// replaceAndDelete is the deletion of a role whose holders get another, if there is
// one for them.
func replaceAndDelete(ctx context.Context, a *rbac.Admin, id, to rbac.RoleID) error {
	if to != "" {
		if err := a.ReplaceRole(ctx, id, to); err != nil {
			return err
		}
	}
	return a.DeleteRole(ctx, id)
}

func (q *request) showDelete(to rbac.RoleID, tried refusal) error {
	role, roles, err := q.find(rbac.RoleID(q.value("id")))
	if errors.Is(err, rbac.ErrRoleNotFound) {
		return q.gone()
	}
	if err != nil {
		return err
	}
	d := deleteData{
		title: title{Title: q.t("Delete %s", visible(role.Name))}, Role: role, Refusal: tried, Tried: tried.Rule != "",
		Unseen: tried.Rule == "" && q.posted("do") == "delete",
		Action: link("role-delete", "id", string(role.ID)), Audit: link("audit", "role", string(role.ID)),
	}
	if d.Tried {
		d.State, q.status = q.t("Not deleted"), http.StatusUnprocessableEntity
	}
	held, err := q.workspace.Holders(q.ctx)
	if err != nil {
		return err
	}
	if d.Holding, err = q.holding(role.ID, held[role.ID]); err != nil {
		return err
	}
	if d.Why, _ = q.readOnly(role, roles); d.Why != "" {
		return q.show(d)
	}
	var listing []template.HTML
	for _, other := range roles {
		if slices.Contains(other.Assigns, role.ID) {
			listing = append(listing, anchor(link("role", "id", string(other.ID))+"#sec-assign", bdi(other.Name)))
		}
	}
	d.Listing = q.some(listing, mostRolesNamed)
	if d.Holding.Members > 0 {
		if err := q.replacements(&d, roles, to); err != nil {
			return err
		}
	}
	if d.Listing == "" && (d.Holding.Members == 0 || d.To != "") && !d.Tried {
		plan, err := q.admin().Preview(q.ctx, func(a *rbac.Admin) error { return q.tryDeletion(a, d) })
		if err != nil {
			return err
		}
		if plan.Refused != nil {
			d.Refusal = q.refusal(plan.Refused, roles...)
		}
	}
	if q.posted("part") == "plan" {
		return q.showPart("delete-plan", d)
	}
	return q.show(d)
}

// tryDeletion does what deleting would do, in a preview. Of many people it moves the
// first, and whoever asks if they are among them: the rules judge the two roles and
// who asks, and what the move changes is the difference of the roles for each.
func (q *request) tryDeletion(a *rbac.Admin, d deleteData) error {
	if d.Holding.Members <= mostPreviewed {
		return replaceAndDelete(q.ctx, a, d.Role.ID, d.To)
	}
	users := d.Holding.users()
	if q.subject.Role() == d.Role.ID {
		users = append(users, q.subject.User())
	}
	return a.Assign(q.ctx, d.To, users...)
}

// replacements lays out the roles that the holders could get, the nearest first, and
// what the chosen one changes for them.
func (q *request) replacements(d *deleteData, roles []rbac.Role, to rbac.RoleID) error {
	choices, err := q.admin().Choices(q.ctx, d.Holding.users()...)
	if err != nil {
		return err
	}
	var all []replacement
	for _, choice := range choices {
		if choice.Role.ID == d.Role.ID {
			continue
		}
		diff := q.difference(d.Role.Permissions, choice.Role.Permissions)
		r := replacement{Role: choice.Role, Gains: len(diff.Gains), Loses: len(diff.Loses)}
		if choice.Refused != nil {
			r.Off, r.Why = true, q.th("You cannot give this one.")
			if problems := q.refusal(choice.Refused, roles...).Problems; len(problems) > 0 {
				r.Why = q.th("You cannot give this one.") + " " + problems[0].Say
			}
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b replacement) int {
		off := func(r replacement) int {
			if r.Off {
				return 1
			}
			return 0
		}
		return cmp.Or(off(a)-off(b), cmp.Compare(a.Gains+a.Loses, b.Gains+b.Loses))
	})
	chosen := slices.IndexFunc(all, func(r replacement) bool { return r.Role.ID == to && !r.Off })
	if chosen < 0 {
		chosen = slices.IndexFunc(all, func(r replacement) bool { return !r.Off })
	}
	if chosen >= 0 {
		all[chosen].Checked = true
		d.To, d.ToName = all[chosen].Role.ID, all[chosen].Role.Name
		d.Diff = q.difference(d.Role.Permissions, all[chosen].Role.Permissions)
		d.Diff.lists(q.ui, d.Role.Assigns, all[chosen].Role.Assigns, roles)
	}
	if chosen >= nearChoices { // what is chosen is seen
		c := all[chosen]
		all = slices.Insert(slices.Delete(all, chosen, chosen+1), 0, c)
	}
	near := min(nearChoices, len(all))
	for i := range all[:near] {
		all[i].Sentence = q.words(all[i].Role.Permissions, areasNamed).Sentence
	}
	d.Choices, d.Rest = all[:near], all[near:]
	var names []template.HTML
	for _, p := range d.Holding.Faces {
		names = append(names, p.HTML())
	}
	if more := d.Holding.Members - len(names); more > 0 {
		names = append(names, q.th("%s more", more))
	}
	d.Names = q.listHTML(names)
	return nil
}

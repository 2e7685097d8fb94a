package rbacui

import (
	"errors"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// refusal is why a rule refused a change: what did not happen, why, and what to do.
// One function makes all of them.
type refusal struct {
	Rule     string // "Refused: nobody gives away more than they hold."; empty if no rule refused
	Problems []problem
}

// problem is one cause of a refusal, and the field beside which it stands.
type problem struct {
	Field string        // the id of the element; empty for the change as a whole
	Label string        // what the field is called
	Short string        // for a list of them
	Say   template.HTML // the sentence beside the field
}

// Beside returns what stands beside a field.
func (r refusal) Beside(field string) []template.HTML {
	var say []template.HTML
	for _, p := range r.Problems {
		if p.Field == field {
			say = append(say, p.Say)
		}
	}
	return say
}

func (r refusal) sentences() []any {
	var say []any
	for _, p := range r.Problems {
		say = append(say, p.Say)
	}
	return say
}

// The bounds of what people write, in characters.
const (
	mostName        = 80
	mostDescription = 500
)

// refusal says what an error of package rbac means to whoever asked for the change.
// Roles are those of the workspace, for their names. It is empty for an error that
// no rule gave.
func (q *request) refusal(err error, roles ...rbac.Role) refusal {
	var invalid *rbac.ValidationError
	var escalation *rbac.EscalationError
	var denied *rbac.DeniedError
	var refused *rbac.RefusalError
	switch {
	case errors.As(err, &invalid):
		return q.invalid(invalid)
	case errors.As(err, &escalation):
		return q.escalation(escalation, roles)
	case errors.As(err, &denied):
		return refusal{q.t("Refused: your role does not do this."), []problem{{
			Say: q.th("This needs %s.", strong(q.right(q.info(denied.Decision.Area).Label, denied.Decision.Action))),
		}}}
	case errors.As(err, &refused):
		return q.byRule(refused, roles)
	}
	return refusal{}
}

// invalid says what is wrong with what somebody wrote, field by field.
func (q *request) invalid(err *rbac.ValidationError) refusal {
	r := refusal{Rule: q.t("Something here cannot be stored as it is.")}
	for _, f := range err.Fields {
		p := problem{Short: q.t("choose another value."), Say: q.th("This cannot be stored. Choose another value.")}
		root, rest, _ := strings.Cut(f.Field, ".")
		root, _, _ = strings.Cut(root, "[")
		switch root {
		case "name":
			p.Field, p.Label = "name", q.t("Name")
			p.Short, p.Say = q.textProblem(q.posted("name"), mostName)
		case "description":
			p.Field, p.Label = "desc", q.t("Description")
			p.Short, p.Say = q.textProblem(q.posted("description"), mostDescription)
		case "permissions":
			area := rbac.Area(rest)
			for _, info := range q.areas {
				if rest == string(info.Area) || strings.HasPrefix(rest, string(info.Area)+".") {
					area = info.Area
				}
			}
			p.Field, p.Label = areaID(area), q.info(area).Label
		case "assigns":
			p.Field, p.Label = "assign", q.t("May assign")
			p.Short, p.Say = q.t("at most 100 roles."), q.th("A role may assign at most 100 roles. Take some off the list.")
		case "team":
			p.Field, p.Label = "team", q.t("Team")
		case "users":
			p.Field, p.Label = "users", q.t("People")
		}
		if !slices.ContainsFunc(r.Problems, func(o problem) bool { return o.Field == p.Field }) {
			r.Problems = append(r.Problems, p)
		}
	}
	return r
}

func (q *request) textProblem(text string, most int) (short string, say template.HTML) {
	switch {
	case strings.TrimSpace(text) == "":
		return q.t("it is empty."), q.th("Write a name, so that people can tell this role from the others.")
	case utf8.RuneCountInString(text) > most:
		return q.t("it is too long."), q.th("It has %s characters, and %s is the most. Shorten it.", utf8.RuneCountInString(text), most)
	}
	return q.t("it has a character that does not show."), q.th("It has a character that does not show, or that turns text around. Write it anew.")
}

// escalation names what is missing, area by area, in the words of the table.
func (q *request) escalation(err *rbac.EscalationError, roles []rbac.Role) refusal {
	r := refusal{Rule: q.t("Refused: nobody gives away more than they hold.")}
	known := 0
	for _, info := range q.areas {
		access, missing := err.Missing[info.Area]
		if !missing {
			continue
		}
		known++
		r.Problems = append(r.Problems, problem{
			Field: areaID(info.Area), Label: info.Label, Short: q.t("more than you hold."),
			Say: q.lacks(access, bdi(info.Label)),
		})
	}
	if known < len(err.Missing) {
		r.Problems = append(r.Problems, problem{Say: q.th("It has rights that this version of the program does not know. Only an administrator changes that.")})
	}
	if len(err.Roles) > 0 {
		var names []template.HTML
		for _, name := range q.roleNames(err.Roles[:min(len(err.Roles), mostRolesNamed)], roles) {
			names = append(names, bdi(name))
		}
		r.Problems = append(r.Problems, problem{
			Field: "assign", Label: q.t("May assign"), Short: q.t("roles that are not yours to give."),
			Say: q.th("%s: not yours to give or to take. An administrator can do it.", q.listHTML(names)),
		})
	}
	return r
}

// mostRolesNamed bounds the roles that a sentence names.
const mostRolesNamed = 10

// lacks says what one does not hold of an area.
func (q *request) lacks(missing rbac.Access, name template.HTML) template.HTML {
	switch {
	case missing.Read != rbac.None && missing.Manage != rbac.None:
		return q.th("Your role does not read and manage all of %s, so you cannot grant that.", name)
	case missing.Read != rbac.None:
		return q.th("Your role does not read all of %s, so you cannot grant that.", name)
	}
	return q.th("Your role does not manage all of %s, so you cannot grant that.", name)
}

// byRule says why one of the rules that have no fields of their own refused.
func (q *request) byRule(err *rbac.RefusalError, roles []rbac.Role) refusal {
	name := bdi(err.RoleName)
	if err.RoleName == "" {
		name = bdi(string(err.Role))
	}
	one := func(rule string, p problem) refusal { return refusal{rule, []problem{p}} }
	switch {
	case errors.Is(err, rbac.ErrNameTaken):
		return one(q.t("Refused: every role has a name of its own."), problem{
			Field: "name", Label: q.t("Name"), Short: q.t("another role is called that."),
			Say: q.th("Another role is called “%s”. Choose a name that tells them apart.", name),
		})
	case errors.Is(err, rbac.ErrProtectedRole):
		if q.isSystem(err.Role, roles) {
			return one(q.t("Refused: system roles stay as they are."), problem{
				Field: "name", Label: q.t("Name"), Short: q.t("it is that of a system role."),
				Say: q.th("“%s” is a system role: nobody edits or deletes it, and no other role takes its name.", name),
			})
		}
		return one(q.t("Refused: a role that administers cannot be handed out."), problem{
			Field: "assign", Label: q.t("May assign"), Short: q.t("a role there administers others."),
			Say: q.th("“%s” administers others, so it cannot be handed out this way.", name),
		})
	case errors.Is(err, rbac.ErrTooManyRoles):
		return one(q.t("Refused: there are as many roles as there can be."), problem{Say: q.th("A workspace has at most 1,000 roles. Delete one that nobody needs.")})
	case errors.Is(err, rbac.ErrSelf):
		return one(q.t("Refused: nobody changes their own membership."), problem{Say: q.th("You are among the people whom this is about. Somebody else has to do it.")})
	case errors.Is(err, rbac.ErrAdministrator):
		return one(q.t("Refused: nobody stops being an administrator among others."), problem{
			Say: q.th("%s: administrator. Take them out of this change, and change their role alone if it is meant.", q.names(err.Users)),
		})
	case errors.Is(err, rbac.ErrLastAdministrator):
		return one(q.t("Refused: this would leave no active administrator."), problem{
			Say: q.th("%s is the last. Make somebody else an administrator first.", q.names(err.Users)),
		})
	case errors.Is(err, rbac.ErrRoleInUse) && len(err.Users) > 0:
		return one(q.t("Refused: somebody holds this role."), problem{Say: q.th("%s would be without one. Choose the role that they get.", q.names(err.Users))})
	case errors.Is(err, rbac.ErrRoleInUse):
		var names []template.HTML
		for _, listing := range q.roleNames(err.Roles, roles) {
			names = append(names, bdi(listing))
		}
		return one(q.t("Refused: another role may assign this one."), problem{Say: q.th("It is on the list of %s. Take it off there first.", q.listHTML(names))})
	case errors.Is(err, rbac.ErrConflict):
		return one(q.t("Refused: somebody else changed it in the meantime."), problem{Say: q.th("Nothing of yours is lost: save, and both edits stand side by side.")})
	case errors.Is(err, rbac.ErrRoleNotFound):
		return one(q.t("Refused: the role does not exist any more."), problem{Say: q.th("Somebody deleted it. Choose another.")})
	case errors.Is(err, rbac.ErrMemberExists):
		return one(q.t("Refused: somebody is a member already."), problem{Say: q.th("%s: a member already. Open their page to change what they hold.", q.names(err.Users))})
	case errors.Is(err, rbac.ErrMemberNotFound):
		return one(q.t("Refused: somebody is no member any more."), problem{Say: q.th("%s: no member. Choose again.", q.names(err.Users))})
	}
	return one(q.t("Refused."), problem{Say: q.th("A rule does not allow this.")})
}

func (q *request) isSystem(id rbac.RoleID, roles []rbac.Role) bool {
	return id == rbac.Administrator || slices.ContainsFunc(roles, func(r rbac.Role) bool { return r.ID == id && r.System })
}

// names are people in a sentence.
func (q *request) names(users []string) template.HTML {
	var names []template.HTML
	for _, p := range q.people(users...) {
		names = append(names, p.HTML())
	}
	return q.listHTML(names)
}

// areaID is the id of the row of an area.
func areaID(area rbac.Area) string { return "area-" + string(area) }

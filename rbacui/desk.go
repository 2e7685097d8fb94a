package rbacui

import (
	"errors"
	"html/template"
	"slices"

	"github.com/areagate/rbac"
)

const mostMerged = 10 // roles that are shown together to somebody who does not see everybody

// desk is what whoever asks may see and do of the members.
type desk struct {
	all     bool // they see everybody; else who holds a role that they may give
	roles   []rbac.Role
	choices []rbac.Choice // nil if they give no roles at all
	names   map[rbac.RoleID]string
}

// desk finds out what whoever asks may do of some users, who need not be members. That
// of nobody in particular is found out once.
func (q *request) desk(users ...string) (desk, error) {
	if len(users) == 0 {
		return q.anybody()
	}
	return q.deskFor(users...)
}

func (q *request) deskFor(users ...string) (desk, error) {
	d := desk{all: usersRead(q) == nil, names: map[rbac.RoleID]string{}}
	choices, err := q.admin().Choices(q.ctx, users...)
	switch {
	case err == nil:
		d.choices = choices
		for _, choice := range choices {
			d.roles = append(d.roles, choice.Role)
		}
	case errors.Is(err, rbac.ErrDenied) && d.all:
		if d.roles, err = q.workspace.Roles(q.ctx); err != nil {
			return d, err
		}
	default:
		return d, err
	}
	for _, role := range d.roles {
		d.names[role.ID] = role.Name
	}
	return d, nil
}

// given returns the roles that may be given.
func (d desk) given() []rbac.RoleID {
	var ids []rbac.RoleID
	for _, choice := range d.choices {
		if choice.Refused == nil {
			ids = append(ids, choice.Role.ID)
		}
	}
	return ids
}

// sees reports whether the holders of a role are shown.
func (d desk) sees(role rbac.RoleID) bool {
	return d.all || slices.ContainsFunc(d.choices, func(c rbac.Choice) bool { return c.Role.ID == role && c.Refused == nil })
}

// role returns a role by its id.
func (d desk) role(id rbac.RoleID) rbac.Role {
	for _, role := range d.roles {
		if role.ID == id {
			return role
		}
	}
	return rbac.Role{}
}

// link leads to a role, for those who may read it.
func (d desk) link(role rbac.RoleID) string {
	if _, known := d.names[role]; !known || !d.all {
		return ""
	}
	return link("role", "id", string(role))
}

// giveOption is a role in a list to choose from.
type giveOption struct {
	ID            rbac.RoleID
	Name          string
	Off, Selected bool
}

// filters are the roles by which members can be selected.
func (d desk) filters(selected rbac.RoleID) []giveOption {
	var options []giveOption
	for _, role := range d.roles {
		if d.sees(role.ID) {
			options = append(options, giveOption{role.ID, visible(role.Name), false, role.ID == selected})
		}
	}
	return options
}

// give are the roles to give. What may not be given is there, and off, for those
// who read all roles; why says so.
func (q *request) give(d desk, selected rbac.RoleID) (options []giveOption, why template.HTML) {
	var off []template.HTML
	for _, choice := range d.choices {
		refused := choice.Refused != nil
		if refused && !d.all {
			continue
		}
		if refused && len(off) <= areasNamed {
			off = append(off, bdi(choice.Role.Name))
		}
		options = append(options, giveOption{choice.Role.ID, visible(choice.Role.Name), refused, choice.Role.ID == selected && !refused})
	}
	if len(off) > areasNamed {
		off = []template.HTML{q.th("Roles that are off")}
	}
	switch {
	case len(off) == 0:
		return options, ""
	case !q.manages():
		return options, q.th("%s: not among the roles that you may give.", q.listHTML(off))
	}
	return options, q.th("%s: more than your own role holds, so you cannot give that.", q.listHTML(off))
}

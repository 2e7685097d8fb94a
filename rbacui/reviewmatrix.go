package rbacui

import (
	"html/template"
	"slices"

	"github.com/areagate/rbac"
)

const (
	matrixRoles = 20  // on one page
	matrixCells = 480 // likewise; a page of a hundred areas has fewer roles
)

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

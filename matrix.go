package rbac

import (
	"context"
	"io"
	"slices"
	"strings"
)

// Matrix is the whole access model of a workspace as one table: a row for
// each role, a column for each area.
type Matrix struct {
	Areas []AreaInfo `json:"areas"` // the columns, in the order of the catalogue
	Roles []Role     `json:"roles"` // the rows, in the order of Workspace.Roles
}

// Matrix returns the access model of the workspace.
func (w *Workspace) Matrix(ctx context.Context) (Matrix, error) {
	roles, err := w.Roles(ctx)
	if err != nil {
		return Matrix{}, err
	}
	return Matrix{Areas: w.Areas(), Roles: roles}, nil
}

// rows returns the table with its heading: the role's name, then its access
// to each area, then the names of the roles in its list if any role has one.
func (m Matrix) rows() [][]string {
	heading := []string{"Role"}
	for _, info := range m.Areas {
		heading = append(heading, info.Label)
	}
	lists := slices.ContainsFunc(m.Roles, func(r Role) bool { return len(r.Assigns) > 0 })
	if lists {
		heading = append(heading, "Gives and takes")
	}
	rows := [][]string{heading}
	for _, role := range m.Roles {
		row := []string{role.Name}
		for _, info := range m.Areas {
			row = append(row, role.Permissions[info.Area].String())
		}
		if lists {
			row = append(row, m.names(role.Assigns))
		}
		rows = append(rows, row)
	}
	return rows
}

// names returns the names of roles in the order of the rows, so that a table does
// not change with the ids, which are random. One that is not there goes by its id.
func (m Matrix) names(ids []RoleID) string {
	left := slices.Clone(ids)
	var names []string
	for _, role := range m.Roles {
		if i := slices.Index(left, role.ID); i >= 0 {
			left = slices.Delete(left, i, i+1)
			names = append(names, role.Name)
		}
	}
	for _, id := range left {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}

// WriteText writes the matrix as a table of aligned columns for a terminal.
// A cell is what the role reads and manages: "all/own" is read all, manage
// own; "-" is nothing. An area with one action has one scope.
func (m Matrix) WriteText(out io.Writer) error {
	rows := m.rows()
	rows[0][0] += " (read/manage)"
	for i, role := range m.Roles {
		for j, info := range m.Areas {
			rows[i+1][j+1] = short(info, role.Permissions[info.Area])
		}
	}
	return Table(rows).WriteText(out)
}

func short(info AreaInfo, a Access) string {
	if a == (Access{}) {
		return "-"
	}
	scope := func(s Scope) string {
		if s == None {
			return "-"
		}
		return s.String()
	}
	if info.Only.valid() {
		return scope(a.Scope(info.Only))
	}
	return scope(a.Read) + "/" + scope(a.Manage)
}

// WriteMarkdown writes the matrix as a Markdown table. Names are escaped, so
// that they show as they are.
func (m Matrix) WriteMarkdown(out io.Writer) error { return Table(m.rows()).WriteMarkdown(out) }

// WriteCSV writes the matrix as CSV for a spreadsheet, as [Table.WriteCSV]
// does.
func (m Matrix) WriteCSV(out io.Writer) error { return Table(m.rows()).WriteCSV(out) }

package rbac

import (
	"context"
	"io"
)

// Matrix is the whole access model of a workspace as one table: a row for
// each role, a column for each area.
type Matrix struct {
	Areas []AreaInfo // the columns, in the order of the catalogue
	Roles []Role     // the rows, in the order of Workspace.Roles
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
// to each area.
func (m Matrix) rows() [][]string {
	heading := []string{"Role"}
	for _, info := range m.Areas {
		heading = append(heading, info.Label)
	}
	rows := [][]string{heading}
	for _, role := range m.Roles {
		row := []string{role.Name}
		for _, info := range m.Areas {
			row = append(row, role.Permissions[info.Area].String())
		}
		rows = append(rows, row)
	}
	return rows
}

// WriteText writes the matrix as a table of aligned columns for a terminal.
// A cell is what the role reads and manages: "all/own" is read all, manage
// own; "-" is nothing.
func (m Matrix) WriteText(out io.Writer) error {
	rows := m.rows()
	rows[0][0] += " (read/manage)"
	for i, role := range m.Roles {
		for j, info := range m.Areas {
			rows[i+1][j+1] = short(role.Permissions[info.Area])
		}
	}
	return Table(rows).WriteText(out)
}

func short(a Access) string {
	if a == (Access{}) {
		return "-"
	}
	scope := func(s Scope) string {
		if s == None {
			return "-"
		}
		return s.String()
	}
	return scope(a.Read) + "/" + scope(a.Manage)
}

// WriteMarkdown writes the matrix as a Markdown table. Names are escaped, so
// that they show as they are.
func (m Matrix) WriteMarkdown(out io.Writer) error { return Table(m.rows()).WriteMarkdown(out) }

// WriteCSV writes the matrix as CSV for a spreadsheet, as [Table.WriteCSV]
// does.
func (m Matrix) WriteCSV(out io.Writer) error { return Table(m.rows()).WriteCSV(out) }

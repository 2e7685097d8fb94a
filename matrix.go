package rbac

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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
	return Matrix{Areas: slices.Clone(w.follower.model.areas), Roles: roles}, nil
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
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for j := range row {
			row[j] = printable(row[j])
			widths[j] = max(widths[j], columns(row[j]))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		writeAligned(&b, row, widths)
		if i == 0 {
			rule := make([]string, len(widths))
			for j, width := range widths {
				rule[j] = strings.Repeat("-", width)
			}
			writeAligned(&b, rule, widths)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
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

func writeAligned(b *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for j, cell := range row {
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", widths[j]-columns(cell)+2))
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
	b.WriteByte('\n')
}

// columns returns how many terminal columns a text takes, as far as that is
// known: marks that sit on the letter before take none.
func columns(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.Is(unicode.Mn, r) {
			n++
		}
	}
	return n
}

// printable replaces what would act on a terminal. The library does not store
// such names; another program might.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// WriteMarkdown writes the matrix as a Markdown table. Names are escaped, so
// that they show as they are.
func (m Matrix) WriteMarkdown(out io.Writer) error {
	var b strings.Builder
	for i, row := range m.rows() {
		for _, cell := range row {
			b.WriteString("| " + markdown(cell) + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func markdown(text string) string {
	var b strings.Builder
	for _, r := range printable(text) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_{}[]()#+-.!|~:@", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// WriteCSV writes the matrix as CSV (RFC 4180) for a spreadsheet. A cell that
// a spreadsheet would take for a formula, because it begins with = + - @, a
// tab or a carriage return, gets an apostrophe before it (OWASP, CSV
// injection).
func (m Matrix) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	for _, row := range m.rows() {
		for j := range row {
			row[j] = neutral(row[j])
		}
		if err := w.Write(row); err != nil {
			return fmt.Errorf("rbac: write CSV: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("rbac: write CSV: %w", err)
	}
	return nil
}

func neutral(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

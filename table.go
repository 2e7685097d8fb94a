package rbac

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Table is rows of short texts for people: the reviews of this package and of
// rbachttp, and lists that an application exports. The first row is the
// heading. A text may come from anybody: it shows as it is and acts on nothing.
type Table [][]string

// WriteText writes aligned columns for a terminal. What would act on it is
// replaced.
func (t Table) WriteText(out io.Writer) error {
	var widths []int
	for _, row := range t {
		for len(widths) < len(row) {
			widths = append(widths, 0)
		}
		for j, cell := range row {
			widths[j] = max(widths[j], columns(printable(cell)))
		}
	}
	var b strings.Builder
	for i, row := range t {
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

func writeAligned(b *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for j, cell := range row {
		cell = printable(cell)
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

// printable replaces what would act on a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// WriteMarkdown writes a Markdown table. Cells are escaped, so that they show
// as they are.
func (t Table) WriteMarkdown(out io.Writer) error {
	var b strings.Builder
	for i, row := range t {
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
		case strings.ContainsRune("\\`*_[]()#+-.!|~:@", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// WriteCSV writes RFC 4180 for a spreadsheet. A cell that a spreadsheet would take
// for a formula, because it begins with = + - @, of whatever width, or with a
// tab, a carriage return or a line feed, gets an apostrophe before it (OWASP,
// CSV injection).
func (t Table) WriteCSV(out io.Writer) error {
	rows := make([][]string, len(t))
	for i, row := range t {
		rows[i] = make([]string, len(row))
		for j, cell := range row {
			rows[i][j] = neutral(cell)
		}
	}
	if err := csv.NewWriter(out).WriteAll(rows); err != nil {
		return fmt.Errorf("rbac: write CSV: %w", err)
	}
	return nil
}

func neutral(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
		return "'" + cell
	}
	return cell
}

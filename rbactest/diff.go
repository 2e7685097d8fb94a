package rbactest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	diffContext = 2       // lines shown around a difference
	diffMost    = 200     // lines shown in all
	diffCells   = 4 << 20 // of the table of common lines; beyond, the difference is coarse
)

// diffLine is a line of a difference.
type diffLine struct {
	mark byte // '-' only in want, '+' only in got, ' ' in both
	text string
	at   int // number of the line, in want or, if it is only there, in got
}

// lineDiff returns the lines that differ between two texts, with a few lines
// around them, for people.
func lineDiff(want, got string) string {
	lines := diffLines(diffSplit(want), diffSplit(got))
	show := make([]bool, len(lines))
	for i, line := range lines {
		if line.mark == ' ' {
			continue
		}
		for j := max(0, i-diffContext); j < min(len(lines), i+diffContext+1); j++ {
			show[j] = true
		}
	}
	var b strings.Builder
	shown, hidden := 0, 0
	for i, line := range lines {
		switch {
		case !show[i]:
			continue
		case shown == diffMost:
			hidden++
			continue
		case i > 0 && !show[i-1]:
			fmt.Fprintf(&b, "  … line %d\n", line.at)
		}
		shown++
		fmt.Fprintf(&b, "%c %s\n", line.mark, line.text)
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "  … and %d more lines\n", hidden)
	}
	return b.String()
}

// diffSplit returns the lines of a text, so that what cannot be seen can be
// seen.
func diffSplit(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		if strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, invisible) {
			line = strconv.Quote(line)
		}
		if !whole {
			line += " (without a line break)"
		}
		lines = append(lines, line)
	}
	return lines
}

func invisible(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }

// diffLines aligns two texts by a longest common subsequence of their lines.
func diffLines(want, got []string) []diffLine {
	var lines []diffLine
	i, j := 0, 0
	add := func(mark byte) {
		switch mark {
		case '-':
			lines = append(lines, diffLine{mark, want[i], i + 1})
			i++
		case '+':
			lines = append(lines, diffLine{mark, got[j], j + 1})
			j++
		default:
			lines = append(lines, diffLine{mark, want[i], i + 1})
			i, j = i+1, j+1
		}
	}
	for i < len(want) && j < len(got) && want[i] == got[j] {
		add(' ')
	}
	tail := 0
	for tail < len(want)-i && tail < len(got)-j && want[len(want)-1-tail] == got[len(got)-1-tail] {
		tail++
	}
	common := commonLines(want[i:len(want)-tail], got[j:len(got)-tail])
	i0, j0 := i, j
	for i < len(want)-tail || j < len(got)-tail {
		switch {
		case i == len(want)-tail:
			add('+')
		case j == len(got)-tail:
			add('-')
		case common == nil:
			add('-')
		case want[i] == got[j]:
			add(' ')
		case common[i-i0+1][j-j0] >= common[i-i0][j-j0+1]:
			add('-')
		default:
			add('+')
		}
	}
	for range tail {
		add(' ')
	}
	return lines
}

// commonLines returns how many lines a[i:] and b[j:] have in common, in order,
// at [i][j]; nil if that would be too much work.
func commonLines(a, b []string) [][]int32 {
	if (len(a)+1)*(len(b)+1) > diffCells {
		return nil
	}
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

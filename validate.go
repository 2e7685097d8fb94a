package rbac

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/areagate/rbac/internal/fold"
)

// The bounds of rule A10.
const (
	maxName        = 80  // characters
	maxDescription = 500 // characters
	maxReason      = 500 // characters
	maxVia         = 200 // characters
	maxID          = 255 // bytes
	maxAssigns     = 100 // roles
	maxArea        = 64  // bytes
)

// problems collects what is wrong with an input, so that a caller learns all
// of it at once.
type problems []FieldError

func (p *problems) add(field, problem string) {
	*p = append(*p, FieldError{field, problem})
}

// check adds a problem unless it is empty.
func (p *problems) check(field, problem string) {
	if problem != "" {
		p.add(field, problem)
	}
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &ValidationError{p}
}

func invalid(field, problem string) error {
	return &ValidationError{[]FieldError{{field, problem}}}
}

// within puts a field before the fields of a ValidationError.
func within(field string, err error) error {
	var v *ValidationError
	if !errors.As(err, &v) {
		return err
	}
	fields := make([]FieldError, len(v.Fields))
	for i, f := range v.Fields {
		if f.Field == "" {
			f.Field = field
		} else if f.Field != field {
			f.Field = field + "." + strings.TrimPrefix(f.Field, field+".")
		}
		fields[i] = f
	}
	return &ValidationError{fields}
}

// tableProblem judges the permissions that a role is to have: leaving them
// out must not take away what there is.
func tableProblem(p Permissions) string {
	if p == nil {
		return "missing"
	}
	return ""
}

// idProblem judges the id of a user or role.
func idProblem(id string) string {
	switch {
	case id == "":
		return "is empty"
	case strings.TrimSpace(id) == "":
		return "is blank"
	}
	return bytesProblem(id)
}

// bytesProblem is idProblem for ids that may be empty, such as a workspace's.
func bytesProblem(id string) string {
	if len(id) > maxID {
		return fmt.Sprintf("has %d bytes, more than %d", len(id), maxID)
	}
	return characterProblem(id)
}

// timeProblem judges a time by whether it has a form in JSON, and so in stores.
func timeProblem(t time.Time) string {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return "is out of range"
	}
	return ""
}

// nameProblem judges the name of a role. It counts characters first: folding
// a name costs many times its length.
func nameProblem(name string) string {
	if problem := textProblem(name, maxName); problem != "" {
		return problem
	}
	for i, r := range name {
		if blank(r) {
			return fmt.Sprintf("has %U at byte %d, which shows nothing", r, i)
		}
	}
	if !strings.ContainsFunc(name, shows) {
		return "is empty" // or has nothing that shows
	}
	return ""
}

// blank reports characters that show nothing and yet are no space: a name with
// one looks like the name without. Noncharacters are for a program's own use
// (Unicode Standard, section 23.7).
func blank(r rune) bool {
	noncharacter := r >= '\ufdd0' && r <= '\ufdef' || r&0xfffe == 0xfffe
	return noncharacter || r == '\u2800' || r == '\U0001d159' // an empty Braille cell, a note without a head
}

// shows reports whether a character can be seen by itself: not a space, not a
// mark that needs a letter, and nothing that folding leaves out.
func shows(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsMark(r) && fold.Name(string(r)) != ""
}

// reasonProblem judges the reason given to System: an entry in the audit
// trail that names nobody must at least say why.
func reasonProblem(reason string) string {
	if strings.TrimSpace(reason) == "" {
		return "is empty"
	}
	return textProblem(reason, maxReason)
}

func textProblem(text string, most int) string {
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Sprintf("has %d characters, more than %d", n, most)
	}
	return characterProblem(text)
}

const notUTF8 = "is not valid UTF-8"

// characterProblem refuses what some databases, terminals and browsers would
// not store or show as it is: invalid UTF-8, control characters, line
// separators, and the marks that reorder the text after them.
func characterProblem(text string) string {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !utf8.ValidString(text):
			return notUTF8
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029',
			r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return fmt.Sprintf("has the control character %U at byte %d", r, i)
		}
	}
	return ""
}

func areaProblem(area Area) string {
	if area == "" {
		return "area is empty"
	}
	if len(area) > maxArea {
		return fmt.Sprintf("area has %d characters, more than %d", len(area), maxArea)
	}
	for i, c := range []byte(area) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-_.", rune(c))) {
			return fmt.Sprintf("area %s is malformed: want lower-case letters, digits, '-', '_' and '.', starting with a letter", quote(string(area)))
		}
	}
	return ""
}

// quote makes a string from outside safe to show in one line, and bounds it.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// quoteRoles quotes the ids of roles, the first ten of them.
func quoteRoles(ids []RoleID) string {
	var quoted []string
	for _, id := range some(ids) {
		quoted = append(quoted, quote(string(id)))
	}
	return strings.Join(quoted, ", ")
}

// quoteField leaves a well-formed key as it is, so that a field reads
// "permissions.contacts", and quotes any other.
func quoteField(key string) string {
	for _, r := range key {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r) {
			return quote(key)
		}
	}
	if len(key) == 0 || len(key) > maxArea {
		return quote(key)
	}
	return key
}

func indexed(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

// trimName returns a name as it is stored.
func trimName(name string) string { return strings.TrimSpace(name) }

package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// maxText is how many characters a text may have.
const maxText = 200

// check returns what is wrong with the values of a record.
func (k kind) check(r row) error {
	problems := r.problems()
	for i, value := range r.values() {
		if text, ok := value.(*string); ok {
			if problem := textProblem(*text, k.columns[i] == "name"); problem != "" {
				problems = append(problems, rbac.FieldError{Field: k.columns[i], Problem: problem})
			}
		}
	}
	if len(problems) > 0 {
		return &rbac.ValidationError{Fields: problems}
	}
	return nil
}

// checkTexts returns what is wrong with texts that must not be empty, given as
// pairs of a field and its text.
func checkTexts(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if problem := textProblem(pairs[i+1], true); problem != "" {
			return invalid(pairs[i], problem)
		}
	}
	return nil
}

// textProblem returns what is wrong with a text. PostgreSQL cannot store all
// that JSON and URLs can hold.
func textProblem(text string, required bool) string {
	switch {
	case required && strings.TrimSpace(text) == "":
		return "is empty"
	case utf8.RuneCountInString(text) > maxText:
		return fmt.Sprintf("has more than %d characters", maxText)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "has a character that is not text"
	}
	return ""
}

// maxAmount keeps sums of many amounts within an int64.
const maxAmount = 1e12

func amountProblems(field string, cents int64) []rbac.FieldError {
	if cents < 0 || cents > maxAmount {
		return []rbac.FieldError{{Field: field, Problem: "is not an amount in cents"}}
	}
	return nil
}

// invalid is the error for one field of the input, which the guard answers
// with 422.
func invalid(field, problem string) error {
	return &rbac.ValidationError{Fields: []rbac.FieldError{{Field: field, Problem: problem}}}
}

// Package assert ends tests that are wrong. It is for what tests share and is
// no test file: there the root module does without testify.
package assert

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// NoError fails the test if there is an error.
func NoError(t testing.TB, err error, what ...any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v%s", err, about(what))
	}
}

// ErrorIs fails the test unless err is what is wanted.
func ErrorIs(t testing.TB, err, want error, what ...any) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v%s", err, want, about(what))
	}
}

// True fails the test unless something holds.
func True(t testing.TB, holds bool, what ...any) {
	t.Helper()
	if !holds {
		t.Fatalf("it does not hold%s", about(what))
	}
}

// Equal fails the test unless two values are deeply equal.
func Equal(t testing.TB, want, got any, what ...any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("got  %+v\nwant %+v%s", got, want, about(what))
	}
}

func about(what []any) string {
	if len(what) == 0 {
		return ""
	}
	return ": " + fmt.Sprintln(what...)
}

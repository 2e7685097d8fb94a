package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// This package is no test file, and the root module imports only the standard
// library outside of those: so it does without testify.

// must fails the test if there is an error.
func must(t testing.TB, err error, what ...any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v%s", err, about(what))
	}
}

// mustBe fails the test unless err is what is wanted.
func mustBe(t testing.TB, err, want error, what ...any) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v%s", err, want, about(what))
	}
}

// that fails the test unless something holds.
func that(t testing.TB, holds bool, what ...any) {
	t.Helper()
	if !holds {
		t.Fatalf("it does not hold%s", about(what))
	}
}

// equal fails the test unless two values are deeply equal.
func equal(t testing.TB, want, got any, what ...any) {
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

package rbactest_test

import (
	"strings"
	"testing"
)

// record runs what may fail, and returns the testing.TB that it failed.
func record(t *testing.T, fn func(t testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // a goroutine of its own, because FailNow ends it
		defer close(done)
		fn(r)
	}()
	<-done
	return r
}

// failsWith checks that something fails, and what it says then.
func failsWith(t *testing.T, want string, fn func(t testing.TB)) {
	t.Helper()
	r := record(t, fn)
	if !r.Failed() {
		t.Errorf("did not fail, want: %s", want)
	} else if got := r.text(); got != want {
		t.Errorf("failed with\n%s\nwant\n%s", got, want)
	}
}

// failsAbout checks that something fails, and what its message has in it.
func failsAbout(t *testing.T, fn func(t testing.TB), wants ...string) {
	t.Helper()
	r := record(t, fn)
	if !r.Failed() {
		t.Errorf("did not fail, want: %q", wants)
	}
	for _, want := range wants {
		if got := r.text(); !strings.Contains(got, want) {
			t.Errorf("failed with\n%s\nwant in it\n%s", got, want)
		}
	}
}

// passes checks that something does not fail.
func passes(t *testing.T, fn func(t testing.TB)) {
	t.Helper()
	returned := false
	r := record(t, func(t testing.TB) {
		fn(t)
		returned = true
	})
	if r.Failed() || !returned {
		t.Errorf("returned %t, and failed with\n%s", returned, r.text())
	}
}

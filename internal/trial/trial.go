// Package trial runs a check that may fail without failing the test that runs
// it.
package trial

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// T is the testing.TB of a check that may fail without failing the test that
// runs it. Every method works, and what a check sets up ends with it.
type T struct {
	testing.TB // of the test that runs it: Setenv, TempDir and Chdir end with both

	name   string
	ctx    context.Context
	cancel context.CancelFunc

	mu              sync.Mutex
	failed, skipped bool
	said            strings.Builder
	cleanups        []func()
	helpers         map[string]bool // names of functions that called Helper
}

// Run runs a check and its cleanups to the end.
func Run(t testing.TB, name string, check func(testing.TB)) *T {
	r := &T{TB: t, name: t.Name() + "/" + strings.ReplaceAll(name, " ", "_"), helpers: map[string]bool{}}
	r.ctx, r.cancel = context.WithCancel(t.Context())
	r.call(func() { check(r) })
	r.cancel()
	for {
		r.mu.Lock()
		last := len(r.cleanups) - 1
		if last < 0 {
			r.mu.Unlock()
			return r
		}
		cleanup := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.mu.Unlock()
		r.call(cleanup)
	}
}

// call calls a function in a goroutine of its own, because FailNow and Skip
// end it, and waits for its end. A panic is a failure.
func (r *T) call(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.say(true, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		fn()
	}()
	<-done
}

// say notes what the check says, and where.
func (r *T) say(failed bool, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = r.failed || failed
	r.said.WriteString(r.place() + strings.TrimSuffix(text, "\n") + "\n")
}

// place returns the line of the check that called a method of r, such as
// "deals_test.go:12: ". The caller holds r.mu.
func (r *T) place() string {
	callers := make([]uintptr, 50)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // without place and say
	for {
		frame, _ := frames.Next()
		switch {
		case frame.Function == "" || strings.HasPrefix(frame.Function, "runtime."):
			return "" // a panic, or no frames left
		case !strings.HasPrefix(frame.Function, methods) && !r.helpers[frame.Function]:
			return fmt.Sprintf("%s:%d: ", filepath.Base(frame.File), frame.Line)
		}
	}
}

// methods begins the names of the methods of *T.
var methods = reflect.TypeFor[T]().PkgPath() + ".(*T)."

// Helper makes its caller one whose lines are not shown.
func (r *T) Helper() {
	callers := make([]uintptr, 1)
	frame, _ := runtime.CallersFrames(callers[:runtime.Callers(2, callers)]).Next()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.helpers[frame.Function] = true
}

// Said returns what the check said, each time with the line where.
func (r *T) Said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

func (r *T) Name() string             { return r.name }
func (r *T) Context() context.Context { return r.ctx }
func (r *T) Attr(key, value string)   {}
func (r *T) Output() io.Writer        { return output{r} }

func (r *T) Log(args ...any)                   { r.say(false, fmt.Sprintln(args...)) }
func (r *T) Logf(format string, args ...any)   { r.say(false, fmt.Sprintf(format, args...)) }
func (r *T) Error(args ...any)                 { r.say(true, fmt.Sprintln(args...)) }
func (r *T) Errorf(format string, args ...any) { r.say(true, fmt.Sprintf(format, args...)) }

func (r *T) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *T) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *T) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *T) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *T) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *T) Skip(args ...any) {
	r.Log(args...)
	r.SkipNow()
}

func (r *T) Skipf(format string, args ...any) {
	r.Logf(format, args...)
	r.SkipNow()
}

func (r *T) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *T) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

func (r *T) Cleanup(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, fn)
}

// TempDir is removed when the check ends, and not only with the test.
func (r *T) TempDir() string {
	dir := r.TB.TempDir()
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Setenv is undone when the check ends, and not only with the test.
func (r *T) Setenv(key, value string) {
	before, found := os.LookupEnv(key)
	r.TB.Setenv(key, value)
	r.Cleanup(func() {
		if found {
			_ = os.Setenv(key, before)
		} else {
			_ = os.Unsetenv(key)
		}
	})
}

// Chdir is undone when the check ends, and not only with the test.
func (r *T) Chdir(dir string) {
	before, err := os.Getwd()
	r.TB.Chdir(dir)
	if err == nil {
		r.Cleanup(func() { r.TB.Chdir(before) })
	}
}

type output struct{ r *T }

func (o output) Write(p []byte) (int, error) {
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	return o.r.said.Write(p)
}

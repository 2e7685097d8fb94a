package rbac

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// retry runs a transaction until it is not ErrContention, at most ten times,
// with pauses that grow from 5 ms to 320 ms, jittered.
func retry(ctx context.Context, transaction func() error) error {
	const attempts = 10
	pause := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := transaction()
		if err == nil || !errors.Is(err, ErrContention) || attempt == attempts {
			return err
		}
		if !sleep(ctx, jitter(pause)) {
			return ctx.Err()
		}
		pause = min(2*pause, 320*time.Millisecond)
	}
}

// jitter returns a duration between a half of d and d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// sleep pauses, and reports false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// safely turns a panic of the store into an error.
func safely(call func() error) error { return safelyBut(nil, call) }

// safelyBut is safely for a call that runs code of the application, too, whose
// panics go on unchanged.
func safelyBut(theirs *theirCode, call func() error) (err error) {
	defer func() {
		if theirs != nil && theirs.running {
			return
		}
		if p := recover(); p != nil {
			err = fmt.Errorf("rbac: the store panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return call()
}

// theirCode tells whether code of the application runs.
type theirCode struct{ running bool }

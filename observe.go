package rbac

import (
	"context"
	"runtime"
	"time"
)

const (
	// mostObserving bounds the calls of the observer that are under way.
	mostObserving = 1000

	// observerGrace is how long an observer may take once the context of its
	// check has ended: it is told of the checks of a request that was
	// cancelled, too.
	observerGrace = 10 * time.Millisecond
)

// observe tells the observer of a decision. A check waits for that no longer
// than its context allows, whatever the observer does: where the context can
// end, the observer runs on a goroutine of its own. If the observer panics, so
// does the check.
func (e *engine) observe(ctx context.Context, d Decision) {
	if ctx == nil || ctx.Done() == nil {
		e.observer(ctx, d)
		return
	}
	over := make(chan struct{}) // closed a moment after the end of ctx
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(observerGrace, func() { close(over) }) })
	defer stop()
	select {
	case e.observing <- struct{}{}:
	case <-over:
		return
	}
	told := make(chan func(), 1)
	go func() {
		then := runtime.Goexit // unless it returns or panics, the observer ended its goroutine
		defer func() {
			if p := recover(); p != nil {
				then = func() { panic(p) }
			}
			<-e.observing
			told <- then
		}()
		e.observer(ctx, d)
		then = func() {}
	}()
	select {
	case then := <-told:
		then()
	case <-over:
	}
}

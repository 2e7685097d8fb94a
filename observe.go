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

// observe tells the observer of a decision.
func (e *engine) observe(ctx context.Context, d Decision) {
	e.tell(ctx, func() { e.observer(ctx, d) })
}

// tell calls an observer. Who does waits for it no longer than the context
// allows, whatever the observer does: where the context can end, the observer
// runs on a goroutine of its own. If it panics, so does the caller.
func (e *engine) tell(ctx context.Context, observer func()) {
	if ctx == nil || ctx.Done() == nil {
		observer()
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
		observer()
		then = func() {}
	}()
	select {
	case then := <-told:
		then()
	case <-over:
	}
}

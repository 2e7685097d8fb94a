package sqlitestore

import (
	"errors"
	"fmt"
	"time"
)

// Option configures a [Store]. Wrong values are an error of whatever takes
// them first.
type Option func(*options)

type options struct {
	busyTimeout    time.Duration
	notifyInterval time.Duration
}

// WithBusyTimeout sets how long a transaction waits for one of another
// process, before it is [rbac.ErrContention] and the library tries again.
// Updates of the same Store wait for each other in line, for as long as their
// contexts allow and the line moves: when one of them, or whoever has all
// connections, takes a second longer than this, that is ErrContention, too.
//
// Defaults to 5 seconds. Must not be negative.
func WithBusyTimeout(d time.Duration) Option {
	return func(o *options) { o.busyTimeout = d }
}

// WithNotifyInterval sets how often [Store.Notify] looks for commits of other
// processes, which takes some microseconds.
//
// Defaults to 50 milliseconds. Must be greater than 0.
func WithNotifyInterval(d time.Duration) Option {
	return func(o *options) { o.notifyInterval = d }
}

func newOptions(given []Option) (options, error) {
	o := options{busyTimeout: 5 * time.Second, notifyInterval: 50 * time.Millisecond}
	for _, option := range given {
		if option == nil {
			return o, errors.New("sqlitestore: a nil Option")
		}
		option(&o)
	}
	switch {
	case o.busyTimeout < 0:
		return o, fmt.Errorf("sqlitestore: the busy timeout is %v: want 0 or more", o.busyTimeout)
	case o.notifyInterval <= 0:
		return o, fmt.Errorf("sqlitestore: the notify interval is %v: want more than 0", o.notifyInterval)
	}
	return o, nil
}

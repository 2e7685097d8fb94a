package rbac

import (
	"context"
	"log/slog"
	"math"
	"time"
)

// Option configures an [Authorizer]. Wrong values are an error of [Open].
type Option func(*options)

type options struct {
	areas        []AreaInfo
	systemRoles  []Role
	teams        bool
	nowhere      bool // the default workspace is nobody's
	maxStaleness time.Duration
	pollInterval time.Duration
	pollGiven    bool // else a fifth of maxStaleness
	idleTime     time.Duration
	logger       *slog.Logger
	observer     func(context.Context, Decision)
	refusals     func(context.Context, Refusal)
}

// WithAreas sets the whole catalogue of areas, in the order in which they are
// shown. It must contain [Users], which governs administration. Instances of
// different versions may share a store: see rule E7 in docs/guarantees.md.
//
// Defaults to [DefaultAreas].
func WithAreas(areas ...AreaInfo) Option {
	areas = cloneAreas(areas)
	return func(o *options) { o.areas = areas }
}

// WithSystemRoles adds roles that exist in every workspace without being
// stored, and that nobody can edit, delete or shadow. Their ids are stored
// with the members who hold them: keep them stable.
//
// Defaults to none beside [Administrator], which is always there.
func WithSystemRoles(roles ...Role) Option {
	cloned := make([]Role, len(roles))
	for i, role := range roles {
		cloned[i] = role.clone()
	}
	return func(o *options) { o.systemRoles = append(o.systemRoles, cloned...) }
}

// WithTeams gives scope [Team] its meaning, and lets [Admin.SetTeam] put
// members into teams. Programs that share a store should agree on it: without
// it Team counts as Own, and teams are kept but mean nothing.
//
// Defaults to no teams.
func WithTeams() Option {
	return func(o *options) { o.teams = true }
}

// WithoutDefaultWorkspace gives the default workspace to nobody, for an
// application with many workspaces: its checks are denied with
// [ReasonNoWorkspace], whatever is stored in it, and its changes are
// [ErrInvalid]. So az.Can, where w.Can was meant, fails the first test.
//
// Defaults to a default workspace like any other.
func WithoutDefaultWorkspace() Option {
	return func(o *options) { o.nowhere = true }
}

// WithMaxStaleness bounds the age of the data that a check may rest on. When
// freshness cannot be confirmed for this long, checks fail closed with
// [ErrUnavailable]. It also bounds how long a check waits for a load.
//
// Defaults to 10 seconds. Must be at least 10 milliseconds.
func WithMaxStaleness(d time.Duration) Option {
	return func(o *options) { o.maxStaleness = d }
}

// WithPollInterval sets how often the revisions of all loaded workspaces are
// compared with the store, in one round trip. It must be at most half of the
// maximum staleness, so that one lost poll denies nobody.
//
// Defaults to a fifth of the maximum staleness: 2 seconds.
func WithPollInterval(d time.Duration) Option {
	return func(o *options) { o.pollInterval, o.pollGiven = d, true }
}

// WithIdleTime sets how long a workspace stays in memory without a check.
//
// Defaults to 15 minutes. Must be greater than 0.
func WithIdleTime(d time.Duration) Option {
	return func(o *options) { o.idleTime = d }
}

// WithLogger sets where the library reports what operators should know: a
// store that fails, rows that cannot be read, a history that was replaced.
//
// Defaults to [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithObserver sets a function that is called with every decision of a check,
// of [Subject] values too, before the check returns: for metrics and for
// denial logs. [Workspace.Subject] itself decides nothing. It must be safe for
// concurrent use, and may run on another goroutine than the check. A check
// waits for it as long as the check's context lasts, and answers all the same.
// With an observer a check takes many times as long.
//
// Defaults to none.
func WithObserver(observe func(context.Context, Decision)) Option {
	return func(o *options) { o.observer = observe }
}

// WithRefusalObserver sets a function that is called with every administrative
// change that a rule refuses, before the method returns: for those who want to
// know who tries what. Nothing of it is logged or stored otherwise. It is
// called as the function of [WithObserver] is.
//
// Defaults to none.
func WithRefusalObserver(observe func(context.Context, Refusal)) Option {
	return func(o *options) { o.refusals = observe }
}

func newOptions(given []Option) (options, error) {
	o := options{
		areas:        DefaultAreas(),
		maxStaleness: 10 * time.Second,
		idleTime:     15 * time.Minute,
		logger:       slog.Default(),
	}
	for _, option := range given {
		if option == nil {
			return o, invalid("options", "has a nil Option")
		}
		option(&o)
	}
	var bad problems
	if o.maxStaleness < 10*time.Millisecond {
		bad.add("maxStaleness", "must be at least 10ms")
		o.maxStaleness = math.MaxInt64 // so that no other option is judged by it
	}
	if !o.pollGiven {
		o.pollInterval = o.maxStaleness / 5
	}
	if o.pollInterval <= 0 {
		bad.add("pollInterval", "must be greater than 0")
	} else if o.pollInterval > o.maxStaleness/2 {
		bad.add("pollInterval", "must be at most half of maxStaleness")
	}
	if o.idleTime <= 0 {
		bad.add("idleTime", "must be greater than 0")
	}
	if o.logger == nil {
		bad.add("logger", "must not be nil")
	}
	return o, bad.err()
}

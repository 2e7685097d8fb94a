package rbachttp

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Option configures a [Guard]. Wrong values panic in [New].
type Option func(*options)

type options struct {
	logger      *slog.Logger
	challenges  []string
	retryAfter  string // whole seconds
	answer      func(http.ResponseWriter, *http.Request, Problem)
	missing     bool
	unusedScope func(*http.Request, Requirement)
	crossOrigin *http.CrossOriginProtection
	origins     []string
}

// WithLogger sets where the guard reports: denials as Info, callers of another
// workspace and Subjects that are not the caller's as Warn, requests that it
// could not decide as Error, handlers that did not look at their scope as
// Error. What a client that went away no longer hears is Debug, and so is a
// request without identity.
//
// Defaults to [slog.Default], at the time of [New].
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithChallenge sets the WWW-Authenticate headers of a 401, one for each
// challenge. RFC 9110 asks for at least one.
//
// Defaults to "Bearer".
func WithChallenge(challenges ...string) Option {
	challenges = slices.Clone(challenges)
	return func(o *options) { o.challenges = challenges }
}

// WithRetryAfter sets after how long clients should come back for an answer
// that was not available, rounded up to whole seconds.
//
// Defaults to 5 seconds. Must be greater than 0.
func WithRetryAfter(d time.Duration) Option {
	return func(o *options) {
		o.retryAfter = ""
		if d > 0 {
			o.retryAfter = strconv.FormatInt(int64((d-1)/time.Second)+1, 10)
		}
	}
}

// WithAnswer sets the function that writes the answers of the guard and of
// [Guard.WriteError]: in another format, or with a page for browsers. Headers
// such as WWW-Authenticate, Retry-After and Cache-Control are set when it is
// called. It must write p.Status, and it must be safe for concurrent use.
//
// Defaults to [WriteProblem].
func WithAnswer(answer func(w http.ResponseWriter, r *http.Request, p Problem)) Option {
	return func(o *options) { o.answer = answer }
}

// WithMissingPermissionsInBody shows a client that is denied which
// permissions are missing, so that a front end can say what to ask for, and
// which roles are in the way of a change. It tells whoever is signed in, members
// or not, what a route needs, and whoever changes a member which role that one
// holds. Of a requirement that can be met in more than 16 ways it shows nothing:
// all of them could be megabytes.
//
// Defaults to off: the log has them.
func WithMissingPermissionsInBody() Option {
	return func(o *options) { o.missing = true }
}

// WithUnusedScope sets a function that is told of every handler behind
// [NeedsScope] which answered with a status below 400 and never looked at the
// scope: need is the part of the route's requirement that was not looked at.
// A list that is not filtered shows everybody's records to those who may see
// only their own. In tests, let it fail the test.
//
// Looking is [Reach], or Reach, Can, CanRecord, Scope, Authorize or Explain of the
// Subject in the request's context, for that area and action. Asking the
// Authorizer or Subject.Permissions is not seen. A handler that panics or
// hijacks the connection is not reported, nor one that wrote nothing to a
// client that has gone away.
//
// It is called after the handler returned, with the request that the handler
// got, and must be safe for concurrent use.
//
// Defaults to an Error in the log.
func WithUnusedScope(report func(r *http.Request, need Requirement)) Option {
	return func(o *options) { o.unusedScope = report }
}

// WithTrustedOrigins names the origins, as "https://app.example.com", of pages
// other than the service's own that may make a browser send changes to
// [Guard.Admin]. Who calls is found out all the same, and so is what they may do.
//
// Defaults to none.
func WithTrustedOrigins(origins ...string) Option {
	origins = slices.Clone(origins)
	return func(o *options) { o.origins = origins }
}

func newOptions(given []Option) options {
	o := options{
		logger:     slog.Default(),
		challenges: []string{"Bearer"},
		retryAfter: "5",
		answer:     WriteProblem,
	}
	o.unusedScope = o.logUnusedScope
	o.crossOrigin = http.NewCrossOriginProtection()
	for _, option := range given {
		if option == nil {
			panic("rbachttp: nil Option")
		}
		option(&o)
	}
	if o.logger == nil {
		panic("rbachttp: WithLogger(nil)")
	}
	if o.answer == nil {
		panic("rbachttp: WithAnswer(nil)")
	}
	if o.unusedScope == nil {
		panic("rbachttp: WithUnusedScope(nil)")
	}
	if o.retryAfter == "" {
		panic("rbachttp: WithRetryAfter must be greater than 0")
	}
	if len(o.challenges) == 0 {
		panic("rbachttp: WithChallenge without a challenge")
	}
	for _, challenge := range o.challenges {
		if strings.TrimSpace(challenge) == "" || strings.ContainsAny(challenge, "\r\n\x00") {
			panic("rbachttp: malformed challenge " + strconv.Quote(challenge))
		}
	}
	for _, origin := range o.origins {
		if err := o.crossOrigin.AddTrustedOrigin(origin); err != nil {
			panic("rbachttp: " + strconv.Quote(origin) + " is no origin, as https://app.example.com")
		}
	}
	return o
}

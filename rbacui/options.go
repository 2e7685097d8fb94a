package rbacui

import (
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Option configures the pages. Wrong values panic in [New].
type Option func(*options)

type options struct {
	directory Directory
	name      func(*http.Request, string) string
	layout    func(io.Writer, *http.Request, Page) error
	signIn    http.Handler
	logger    *slog.Logger
	language  string
	texts     map[string]string
	sources   map[string][]string
}

// WithDirectory sets who knows the people behind the ids of users.
//
// Defaults to none: pages show ids, and nobody is found by name.
func WithDirectory(d Directory) Option {
	return func(o *options) { o.directory = d }
}

// WithName sets what the pages call a workspace: the name of the company. It must
// be safe for concurrent use.
//
// Defaults to "Access".
func WithName(name func(r *http.Request, workspace string) string) Option {
	return func(o *options) { o.name = name }
}

// Page is what a layout puts into the page of the application.
type Page struct {
	Title string        // for the title element: "Sales lead · Ostervik Supply"
	Head  template.HTML // the style sheet and the script, for the head element
	Body  template.HTML // an element with the class rbac
}

// WithLayout sets a function that writes the whole document around a page: the
// application's own frame. It puts Head and Body into the document as they are,
// and no base element. Headers are set when it is called; WithSources allows what
// the document needs beside. When it returns an error, the reader gets a plain page
// that says so, and the log has it. It must be safe for concurrent use.
//
// Defaults to a document with nothing else in it.
func WithLayout(layout func(w io.Writer, r *http.Request, page Page) error) Option {
	return func(o *options) { o.layout = layout }
}

// WithSignIn sets who answers a request of nobody in particular, for instance with a
// redirect to where one signs in; the headers of the pages are set when it is
// called. It is not asked about forms that were sent: these
// are given back, so that nothing is lost.
//
// Defaults to a page, with status 401, that says to sign in.
func WithSignIn(h http.Handler) Option {
	return func(o *options) { o.signIn = h }
}

// WithLogger sets where failures are reported.
//
// Defaults to [slog.Default], at the time of [New].
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithTexts sets the words of the pages: by each text of [Texts] the one in its
// place, with as many %s, or as %[2]s in an order of its own. One that is missing
// stays as it is. The language is a BCP 47 tag, such as "de".
//
// Defaults to English.
func WithTexts(language string, texts map[string]string) Option {
	return func(o *options) { o.language, o.texts = language, texts }
}

// WithSources adds to what the Content-Security-Policy of the pages allows, for
// what a layout brings: to script-src, style-src, img-src, font-src or connect-src.
// A source is an origin, a hash or a nonce; those that switch the protection off,
// such as 'unsafe-inline', are refused.
//
// Defaults to nothing: the pages load from their own origin only.
func WithSources(directive string, sources ...string) Option {
	return func(o *options) {
		if o.sources == nil {
			o.sources = map[string][]string{}
		}
		o.sources[directive] = append(o.sources[directive], sources...)
	}
}

func newOptions(given []Option) options {
	o := options{logger: slog.Default(), language: "en"}
	for _, option := range given {
		if option == nil {
			panic("rbacui: nil Option")
		}
		option(&o)
	}
	if o.logger == nil {
		panic("rbacui: WithLogger(nil)")
	}
	if o.language == "" {
		panic("rbacui: WithTexts without a language")
	}
	return o
}

// unsafe are the keywords that switch the protection off, which have no case.
var unsafe = regexp.MustCompile(`(?i)^'(wasm-)?unsafe`)

// policy returns the Content-Security-Policy.
func (o options) policy() string {
	directives := []string{"script-src", "style-src", "img-src", "font-src", "connect-src"}
	for directive, sources := range o.sources {
		if !slices.Contains(directives, directive) {
			panic("rbacui: WithSources: " + strconv.Quote(directive) + " is not a directive that can be added to")
		}
		for _, source := range sources {
			if source == "" || strings.ContainsAny(source, " \t\r\n;,*") || unsafe.MatchString(source) || strings.HasSuffix(source, ":") {
				panic("rbacui: WithSources: " + strconv.Quote(source) + " is not a source that can be added")
			}
		}
	}
	var b strings.Builder
	b.WriteString("default-src 'none'")
	for _, directive := range directives {
		sources := o.sources[directive]
		if directive != "font-src" {
			sources = append([]string{"'self'"}, sources...)
		}
		if len(sources) > 0 {
			b.WriteString("; " + directive + " " + strings.Join(sources, " "))
		}
	}
	b.WriteString("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	return b.String()
}

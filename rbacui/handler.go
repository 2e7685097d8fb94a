package rbacui

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// pages are all pages, those of the navigation in its order.
func pages() []page {
	return []page{
		rolesPage, rolePage, newRolePage, deleteRolePage,
		membersPage, memberPage, changePage, newMemberPage,
		reviewPage, reviewCSVPage,
		auditPage, auditJSONPage, auditCSVPage,
	}
}

// page is one page. All pages are siblings: the last part of the path is the
// page's, whatever is before it.
type page struct {
	segment  string // the last part of the path; empty for the first page
	template string
	nav      string // what the navigation calls it; empty for a page that is not in it
	needs    func(*request) error
	get      func(*request) error
	post     func(*request) error // nil if nothing is changed there
	within   string               // the segment of the page whose place in the navigation it has, if not its own
}

// usersRead is what pages about roles and members need.
func usersRead(q *request) error { return q.subject.Authorize(rbac.Users, q.ui.reading(rbac.Users)) }

// auditRead is what pages about the record of changes need.
func auditRead(q *request) error { return q.subject.Authorize(rbac.Audit, q.ui.reading(rbac.Audit)) }

// reading is the action that sees an area: the only one, if it has one only.
func (u *ui) reading(area rbac.Area) rbac.Action {
	for _, info := range u.areas {
		if info.Area == area && info.Only != 0 {
			return info.Only
		}
	}
	return rbac.Read
}

// ui is the handler. It is immutable but for what it remembers of verifications, and
// for what goes on.
type ui struct {
	options
	translator
	az     *rbac.Authorizer
	areas  []rbac.AreaInfo
	teams  bool // scope Team means something
	csp    string
	pages  map[string]*page
	order  []*page
	behind http.Handler // what is behind the guard

	templates map[string]*template.Template
	verified  verifications
	asking    chan struct{} // who asks the directory
	verifying running
	looking   running // at every member
}

// New returns the pages of all workspaces of an Authorizer. Identify says who makes a
// request, and in which workspace, as it does to a [rbachttp.Guard]: its limits hold.
//
// Mount it where everything below a path leads to it, with the path stripped or not:
// all links are relative, so it need not be told where it is. Forms
// that another site sent are refused, and pages are not to be kept, framed or run
// with the script of anybody else.
//
// New panics if the Authorizer or identify is nil, and for wrong options.
func New(az *rbac.Authorizer, identify rbachttp.Identify, opts ...Option) http.Handler {
	if az == nil {
		panic("rbacui: nil Authorizer")
	}
	u := &ui{options: newOptions(opts), az: az, areas: az.Areas(), pages: map[string]*page{}, templates: map[string]*template.Template{}, asking: make(chan struct{}, mostAsking)}
	u.translator = newTranslator(u.texts)
	u.csp = u.policy()
	for _, info := range u.areas {
		u.teams = u.teams || az.ValidatePermissions(rbac.Permissions{info.Area: {Read: rbac.Team}}) == nil ||
			az.ValidatePermissions(rbac.Permissions{info.Area: {Manage: rbac.Team}}) == nil
	}
	for _, p := range pages() {
		u.pages[p.segment] = &p
		u.order = append(u.order, &p)
	}
	u.parse()
	guard := rbachttp.New(az, identify, rbachttp.WithLogger(u.logger), rbachttp.WithAnswer(u.answer))
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(u.crossOrigin))
	u.behind = protection.Handler(guard.Require(rbachttp.SignedIn())(http.HandlerFunc(u.servePage)))
	return u
}

// The bounds of a form, in bytes and in values of one name: 200 people of the longest
// ids are less, and so are all roles of a workspace. What compares lists takes the
// square of the second.
const (
	mostForm   = 1 << 18
	mostValues = 1500
)

func (u *ui) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segment := lastSegment(r.URL.Path)
	if a, ok := files[segment]; ok {
		serveAsset(w, r, a)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", u.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if to, ok := u.slash(r, segment); ok {
		h.Set("Location", to)
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	u.behind.ServeHTTP(w, r)
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// slash returns where a request leads that is for the path on which the pages are
// mounted, without the slash behind it, from which relative links would miss. The
// query goes with it.
func (u *ui) slash(r *http.Request, segment string) (to string, ok bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", false
	}
	asked, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return "", false
	}
	last := lastSegment(asked.EscapedPath())
	switch {
	case last == "":
		return "", false
	case r.URL.Path == "": // stripped
	case u.pages[segment] != nil || asked.Path != r.URL.Path || strings.Contains(segment, ".") || below(r):
		return "", false
	}
	to = "./" + last + "/"
	if asked.RawQuery != "" {
		to += "?" + asked.RawQuery
	}
	return to, true
}

// below reports whether the last part of the path is below the one on which the
// pages are mounted, so that it is the name of a page, if of none that there is. A
// router says where they are mounted by the pattern of the request: net/http, chi
// and echo do, and where it is not known it is not.
func below(r *http.Request) bool {
	_, pattern, _ := strings.Cut(r.Pattern, "/") // behind a method and a host
	last := lastSegment(pattern)
	open := last == "" || strings.ContainsAny(last[:1], "{*")
	return open && pattern != last && strings.Count(r.URL.Path, "/") > strings.Count(pattern, "/")
}

// servePage answers for a page, with the Subject of the request.
func (u *ui) servePage(w http.ResponseWriter, r *http.Request) {
	q := u.request(w, r)
	p := u.pages[lastSegment(r.URL.Path)]
	if p == nil {
		q.state(http.StatusNotFound, q.notFound())
		return
	}
	q.page = p
	q.fail(q.serve(p))
}

func (q *request) serve(p *page) error {
	if err := p.needs(q); err != nil {
		return err
	}
	switch method := q.r.Method; {
	case method == http.MethodGet || method == http.MethodHead:
		return p.get(q)
	case method == http.MethodPost && p.post != nil:
		q.r.Form = nil
		if err := q.r.ParseForm(); err != nil {
			return errForm{err}
		}
		for _, values := range q.r.PostForm {
			if len(values) > mostValues {
				return errForm{&http.MaxBytesError{Limit: mostForm}}
			}
		}
		return p.post(q)
	}
	allow := "GET, HEAD"
	if p.post != nil {
		allow += ", POST"
	}
	q.w.Header().Set("Allow", allow)
	q.state(http.StatusMethodNotAllowed, q.notFound())
	return nil
}

// link returns the relative address of a page: its segment, then pairs of keys and
// values, of which empty ones are left out.
func link(segment string, pairs ...string) string {
	if segment == "" {
		segment = "./"
	}
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return segment
	}
	return segment + "?" + values.Encode()
}

// shownNav is a place in the navigation.
type shownNav struct {
	Label, Link string
	Current     bool
}

// nav returns the pages of the navigation that the reader may see, and the one that
// they are on.
func (q *request) nav() []shownNav {
	var places []shownNav
	for _, p := range q.order {
		current := q.page != nil && (p == q.page || q.page.within == p.segment && q.page.nav == "")
		if p.nav != "" && q.subject.User() != "" && (current || p.needs(q) == nil) {
			places = append(places, shownNav{q.t(p.nav), link(p.segment), current})
		}
	}
	return slices.Clip(places)
}

package rbacui

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// request is one request of a page.
type request struct {
	*ui
	w         http.ResponseWriter
	r         *http.Request
	ctx       context.Context
	subject   rbac.Subject
	workspace *rbac.Workspace
	page      *page
	anybody   func() (desk, error) // deskFor nobody in particular, found out once
	nameless  bool                 // the directory failed
	status    int                  // of the page that is shown; 0 is 200
}

func (u *ui) request(w http.ResponseWriter, r *http.Request) *request {
	s, _ := rbac.FromContext(r.Context())
	q := &request{ui: u, w: w, r: r, ctx: r.Context(), subject: s, workspace: u.az.For(s.Workspace())}
	q.anybody = sync.OnceValues(func() (desk, error) { return q.deskFor() })
	return q
}

// admin changes the workspace as whoever asks.
func (q *request) admin() *rbac.Admin { return q.workspace.AsSubject(q.subject) }

// together makes several changes as one, and begins anew where another change was in
// the way: as often, and with such pauses, as package rbac does for one.
func (q *request) together(change func(*rbac.Admin) error) error {
	const attempts = 10
	pause := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := q.admin().Together(q.ctx, change)
		if !errors.Is(err, rbac.ErrContention) || attempt == attempts {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-q.ctx.Done():
			return q.ctx.Err()
		}
		pause = min(2*pause, 320*time.Millisecond)
	}
}

// everything reports whether whoever asks holds everything, so that no rule about
// what one holds refuses them.
func (q *request) everything() bool {
	return q.subject.Role() == rbac.Administrator && q.subject.Active() && !q.subject.Limited()
}

// manages reports whether whoever asks may administer.
func (q *request) manages() bool { return q.subject.Can(rbac.Users, rbac.Manage) }

// value returns a value of the address.
func (q *request) value(key string) string { return q.r.URL.Query().Get(key) }

// posted returns a value of the form that was sent.
func (q *request) posted(key string) string { return q.r.PostForm.Get(key) }

// view is what the layout shows.
type view struct {
	Title    string
	State    string // what the title begins with: "Not saved"
	Name     string // of the workspace
	Nav      []shownNav
	Me       named
	MyRole   string
	Framed   bool // by a layout of the application's
	Nameless bool
	Limited  bool // the reader may do less than their role
	Toast    *toast
	Data     any
}

// toast tells what has just been done.
type toast struct {
	Text template.HTML
	Link string // to the event, if the reader may see it
}

// title is what a page is called: its Title, and the state it is in.
type title struct{ Title, State string }

func (t title) heading() title { return t }

// show answers with the page. Its data has the title embedded.
func (q *request) show(data interface{ heading() title }) error {
	return q.render(q.page.template, "layout", data, q.toast())
}

// showPart answers with one part of the page's template, for the script.
func (q *request) showPart(part string, data any) error {
	var b bytes.Buffer
	if err := q.templates[q.page.template].ExecuteTemplate(&b, part, data); err != nil {
		return err
	}
	q.write(b.Bytes())
	return nil
}

func (q *request) render(name, layout string, data interface{ heading() title }, toast *toast) error {
	head := data.heading()
	v := view{
		Title: head.Title, State: head.State, Name: q.name(), Nav: q.nav(), Framed: q.layout != nil,
		Toast: toast, Data: data, MyRole: q.subject.RoleName(),
	}
	if q.subject.User() != "" {
		v.Limited = q.subject.Limited()
		v.Me = q.people(q.subject.User())[0]
	}
	v.Nameless = q.nameless
	var b bytes.Buffer
	if q.layout == nil {
		if err := q.templates[name].ExecuteTemplate(&b, layout, v); err != nil {
			return err
		}
		q.write(b.Bytes())
		return nil
	}
	var headHTML bytes.Buffer
	if err := q.templates[name].ExecuteTemplate(&headHTML, "head", v); err != nil {
		return err
	}
	if err := q.templates[name].ExecuteTemplate(&b, "framed", v); err != nil {
		return err
	}
	var out bytes.Buffer
	err := q.layout(&out, q.r, Page{Title: v.FullTitle(), Head: safe(headHTML), Body: safe(b)})
	if err != nil {
		return err
	}
	q.write(out.Bytes())
	return nil
}

// FullTitle is the text of the title element.
func (v view) FullTitle() string {
	t := visible(v.Title)
	if v.State != "" {
		t = v.State + ": " + t
	}
	return t + " · " + visible(v.Name)
}

func (q *request) name() string {
	if q.options.name == nil {
		return q.t("Access")
	}
	return q.options.name(q.r, q.workspace.ID())
}

func (q *request) write(body []byte) {
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if q.status != 0 {
		q.w.WriteHeader(q.status)
	}
	_, _ = q.w.Write(body) // the client has gone
}

// redirect leads to a page after a change.
func (q *request) redirect(to string) error {
	q.w.Header().Set("Location", to)
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// download sets the headers of a file to keep.
func (q *request) download(kind, name string) {
	q.w.Header().Set("Content-Type", kind)
	q.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

package rbacui

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// state is a page that says that something cannot be shown, or was not done.
type state struct {
	title
	Icon    string
	Say     []any // sentences, text or HTML
	Actions []action
	Retry   url.Values    // the form that was sent, to send it again
	RetryTo string        // another page than the one that it was sent to
	When    template.HTML // the time, where it helps to say it
}

// action is a link that leads on.
type action struct {
	Label, Link string
	Primary     bool
}

// state answers with a state. The page behind a state may be anything, or none, so it
// shows the navigation only to whoever is known.
func (q *request) state(status int, s state) {
	q.status = status
	if q.page == nil {
		q.page = &page{within: "?"} // at no place of the navigation
	}
	if err := q.render("state.html", "layout", s, nil); err != nil {
		q.logger.LogAttrs(q.ctx, slog.LevelError, "rbacui: a page could not be written", slog.Any("error", err))
		q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		q.w.WriteHeader(http.StatusInternalServerError)
		_, _ = q.w.Write([]byte(q.t("This page cannot be shown right now.") + "\n"))
	}
}

// errForm is a form that could not be read.
type errForm struct{ error }

func (e errForm) Unwrap() error { return e.error }

// fail answers with what an error means to whoever asked. Nil is no error. A page
// handles the refusals that it can show beside their cause itself.
func (q *request) fail(err error) {
	var denied *rbac.DeniedError
	var tooLarge *http.MaxBytesError
	var form errForm
	switch {
	case err == nil:
	case errors.Is(err, rbac.ErrOutcomeUnknown):
		q.warn("rbacui: the outcome of a change is unknown", err)
		q.state(http.StatusInternalServerError, q.outcomeUnknown())
	case errors.Is(err, rbac.ErrUnavailable), errors.Is(err, rbac.ErrContention), errors.Is(err, rbac.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		q.warn("rbacui: no safe answer is available", err)
		q.w.Header().Set("Retry-After", "5")
		q.state(http.StatusServiceUnavailable, q.unavailable())
	case errors.As(err, &denied):
		q.state(http.StatusForbidden, q.notAllowed(denied.Decision))
	case errors.As(err, &tooLarge):
		q.state(http.StatusRequestEntityTooLarge, q.tooLarge())
	case errors.As(err, &form):
		q.state(http.StatusBadRequest, q.notFound())
	case errors.Is(err, rbac.ErrRoleNotFound), errors.Is(err, rbac.ErrMemberNotFound), errors.Is(err, rbac.ErrInvalid):
		q.state(http.StatusNotFound, q.notFound())
	default:
		if refusal := q.refusal(err); refusal.Rule != "" {
			q.state(http.StatusConflict, q.refused(refusal))
			return
		}
		q.warn("rbacui: a page failed", err)
		q.state(http.StatusInternalServerError, q.broken())
	}
}

func (q *request) warn(message string, err error) {
	level := slog.LevelError
	if q.ctx.Err() != nil { // the client has gone
		level = slog.LevelDebug
	}
	q.logger.LogAttrs(q.ctx, level, message,
		slog.String("path", q.r.URL.Path), slog.String("user", q.subject.User()), slog.String("workspace", q.workspace.ID()), slog.Any("error", err))
}

// answer is what the guard answers with.
func (u *ui) answer(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
	q := u.request(w, r)
	q.subject = rbac.Subject{} // nothing is known for certain
	switch {
	case p.Status == http.StatusUnauthorized && u.signIn != nil && r.Method != http.MethodPost:
		u.signIn.ServeHTTP(w, r)
	case p.Status == http.StatusUnauthorized:
		q.state(p.Status, q.signedOut())
	case p.Status == http.StatusServiceUnavailable:
		q.state(p.Status, q.unavailable())
	case p.Status == http.StatusForbidden:
		q.state(p.Status, q.notAllowed(rbac.Decision{}))
	default:
		q.state(p.Status, q.broken())
	}
}

// crossOrigin is what a form gets that another site sent.
func (u *ui) crossOrigin(w http.ResponseWriter, r *http.Request) {
	q := u.request(w, r)
	q.subject = rbac.Subject{}
	q.state(http.StatusForbidden, state{
		title: title{Title: q.t("Nothing was changed")}, Icon: "no",
		Say:     []any{q.t("This form was sent from another site, so it was not looked at. Open the page here and try again.")},
		Actions: q.home(),
	})
}

// retry returns the form of a request that could not be answered, if one was sent
// and can be read.
func (q *request) retry() url.Values {
	if q.r.Method != http.MethodPost || q.r.PostForm == nil && q.r.ParseForm() != nil {
		return nil
	}
	form := q.r.PostForm
	form.Del("part")
	return form
}

func (q *request) unavailable() state {
	s := state{
		title: title{Title: q.t("No safe answer right now")}, Icon: "cloud", When: q.moment(time.Now()), Retry: q.retry(),
		Say: []any{
			q.t("The stored roles and members cannot be confirmed, so nothing is shown and nothing was changed. That is neither a yes nor a no: you may well be allowed."),
			q.t("It resumes by itself as soon as the store answers."),
		},
	}
	if s.Retry == nil {
		s.Actions = []action{{q.t("Try again"), q.again(), true}}
	}
	return s
}

// again is the address of the request itself, as seen from it.
func (q *request) again() string {
	segment := lastSegment(q.r.URL.Path)
	if q.pages[segment] == nil {
		segment = ""
	}
	to := link(segment)
	if query := q.r.URL.Query().Encode(); query != "" {
		to += "?" + query
	}
	return to
}

func (q *request) signedOut() state {
	return state{
		title: title{Title: q.t("You are not signed in")}, Icon: "lock", Retry: q.retry(),
		Say: []any{q.t("Nothing was saved. Sign in, in another tab if you had begun to fill in something here, and try again.")},
	}
}

func (q *request) tooLarge() state {
	return state{
		title: title{Title: q.t("This is too much at once")}, Icon: "no",
		Say:     []any{q.t("Nothing was changed. Choose fewer people or roles, and do the rest afterwards.")},
		Actions: q.home(),
	}
}

func (q *request) outcomeUnknown() state {
	look := q.again()
	if q.page.nav == "" && q.r.URL.RawQuery == "" { // what it is about was in the form
		look = link(q.page.within)
	}
	return state{
		title: title{Title: q.t("It is not known whether this was saved")}, Icon: "clock",
		Say:     []any{q.t("The connection to the store broke at the last step. Look before you try again.")},
		Actions: []action{{q.t("Look"), look, true}},
	}
}

func (q *request) broken() state {
	s := state{
		title: title{Title: q.t("This page cannot be shown right now.")}, Icon: "no", When: q.moment(time.Now()), Retry: q.retry(),
		Say: []any{q.t("Nothing was changed. Whoever runs the application finds the cause in its log.")}, Actions: q.home(),
	}
	if s.Retry != nil && len(s.Actions) > 0 {
		s.Actions[0].Primary = false
	}
	return s
}

func (q *request) notFound() state {
	return state{
		title: title{Title: q.t("There is nothing here")}, Icon: "no",
		Say:     []any{q.t("What this address led to does not exist any more, or never did.")},
		Actions: q.home(),
	}
}

// home leads back to the first page that the reader may see. Who the reader is may
// not be known yet.
func (q *request) home() []action {
	switch {
	case !q.subject.Active() || usersRead(q) == nil:
		return []action{{q.t("All roles"), "./", true}}
	case membersSeen(q) == nil:
		return []action{{q.t("Members"), "members", true}}
	}
	return nil
}

func (q *request) refused(r refusal) state {
	return state{
		title: title{Title: q.t("Nothing was changed"), State: ""}, Icon: "no",
		Say:     append([]any{r.Rule}, r.sentences()...),
		Actions: []action{{q.t("Back"), q.again(), true}},
	}
}

// notAllowed says what a page needs, and what one holds: never who else has it.
func (q *request) notAllowed(d rbac.Decision) state {
	s := state{title: title{Title: q.t("You may not see this page")}, Icon: "lock"}
	if q.r.Method == http.MethodPost {
		s.Title = q.t("Nothing was changed")
	}
	label := q.info(d.Area).Label
	switch {
	case d.User == "" || d.Reason == rbac.ReasonNotMember:
		s.Say = []any{q.t("You are no member of this workspace.")}
	case d.Reason == rbac.ReasonSuspended:
		s.Say = []any{q.t("You are suspended here, and may do nothing until somebody reinstates you.")}
	case d.Reason == rbac.ReasonRoleGone:
		s.Say = []any{q.t("Your role does not exist any more, so you may do nothing until you get another.")}
	case d.Reason == rbac.ReasonLimited:
		s.Say = []any{q.th("This needs %s. Your role has it; the key or session that you use does not.", strong(q.right(label, d.Action)))}
	default:
		s.Say = []any{q.th("This needs %s. Your role, %s, does not reach that far.", strong(q.right(label, d.Action)), strong(visible(d.RoleName)))}
	}
	s.Say = append(s.Say, q.t("If your work needs it, ask whoever manages access in your company."))
	if usersRead(q) == nil {
		s.Actions = []action{{q.t("Back"), "./", false}}
	}
	return s
}

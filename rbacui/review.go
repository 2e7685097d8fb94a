package rbacui

import (
	"encoding/hex"
	"html/template"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

var reviewPage = page{segment: "review", template: "review.html", nav: "Review", needs: usersRead, get: (*request).review, post: (*request).reviewAll}

const (
	mostLinted = 500 // members, up to which a page looks at each
	modelTries = 5
)

// reviewData is what the review shows.
type reviewData struct {
	title
	model
	Now       time.Time
	By        named
	Verified  *verification // the last, if the reader may see it
	MayVerify bool
	Findings  []findingRow
	Found     int
	Rest      string // the page with the next findings
	Deep      bool   // every member was looked at
	Undecided template.HTML
	Decide    []template.HTML // where to decide
	Ask       askForm
	Who       *whoCan
	Why       *whyNot
	Matrix    matrixView
}

// model is the roles of the workspace at one revision.
type model struct {
	Roles    []rbac.Role
	Held     map[rbac.RoleID]int
	Revision int64
	Hash     string // of the newest event; empty where there is none that can be read
}

// People is how many members there are.
func (m model) People() int {
	n := 0
	for _, held := range m.Held {
		n += held
	}
	return n
}

// ShortHash is the beginning of the hash, in groups.
func (m model) ShortHash() string { return grouped(m.Hash) }

func grouped(hash string) string {
	var groups []string
	for i := 0; i+4 <= min(len(hash), 16); i += 4 {
		groups = append(groups, hash[i:i+4])
	}
	return strings.Join(groups, " ")
}

// model reads roles and their holders with the revision they belong to: what is
// filed as evidence must not be of two states.
func (q *request) model() (model, error) {
	for range modelTries {
		before, err := q.newest()
		if err != nil {
			return model{}, err
		}
		m := model{Revision: before.Seq}
		if before.Hash != [32]byte{} {
			m.Hash = hex.EncodeToString(before.Hash[:])
		}
		if m.Roles, err = q.workspace.Roles(q.ctx); err != nil {
			return model{}, err
		}
		if m.Held, err = q.workspace.Holders(q.ctx); err != nil {
			return model{}, err
		}
		after, err := q.newest()
		if err != nil || after == before {
			return m, err
		}
	}
	return model{}, rbac.ErrContention
}

// newest is the revision of the workspace. One whose newest event cannot be read has
// a number and no hash.
func (q *request) newest() (rbac.Revision, error) {
	records, err := q.read(rbac.EventQuery{Newest: true, Limit: 1})
	if err != nil || len(records) == 0 {
		return rbac.Revision{}, err
	}
	return records[0].Revision(), nil
}

// review shows the state of access as a whole.
func (q *request) review() error { return q.showReview(false) }

// reviewAll looks at each member, too.
func (q *request) reviewAll() error { return q.showReview(q.posted("do") == "look") }

// showReview shows a review of one revision: what is on it was read while nothing was
// changed.
func (q *request) showReview(deep bool) error {
	for range modelTries {
		d, err := q.reviewed(deep)
		if err != nil {
			return err
		}
		after, err := q.newest()
		if err != nil {
			return err
		}
		if after.Seq == d.Revision {
			return q.show(d)
		}
	}
	return rbac.ErrContention
}

// reviewed reads what a review shows.
func (q *request) reviewed(deep bool) (d reviewData, err error) {
	m, err := q.model()
	if err != nil {
		return d, err
	}
	d = reviewData{
		title: title{Title: q.t("Access review")}, model: m, Now: time.Now(), By: q.people(q.subject.User())[0],
		Deep: deep || m.People() <= mostLinted, MayVerify: q.mayAudit(),
	}
	if d.MayVerify {
		d.Verified = q.verified.last(q.workspace.ID())
	}
	look := q.workspace.LintRoles
	if d.Deep {
		look = q.workspace.Lint
	}
	findings, err := look(q.ctx)
	if err != nil {
		return d, err
	}
	q.sayFindings(&d, findings)
	q.sayUndecided(&d)
	d.Ask = q.askForm()
	if q.r.URL.Query().Has("area") {
		if d.Who, err = q.whoCan(d.Ask, m); err != nil {
			return d, err
		}
	}
	if d.Ask.Person != "" {
		if d.Why, err = q.whyNot(d.Ask, m.Roles); err != nil {
			return d, err
		}
	}
	d.Matrix = q.matrix(m)
	return d, nil
}

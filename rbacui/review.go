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
	mostTries  = 5   // to read it while nothing is changed
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
	Busy      bool   // somebody looks at every member now
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

// settled reads what is filed as evidence, which must not be of two states: again, if
// something was changed meanwhile.
func (q *request) settled(read func(rbac.Revision) error) error {
	for range mostTries {
		before, err := q.newest()
		if err != nil {
			return err
		}
		if err := read(before); err != nil {
			return err
		}
		after, err := q.newest()
		if err != nil || after == before {
			return err
		}
	}
	return rbac.ErrContention
}

// model reads roles and their holders.
func (q *request) model(at rbac.Revision) (m model, err error) {
	m.Revision = at.Seq
	if at.Hash != [32]byte{} {
		m.Hash = hex.EncodeToString(at.Hash[:])
	}
	if m.Roles, err = q.workspace.Roles(q.ctx); err != nil {
		return m, err
	}
	m.Held, err = q.workspace.Holders(q.ctx)
	return m, err
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

// reviewAll looks at each member, too, unless somebody does.
func (q *request) reviewAll() error { return q.showReview(q.posted("do") == "look") }

func (q *request) showReview(deep bool) error {
	d, err := q.readReview(deep)
	if err != nil {
		return err
	}
	return q.show(d)
}

// readReview reads what a review shows.
func (q *request) readReview(deep bool) (d reviewData, err error) {
	if workspace := q.workspace.ID(); deep {
		if deep = q.looking.begin(workspace); deep {
			defer q.looking.end(workspace)
		}
	}
	err = q.settled(func(at rbac.Revision) error {
		d, err = q.reviewed(at, deep)
		return err
	})
	return d, err
}

// reviewed reads it as of a revision.
func (q *request) reviewed(at rbac.Revision, deep bool) (d reviewData, err error) {
	m, err := q.model(at)
	if err != nil {
		return d, err
	}
	d = reviewData{
		title: title{Title: q.t("Access review")}, model: m, Now: time.Now(), By: q.people(q.subject.User())[0],
		Deep: deep || m.People() <= mostLinted, Busy: q.looking.busy(q.workspace.ID()), MayVerify: q.mayAudit(),
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

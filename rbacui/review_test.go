package rbacui_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
)

// The review is of one revision, says which, and leads from each finding to the
// place that mends it.
func TestReview(t *testing.T) {
	s := newSite(t, rbacui.WithDirectory(people{names: map[string]rbacui.Person{lena: {Name: "Lena Ahlgrund"}}}))
	page := s.get(lena, "review")
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	revisions, err := s.store.Revisions(context.Background(), []string{""})
	require.NoError(t, err)
	hash := hex.EncodeToString(func() []byte { h := revisions[""].Hash; return h[:] }())
	require.Contains(t, text, "This page revision 19 "+hash[:4]+" "+hash[4:8]+" "+hash[8:12]+" "+hash[12:16]+" Roles and people 9 roles 11 members")
	require.Contains(t, text, "Record of changes not checked since the program started")
	require.Regexp(t, `<p class="only-print">Access review, exported by <bdi>Lena Ahlgrund</bdi> on <time [^>]*>\d+ \w+ 20\d\d, \d\d:\d\d UTC</time>\. Revision 19, hash `+hash+`\.</p>`, page.body)
	require.Contains(t, text, "Reviewed by Date Signature")
	for _, say := range []string{
		"Findings 9 What deserves a look, the gravest first. None of it is forbidden. Data import manages more than it reads " +
			"It manages more of contacts than it reads. That may be meant: an import need not browse. Open the row Integrations manages API keys " +
			"A role of this workspace manages a sensitive area. People who hold it: 1 person. Open the row Operations manager manages users",
		"Support, night shift is nearly the same as Support They differ in one area: warranty claims. Compare",
		"Some people with the role Sales are in no team The role reaches the team’s records, so they reach their own only. See who",
		"Nobody holds Data import It may be for later. If not, it can go. Delete…",
	} {
		require.Contains(t, text, say)
	}
	for what, to := range map[string]string{
		"f-manage-without-read-" + string(s.roles["Data import"]):          "role?id=" + string(s.roles["Data import"]) + "#area-contacts",
		"f-sensitive-manage-" + string(s.roles["Integrations"]):            "role?id=" + string(s.roles["Integrations"]) + "#area-api",
		"f-near-duplicate-role-" + string(s.roles["Support, night shift"]): "role-delete?id=" + string(s.roles["Support, night shift"]) + "&amp;to=" + string(s.roles["Support"]),
		"f-unused-role-" + string(s.roles["Support"]):                      "role-delete?id=" + string(s.roles["Support"]),
	} {
		require.Regexp(t, `(?s)<li class="\w+" id="`+what+`">[^\n]*<a class="btn btn-s" href="`+regexp.QuoteMeta(to)+`">`, page.body)
	}
	for _, chip := range regexp.MustCompile(`href="review[?]finding=[^"]*#([^"]*)"`).FindAllStringSubmatch(s.get(lena, "").body, -1) {
		require.Contains(t, page.body, ` id="`+chip[1]+`"`, "what a chip of the list of roles leads to")
	}
	// Who only reads is not led to what they may not do.
	read := s.get("hedda.dorn", "review")
	require.NotContains(t, read.body, "role-delete?")
	require.NotContains(t, read.text(), "Record of changes", "which needs Audit")
	require.NotContains(t, read.body, `href="audit`)
}

// changing is a store whose roles change once while somebody reads them.
type changing struct {
	rbac.Store
	views  int
	at     int // the view after which they change
	change func()
}

func (c *changing) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	err := c.Store.View(ctx, workspace, fn)
	if c.views++; c.change != nil && c.views == c.at {
		change := c.change
		c.change = nil
		change()
	}
	return err
}

// What is filed as evidence is not of two revisions.
func TestReviewIsOfOneRevision(t *testing.T) {
	store := &changing{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	require.NoError(t, s.az.Sync(context.Background()))
	for at := 1; at < 7; at++ {
		revision := s.revision()
		name := fmt.Sprint("Unused ", at)
		store.views, store.at, store.change = 0, at, func() { s.add(name, "deals: read own") }
		page := s.get(mara, "review?area=deals&action=read")
		made := strings.Contains(page.body, `id="f-unused-role-`+string(s.roles[name]))
		require.Equal(t, made, strings.Contains(page.text(), fmt.Sprint("This page revision ", revision+1)), "after view %d", at)
	}
	revision := s.revision()
	store.views, store.at, store.change = 0, 2, func() { s.add("Made meanwhile", "deals: read own") }
	file := s.get(mara, "review.csv")
	require.Equal(t, http.StatusOK, file.StatusCode)
	require.Contains(t, file.body, "Made meanwhile")
	require.Contains(t, file.body, fmt.Sprintf("Revision,%d,", revision+1))
}

// paused is a store in which somebody who reads all members waits.
type paused struct {
	rbac.Store
	begun, goOn chan struct{}
}

func (p *paused) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return p.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(pausedReader{r, p}) })
}

type pausedReader struct {
	rbac.Reader
	p *paused
}

func (r pausedReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	if r.p.begun != nil && q.Limit == 0 && q.Role == "" && q.Users == nil {
		r.p.begun <- struct{}{}
		<-r.p.goOn
	}
	return r.Reader.Members(q)
}

// Only who asks for it, by a form, has each of many members looked at: one at a time.
func TestReviewLooks(t *testing.T) {
	store := &paused{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	users := numbered(600)
	s.assign("Operations manager", users...)
	require.NoError(t, s.az.Sync(context.Background()))
	page := s.get(mara, "review")
	require.Contains(t, page.text(), "Members are many, so they were counted and not looked at one by one. Look at every member")
	require.NotContains(t, page.text(), "Many people can change roles and members")
	page = s.post(mara, "review", url.Values{"do": {"look"}})
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text(), "Many people can change roles and members It is more than one in five. Each can give others what they hold. See who")
	require.Equal(t, http.StatusForbidden, s.post(mara, "review", url.Values{"do": {"look"}}, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, s.post(mara, "review.csv", url.Values{}).StatusCode)

	store.begun, store.goOn = make(chan struct{}), make(chan struct{})
	look := func() chan answer {
		looked := make(chan answer, 1)
		go func() { looked <- s.post(mara, "review", url.Values{"do": {"look"}}) }()
		return looked
	}
	first := look()
	<-store.begun
	select {
	case page := <-look():
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Contains(t, page.text(), "Look at every member Somebody is looking right now. Look again in a moment.")
		require.NotContains(t, page.text(), "Many people can change roles and members")
	case <-store.begun:
		require.Fail(t, "two look at once")
	}
	require.Contains(t, s.get(lena, "review").text(), "Somebody is looking right now.")
	close(store.goOn)
	require.Contains(t, (<-first).text(), "Many people can change roles and members")
	require.NotContains(t, s.get(lena, "review").text(), "Somebody is looking right now.")
}

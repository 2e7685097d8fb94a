package rbacui

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Directory knows the people behind the ids of users: the application's own table of
// accounts. It decides nothing about access. All methods must be safe for concurrent
// use; what they return may be anything, and is shown as text.
//
// A Directory that fails, panics, or takes longer than two seconds, is no failure of
// a page: it shows ids, and says so. It is asked at most 100 times at once.
type Directory interface {
	// People returns who is known of some users, at most 500, by id. One who is
	// not known is missing, and so is one who is nobody to the workspace: an id
	// may be what somebody wrote into an address.
	People(ctx context.Context, workspace string, users []string) (map[string]Person, error)

	// Search finds people of a workspace by a part of a name or address, members
	// or not, in the order in which they are to be shown: at most limit, and
	// whether there are more.
	Search(ctx context.Context, workspace, query string, limit int) (found []Person, more bool, err error)

	// Waiting returns people who may come into a workspace, such as those who
	// signed up for it, in the order in which they are to be shown, likewise. Those
	// who are members already are left out by the pages.
	Waiting(ctx context.Context, workspace string, limit int) (found []Person, more bool, err error)
}

// Person is somebody whom a Directory knows.
type Person struct {
	User   string // the id
	Name   string // empty if it is not known
	Email  string // likewise
	Avatar string // the address of a picture, of the pages' own origin or one of WithSources; likewise
	Note   string // what else tells people apart, or says why they wait: "signed in yesterday"
}

// The bounds of what a directory is asked.
const (
	directoryWait = 2 * time.Second
	mostFound     = 200
	mostNames     = 500
	mostAsking    = 100 // at once, those included that nobody waits for any more
)

// named is a person as pages show one.
type named struct {
	Person
	Initials string
	You      bool
}

// Shown returns the name, or the id of somebody without one.
func (p named) Shown() string {
	if name := strings.TrimSpace(visible(p.Name)); name != "" {
		return name
	}
	return visible(p.User)
}

// HTML is the name as it stands in a sentence.
func (p named) HTML() template.HTML { return bdi(p.Shown()) }

// KnownBy is what tells people of one name apart.
func (p named) KnownBy() []string {
	var by []string
	for _, part := range []string{p.Email, p.Note, p.User} {
		if part = strings.TrimSpace(visible(part)); part != "" && part != p.Shown() && (part != visible(p.User) || len(by) == 0) {
			by = append(by, part)
		}
	}
	return by
}

// Link leads to the page of a member.
func (p named) Link() string { return link("member", "user", p.User) }

// people returns how some users are shown, in the same order. It asks the directory
// once for all of them, so ask for all that a page needs in one call.
func (q *request) people(users ...string) []named {
	known := map[string]Person{}
	if q.directory != nil && len(users) > 0 && !q.nameless {
		asked := slices.Clone(users[:min(len(users), mostNames)])
		known = ask(q, func(ctx context.Context) (map[string]Person, error) {
			return q.directory.People(ctx, q.workspace.ID(), asked)
		})
	}
	shown := make([]named, len(users))
	for i, user := range users {
		p := known[user]
		p.User = user
		shown[i] = q.person(p)
	}
	return shown
}

// ask asks the directory. That is not ours: one that does not come back is not waited
// for, and one that panics has failed.
func ask[T any](q *request, question func(context.Context) (T, error)) (known T) {
	type reply struct {
		known T
		err   error
	}
	ctx, cancel := context.WithTimeout(q.ctx, directoryWait)
	defer cancel()
	answered := make(chan reply, 1)
	select {
	case q.asking <- struct{}{}:
		go func() {
			r := reply{err: errors.New("it ended its goroutine")}
			defer func() {
				if p := recover(); p != nil {
					r.err = fmt.Errorf("it panicked: %v", p)
				}
				<-q.asking
				answered <- r
			}()
			r.known, r.err = question(ctx)
		}()
	case <-ctx.Done():
	}
	var r reply
	select {
	case r = <-answered:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.err != nil {
		q.nameless = true
		q.warn("rbacui: the directory did not answer", r.err)
		return known
	}
	return r.known
}

// person is how somebody is shown whom the directory returned.
func (q *request) person(p Person) named {
	n := named{Person: p, You: p.User == q.subject.User()}
	n.Initials = initials(n.Shown())
	if at, err := url.Parse(p.Avatar); err != nil || at.Scheme != "" && at.Scheme != "https" && at.Scheme != "http" {
		n.Avatar = ""
	}
	return n
}

// search finds people by a part of their name, at most mostFound.
func (q *request) search(query string) (found []named, more bool) {
	return q.found(func(ctx context.Context) ([]Person, bool, error) {
		return q.directory.Search(ctx, q.workspace.ID(), query, mostFound)
	})
}

func (q *request) found(question func(context.Context) ([]Person, bool, error)) (found []named, more bool) {
	if q.directory == nil || q.nameless {
		return nil, false
	}
	type result struct {
		people []Person
		more   bool
	}
	r := ask(q, func(ctx context.Context) (r result, err error) {
		r.people, r.more, err = question(ctx)
		return r, err
	})
	if len(r.people) > mostFound {
		r.people, r.more = r.people[:mostFound], true
	}
	for _, p := range r.people {
		found = append(found, q.person(p))
	}
	return found, r.more
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(".-_@", r) })
	letter := func(word string) string {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return string(unicode.ToUpper(r))
			}
		}
		return ""
	}
	switch len(words) {
	case 0:
		return ""
	case 1:
		return letter(words[0])
	}
	return letter(words[0]) + letter(words[len(words)-1])
}

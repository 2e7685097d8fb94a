package scenarios

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A user's id changes. The old id may do nothing from that moment on, on another
// instance within the maximum staleness; the new one has what the old had, and
// whoever gets the old id later starts with nothing, history included.
func memberIsRenamed(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	other := h.again(append(workspacetest.Brisk(), rbac.WithTeams())...)
	h.role("Scout", teamDeals)
	h.join("Scout", "north", "sam", "sue")
	h.join("Scout", "north", "suspended")
	assert.NoError(t, h.w.As("ada").Suspend(ctx, "suspended"))
	h.sees("sam", "sue", true)
	assert.True(t, other.CanRecord(ctx, "sam", rbac.Deals, rbac.Read, "sue"))

	assert.NoError(t, h.w.As("ada").Because("new provider").Rename(ctx, "sam", "sam@example.com"))
	assert.NoError(t, h.w.As("ada").Rename(ctx, "suspended", "Suspended"))
	h.sees("sam", "sue", false)
	h.sees("sam@example.com", "sue", true)
	h.sees("sue", "sam@example.com", true)
	h.sees("sue", "sam", false)
	assert.True(t, h.member("Suspended").Suspended)
	assert.Equal(t, "north", h.member("sam@example.com").Team)
	workspacetest.Soon(t, 10*time.Second, "another instance follows", func() bool {
		return !other.CanRecord(ctx, "sam", rbac.Deals, rbac.Read, "sue") && other.CanRecord(ctx, "sam@example.com", rbac.Deals, rbac.Read, "sue")
	})

	h.refuses(rbac.ErrMemberNotFound, func() error { return h.w.As("ada").Rename(ctx, "sam", "sammy") })
	h.refuses(rbac.ErrMemberExists, func() error { return h.w.As("ada").Rename(ctx, "sue", "Suspended") })
	h.refuses(rbac.ErrSelf, func() error { return h.w.As("ada").Rename(ctx, "ada", "ada@example.com") })
	h.refuses(rbac.ErrInvalid, func() error { return h.w.As("ada").Rename(ctx, "sue", "") })
	workspacetest.Unchanged(t, h.store, h.w.ID(), func() { assert.NoError(t, h.w.As("ada").Rename(ctx, "sue", "sue")) })

	// Somebody else gets the old id.
	workspacetest.Assign(t, h.w, h.ids["Scout"], "sam")
	h.sees("sam", "sue", false)
	kinds := func(user string) (kinds []rbac.EventKind) {
		for _, e := range workspacetest.All(t, h.w.History(ctx, user)) {
			kinds = append(kinds, e.Kind)
		}
		return kinds
	}
	assert.Equal(t, fmt.Sprint([]rbac.EventKind{rbac.MemberAssigned}), fmt.Sprint(kinds("sam")))
	assert.Equal(t, fmt.Sprint([]rbac.EventKind{rbac.MemberRenamed, rbac.MemberMoved, rbac.MemberAssigned}), fmt.Sprint(kinds("sam@example.com")))
	for _, user := range []string{"sam", "sam@example.com"} {
		found := workspacetest.Events(t, h.w, rbac.EventQuery{User: user, Kinds: []rbac.EventKind{rbac.MemberRenamed}})
		assert.Equal(t, 1, len(found), "the change of the id is found by", user)
	}
	h.check()
}

// A user manager who may not move an owner into their team gives the owner's id
// to somebody who is there. It takes what SetTeam takes (T4).
func renameIntoATeam(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Scout", teamDeals)
	h.role("Clerk", nil)
	h.role("Lead", managesUsers.Union(teamDeals))
	h.role("Boss", managesUsers.Union(readsAll))
	h.role("Desk", teamDeals, "Clerk")
	h.join("Lead", "north", "lea")
	h.join("Boss", "", "bo")
	h.join("Desk", "south", "dee")
	h.join("Clerk", "north", "dummy")
	h.join("Clerk", "south", "carl")
	h.join("Clerk", "", "cleo")
	renames := func(actor, from, to string) func() error {
		return func() error { return h.w.As(actor).Rename(ctx, from, to) }
	}

	h.sees("lea", "victor", false)
	h.escalates(readsAll, nil, renames("lea", "dummy", "victor"))
	h.sees("lea", "victor", false)
	h.refuses(rbac.ErrEscalation, renames("dee", "lea", "leah")) // beyond the list
	h.refuses(rbac.ErrEscalation, renames("lea", "ada", "eve"))
	h.refuses(rbac.ErrMemberExists, renames("bo", "dummy", "bo"))
	h.refuses(rbac.ErrDenied, renames("carl", "dummy", "eve"))

	assert.NoError(t, renames("lea", "cleo", "cleopatra")(), "who is in no team shares nothing")
	assert.NoError(t, renames("bo", "dummy", "victor")(), "who holds All gives it")
	h.sees("lea", "victor", true)
	assert.NoError(t, renames("dee", "carl", "carla")(), "a delegate, in their own team")
	h.holds("carla", "Clerk")
	h.check()
}

// Two instances give one member two ids, and two members one id. One of each is
// made.
func renamesAtOnce(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	second := h.again(rbac.WithTeams())
	h.role("Scout", teamDeals)
	for round := range 4 {
		one, two, to := fmt.Sprint("one", round), fmt.Sprint("two", round), fmt.Sprint("to", round)
		h.join("Scout", "", one, two)
		errs := workspacetest.Together(
			func() error { return h.w.As("ada").Rename(ctx, one, to) },
			func() error { return second.As("ada").Rename(ctx, two, to) },
			func() error { return second.As("ada").Rename(ctx, one, to+"!") },
		)
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				assert.True(t, errors.Is(err, rbac.ErrMemberExists) || errors.Is(err, rbac.ErrMemberNotFound), err)
			}
		}
		assert.True(t, made == 1 || made == 2, "renamed", made)
		found := workspacetest.All(t, h.w.Members(ctx, rbac.MemberQuery{Users: []string{one, two, to, to + "!"}}))
		assert.Equal(t, 2, len(found), "members", fmt.Sprint(found))
	}
	h.check()
}

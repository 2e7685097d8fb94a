package scenarios

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A user manager whose role reads the deals of the team pulls owners of deals
// into it. Whoever moves a member into a team gives in both directions, so they
// hold All wherever somebody there has Team (T4).
func ownersArePulledIntoATeam(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Seller", ownDeals)
	h.role("Scout", teamDeals)
	h.role("Lead", managesUsers.Union(teamDeals))
	h.role("Boss", managesUsers.Union(readsAll).Union(ownDeals))
	h.join("Lead", "north", "lea")
	h.join("Boss", "", "bo")
	h.join("Seller", "", "stan")
	h.join("Seller", "south", "sue")
	h.join("Scout", "south", "sam")
	lea := h.w.As("lea")
	into := func(a *rbac.Admin, team string, users ...string) func() error {
		return func() error { return a.SetTeam(ctx, team, users...) }
	}

	h.escalates(readsAll, nil, into(lea, "north", "stan"))
	h.escalates(readsAll, nil, into(lea, "south", "stan")) // sam would see his deals
	h.escalates(readsAll, h.roles("Scout"), into(lea, "east", "sam"))
	h.escalates(readsAll, nil, into(lea, "north", "sue", "stan")) // all or nothing
	h.sees("lea", "stan", false)
	h.sees("lea", "sue", false)
	h.refuses(rbac.ErrSelf, into(lea, "south", "lea"))
	h.refuses(rbac.ErrMemberNotFound, into(lea, "north", "nobody"))

	assert.NoError(t, lea.SetTeam(ctx, "east", "stan"), "where nobody sees the team")
	assert.NoError(t, lea.SetTeam(ctx, "", "stan", "sue"), "taking out gives nothing")
	assert.NoError(t, lea.SetTeam(ctx, "south"), "nobody")
	h.sees("sam", "sue", false)
	assert.NoError(t, h.w.As("bo").SetTeam(ctx, "south", "stan", "sue"), "who holds All gives it")
	h.sees("sam", "sue", true)
	h.sees("sam", "stan", true)
	h.sees("stan", "sue", false)
	assert.NoError(t, lea.SetTeam(ctx, "south", "stan"), "who is there already does not move")

	// Nobody can tell what a role holds that is not known.
	workspacetest.Forge(t, h.store, h.w.ID(), rbac.Event{
		Time: time.Now().UTC().Truncate(time.Microsecond), Kind: rbac.MemberAssigned, Reason: "by hand",
		Form: 2, MemberAfter: &rbac.Member{User: "uma", Role: "gone", Team: "west"},
	})
	h.escalates(nil, []rbac.RoleID{"gone"}, into(h.w.As("bo"), "west", "stan"))
	assert.NoError(t, h.w.As("ada").SetTeam(ctx, "west", "stan"))
	assert.NoError(t, h.w.As("ada").Remove(ctx, "uma"))
	h.check()
}

// A delegate admits people to their own team, because what the team sees they
// see. One who manages users, too, could so pull in anybody whose role they cover.
func delegatesAndTheirTeams(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Seller", ownDeals)
	h.role("Scout", teamDeals)
	h.role("Team lead", teamDeals, "Seller")
	h.role("Manager", managesUsers.Union(teamDeals), "Seller")
	h.role("Dispatcher", nil, "Seller")
	h.role("Recruiter", nil, "Scout", "Seller")
	h.join("Team lead", "north", "lea")
	h.join("Scout", "south", "sam")
	h.join("Seller", "", "stan")
	h.join("Manager", "west", "mia")
	h.join("Dispatcher", "", "dan")
	h.join("Recruiter", "", "rae")
	into := func(actor, team string) func() error {
		return func() error { return h.w.As(actor).SetTeam(ctx, team, "stan") }
	}

	h.escalates(readsAll, nil, into("lea", "south")) // not hers
	h.escalates(readsAll, nil, into("mia", "west"))  // hers, but she manages users
	h.escalates(readsAll, nil, into("dan", "north")) // who sees nothing, and gives nothing like it
	assert.NoError(t, into("lea", "north")())
	h.sees("lea", "stan", true)
	assert.NoError(t, into("rae", "south")(), "a role of her list sees the team, so she could give that")
	h.sees("lea", "stan", false)
	h.sees("sam", "stan", true)
	assert.NoError(t, into("dan", "")())
	assert.NoError(t, h.w.As("dan").SetTeam(ctx, "east", "stan"), "where nobody sees the team")
	h.escalates(rbac.Permissions{rbac.Users: {Manage: rbac.All}, rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}, h.roles("Scout"),
		func() error { return h.w.As("dan").SetTeam(ctx, "", "sam") })

	// A team that a delegate is not in any more is not theirs.
	assert.NoError(t, h.w.System("test").SetTeam(ctx, "", "lea"))
	h.role("Watcher", teamDeals)
	h.join("Watcher", "north", "wes")
	h.escalates(readsAll, nil, into("lea", "north"))
	h.check()
}

// Two administrators move members at once, each through an instance of their
// own. Every member ends in one team, with an event for each move, and all
// instances say the same of lists and of single records.
func membersAreMovedAtOnce(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Scout", teamDeals)
	workspacetest.Assign(t, h.w, rbac.Administrator, "abe")
	users := []string{"a", "b", "c", "d"}
	h.join("Scout", "", users...)
	other := h.again(rbac.WithTeams())
	for race := range long.Scale(100) {
		before := h.events()
		errs := workspacetest.Together(
			func() error { return h.w.As("ada").SetTeam(ctx, fmt.Sprint("north", race), "a", "b", "c") },
			func() error { return other.As("abe").SetTeam(ctx, fmt.Sprint("south", race), "b", "c", "d") },
		)
		assert.NoError(t, errors.Join(errs...))
		a, b, c, d := h.member("a").Team, h.member("b").Team, h.member("c").Team, h.member("d").Team
		assert.Equal(t, fmt.Sprint("north", race), a)
		assert.Equal(t, fmt.Sprint("south", race), d)
		assert.Equal(t, b, c, "all of a call move")
		assert.True(t, b == a || b == d, b)
		assert.Equal(t, before+6, h.events())
		for _, w := range []*rbac.Workspace{h.w, other} {
			assert.NoError(t, w.Sync(ctx))
			for _, user := range users {
				reachAgrees(t, w, user, users)
			}
		}
	}
	for range long.Scale(50) {
		errs := workspacetest.Together(
			func() error { return h.w.As("ada").Remove(ctx, "b") },
			func() error { return other.As("abe").SetTeam(ctx, "east", "b") },
		)
		assert.NoError(t, errs[0])
		assert.True(t, errs[1] == nil || errors.Is(errs[1], rbac.ErrMemberNotFound), errs[1])
		h.join("Scout", "", "b")
		assert.Equal(t, "", h.member("b").Team, "who is added again is in no team")
	}
	h.check()
}

func (h *house) events() int64 { return workspacetest.Seq(h, h.store, h.w.ID()) }

// reachAgrees checks that what a list filters by includes exactly the records
// that a user sees one by one.
func reachAgrees(t *testing.T, w *rbac.Workspace, user string, owners []string) {
	t.Helper()
	s, err := w.Subject(context.Background(), user)
	assert.NoError(t, err)
	reach := s.Reach(rbac.Deals, rbac.Read)
	for _, owner := range owners {
		assert.Equal(t, s.CanRecord(rbac.Deals, rbac.Read, owner), reach.Includes(owner), user, owner)
	}
}

// Somebody is taken out of a team. On another instance, which nobody tells, the
// team loses sight of their records within the maximum staleness.
func leavingATeamShowsElsewhere(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Scout", teamDeals)
	h.join("Scout", "north", "a", "b", "c")
	other := workspacetest.Open(t, workspacetest.Deaf(db.Store()), append(workspacetest.Brisk(), rbac.WithTeams())...).For(h.w.ID())
	for _, leave := range []func(*rbac.Admin, string) error{
		func(a *rbac.Admin, user string) error { return a.SetTeam(ctx, "", user) },
		func(a *rbac.Admin, user string) error { return a.SetTeam(ctx, "south", user) },
		func(a *rbac.Admin, user string) error { return a.Remove(ctx, user) },
	} {
		h.join("Scout", "north", "b")
		sees := func() bool { return other.CanRecord(ctx, "a", rbac.Deals, rbac.Read, "b") }
		workspacetest.Soon(t, 10*time.Second, "a sees b's records", sees)
		assert.NoError(t, leave(h.w.As("ada"), "b"))
		h.sees("a", "b", false)
		workspacetest.Soon(t, 10*time.Second, "a sees b's records no longer", func() bool { return !sees() })
		assert.True(t, other.CanRecord(ctx, "a", rbac.Deals, rbac.Read, "c"))
		reachAgrees(t, other, "a", []string{"a", "b", "c"})
	}
	assert.NoError(t, h.w.As("ada").Suspend(ctx, "c"))
	h.sees("a", "c", true) // who is suspended still owns what they own
	h.check()
}

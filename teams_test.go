package rbac_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// reads are permissions to read deals.
func reads(scope rbac.Scope) rbac.Permissions {
	return rbac.Permissions{rbac.Deals: access(scope, rbac.None)}
}

// setTeam puts members into a team.
func setTeam(t testing.TB, w *rbac.Workspace, team string, users ...string) {
	t.Helper()
	require.NoError(t, w.System("test").SetTeam(t.Context(), team, users...))
}

func TestT1_TeamIsBetweenOwnAndAll(t *testing.T) {
	t.Parallel()
	require.True(t, rbac.None < rbac.Own && rbac.Own < rbac.Team && rbac.Team < rbac.All)
	require.True(t, reads(rbac.All).Covers(reads(rbac.Team)))
	require.True(t, reads(rbac.Team).Covers(reads(rbac.Own)))
	require.False(t, reads(rbac.Own).Covers(reads(rbac.Team)))
	require.Equal(t, reads(rbac.Team), reads(rbac.Own).Missing(reads(rbac.Team)))
	require.Equal(t, reads(rbac.Team), reads(rbac.Own).Union(reads(rbac.Team)))
	require.Equal(t, reads(rbac.Team), reads(rbac.All).Intersect(reads(rbac.Team)))
	require.False(t, reads(rbac.Team).Can(rbac.Deals, rbac.Read))

	for name, test := range map[string]struct {
		area   rbac.Area
		opts   []rbac.Option
		counts rbac.Scope
		wrong  string // what is said when it is written; empty if it may be
	}{
		"owners and teams":      {rbac.Deals, []rbac.Option{rbac.WithTeams()}, rbac.Team, ""},
		"owners and no teams":   {rbac.Deals, nil, rbac.Own, "team has no meaning here: this program has no teams"},
		"teams and no owners":   {rbac.Audit, []rbac.Option{rbac.WithTeams()}, rbac.None, "team has no meaning here: records of this area have no owners"},
		"neither one nor other": {rbac.Audit, nil, rbac.None, "team has no meaning here: records of this area have no owners"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, store := t.Context(), rbac.NewMemStore()
			az := openOn(t, store, test.opts...)
			p := rbac.Permissions{test.area: access(rbac.Team, rbac.None)}
			_, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "Scout", Permissions: p})
			if test.wrong == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, rbac.ErrInvalid)
				require.ErrorContains(t, err, "permissions."+string(test.area)+".read: "+test.wrong)
			}
			update(t, store, "w", func(tx rbac.Tx) error { // as another program did
				if err := tx.PutRole(rbac.Role{ID: "scout", Name: "Scout", Version: 1, Permissions: p}); err != nil {
					return err
				}
				return tx.PutMembers(rbac.Member{User: "sam", Role: "scout"})
			})
			scope, err := az.For("w").Scope(ctx, "sam", test.area, rbac.Read)
			require.NoError(t, err)
			require.Equal(t, test.counts, scope)
		})
	}
}

// teamWorld is a workspace with two teams.
//
//	Scout   deals read team   ann, bob (suspended), north; sue, south; lone, none; odd, a malformed team
//	Seller  deals read own    stan, north
//	Boss    deals read all    bo, north
func teamWorld(t *testing.T) (*rbac.MemStore, *rbac.Workspace) {
	t.Helper()
	store := rbac.NewMemStore()
	w := openOn(t, store, rbac.WithTeams()).Workspace
	for name, scope := range map[string]rbac.Scope{"Scout": rbac.Team, "Seller": rbac.Own, "Boss": rbac.All} {
		role := addRole(t, w, name, reads(scope))
		assign(t, w, role.ID, map[string][]string{"Scout": {"ann", "bob", "sue", "lone", "odd"}, "Seller": {"stan"}, "Boss": {"bo"}}[name]...)
	}
	setTeam(t, w, "north", "ann", "bob", "stan", "bo")
	setTeam(t, w, "south", "sue")
	require.NoError(t, w.System("test").Suspend(t.Context(), "bob"))
	return store, w
}

func TestT2_RecordsOfTheTeam(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, w := teamWorld(t)
	odd, err := w.Subject(ctx, "odd")
	require.NoError(t, err)
	update(t, store, "", func(tx rbac.Tx) error { // two members of a team that is none
		return tx.PutMembers(
			rbac.Member{User: "odd", Role: odd.Role(), Team: "no\x00rth"}, rbac.Member{User: "odder", Role: odd.Role(), Team: "no\x00rth"})
	})
	w = openOn(t, store, rbac.WithTeams()).Workspace
	for _, test := range []struct {
		user   string
		owners []string
		want   bool
		reason rbac.Reason
	}{
		{"ann", []string{"ann"}, true, rbac.ReasonOwnRecord},
		{"ann", []string{"stan"}, true, rbac.ReasonTeamRecord},
		{"ann", []string{"sue", "stan"}, true, rbac.ReasonTeamRecord},
		{"ann", []string{"bob"}, true, rbac.ReasonTeamRecord}, // who is suspended still owns
		{"ann", []string{"sue"}, false, rbac.ReasonNotTeam},
		{"ann", []string{"nobody"}, false, rbac.ReasonNotTeam},
		{"ann", []string{"", "north"}, false, rbac.ReasonNotTeam},
		{"ann", nil, false, rbac.ReasonNotTeam},
		{"bob", []string{"bob"}, false, rbac.ReasonSuspended},
		{"stan", []string{"ann"}, false, rbac.ReasonNotOwner},
		{"bo", []string{"sue"}, true, rbac.ReasonGranted},
		{"lone", []string{"lone"}, true, rbac.ReasonOwnRecord},
		{"lone", []string{"odd", "odder"}, false, rbac.ReasonNotTeam},
		{"odd", []string{"odd"}, true, rbac.ReasonOwnRecord},
		{"odd", []string{"odder"}, false, rbac.ReasonNotTeam},
	} {
		what := fmt.Sprint(test.user, test.owners)
		require.Equal(t, test.want, w.CanRecord(ctx, test.user, rbac.Deals, rbac.Read, test.owners...), what)
		s, err := w.Subject(ctx, test.user)
		require.NoError(t, err)
		require.Equal(t, test.want, s.CanRecord(rbac.Deals, rbac.Read, test.owners...), what)
		var seen rbac.Decision
		s.Observe(func(d rbac.Decision) { seen = d }).CanRecord(rbac.Deals, rbac.Read, test.owners...)
		require.Equal(t, test.want, seen.Allowed, what)
		require.Equal(t, test.reason, seen.Reason, "%s: %s", what, seen)
	}

	require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read), "a handler that forgets about owners refuses")
	d, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, `"ann" may not read deals: the role "Scout" reaches the team's records only`, d.String())
}

func TestT5_SetTeam(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, w := teamWorld(t)
	system := w.System("test")
	without := openOn(t, store).Workspace
	unchanged(t, store, "", func() {
		require.NoError(t, system.SetTeam(ctx, "north", "ann", "stan"), "they are there already")
		require.NoError(t, system.SetTeam(ctx, "", "lone"))
		require.NoError(t, system.SetTeam(ctx, "north"))
		require.ErrorIs(t, system.SetTeam(ctx, "north", "ann", "nobody"), rbac.ErrMemberNotFound)
		for _, team := range []string{" ", "no\x00rth", "\xff", string(make([]byte, 256))} {
			var v *rbac.ValidationError
			require.ErrorAs(t, system.SetTeam(ctx, team, "ann"), &v, "%q", team)
			require.Equal(t, "team", v.Fields[0].Field)
		}
		err := without.System("test").SetTeam(ctx, "south", "ann")
		require.ErrorIs(t, err, rbac.ErrInvalid)
		require.ErrorContains(t, err, "team: has no meaning here: this program has no teams")
		require.ErrorIs(t, w.As("bo").SetTeam(ctx, "south", "ann"), rbac.ErrDenied)
	})

	before := int64(len(contentsOf(t, store, "").Events))
	require.NoError(t, system.SetTeam(ctx, "south", "sue", "ann", "lone", "ann"))
	moved := eventsOf(t, w, rbac.EventQuery{After: before})
	require.Len(t, moved, 2, "who really moves")
	for i, user := range []string{"ann", "lone"} {
		require.Equal(t, rbac.MemberMoved, moved[i].Kind)
		require.Equal(t, user, moved[i].MemberAfter.User)
		require.Equal(t, []string{"north", ""}[i], moved[i].MemberBefore.Team)
		require.Equal(t, "south", moved[i].MemberAfter.Team)
	}
	require.True(t, w.CanRecord(ctx, "ann", rbac.Deals, rbac.Read, "sue"))
	require.False(t, w.CanRecord(ctx, "ann", rbac.Deals, rbac.Read, "stan"))

	// A role may change, and a suspension come and go; who is added again is in none.
	sam, err := w.Subject(ctx, "stan")
	require.NoError(t, err)
	require.NoError(t, system.Assign(ctx, sam.Role(), "ann"))
	require.NoError(t, system.Suspend(ctx, "ann"))
	require.NoError(t, system.Reinstate(ctx, "ann"))
	require.Equal(t, "south", teamOf(t, w, "ann"))
	require.NoError(t, system.Remove(ctx, "ann"))
	require.NoError(t, system.Assign(ctx, sam.Role(), "ann"))
	require.Empty(t, teamOf(t, w, "ann"))
	require.False(t, w.CanRecord(ctx, "sue", rbac.Deals, rbac.Read, "ann"))
	checkInvariants(t, store, "")
}

// teamOf returns the team of a member, as the store has it.
func teamOf(t testing.TB, w *rbac.Workspace, user string) string {
	t.Helper()
	for m, err := range w.Members(t.Context(), rbac.MemberQuery{Users: []string{user}}) {
		require.NoError(t, err)
		return m.Team
	}
	t.Fatalf("%q is no member", user)
	return ""
}

// However members come and go, an instance that follows says what one says that
// loads the workspace, of lists and of single records.
func TestTeamsAreFollowed(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	acting, following := openOn(t, store, rbac.WithTeams()), openOn(t, store, rbac.WithTeams())
	scout := addRole(t, acting.Workspace, "Scout", reads(rbac.Team)).ID
	random := rand.New(rand.NewPCG(7, 7))
	users := make([]string, 30)
	for i := range users {
		users[i] = fmt.Sprintf("u%02d", i)
	}
	system := acting.System("test")
	for step := range 400 {
		some := []string{users[random.IntN(len(users))], users[random.IntN(len(users))], users[random.IntN(len(users))]}
		var err error
		switch random.IntN(5) {
		case 0:
			err = system.Remove(ctx, some...)
		case 1, 2:
			err = system.Assign(ctx, scout, some...)
		default: // more teams than anybody is in: those that are empty go
			err = system.SetTeam(ctx, []string{"", "a", "b", fmt.Sprint("t", step)}[random.IntN(4)], some...)
		}
		if err != nil {
			require.ErrorIs(t, err, rbac.ErrMemberNotFound)
		}
		if step%20 > 0 {
			continue
		}
		require.NoError(t, following.Sync(ctx))
		loaded := openOn(t, store, rbac.WithTeams())
		for _, user := range users {
			var want rbac.Reach
			for i, az := range []*rbac.Authorizer{loaded, acting, following} {
				s, err := az.Subject(ctx, user)
				require.NoError(t, err)
				got := s.Reach(rbac.Deals, rbac.Read)
				if i == 0 {
					want = got
				}
				require.Equal(t, want, got, "step %d, %s", step, user)
				for _, owner := range users {
					require.Equal(t, slices.Contains(got.Owners, owner), s.CanRecord(rbac.Deals, rbac.Read, owner))
				}
			}
		}
	}
	checkInvariants(t, store, "")
}

// Teams that come and go leave nothing behind, after a while.
func TestManyTeamsInTurn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := openOn(t, rbac.NewMemStore(), rbac.WithTeams())
	scout := addRole(t, az.Workspace, "Scout", reads(rbac.Team)).ID
	assign(t, az.Workspace, scout, "ann", "bob")
	for i := range 1000 {
		setTeam(t, az.Workspace, fmt.Sprint("team", i), "ann", "bob")
	}
	s, err := az.Subject(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, rbac.Reach{Owners: []string{"ann", "bob"}, Team: "team999"}, s.Reach(rbac.Deals, rbac.Read))
}

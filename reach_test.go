package rbac_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

func TestT3_Reach(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, w := teamWorld(t)
	users := []string{"ann", "bob", "sue", "lone", "stan", "bo", "nobody", ""}
	for user, want := range map[string]rbac.Reach{
		"ann":    {Owners: []string{"ann", "bo", "bob", "stan"}, Team: "north"},
		"bob":    {}, // suspended
		"sue":    {Owners: []string{"sue"}, Team: "south"},
		"lone":   {Owners: []string{"lone"}},
		"stan":   {Owners: []string{"stan"}},
		"bo":     {All: true},
		"nobody": {},
		"":       {},
	} {
		s, err := w.Subject(ctx, user)
		require.NoError(t, err)
		reach := s.Reach(rbac.Deals, rbac.Read)
		require.Equal(t, want, reach, user)
		require.Zero(t, s.Reach(rbac.Deals, rbac.Manage), user)
		require.Zero(t, s.Reach("unknown", rbac.Read), user)
		require.Zero(t, s.Reach(rbac.Deals, 9), user)

		// The list agrees with the single record.
		require.Equal(t, s.CanRecord(rbac.Deals, rbac.Read), reach.Includes(), user)
		for _, a := range users {
			for _, b := range users {
				require.Equal(t, s.CanRecord(rbac.Deals, rbac.Read, a, b), reach.Includes(a, b), "%q of %q and %q", user, a, b)
			}
		}
		if len(reach.Owners) > 0 { // it is the caller's
			reach.Owners[0] = "changed"
			require.Equal(t, want, s.Reach(rbac.Deals, rbac.Read), user)
		}
	}
	require.Zero(t, rbac.Subject{}.Reach(rbac.Deals, rbac.Read))

	// What limits a key limits its reach.
	ann, err := w.Subject(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, rbac.Reach{Owners: []string{"ann"}}, ann.Limit(reads(rbac.Own)).Reach(rbac.Deals, rbac.Read))
	bo, err := w.Subject(ctx, "bo")
	require.NoError(t, err)
	require.Equal(t, rbac.Reach{Owners: []string{"ann", "bo", "bob", "stan"}, Team: "north"}, bo.Limit(reads(rbac.Team)).Reach(rbac.Deals, rbac.Read))

	// A reach is that of the moment in which the subject was resolved.
	setTeam(t, w, "", "stan")
	require.Contains(t, ann.Reach(rbac.Deals, rbac.Read).Owners, "stan")
	now, err := w.Subject(ctx, "ann")
	require.NoError(t, err)
	require.NotContains(t, now.Reach(rbac.Deals, rbac.Read).Owners, "stan")
}

// Where is the simplest condition that there is for a reach, never one with a
// branch for every kind.
func TestReachWhere(t *testing.T) {
	t.Parallel()
	const members = "SELECT id FROM people WHERE team = ?"
	one, two := []string{"ann"}, []string{"ann", "bob"}
	for _, test := range []struct {
		reach      rbac.Reach
		places     rbac.Placeholders
		where      string
		args       []any
		whereTeam  string
		argsOfTeam []any
	}{
		{rbac.Reach{}, rbac.Dollar, "FALSE", nil, "FALSE", nil},
		{rbac.Reach{}, rbac.Question, "FALSE", nil, "FALSE", nil},
		{rbac.Reach{All: true}, rbac.Dollar, "TRUE", nil, "TRUE", nil},
		{rbac.Reach{All: true, Owners: two, Team: "north"}, rbac.Question, "TRUE", nil, "TRUE", nil},
		{rbac.Reach{Owners: one}, rbac.Dollar, "owner = $2", []any{"ann"}, "owner = $2", []any{"ann"}},
		{rbac.Reach{Owners: one}, rbac.Question, "owner = ?", []any{"ann"}, "owner = ?", []any{"ann"}},
		{
			rbac.Reach{Owners: two, Team: "north"}, rbac.Dollar, "owner = ANY ($2)", []any{two},
			"owner IN (SELECT id FROM people WHERE team = $2)", []any{"north"},
		},
		{
			rbac.Reach{Owners: two, Team: "north"}, rbac.Question, "owner IN (?, ?)", []any{"ann", "bob"},
			"owner IN (SELECT id FROM people WHERE team = ?)", []any{"north"},
		},
		{
			rbac.Reach{Owners: one, Team: "north"}, rbac.Dollar, "owner = $2", []any{"ann"},
			"owner IN (SELECT id FROM people WHERE team = $2)", []any{"north"},
		},
		{rbac.Reach{All: true}, 0, "FALSE", nil, "FALSE", nil},
		{rbac.Reach{Owners: two, Team: "north"}, 3, "FALSE", nil, "FALSE", nil},
	} {
		what := fmt.Sprintf("%+v with %d", test.reach, test.places)
		args := []any{"open"}
		require.Equal(t, test.where, test.reach.Where(test.places, "owner", &args), what)
		require.Equal(t, append([]any{"open"}, test.args...), args, what)
		args = []any{"open"}
		require.Equal(t, test.whereTeam, test.reach.WhereTeam(test.places, "owner", members, &args), what)
		require.Equal(t, append([]any{"open"}, test.argsOfTeam...), args, what)
	}
}

// What comes from outside is an argument, never part of the condition.
func TestReachWhereOfHostileIDs(t *testing.T) {
	t.Parallel()
	const hostile = `' OR ''='`
	for _, reach := range []rbac.Reach{{Owners: []string{hostile}}, {Owners: []string{hostile, "x"}, Team: hostile}} {
		for _, places := range []rbac.Placeholders{rbac.Dollar, rbac.Question} {
			var args []any
			require.NotContains(t, reach.Where(places, "owner", &args), hostile)
			require.NotContains(t, reach.WhereTeam(places, "owner", "SELECT id FROM people WHERE team = ?", &args), hostile)
			require.NotEmpty(t, args)
		}
	}
}

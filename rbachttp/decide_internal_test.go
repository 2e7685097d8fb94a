package rbachttp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// The naive form of what decide does: one function for each question, written
// without regard for the others. They are the oracle of
// TestDecideAgreesWithTheNaiveForm; do not make them use decide.

// naiveReach says how far a requirement is met, and asks everything.
func naiveReach(n Requirement, s standing) rbac.Scope {
	switch n.kind {
	case kindNeeds:
		return allIf(s.explain(n).Scope == rbac.All)
	case kindNeedsScope:
		return s.explain(n).Scope
	case kindMember:
		return allIf(s.active())
	case kindSignedIn:
		return allIf(s.signedIn())
	case kindPublic:
		return rbac.All
	case kindAllOf:
		reach := rbac.All
		for _, part := range n.parts {
			reach = min(reach, naiveReach(part, s))
		}
		return reach
	case kindAnyOf:
		reach := rbac.None
		for _, part := range n.parts {
			reach = max(reach, naiveReach(part, s))
		}
		return reach
	}
	return rbac.None
}

// naiveDecide says whether a guard lets somebody in, and asks no more than it
// needs.
func naiveDecide(n Requirement, s rbac.Subject) (denied []rbac.Decision, ok bool) {
	switch n.kind {
	case kindNeeds, kindNeedsScope:
		d := s.Explain(n.area, n.action)
		if d.Allowed || n.kind == kindNeedsScope && d.Scope != rbac.None {
			return nil, true
		}
		return []rbac.Decision{d}, false
	case kindAllOf:
		for _, part := range n.parts {
			if denied, ok := naiveDecide(part, s); !ok {
				return denied, false
			}
		}
		return nil, true
	case kindAnyOf:
		for _, part := range n.parts {
			more, ok := naiveDecide(part, s)
			if ok {
				return nil, true
			}
			denied = append(denied, more...)
		}
		return denied, false
	}
	return nil, naiveReach(n, subjectStanding{s}) != rbac.None
}

// naiveUnused says which parts the looks of a handler do not justify.
func naiveUnused(l *looks, n Requirement, s standing) []Requirement {
	switch n.kind {
	case kindNeedsScope:
		if !l.at(n.area, n.action) {
			return []Requirement{n}
		}
	case kindAllOf:
		var unused []Requirement
		for _, part := range n.parts {
			unused = append(unused, naiveUnused(l, part, s)...)
		}
		return unused
	case kindAnyOf:
		for _, part := range n.parts {
			if naiveReach(part, s) != rbac.None && len(naiveUnused(l, part, s)) == 0 {
				return nil
			}
		}
		return []Requirement{n}
	}
	return nil
}

var (
	someAreas   = []rbac.Area{rbac.Contacts, rbac.Deals, rbac.Tasks}
	someActions = []rbac.Action{rbac.Read, rbac.Manage}
	someScopes  = []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
)

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func randomRequirement(random *rand.Rand, depth int) Requirement {
	n := random.IntN(12)
	if depth == 0 {
		n = random.IntN(8)
	}
	switch {
	case n < 3:
		return Needs(pick(random, someAreas), pick(random, someActions))
	case n < 6:
		return NeedsScope(pick(random, someAreas), pick(random, someActions))
	case n == 6:
		return Member()
	case n == 7:
		return SignedIn()
	}
	parts := make([]Requirement, 1+random.IntN(4))
	for i := range parts {
		parts[i] = randomRequirement(random, depth-1)
	}
	if n%2 == 0 {
		return AllOf(parts...)
	}
	return AnyOf(parts...)
}

func randomPermissions(random *rand.Rand) rbac.Permissions {
	permissions := rbac.Permissions{}
	for _, area := range someAreas {
		permissions[area] = rbac.Access{Read: pick(random, someScopes), Manage: pick(random, someScopes)}
	}
	return permissions
}

// randomSubjects are Subjects of all kinds, and the zero one.
func randomSubjects(t *testing.T, random *rand.Rand, count int) []rbac.Subject {
	t.Helper()
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithTeams())
	require.NoError(t, err)
	t.Cleanup(func() { _ = az.Close() })
	app := az.System("test")
	require.NoError(t, app.Assign(ctx, rbac.Administrator, "ada"))
	subjects := []rbac.Subject{{}}
	for i := range count {
		user := fmt.Sprintf("user%d", i)
		if i%10 != 0 { // else no member
			permissions := randomPermissions(random)
			for area, access := range permissions {
				access.Read = max(access.Read, access.Manage)
				permissions[area] = access
			}
			role, err := app.CreateRole(ctx, rbac.Role{Name: user, Permissions: permissions})
			require.NoError(t, err)
			require.NoError(t, app.Assign(ctx, role.ID, user))
		}
		if i%10 == 1 {
			require.NoError(t, app.Suspend(ctx, user))
		}
		s, err := az.Subject(ctx, user)
		require.NoError(t, err)
		if i%3 == 0 {
			s = s.Limit(randomPermissions(random))
		}
		subjects = append(subjects, s)
	}
	ada, err := az.Subject(ctx, "ada")
	require.NoError(t, err)
	return append(subjects, ada)
}

// For any requirement and anybody, decide answers what the naive form does,
// asks the observer the same questions in the same order, and finds the same
// looks missing.
func TestDecideAgreesWithTheNaiveForm(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 1))
	met := 0
	for _, s := range randomSubjects(t, random, 60) {
		var told []rbac.Decision
		s := s.Observe(func(d rbac.Decision) { told = append(told, d) })
		for range 200 {
			n := randomRequirement(random, 3)

			told = nil
			wantDenied, wantOK := naiveDecide(n, s)
			wantTold := told
			told = nil
			reach, denied := n.decide(subjectStanding{s}, enough)
			require.Equal(t, wantOK, reach != rbac.None, "%v: %s", n, s.User())
			require.Equal(t, wantDenied, denied, "%v: %s", n, s.User())
			require.Equal(t, wantTold, told, "%v: %s", n, s.User())

			told = nil
			want := naiveReach(n, subjectStanding{s})
			wantTold = told
			told = nil
			require.Equal(t, want != rbac.None, n.Allows(s), "%v: %s", n, s.User())
			require.Equal(t, wantTold, told, "%v: %s", n, s.User())
			require.Equal(t, want, n.reach(subjectStanding{s}), "%v: %s", n, s.User())
			require.Equal(t, wantOK, want != rbac.None, "%v: %s", n, s.User())

			h := holder{user: s.User() != "", member: s.Active(), permissions: s.Permissions()}
			require.Equal(t, want, n.reach(h), "%v: %s", n, s.User())
			if reach == rbac.None {
				continue
			}
			met++
			var l looks
			l.of(n.scopes())
			for i := range l.looked {
				l.looked[i].Store(random.IntN(2) == 0)
			}
			require.Equal(t, naiveUnused(&l, n, h), l.unused(n, h), "%v: %s", n, s.User())
		}
	}
	require.Greater(t, met, 1000)

	var ada rbac.Subject
	for _, n := range []Requirement{{}, Public("test")} { // which stand alone
		_, ok := naiveDecide(n, ada)
		reach, denied := n.decide(subjectStanding{ada}, enough)
		require.Equal(t, ok, reach != rbac.None)
		require.Empty(t, denied)
	}
}

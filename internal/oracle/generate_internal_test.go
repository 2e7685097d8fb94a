package oracle

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// evaluation is a generated workspace, as rows in a store and in the oracle.
type evaluation struct {
	testing.TB
	name    string // seed and number, for failures
	ctx     context.Context
	program *oracleProgram
	state   *oracleState
	id      string // of the workspace
	users   []string
	owners  map[string][][]string // by user: see ownerships
	random  *rand.Rand
	az      *rbac.Authorizer
	w       *rbac.Workspace
}

var evaluationAreas = []rbac.Area{
	rbac.Contacts, rbac.Organizations, rbac.Deals, rbac.Services, rbac.Tasks, rbac.Users, rbac.API, rbac.Audit,
	"reports", "tickets", "visits", "exports", "cases", // the application's own
	"claims", // which cases were once
	"legacy", // of another version of the application
	"unheard-of", "", "Contacts", "contacts ", "\xff",
}

var evaluationActions = []rbac.Action{rbac.Read, rbac.Manage, 0, 3, 255}

// newEvaluation generates a workspace and opens an Authorizer on it.
func newEvaluation(t testing.TB, seed uint64, number int, options ...rbac.Option) *evaluation {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	e := &evaluation{
		TB:      t,
		name:    fmt.Sprintf("RBAC_SEED=%d, workspace %d", seed, number),
		ctx:     t.Context(),
		program: evaluationProgram(number%4 < 2),
		state:   newOracleState(),
		id:      []string{"", "acme"}[number%2],
		owners:  map[string][][]string{},
		random:  r,
	}
	e.generateRoles(r)
	e.generateMembers(r)
	e.users = append(slices.Sorted(maps.Keys(e.state.members)),
		"", "nobody", "ADMINISTRATOR-ACTIVE", "administrator", "Auditor", "\xff", "a\x00b", strings.Repeat("u", 300))
	slices.Sort(e.users)
	e.users = slices.Compact(e.users)

	store := rbac.NewMemStore()
	e.write(store)
	az, err := rbac.Open(e.ctx, store, slices.Concat(e.program.options(), options, []rbac.Option{
		rbac.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), // malformed rows are reported
	})...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = az.Close() })
	e.az, e.w = az, az.For(e.id)
	return e
}

// evaluationProgram knows teams or not, and areas of every kind.
func evaluationProgram(teams bool) *oracleProgram {
	system := map[string]oracleRole{
		"auditor": {name: "Auditor", perms: oraclePerms{"audit": {3, 0}, "contacts": {1, 0}, "tickets": {3, 1}}},
	}
	if teams {
		system["leader"] = oracleRole{name: "Leader", perms: oraclePerms{"contacts": {2, 1}, "cases": {2, 2}, "visits": {2, 0}}, assigns: []string{"auditor"}}
	}
	return newOracleProgram(teams, map[string]oracleArea{
		"reports": {}, "tickets": {owned: true}, "visits": {owned: true, only: 1}, "exports": {only: 2},
		"cases": {owned: true, former: []string{"claims", "affairs"}},
	}, system)
}

// generateRoles makes roles of every kind, among them rows that only a hand or
// another program can have written.
func (e *evaluation) generateRoles(r *rand.Rand) {
	for i := range 3 + r.IntN(4) {
		e.state.roles[fmt.Sprintf("role-%d", i)] = oracleRole{name: fmt.Sprintf("Role %d", i), perms: randomPerms(r, 4), assigns: [][]string{nil, {"auditor", "empty", "gone"}}[r.IntN(2)], version: 1}
	}
	e.state.roles["empty"] = oracleRole{name: "Empty"}
	e.state.roles["malformed"] = oracleRole{name: "Malformed", perms: oraclePerms{"contacts": {3, 3}, "deals": {3, 4 + r.IntN(252)}}}
	e.state.roles["nameless"] = oracleRole{name: " ", perms: oraclePerms{"contacts": {3, 3}}}
	e.state.roles["auditor"] = oracleRole{name: "Forged", perms: oraclePerms{"users": {3, 3}, "contacts": {3, 3}}}
	if r.IntN(2) == 0 {
		e.state.roles["administrator"] = oracleRole{name: "Forged too", perms: oraclePerms{}}
	}
}

// randomPerms gives most areas a scope below most for each action.
func randomPerms(r *rand.Rand, most int) oraclePerms {
	perms := oraclePerms{}
	for _, area := range evaluationAreas[:15] {
		if r.IntN(5) > 0 {
			perms[string(area)] = oracleAccess{r.IntN(most), r.IntN(most)}
		}
	}
	return perms
}

// generateMembers gives each role an active and a suspended member.
func (e *evaluation) generateMembers(r *rand.Rand) {
	for _, role := range append(slices.Sorted(maps.Keys(e.state.roles)), "administrator", "auditor", "leader", "gone", "") {
		team := func() string { return []string{"", "north", "north", "south", "south", " ", "a\x00b"}[r.IntN(7)] }
		e.state.members[role+"-active"] = oracleMember{role, false, team()}
		e.state.members[role+"-suspended"] = oracleMember{role, true, team()}
	}
	if r.IntN(2) == 0 {
		e.state.members[""] = oracleMember{"administrator", false, "north"}
		e.state.members["a\x00b"] = oracleMember{"administrator", false, "south"}
	}
}

// write writes the rows as no Admin would.
func (e *evaluation) write(store rbac.Store) {
	e.Helper()
	err := store.Update(e.ctx, e.id, func(tx rbac.Tx) error {
		for key, role := range e.state.roles {
			if err := tx.PutRole(rbac.Role{
				ID: rbac.RoleID(key), Name: role.name, Permissions: role.perms.library(), Assigns: libraryIDs(role.assigns), Version: 1,
				System: key == "role-1", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			}); err != nil {
				return err
			}
		}
		for user, m := range e.state.members {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(m.role), Suspended: m.suspended, Team: m.team}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.Fatal(err)
	}
}

func (e *evaluation) errorf(format string, args ...any) {
	e.Helper()
	e.Fatalf("%s: %s", e.name, fmt.Sprintf(format, args...))
}

// ownerships returns the owners that a record can have, as far as they matter
// to a user.
func (e *evaluation) ownerships(user string) [][]string {
	if e.owners[user] != nil {
		return e.owners[user]
	}
	owners := [][]string{nil, {}, {user}, {user + "x"}, {"x", user, "y"}, {""}, {"", "x"}, {strings.ToUpper(user)}}
	seen := map[bool]bool{}
	for _, other := range e.users { // one of the user's team, and one who is not
		if same := e.state.team(other) == e.state.team(user); !seen[same] && other != user {
			seen[same] = true
			owners = append(owners, []string{other}, []string{"x", other})
		}
	}
	e.owners[user] = owners
	return owners
}

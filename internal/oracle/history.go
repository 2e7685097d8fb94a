package oracle

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// RandomHistories administers workspaces at random through two Authorizers on
// one store and compares every step with the oracle. The two are programs of
// different versions in most of the histories: each knows an area that the
// other does not or calls one by another name, has a system role more or an
// action less, knows teams or does not, and they disagree whether two areas
// have owners.
//
// There are count histories of 20 to 40 steps, or as many as RBAC_HISTORIES
// says. RBAC_SEED and RBAC_HISTORY, which a failure prints, run one of them
// again. Each history has a subtest and calls newStore with it.
func RandomHistories(t *testing.T, count int, newStore func(t testing.TB) rbac.Store) {
	t.Helper()
	seed, first := testSeed(t), 0
	if n, given := testNumber(t, "RBAC_HISTORIES"); given {
		count = int(n)
	}
	if n, given := testNumber(t, "RBAC_HISTORY"); given {
		first, count = int(n), 1
	}
	tally := &historyTally{outcomes: map[string]int{}}
	const shards = 4
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				for i := first + shard; i < first+count && !t.Failed(); i += shards {
					t.Run(strconv.Itoa(i), func(t *testing.T) {
						choice := randomChoice{rand.New(rand.NewPCG(seed, uint64(i)))}
						h := newHistory(t, newStore(t), choice, fmt.Sprintf("RBAC_SEED=%d RBAC_HISTORY=%d", seed, i))
						steps := 20 + choice.pick(21)
						for range steps {
							h.step()
						}
						h.end()
						tally.add(h, steps)
					})
				}
			})
		}
	})
	t.Logf("%d histories, %d steps", tally.histories, tally.taken)
	if count >= 1000 { // fewer say nothing of what is rare
		tally.check(t)
	}
}

// historyTally counts what came of the steps, so that a generator that no
// longer reaches a rule is noticed.
type historyTally struct {
	mu        sync.Mutex
	outcomes  map[string]int
	steps     int // as a failure lists them, some in several lines
	histories int
	taken     int // steps of the histories
}

func (y *historyTally) add(h *history, taken int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.steps += len(h.steps)
	y.histories++
	y.taken += taken
	for outcome, n := range h.outcomes {
		y.outcomes[outcome] += n
	}
}

func (y *historyTally) check(t *testing.T) {
	for _, rule := range oracleOrder {
		if y.outcomes[rule.Error()]*2000 < y.steps {
			t.Errorf("only %d of %d steps came to %q", y.outcomes[rule.Error()], y.steps, rule)
		}
	}
	for _, do := range historyMethods {
		if y.outcomes[do]*2000 < y.steps {
			t.Errorf("only %d of %d steps were a successful %s", y.outcomes[do], y.steps, do)
		}
	}
	for _, what := range []string{"a delegate changed members", "a delegate went too far", "a move shared too much", "a member came into a team"} {
		if y.outcomes[what]*4000 < y.steps {
			t.Errorf("only in %d of %d steps %s", y.outcomes[what], y.steps, what)
		}
	}
	if n := y.outcomes["a change was previewed"]; n < 5*y.histories {
		t.Errorf("only %d changes were previewed in %d histories", n, y.histories)
	}
	if t.Failed() || testing.Verbose() {
		for _, outcome := range slices.Sorted(maps.Keys(y.outcomes)) {
			t.Logf("%7d %s", y.outcomes[outcome], outcome)
		}
	}
}

// choice is where a history takes its choices from.
type choice interface {
	pick(n int) int // from 0 to n-1
}

type randomChoice struct{ *rand.Rand }

func (c randomChoice) pick(n int) int { return c.IntN(n) }

// history is one workspace while it is administered, the oracle beside it, and
// the list of what was done.
type history struct {
	testing.TB
	choice
	ctx   context.Context
	name  string // how to run it again
	id    string // of the workspace
	store rbac.Store

	programs [2]*oracleProgram
	az       [2]*rbac.Authorizer
	w        [2]*rbac.Workspace

	state  *oracleState
	past   map[int64]*oracleState // by number of the newest event
	ids    map[string]rbac.RoleID // of the roles that the library made, by the oracle's key
	used   map[rbac.RoleID]bool   // every id that the library ever gave
	adrift map[string]bool        // roles that members held without there being one, from the start
	made   bool                   // what EnsureRole said last
	ruled  bool                   // whether there was an active administrator

	steps    []string
	outcomes map[string]int
}

// historySystem returns the system roles that all programs have, and more.
func historySystem(more map[string]oracleRole) map[string]oracleRole {
	system := map[string]oracleRole{
		"auditor":      {name: "Auditor", description: "Looks.", perms: oraclePerms{"audit": {3, 0}, "contacts": {1, 0}}},
		"user-manager": {name: "User manager", perms: oraclePerms{"users": {3, 3}, "contacts": {3, 1}, "deals": {1, 1}, "api": {3, 0}}},
		"help-desk":    {name: "Help desk", perms: oraclePerms{"users": {3, 0}}, assigns: []string{"auditor"}},
	}
	maps.Copy(system, more)
	return system
}

// historyTeamRoles are the system roles of programs that know teams.
var historyTeamRoles = map[string]oracleRole{
	"leader": {name: "Leader", perms: oraclePerms{"contacts": {2, 2}, "deals": {2, 1}}, assigns: []string{"auditor", "rep"}},
	"rep":    {name: "Rep", perms: oraclePerms{"contacts": {2, 1}}},
}

// historyPrograms are versions of one application.
var historyPrograms = []*oracleProgram{
	newOracleProgram(true, map[string]oracleArea{"tickets": {owned: true}, "reports": {}}, historySystem(historyTeamRoles)),
	newOracleProgram(false, map[string]oracleArea{"tickets": {}, "audit": {owned: true}, "legacy": {owned: true}}, historySystem(map[string]oracleRole{
		"desk": {name: "Desk", perms: oraclePerms{"users": {3, 0}, "contacts": {3, 0}}},
	})),
	newOracleProgram(false, map[string]oracleArea{"tickets": {owned: true}, "reports": {}}, historySystem(nil)),
	newOracleProgram(true, map[string]oracleArea{
		"cases": {owned: true, former: []string{"tickets", "legacy"}}, "reports": {only: 1}, "audit": {only: 1}, "services": {owned: true, only: 2},
	}, historySystem(historyTeamRoles)),
}

// historyPairs are the versions that run side by side.
var historyPairs = [8][2]int{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {2, 2}, {3, 1}, {3, 3}, {2, 3}}

var historyAreas = []string{
	"contacts", "organizations", "deals", "services", "tasks", "users", "api", "audit", "tickets", "reports", "legacy", "cases",
}

// historyUsers are the users of all histories. Some look like other things.
var historyUsers = []string{
	"ada", "bob", "Bob", "cem", "dee", "administrator", "user-manager", "O'Hara; DROP TABLE members", " é\u00a0", "名前",
}

var historyMethods = []string{"create", "ensure", "update", "delete", "add", "assign", "suspend", "reinstate", "remove", "replace", "team", "rename"}

// newHistory opens two Authorizers on a store that holds nothing yet.
func newHistory(t testing.TB, store rbac.Store, c choice, name string) *history {
	t.Helper()
	h := &history{
		TB: t, choice: c, ctx: t.Context(), name: name, store: store,
		state: newOracleState(), past: map[int64]*oracleState{},
		ids: map[string]rbac.RoleID{}, used: map[rbac.RoleID]bool{}, adrift: map[string]bool{},
		outcomes: map[string]int{},
	}
	for i, n := range historyPairs[c.pick(8)] {
		h.programs[i] = historyPrograms[n]
	}
	kind := c.pick(4)
	h.id = []string{"", "acme"}[kind&1]
	if kind&2 != 0 {
		h.store = struct{ rbac.Store }{store} // no Notifier: the other learns by Sync alone
	}
	if c.pick(4) == 1 {
		h.seed()
	}
	h.past[0] = h.state
	for i := range h.az {
		patient := rbac.WithMaxStaleness(time.Minute) // a busy machine is no fault
		az, err := rbac.Open(h.ctx, h.store, append(h.programs[i].options(), patient, workspacetest.Silent())...)
		if err != nil {
			h.fail("Open: %v", err)
		}
		t.Cleanup(func() { _ = az.Close() }) // before the store, when the history fails
		h.az[i], h.w[i] = az, az.For(h.id)
	}
	if c.pick(8) > 0 {
		h.do(0, oracleOp{do: "assign", system: true, reason: "sign-up", role: "administrator", users: []string{"ada"}})
	}
	return h
}

// seed writes rows that no Admin writes: areas and scopes that a program does
// not know, lists of anything, members without a role, an administrator from
// nowhere.
func (h *history) seed() {
	h.state.roles["k1"] = oracleRole{name: "Old hand", version: 7, assigns: []string{"k2", "vanished"}, perms: oraclePerms{
		"users": {3, 3}, "contacts": {3, 3}, "deals": {3, 1}, "legacy": {3, 1}, "reports": {1, 1}, "gone": {3, 0}, "tickets": {2, 3},
	}}
	h.state.roles["k2"] = oracleRole{name: "Relic", version: 1, perms: oraclePerms{
		"reports": {1, 3}, "gone": {1, 2}, "api": {1, 1}, "deals": {2, 2}, "services": {3, 1}, "tickets": {1, 0}, "cases": {0, 2},
	}}
	h.state.roles["k3"] = oracleRole{name: "Helper", version: 2, perms: oraclePerms{"users": {3, 3}, "reports": {3, 0}, "deals": {2, 1}}}
	h.state.roles["k4"] = oracleRole{
		name: "Concierge", version: 3, perms: oraclePerms{"contacts": {2, 1}, "deals": {1, 0}},
		assigns: []string{"administrator", "auditor", "desk", "k1", "k2", "k5", "rep"}[h.pick(3):],
	}
	h.state.roles["k5"] = oracleRole{name: "Guest", version: 1, perms: oraclePerms{"contacts": {h.pick(4), 0}}}
	h.state.made = 5
	h.state.members["bob"] = oracleMember{"k1", false, "north"}
	h.state.members["cem"] = oracleMember{"vanished", h.pick(2) == 0, []string{"", "north", " "}[h.pick(3)]}
	h.state.members["dee"] = oracleMember{[]string{"k2", "k3", "k4", "k5", "administrator"}[h.pick(5)], false, "south"}
	h.state.members["Bob"] = oracleMember{[]string{"k4", "leader", "desk"}[h.pick(3)], false, []string{"", "north", "south", "a\n"}[h.pick(4)]}
	h.adrift["vanished"] = true
	h.adrift["leader"], h.adrift["desk"] = true, true // in some programs
	err := h.store.Update(h.ctx, h.id, func(tx rbac.Tx) error {
		for key, role := range h.state.roles {
			h.ids[key] = rbac.RoleID(key)
			if err := tx.PutRole(rbac.Role{
				ID: rbac.RoleID(key), Name: role.name, Permissions: role.perms.library(), Assigns: libraryIDs(role.assigns), Version: role.version,
				CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			}); err != nil {
				return err
			}
		}
		for user, m := range h.state.members {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(m.role), Suspended: m.suspended, Team: m.team, UpdatedAt: time.Unix(3, 0)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.fail("seed: %v", err)
	}
	h.note("rows written by hand: %v", h.state)
}

func (h *history) note(format string, args ...any) {
	h.steps = append(h.steps, fmt.Sprintf(format, args...))
}

// fail ends the test with the list of steps.
func (h *history) fail(format string, args ...any) {
	h.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nafter these steps (%s):\n", fmt.Sprintf(format, args...), h.name)
	for i, step := range h.steps {
		fmt.Fprintf(&b, "%3d  %s\n", i+1, step)
	}
	fmt.Fprintf(&b, "\nthe state then: %v", h.state)
	h.Fatal(b.String())
}

// end looks at everything once more, and closes.
func (h *history) end() {
	h.Helper()
	for i := range h.az {
		h.catchUp(i)
		if err := h.az[i].Close(); err != nil {
			h.fail("Close: %v", err)
		}
	}
}

// step does one thing at random.
func (h *history) step() {
	h.Helper()
	i := h.pick(2)
	switch h.pick(12) {
	case 0:
		h.inTransaction(i)
	case 1, 2, 3:
		h.planned(i)
	case 4:
		h.plannedTogether(i)
	default:
		h.do(i, h.chooseOp(i))
	}
}

// do does an op through an Authorizer, and compares everything.
func (h *history) do(i int, op oracleOp) {
	h.Helper()
	next, want := h.programs[i].after(h.state, op)
	before := h.dump()
	saved, err := h.run(h.admin(h.w[i], nil, op), op)
	h.note("%s, program %d: %v", h.describe(op), i, err)
	after := h.dump()
	h.outcome(i, op, want, err)
	h.accept(i, op, want, saved, next, before, after)
	h.checkRows(after)
	h.checkAnswers(i, len(want.changes) > 0)
	if h.pick(2) == 0 {
		h.catchUp(1 - i)
	} else {
		h.checkAnswers(1-i, false)
	}
}

// testSeed returns the seed of a random test: that of RBAC_SEED, or a new one.
func testSeed(t testing.TB) uint64 {
	t.Helper()
	if seed, given := testNumber(t, "RBAC_SEED"); given {
		return seed
	}
	return rand.Uint64()
}

// testNumber returns the number that a variable gives, if it is set.
func testNumber(t testing.TB, variable string) (n uint64, given bool) {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n, true
}

package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// TestRandomHistories administers workspaces at random through two
// Authorizers on one store and compares every step with the oracle. The two
// are programs of different versions in half of the histories: each knows an
// area that the other does not.
//
// RBAC_HISTORIES sets how many histories; RBAC_SEED and RBAC_HISTORY, which a
// failure prints, run one of them again.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	seed, first, count := testSeed(t), 0, testCount(2000)
	if n, err := strconv.Atoi(os.Getenv("RBAC_HISTORIES")); err == nil {
		count = n
	}
	if n, err := strconv.Atoi(os.Getenv("RBAC_HISTORY")); err == nil {
		first, count = n, 1
	}
	tally := &historyTally{outcomes: map[string]int{}}
	const shards = 4
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				for i := first + shard; i < first+count; i += shards {
					choice := randomChoice{rand.New(rand.NewPCG(seed, uint64(i)))}
					h := newHistory(t, choice, fmt.Sprintf("RBAC_SEED=%d RBAC_HISTORY=%d", seed, i))
					for range 20 + choice.pick(21) {
						h.step()
					}
					h.end()
					tally.add(h)
				}
			})
		}
	})
	if count >= 200 {
		tally.check(t)
	}
}

// Whom an Admin denies, it denies for the reason that Explain gives.
func TestDeniedActorHasTheReasonOfExplain(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	err := store.Update(ctx, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "cem", Role: "vanished", Suspended: true}, rbac.Member{User: "dee", Role: "vanished"},
			rbac.Member{User: "eve", Role: rbac.Administrator, Suspended: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	az, err := rbac.Open(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	defer az.Close()
	for _, user := range []string{"cem", "dee", "eve", "nobody", ""} {
		want, err := az.Explain(ctx, user, rbac.Users, rbac.Manage)
		if err != nil {
			t.Fatal(err)
		}
		var denied *rbac.DeniedError
		if err := az.As(user).Suspend(ctx, "dee"); !errors.As(err, &denied) || denied.Decision != want {
			t.Errorf("As(%q): %v, but Explain says: %v", user, err, want)
		}
	}
}

// historyTally counts what came of the steps, so that a generator that no
// longer reaches a rule is noticed.
type historyTally struct {
	mu       sync.Mutex
	outcomes map[string]int
	steps    int
}

func (y *historyTally) add(h *history) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.steps += len(h.steps)
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

// byteChoice takes each choice from a byte, for fuzzing.
type byteChoice struct{ program *[]byte }

func (c byteChoice) pick(n int) int {
	if len(*c.program) == 0 {
		return 0
	}
	b := (*c.program)[0]
	*c.program = (*c.program)[1:]
	return int(b) % n
}

func (c byteChoice) ended() bool { return len(*c.program) == 0 }

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
	ruled  bool                   // whether there was an active administrator

	steps    []string
	outcomes map[string]int
}

var historySystem = map[string]oracleRole{
	"auditor":      {name: "Auditor", description: "Looks.", perms: oraclePerms{"audit": {2, 0}, "contacts": {1, 0}}},
	"user-manager": {name: "User manager", perms: oraclePerms{"users": {2, 2}, "contacts": {2, 1}, "deals": {1, 1}, "api": {2, 0}}},
}

// historyPrograms are two versions of one application.
var historyPrograms = [2]*oracleProgram{
	newOracleProgram(map[string]bool{"tickets": true, "reports": false}, historySystem),
	newOracleProgram(map[string]bool{"tickets": true, "legacy": true}, historySystem),
}

var historyAreas = []string{
	"contacts", "organizations", "deals", "services", "tasks", "users", "api", "audit", "tickets", "reports", "legacy",
}

// historyUsers are the users of all histories. Some look like other things.
var historyUsers = []string{
	"ada", "bob", "Bob", "cem", "dee", "administrator", "user-manager", "O'Hara; DROP TABLE members", " é\u00a0", "名前",
}

var historyMethods = []string{"create", "update", "delete", "assign", "suspend", "reinstate", "remove", "replace"}

// newHistory opens two Authorizers on a new store.
func newHistory(t testing.TB, c choice, name string) *history {
	t.Helper()
	h := &history{
		TB: t, choice: c, ctx: t.Context(), name: name,
		programs: [2]*oracleProgram{historyPrograms[0], historyPrograms[0]},
		state:    newOracleState(), past: map[int64]*oracleState{},
		ids: map[string]rbac.RoleID{}, used: map[rbac.RoleID]bool{}, adrift: map[string]bool{},
		outcomes: map[string]int{},
	}
	mem := rbac.NewMemStore()
	h.store = mem
	kind := c.pick(8)
	h.id = []string{"", "acme"}[kind&1]
	if kind&2 != 0 {
		h.programs[1] = historyPrograms[1]
	}
	if kind&4 != 0 {
		h.store = struct{ rbac.Store }{mem} // no Notifier: the other learns by Sync alone
	}
	if c.pick(4) == 1 {
		h.seed()
	}
	h.past[0] = h.state
	for i := range h.az {
		az, err := rbac.Open(h.ctx, h.store, h.programs[i].options()...)
		if err != nil {
			h.fail("Open: %v", err)
		}
		h.az[i], h.w[i] = az, az.For(h.id)
	}
	if c.pick(8) > 0 {
		h.do(0, oracleOp{do: "assign", system: true, reason: "sign-up", role: "administrator", users: []string{"ada"}})
	}
	return h
}

// seed writes rows that no Admin writes: areas and scopes that a program does
// not know, members without a role, an administrator from nowhere.
func (h *history) seed() {
	h.state.roles["k1"] = oracleRole{name: "Old hand", version: 7, perms: oraclePerms{
		"users": {2, 2}, "contacts": {2, 2}, "deals": {2, 1}, "legacy": {2, 1}, "reports": {1, 1}, "gone": {2, 0},
	}}
	h.state.roles["k2"] = oracleRole{name: "Relic", version: 1, perms: oraclePerms{"reports": {1, 2}, "gone": {1, 1}, "api": {1, 1}}}
	h.state.roles["k3"] = oracleRole{name: "Helper", version: 2, perms: oraclePerms{"users": {2, 2}, "reports": {2, 0}}}
	h.state.made = 3
	h.state.members["bob"] = oracleMember{"k1", false}
	h.state.members["cem"] = oracleMember{"vanished", h.pick(2) == 0}
	h.state.members["dee"] = oracleMember{[]string{"k2", "k3", "administrator"}[h.pick(3)], false}
	h.adrift["vanished"] = true
	err := h.store.Update(h.ctx, h.id, func(tx rbac.Tx) error {
		for key, role := range h.state.roles {
			h.ids[key] = rbac.RoleID(key)
			if err := tx.PutRole(rbac.Role{
				ID: rbac.RoleID(key), Name: role.name, Permissions: role.perms.library(), Version: role.version,
				CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			}); err != nil {
				return err
			}
		}
		for user, m := range h.state.members {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(m.role), Suspended: m.suspended, UpdatedAt: time.Unix(3, 0)}); err != nil {
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
	default:
		h.do(i, h.chooseOp(i))
	}
}

// do does an op through an Authorizer, and compares everything.
func (h *history) do(i int, op oracleOp) {
	h.Helper()
	next, want := h.programs[i].after(h.state, op)
	before := h.dump()
	saved, err := h.run(h.w[i], nil, op)
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

// planned does the op that saves a role, after planning it.
func (h *history) planned(i int) {
	h.Helper()
	op := h.chooseSave(i)
	_, want := h.programs[i].after(h.state, op)
	before := h.dump()
	plan, err := h.admin(h.w[i], op).Plan(h.ctx, h.role(op))
	h.note("plan to %s, program %d: %v, %v", h.describe(op), i, plan, err)
	h.unchanged(before, h.dump())
	other := (op.do == "create") != (op.role == "") // Plan takes it for the other method
	switch want.err {
	case rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound:
		if !other {
			h.outcome(i, op, want, err)
		}
		h.do(i, op)
		return
	}
	if err != nil {
		h.fail("Plan failed, which the oracle does not: want a plan that is refused with %v", want.err)
	}
	h.comparePlan(i, op, want, plan)

	// Saving the same role, or the plan's, must come to what the plan says.
	role := h.role(op)
	theirs := h.pick(2) == 0
	if theirs {
		role = plan.Role
	}
	saved, err := h.save(h.w[i], nil, op, role)
	h.note("… and carried out: %v", err)
	if !theirs && !reflect.DeepEqual(err, plan.Refused) {
		h.fail("the plan was refused with %#v, and saving the role with %#v", plan.Refused, err)
	}
	next, _ := h.programs[i].after(h.state, op)
	after := h.dump()
	h.outcome(i, op, want, err)
	h.accept(i, op, want, saved, next, before, after)
	h.checkRows(after)
	h.checkAnswers(i, len(want.changes) > 0)
}

func (h *history) comparePlan(i int, op oracleOp, want oracleResult, plan rbac.Plan) {
	h.Helper()
	if !errors.Is(plan.Refused, want.err) || (want.err == nil) != (plan.Refused == nil) {
		h.fail("the plan is refused with %v, want %v", plan.Refused, want.err)
	}
	had, exists := h.programs[i].role(h.state, op.role)
	shown := h.programs[i].shown(had.perms)
	gained, lost := op.perms.beyond(shown), shown.beyond(op.perms)
	if !maps.Equal(oraclePermsOf(plan.Gained), gained) || !maps.Equal(oraclePermsOf(plan.Lost), lost) {
		h.fail("the plan gains %v and loses %v, want %v and %v", plan.Gained, plan.Lost, gained, lost)
	}
	if holders := h.state.holders(op.role); plan.Members != len(holders) {
		h.fail("the plan has %d members, want %q", plan.Members, holders)
	}
	if exists != (plan.Before != nil) {
		h.fail("the plan has the role before as %v, want one: %v", plan.Before, exists)
	}
	if exists && (plan.Before.Name != had.name || plan.Before.Version != had.version ||
		!maps.Equal(oraclePermsOf(plan.Before.Permissions), shown)) {
		h.fail("the plan has the role before as %+v, want %+v", *plan.Before, had)
	}
}

// inTransaction does some ops inside a transaction of the caller's, and
// commits it or rolls it back.
func (h *history) inTransaction(i int) {
	h.Helper()
	rollBack := errors.New("rolled back")
	var end error
	if h.pick(3) == 0 {
		end = rollBack
	}
	h.note("transaction begins")
	before, stateBefore, changed := h.dump(), h.state, false
	ids := maps.Clone(h.ids)
	err := h.store.Update(h.ctx, h.id, func(tx rbac.Tx) error {
		for range 1 + h.pick(3) {
			op := h.chooseOp(i)
			next, want := h.programs[i].after(h.state, op)
			stepBefore := h.read(tx)
			saved, err := h.run(h.w[i], rbac.TxStore(h.id, tx), op)
			h.note("  %s, program %d: %v", h.describe(op), i, err)
			stepAfter := h.read(tx)
			h.outcome(i, op, want, err)
			h.accept(i, op, want, saved, next, stepBefore, stepAfter)
			changed = changed || len(want.changes) > 0
			h.checkAnswersAt(i, false, h.pastBefore(stateBefore)) // nobody sees what is not committed
		}
		return end
	})
	h.note("transaction ends: %v", err)
	if !errors.Is(err, end) {
		h.fail("the transaction ended with %v, want %v", err, end)
	}
	after := h.dump()
	if end != nil {
		h.unchanged(before, after)
		for seq := range h.past {
			if seq > stateBefore.seq {
				delete(h.past, seq)
			}
		}
		h.state, h.ids = stateBefore, ids
	} else {
		// What came between was never committed.
		for seq := range h.past {
			if seq > stateBefore.seq && seq < h.state.seq {
				delete(h.past, seq)
			}
		}
	}
	h.checkRows(after)
	h.checkAnswers(i, false)
	h.catchUp(i)
	h.catchUp(1 - i)
}

// pastBefore returns the states up to one: what can be known while a
// transaction behind it is open.
func (h *history) pastBefore(s *oracleState) map[int64]*oracleState {
	past := maps.Clone(h.past)
	maps.DeleteFunc(past, func(seq int64, _ *oracleState) bool { return seq > s.seq })
	return past
}

// run calls the method of an op, in a store of the caller's if there is one.
func (h *history) run(w *rbac.Workspace, in rbac.Store, op oracleOp) (rbac.Role, error) {
	a := h.admin(w, op)
	if in != nil {
		a = a.In(in)
	}
	switch op.do {
	case "create", "update":
		return h.save(w, in, op, h.role(op))
	case "delete":
		return rbac.Role{}, a.DeleteRole(h.ctx, h.roleID(op.role))
	case "assign":
		return rbac.Role{}, a.Assign(h.ctx, h.roleID(op.role), op.users...)
	case "suspend":
		return rbac.Role{}, a.Suspend(h.ctx, op.users...)
	case "reinstate":
		return rbac.Role{}, a.Reinstate(h.ctx, op.users...)
	case "remove":
		return rbac.Role{}, a.Remove(h.ctx, op.users...)
	case "replace":
		return rbac.Role{}, a.ReplaceRole(h.ctx, h.roleID(op.role), h.roleID(op.with))
	}
	panic("no method " + op.do)
}

func (h *history) save(w *rbac.Workspace, in rbac.Store, op oracleOp, role rbac.Role) (rbac.Role, error) {
	a := h.admin(w, op)
	if in != nil {
		a = a.In(in)
	}
	if op.do == "create" {
		return a.CreateRole(h.ctx, role)
	}
	return a.UpdateRole(h.ctx, role)
}

func (h *history) admin(w *rbac.Workspace, op oracleOp) *rbac.Admin {
	if op.system {
		return w.System(op.reason)
	}
	return w.As(op.actor)
}

// role is the argument of CreateRole and UpdateRole. Its times are nonsense
// that must not be looked at (A15).
func (h *history) role(op oracleOp) rbac.Role {
	return rbac.Role{
		ID: h.roleID(op.role), Name: op.name, Description: op.description, Permissions: op.perms.library(),
		Version: op.version, System: op.marked, CreatedAt: time.Unix(77, 0), UpdatedAt: time.Unix(88, 0),
	}
}

func (h *history) roleID(key string) rbac.RoleID {
	if id, ok := h.ids[key]; ok {
		return id
	}
	return rbac.RoleID(key)
}

// outcome compares an error with the oracle's.
func (h *history) outcome(i int, op oracleOp, want oracleResult, err error) {
	h.Helper()
	for _, rule := range oracleOrder {
		if errors.Is(err, rule) != (rule == want.err) {
			h.fail("it returned %v, want %v", err, want.err)
		}
	}
	if (err == nil) != (want.err == nil) {
		h.fail("it returned %v, want %v", err, want.err)
	}
	switch {
	case err != nil:
		h.outcomes[want.err.Error()]++
	case len(want.changes) == 0:
		h.outcomes["no change"]++
	default:
		h.outcomes[op.do]++
	}
	var (
		malformed *rbac.ValidationError
		denied    *rbac.DeniedError
		escalated *rbac.EscalationError
		refused   *rbac.RefusalError
	)
	switch want.err {
	case nil:
	case rbac.ErrInvalid:
		if !errors.As(err, &malformed) || len(malformed.Fields) == 0 {
			h.fail("%#v names no field", err)
		}
	case rbac.ErrDenied:
		if !errors.As(err, &denied) {
			h.fail("%#v is no DeniedError", err)
		}
		h.checkDenied(i, op, denied.Decision)
	case rbac.ErrEscalation:
		if !errors.As(err, &escalated) || escalated.Actor != op.actor {
			h.fail("%#v is no EscalationError of %q", err, op.actor)
		}
		missing := oraclePermsOf(escalated.Missing)
		if !slices.ContainsFunc(want.missing, func(p oraclePerms) bool { return maps.Equal(p, missing) }) {
			h.fail("it says that %v is missing, want one of %v", missing, want.missing)
		}
	default:
		if !errors.As(err, &refused) || refused.Rule != want.err {
			h.fail("%#v is no RefusalError of its rule", err)
		}
	}
}

// checkDenied compares the decision that denied an actor with the oracle's.
func (h *history) checkDenied(i int, op oracleOp, got rbac.Decision) {
	h.Helper()
	p := h.programs[i]
	scope, why := p.reach(h.state, op.actor, "users", 2)
	want := rbac.Decision{
		Workspace: h.id, User: op.actor, Area: rbac.Users, Action: rbac.Manage,
		Scope: rbac.Scope(scope), Reason: why, Revision: h.state.seq,
	}
	if member, ok := h.state.member(op.actor); ok {
		want.Role = h.roleID(member.role)
		role, _ := p.role(h.state, member.role)
		want.RoleName = role.name
	}
	if got != want {
		h.fail("it was denied with %+v, want %+v", got, want)
	}
}

// accept compares what an op did to the store with the oracle, and makes the
// oracle's next state the current one.
func (h *history) accept(i int, op oracleOp, want oracleResult, saved rbac.Role, next *oracleState, before, after *historyDump) {
	h.Helper()
	if len(want.changes) == 0 {
		h.unchanged(before, after)
	}
	if want.err != nil {
		if !reflect.DeepEqual(saved, rbac.Role{}) {
			h.fail("it was refused, and returned the role %+v", saved)
		}
		return
	}
	if op.do == "create" {
		if saved.ID == "" || h.used[saved.ID] {
			h.fail("the new role's id %q is empty or was used before", saved.ID)
		}
		h.used[saved.ID] = true
		h.ids[want.role] = saved.ID
	}
	h.state = next
	h.past[next.seq] = next
	h.compare(after)
	h.compareEvents(op, want, before, after)
	if op.do == "create" || op.do == "update" {
		shown := after.roles[h.roleID(want.role)]
		if got, want := oraclePermsOf(saved.Permissions), h.programs[i].shown(oraclePermsOf(shown.Permissions)); !maps.Equal(got, want) {
			h.fail("the role returned has %v, want %v", got, want)
		}
		saved.Permissions, shown.Permissions = nil, nil
		if !reflect.DeepEqual(saved, shown) {
			h.fail("the role returned is %+v, but stored is %+v", saved, shown)
		}
	}
}

// historyDump is all that a store holds of a workspace.
type historyDump struct {
	revision rbac.Revision
	roles    map[rbac.RoleID]rbac.Role
	members  map[string]rbac.Member
	events   []rbac.Event
}

func (h *history) dump() *historyDump {
	h.Helper()
	var d *historyDump
	if err := h.store.View(h.ctx, h.id, func(r rbac.Reader) error {
		d = h.read(r)
		return nil
	}); err != nil {
		h.fail("View: %v", err)
	}
	return d
}

func (h *history) read(r rbac.Reader) *historyDump {
	h.Helper()
	d := &historyDump{roles: map[rbac.RoleID]rbac.Role{}, members: map[string]rbac.Member{}}
	revision, err := r.Revision()
	d.revision = revision
	for role, e := range r.Roles() {
		d.roles[role.ID] = role
		err = errors.Join(err, e)
	}
	for member, e := range r.Members(rbac.MemberQuery{}) {
		d.members[member.User] = member
		err = errors.Join(err, e)
	}
	for event, e := range r.Events(rbac.EventQuery{}) {
		d.events = append(d.events, event)
		err = errors.Join(err, e)
	}
	if err != nil {
		h.fail("reading the store: %v", err)
	}
	return d
}

// unchanged sees that a refused or empty change left the store as it was.
func (h *history) unchanged(before, after *historyDump) {
	h.Helper()
	same := before.revision == after.revision && maps.Equal(before.members, after.members) &&
		maps.EqualFunc(before.roles, after.roles, sameRole) && slices.EqualFunc(before.events, after.events, sameEvent)
	if !same {
		h.fail("the store was changed from\n%+v\nto\n%+v", before, after)
	}
}

func sameRole(a, b rbac.Role) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description && a.System == b.System &&
		a.Version == b.Version && a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt) &&
		maps.Equal(a.Permissions, b.Permissions)
}

func sameMember(a, b rbac.Member) bool {
	return a.User == b.User && a.Role == b.Role && a.Suspended == b.Suspended && a.UpdatedAt.Equal(b.UpdatedAt)
}

func samePointer[T any](a, b *T, same func(a, b T) bool) bool {
	return a == nil && b == nil || a != nil && b != nil && same(*a, *b)
}

func sameEvent(a, b rbac.Event) bool {
	return a.Seq == b.Seq && a.Hash == b.Hash && a.Time.Equal(b.Time) && a.Kind == b.Kind &&
		a.Actor == b.Actor && a.Reason == b.Reason &&
		samePointer(a.RoleBefore, b.RoleBefore, sameRole) && samePointer(a.RoleAfter, b.RoleAfter, sameRole) &&
		samePointer(a.MemberBefore, b.MemberBefore, sameMember) && samePointer(a.MemberAfter, b.MemberAfter, sameMember)
}

// compare compares the rows with the oracle's state.
func (h *history) compare(d *historyDump) {
	h.Helper()
	if d.revision.Seq != h.state.seq || len(d.roles) != len(h.state.roles) || len(d.members) != len(h.state.members) {
		h.fail("the store holds\n%+v\nwant\n%v", d, h.state)
	}
	for key, want := range h.state.roles {
		got, ok := d.roles[h.roleID(key)]
		if !ok || got.Name != want.name || got.Description != want.description || got.Version != want.version ||
			got.System || !maps.Equal(oraclePermsOf(got.Permissions), want.perms.granted()) {
			h.fail("role %s is stored as %+v, want %+v", key, got, want)
		}
	}
	for user, want := range h.state.members {
		if got, ok := d.members[user]; !ok || got.Role != h.roleID(want.role) || got.Suspended != want.suspended {
			h.fail("member %q is stored as %+v, want %+v", user, got, want)
		}
	}
}

// compareEvents sees that there is one event for each change, which says who,
// what, before and after (V1), and that what did not change was not written.
func (h *history) compareEvents(op oracleOp, want oracleResult, before, after *historyDump) {
	h.Helper()
	old := len(before.events)
	if len(after.events) != old+len(want.changes) || !slices.EqualFunc(before.events, after.events[:old], sameEvent) {
		h.fail("there are %d new events, want %v", len(after.events)-old, want.changes)
	}
	var changes []oracleChange
	touched := map[string]bool{}
	for i, e := range after.events[old:] {
		if e.Seq != int64(old+i+1) || e.Time.IsZero() {
			h.fail("event %+v has a wrong number or no time", e)
		}
		if op.system && (e.Actor != "" || e.Reason != op.reason) || !op.system && (e.Actor != op.actor || e.Reason != "") {
			h.fail("event %+v has the wrong author", e)
		}
		change := oracleChange{kind: e.Kind}
		switch {
		case e.RoleBefore != nil || e.RoleAfter != nil:
			change.key = h.keyOf(e.RoleBefore, e.RoleAfter)
			touched["role "+change.key] = true
			id := h.roleID(change.key)
			if !samePointer(e.RoleBefore, rowOf(before.roles, id), sameRole) || !samePointer(e.RoleAfter, rowOf(after.roles, id), sameRole) {
				h.fail("event %+v does not say what became of role %s", e, change.key)
			}
			if e.RoleBefore != nil && e.RoleAfter != nil && !e.RoleBefore.CreatedAt.Equal(e.RoleAfter.CreatedAt) {
				h.fail("event %+v changes when the role was created", e)
			}
		case e.MemberBefore != nil || e.MemberAfter != nil:
			for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
				if m != nil {
					change.key = m.User
				}
			}
			touched["member "+change.key] = true
			if !samePointer(e.MemberBefore, rowOf(before.members, change.key), sameMember) || !samePointer(e.MemberAfter, rowOf(after.members, change.key), sameMember) {
				h.fail("event %+v does not say what became of %q", e, change.key)
			}
		}
		changes = append(changes, change)
	}
	if !sameChanges(changes, want.changes) {
		h.fail("the events record %v, want %v", changes, want.changes)
	}
	for id, role := range before.roles {
		if now := rowOf(after.roles, id); !touched["role "+h.keyOf(&role, nil)] && !samePointer(&role, now, sameRole) {
			h.fail("role %+v was written without an event: %+v", role, now)
		}
	}
	for user, member := range before.members {
		if now := rowOf(after.members, user); !touched["member "+user] && !samePointer(&member, now, sameMember) {
			h.fail("member %+v was written without an event: %+v", member, now)
		}
	}
}

func rowOf[K comparable, V any](rows map[K]V, key K) *V {
	if row, ok := rows[key]; ok {
		return &row
	}
	return nil
}

func sameChanges(a, b []oracleChange) bool {
	count := map[oracleChange]int{}
	for _, c := range a {
		count[c]++
	}
	for _, c := range b {
		count[c]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// keyOf returns the oracle's key of a role in an event.
func (h *history) keyOf(roles ...*rbac.Role) string {
	for _, role := range roles {
		if role == nil {
			continue
		}
		for key, id := range h.ids {
			if id == role.ID {
				return key
			}
		}
		return string(role.ID)
	}
	return ""
}

// checkRows checks what must hold of the rows at any time, without the oracle.
func (h *history) checkRows(d *historyDump) {
	h.Helper()
	rules := false
	for _, m := range d.members {
		rules = rules || m.Role == rbac.Administrator && !m.Suspended
		_, system := historySystem[string(m.Role)]
		if _, stored := d.roles[m.Role]; !stored && !system && m.Role != rbac.Administrator && !h.adrift[string(m.Role)] {
			h.fail("member %+v has a role that does not exist", m)
		}
	}
	if h.ruled && !rules {
		h.fail("there was an active administrator, and now there is none")
	}
	h.ruled = h.ruled || rules
	if err := h.w[0].VerifyEvents(h.ctx); err != nil {
		h.fail("VerifyEvents: %v", err)
	}
}

// checkAnswers compares the answers of an Authorizer for everybody about
// everything with the oracle: of the current state if it must know that, else
// of the state that its answers name, which must have been one.
func (h *history) checkAnswers(i int, current bool) {
	h.Helper()
	h.checkAnswersAt(i, current, h.past)
}

func (h *history) checkAnswersAt(i int, current bool, past map[int64]*oracleState) {
	h.Helper()
	p, w := h.programs[i], h.w[i]
	for _, user := range append([]string{"", "nobody", "vanished", "k1"}, historyUsers...) {
		s, err := w.Subject(h.ctx, user)
		if err != nil {
			h.fail("Subject(%q) of program %d: %v", user, i, err)
		}
		revision := s.Explain(rbac.Users, rbac.Read).Revision
		state, known := past[revision]
		if !known || current && revision != h.state.seq {
			h.fail("program %d answers by revision %d, want %d", i, revision, h.state.seq)
		}
		var role oracleRole
		member, isMember := state.member(user)
		if isMember {
			role, _ = p.role(state, member.role)
			if s.Role() != h.roleID(member.role) {
				h.fail("program %d says that %q has role %q, want %q", i, user, s.Role(), member.role)
			}
		} else if s.Role() != "" {
			h.fail("program %d says that %q, who is no member, has role %q", i, user, s.Role())
		}
		for _, area := range historyAreas {
			for action := 1; action <= 2; action++ {
				scope, why := p.reach(state, user, area, action)
				d := s.Explain(rbac.Area(area), rbac.Action(action))
				if int(d.Scope) != scope || d.Reason != why || d.Allowed != (scope == 2) || d.RoleName != role.name || d.Revision != revision {
					h.fail("program %d says %+v, want scope %d, %v, of role %q", i, d, scope, why, role.name)
				}
				if s.Can(rbac.Area(area), rbac.Action(action)) != (scope == 2) {
					h.fail("program %d says otherwise in Subject.Can than in %+v", i, d)
				}
				if current && w.Can(h.ctx, user, rbac.Area(area), rbac.Action(action)) != (scope == 2) {
					h.fail("program %d says otherwise in Can than in %+v", i, d)
				}
			}
		}
	}
}

// catchUp syncs an Authorizer, after which it must know the current state.
func (h *history) catchUp(i int) {
	h.Helper()
	if err := h.w[i].Sync(h.ctx); err != nil {
		h.fail("Sync of program %d: %v", i, err)
	}
	h.checkAnswers(i, true)
}

func (s *oracleState) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d", s.seq)
	for _, key := range slices.Sorted(maps.Keys(s.roles)) {
		r := s.roles[key]
		fmt.Fprintf(&b, "\n     role %s %q version %d %v", key, r.name, r.version, r.perms)
	}
	for _, user := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[user]
		fmt.Fprintf(&b, "\n     member %q has %s, suspended %v", user, m.role, m.suspended)
	}
	return b.String()
}

// describe returns an op as a line that reads like the call.
func (h *history) describe(op oracleOp) string {
	who := fmt.Sprintf("as %q", op.actor)
	if op.system {
		who = fmt.Sprintf("system %.20q", op.reason)
	}
	switch op.do {
	case "create", "update":
		return fmt.Sprintf("%s %s %q name %.40q version %d marked %v %v", who, op.do, op.role, op.name, op.version, op.marked, op.perms)
	case "delete":
		return fmt.Sprintf("%s delete %q", who, op.role)
	case "assign":
		return fmt.Sprintf("%s assign %q to %.40q", who, op.role, op.users)
	case "replace":
		return fmt.Sprintf("%s replace %q with %q", who, op.role, op.with)
	}
	return fmt.Sprintf("%s %s %.40q", who, op.do, op.users)
}

// The generator. It looks at the oracle's state, so that much of what it
// chooses comes close to a rule.

// chooseOp chooses any op.
func (h *history) chooseOp(i int) oracleOp {
	switch h.pick(12) {
	case 0, 1, 2, 3:
		return h.chooseSave(i)
	case 4:
		op := h.actor(oracleOp{do: "delete"})
		op.role = h.chooseRole()
		return op
	case 5:
		op := h.actor(oracleOp{do: "replace"})
		op.role, op.with = h.chooseRole(), h.chooseRole()
		return op
	case 6, 7:
		op := h.actor(oracleOp{do: []string{"suspend", "suspend", "remove"}[h.pick(3)]})
		op.users = h.chooseUsers(true)
		return op
	case 8:
		op := h.actor(oracleOp{do: "reinstate"})
		if op.users = h.suspended(); len(op.users) == 0 || h.pick(4) == 0 {
			op.users = h.chooseUsers(true)
		}
		return op
	default:
		op := h.actor(oracleOp{do: "assign"})
		op.role, op.users = h.chooseRole(), h.chooseUsers(false)
		return op
	}
}

// actor completes an op by who does it.
func (h *history) actor(op oracleOp) oracleOp {
	switch h.pick(16) {
	case 0, 1, 2:
		op.system, op.reason = true, []string{"sign-up", "nightly sync", strings.Repeat("é", 500)}[h.pick(3)]
	case 3:
		if op.system = true; h.pick(2) == 0 {
			op.reason = "import"
			break
		}
		op.reason = []string{"", " \u00a0", "two\nlines", strings.Repeat("r", 501), "\xff"}[h.pick(5)]
	case 4:
		op.actor = []string{"", "nobody", "a\x00", strings.Repeat("u", 256), "k1", "Administrator"}[h.pick(6)]
	case 5, 6, 7, 8, 9:
		// Somebody who may administer, if there is anybody.
		op.actor = h.chooseManager(0)
	case 10, 11, 12:
		op.actor = h.chooseManager(1)
	default:
		op.actor = h.chooseMember()
	}
	return op
}

// chooseManager returns an active member who may manage users: an
// Administrator or, if less is 1, somebody else.
func (h *history) chooseManager(less int) string {
	var managers []string
	for _, user := range slices.Sorted(maps.Keys(h.state.members)) {
		scope, _ := h.programs[0].reach(h.state, user, "users", 2)
		if scope == 2 && (h.state.members[user].role == "administrator") == (less == 0) {
			managers = append(managers, user)
		}
	}
	switch {
	case len(managers) > 0:
	case less == 1:
		return h.chooseManager(0)
	default:
		return h.chooseMember()
	}
	return managers[h.pick(len(managers))]
}

func (h *history) chooseMember() string {
	members := slices.Sorted(maps.Keys(h.state.members))
	if len(members) == 0 {
		return "ada"
	}
	return members[h.pick(len(members))]
}

// suspended returns one or two suspended members, if there are any.
func (h *history) suspended() []string {
	var users []string
	for _, user := range slices.Sorted(maps.Keys(h.state.members)) {
		if h.state.members[user].suspended {
			users = append(users, user)
		}
	}
	return users[:min(len(users), 1+h.pick(2))]
}

// chooseUsers chooses some users, mostly one, and mostly members if it should.
func (h *history) chooseUsers(members bool) []string {
	many := []int{1, 1, 1, 1, 1, 1, 2, 2, 3, 0}[h.pick(10)]
	users := make([]string, 0, many)
	for range many {
		switch n := h.pick(32); {
		case n == 0:
			users = append(users, []string{"", " \t", "\u00a0", "a\x00b", "\xff\xfe", strings.Repeat("u", 256), "line\u2028", "\u202eeve"}[h.pick(8)])
		case n == 1:
			users = append(users, []string{strings.Repeat("u", 255), "nobody", "ADA", "k1"}[h.pick(4)])
		case n < 26 == members:
			users = append(users, h.chooseMember())
		default:
			users = append(users, historyUsers[h.pick(len(historyUsers))])
		}
	}
	if many > 0 && h.pick(8) == 0 {
		users = append(users, users[0])
	}
	return users
}

// chooseRole chooses the key of a role, mostly of one that exists.
func (h *history) chooseRole() string {
	stored := slices.Sorted(maps.Keys(h.state.roles))
	switch n := h.pick(20); {
	case n == 0:
		return []string{"", " ", "a\x00b", "\xff", strings.Repeat("r", 256), strings.Repeat("r", 255), "k1", "k2"}[h.pick(8)]
	case n == 1:
		return []string{"vanished", "Administrator", "ada", "k1", "k2"}[h.pick(5)] // k1 and k2 may be deleted
	case n < 5:
		return "administrator"
	case n < 8 || len(stored) == 0:
		return []string{"auditor", "user-manager"}[h.pick(2)]
	default:
		return stored[h.pick(len(stored))]
	}
}

// chooseSave chooses an op that creates or updates a role.
func (h *history) chooseSave(i int) oracleOp {
	op := h.actor(oracleOp{do: "create"})
	if len(h.state.roles) > 5 || h.pick(2) == 0 {
		op.do, op.role = "update", h.chooseRole()
		if _, stored := h.state.roles[op.role]; !stored && h.pick(4) > 0 {
			op.role = h.chooseRole() // not so often one that cannot be updated
		}
	}
	current, _ := h.programs[i].role(h.state, op.role)
	op.name, op.description = current.name, current.description
	if op.do == "create" || current.name == "" || h.pick(3) == 0 {
		op.name = h.chooseName()
	}
	if h.pick(4) == 0 {
		op.description = []string{"", "Sells.", strings.Repeat("é", 500), "=1+1", "Sells.", "", "Buys.", strings.Repeat("d", 501), "\x1b[2J"}[h.pick(9)]
	}
	op.perms = h.choosePerms(i, op, current)
	if op.do == "update" {
		op.version = current.version
		if h.pick(10) == 0 {
			op.version += []int64{1, -1, 1 << 40}[h.pick(3)]
		}
	} else if h.pick(30) == 0 {
		op.version = 1
	} else if h.pick(30) == 0 {
		op.role = "k1"
	}
	op.marked = h.pick(25) == 0
	return op
}

func (h *history) chooseName() string {
	stored := slices.Sorted(maps.Keys(h.state.roles))
	switch n := h.pick(16); {
	case n == 0:
		return []string{"", " ", "\u200b\u00ad", strings.Repeat("n", 81), "a\tb", "\xff", "a\u2029", "\u2066x"}[h.pick(8)]
	case n < 4:
		names := slices.Sorted(maps.Keys(oracleSameNames))
		return names[h.pick(len(names))]
	case n < 6 && len(stored) > 0:
		// A name that is taken, or the same name for the same role.
		name := h.state.roles[stored[h.pick(len(stored))]].name
		if _, special := oracleSameNames[name]; special {
			return name
		}
		return []string{name, strings.ToUpper(name), " " + name, strings.ReplaceAll(name, " ", "  ")}[h.pick(4)]
	case n == 6:
		return []string{"Administrator", " ADMINISTRATOR", "auditor", "User  Manager", "administrators"}[h.pick(5)]
	default:
		return []string{"Sales team", "Sélection", "Support", "Intern", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "strasse", "Boss", "No 2", "Partner"}[h.pick(10)]
	}
}

// choosePerms chooses permissions: those of before with a change or two, some
// of the actor's own, or anything.
func (h *history) choosePerms(i int, op oracleOp, before oracleRole) oraclePerms {
	p := h.programs[i]
	areas := slices.Sorted(maps.Keys(p.owned))
	perms := oraclePerms{}
	switch h.pick(5) {
	case 0:
		maps.Copy(perms, p.shown(before.perms))
	case 1, 2:
		role, _ := p.role(h.state, h.state.members[op.actor].role)
		maps.Copy(perms, p.shown(role.perms))
	case 3:
		for _, area := range areas {
			n := h.pick(9)
			perms[area] = oracleAccess{n % 3, n / 3}
		}
	}
	for range h.pick(3) {
		area, n := areas[h.pick(len(areas))], h.pick(9)
		perms[area] = oracleAccess{n % 3, n / 3}
	}
	for area, a := range perms {
		if !p.owned[area] {
			perms[area] = oracleAccess{a.read / 2 * 2, a.manage / 2 * 2}
		}
	}
	if h.pick(25) == 0 {
		area := []string{"nowhere", "", "Contacts", "api", "contacts", "legacy", "reports"}[h.pick(7)]
		perms[area] = []oracleAccess{{1, 0}, {0, 1}, {3, 0}, {2, 255}, {0, 0}}[h.pick(5)]
	}
	return perms
}

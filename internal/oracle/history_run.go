package oracle

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// planned does any op, after a preview of it, with which it must agree.
func (h *history) planned(i int) {
	h.Helper()
	op := h.chooseOp(i)
	if h.pick(2) == 0 {
		op = h.chooseSave(i)
	}
	_, want := h.programs[i].after(h.state, op)
	before := h.dump()
	plan, err := h.admin(h.w[i], nil, op).Preview(h.ctx, func(a *rbac.Admin) error {
		_, err := h.run(a, op)
		return err
	})
	h.note("preview of %s, program %d: %v, %v", h.describe(op), i, plan, err)
	h.unchanged(before, h.dump())
	if err != nil {
		h.fail("Preview failed, which the oracle does not: want a plan that is refused with %v", want.err)
	}
	h.comparePlan(i, op, want, plan)

	// The same change, or the role of the plan, must come to what the plan says.
	saves := op.do == "create" || op.do == "update"
	role := h.role(op)
	theirs := saves && plan.Role.Name != "" && h.pick(2) == 0
	if theirs {
		role = plan.Role
	}
	var saved rbac.Role
	if saves {
		saved, err = h.save(h.admin(h.w[i], nil, op), op, role)
	} else {
		saved, err = h.run(h.admin(h.w[i], nil, op), op)
	}
	h.note("… and carried out: %v", err)
	if !theirs && !reflect.DeepEqual(err, plan.Refused) {
		h.fail("the plan was refused with %#v, and the change with %#v", plan.Refused, err)
	}
	next, _ := h.programs[i].after(h.state, op)
	after := h.dump()
	h.comparePlanned(plan.Events, after.events[len(before.events):])
	h.outcome(i, op, want, err)
	h.accept(i, op, want, saved, next, before, after)
	h.checkRows(after)
	h.checkAnswers(i, len(want.changes) > 0)
	h.outcomes["a change was previewed"]++
}

func (h *history) comparePlan(i int, op oracleOp, want oracleResult, plan rbac.Plan) {
	h.Helper()
	if !errors.Is(plan.Refused, want.err) || (want.err == nil) != (plan.Refused == nil) {
		h.fail("the plan is refused with %v, want %v", plan.Refused, want.err)
	}
	switch {
	case op.do != "create" && op.do != "update" && plan.Role.Name != "":
		h.fail("the plan saves the role %+v", plan.Role)
	case plan.Role.Name == "" && (op.do == "create" || op.do == "update") && !slices.Contains(oracleBefore, want.err):
		h.fail("the plan saves no role")
	}
	if plan.Role.Name == "" {
		return
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
	if before, after := h.listing(i, op); !slices.Equal(plan.AssignedBefore, before) || !slices.Equal(plan.AssignedAfter, after) {
		h.fail("the plan says that %q list the role, and then %q, want %q and %q", plan.AssignedBefore, plan.AssignedAfter, before, after)
	}
	if exists != (plan.Before != nil) {
		h.fail("the plan has the role before as %v, want one: %v", plan.Before, exists)
	}
	if exists && (plan.Before.Name != had.name || plan.Before.Version != had.version ||
		!maps.Equal(oraclePermsOf(plan.Before.Permissions), shown)) {
		h.fail("the plan has the role before as %+v, want %+v", *plan.Before, had)
	}
}

// oracleBefore are the rules that refuse before the role to be saved is known.
var oracleBefore = []error{rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound}

// comparePlanned compares the events of a plan with those of the change, which
// differ in their times and hashes, and in the ids of new roles.
func (h *history) comparePlanned(planned, done []rbac.Event) {
	h.Helper()
	ids := map[rbac.RoleID]rbac.RoleID{} // provisional ones, by those that were given
	plain := func(e rbac.Event) rbac.Event {
		e.Time, e.Hash = time.Time{}, [32]byte{}
		role := func(r *rbac.Role) *rbac.Role {
			if r == nil {
				return nil
			}
			plain := *r
			plain.ID, plain.CreatedAt, plain.UpdatedAt = cmp.Or(ids[r.ID], r.ID), time.Time{}, time.Time{}
			plain.Assigns = nil
			for _, id := range r.Assigns {
				plain.Assigns = append(plain.Assigns, cmp.Or(ids[id], id))
			}
			slices.Sort(plain.Assigns)
			return &plain
		}
		member := func(m *rbac.Member) *rbac.Member {
			if m == nil {
				return nil
			}
			plain := *m
			plain.Role, plain.UpdatedAt = cmp.Or(ids[m.Role], m.Role), time.Time{}
			return &plain
		}
		e.RoleBefore, e.RoleAfter = role(e.RoleBefore), role(e.RoleAfter)
		e.MemberBefore, e.MemberAfter = member(e.MemberBefore), member(e.MemberAfter)
		return e
	}
	if len(planned) != len(done) {
		h.fail("the plan has %d events, and the change %d:\n%+v\n%+v", len(planned), len(done), planned, done)
	}
	for n, e := range done {
		if e.Kind == rbac.RoleCreated && planned[n].RoleAfter != nil {
			ids[e.RoleAfter.ID] = planned[n].RoleAfter.ID
		}
		if want, got := plain(e), plain(planned[n]); !sameEvent(got, want) {
			h.fail("the plan has the event\n%v\nand the change\n%v", workspacetest.Text(got), workspacetest.Text(want))
		}
	}
}

// listing returns the roles whose holders may give the role that an op saves,
// before and after it.
func (h *history) listing(i int, op oracleOp) (before, after []rbac.RoleID) {
	p := h.programs[i]
	who := func(p *oracleProgram, s *oracleState) (ids []rbac.RoleID) {
		for _, key := range slices.Sorted(maps.Keys(s.roles)) {
			if role, _ := p.role(s, key); slices.Contains(p.given(s, role), op.role) {
				ids = append(ids, h.roleID(key))
			}
		}
		for key, role := range p.system {
			if slices.Contains(p.given(s, role), op.role) {
				ids = append(ids, h.roleID(key))
			}
		}
		slices.Sort(ids)
		return ids
	}
	// The plan for a system role, which is refused, says what would be.
	saved := h.state.clone()
	then := &oracleProgram{areas: p.areas, teams: p.teams, system: maps.Clone(p.system)}
	if role, ok := p.role(h.state, op.role); ok {
		trial := oracleTrial{oracleProgram: p, before: h.state, op: op}
		role.perms, role.assigns = trial.merged(role.perms), oracleSet(op.assigns)
		if delete(then.system, op.role); p.system[op.role].name != "" {
			then.system[op.role] = role
		}
		saved.roles[op.role] = role
	}
	return who(p, h.state), who(then, saved)
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
			saved, err := h.run(h.admin(h.w[i], rbac.TxStore(h.id, tx), op), op)
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

// run calls the method of an op.
func (h *history) run(a *rbac.Admin, op oracleOp) (rbac.Role, error) {
	switch op.do {
	case "create", "update":
		return h.save(a, op, h.role(op))
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
	case "team":
		return rbac.Role{}, a.SetTeam(h.ctx, op.team, op.users...)
	}
	panic("no method " + op.do)
}

func (h *history) save(a *rbac.Admin, op oracleOp, role rbac.Role) (rbac.Role, error) {
	if op.do == "create" {
		return a.CreateRole(h.ctx, role)
	}
	return a.UpdateRole(h.ctx, role)
}

func (h *history) admin(w *rbac.Workspace, in rbac.Store, op oracleOp) *rbac.Admin {
	a := h.author(w, in, op)
	if op.because != "" {
		a = a.Because(op.because)
	}
	if op.via != "" {
		a = a.Via(op.via)
	}
	return a
}

func (h *history) author(w *rbac.Workspace, in rbac.Store, op oracleOp) *rbac.Admin {
	var who workspacetest.Administered = w
	if in != nil {
		who = w.In(in)
	}
	switch {
	case op.system:
		return who.System(op.reason)
	case op.limited:
		s, err := w.Subject(h.ctx, op.actor) // as long ago as it is loaded
		if err != nil {
			h.fail("Subject(%q): %v", op.actor, err)
		}
		return who.AsSubject(s.Limit(op.most.library()))
	}
	return who.As(op.actor)
}

// role is the argument of CreateRole and UpdateRole. Its times are nonsense
// that must not be looked at (A15).
func (h *history) role(op oracleOp) rbac.Role {
	return rbac.Role{
		ID: h.roleID(op.role), Name: op.name, Description: op.description, Permissions: op.perms.library(),
		Assigns: h.assigns(op.assigns), Version: op.version, System: op.marked, CreatedAt: time.Unix(77, 0), UpdatedAt: time.Unix(88, 0),
	}
}

// assigns is a list as a caller gives it: in any order, with repetitions.
func (h *history) assigns(keys []string) []rbac.RoleID {
	var ids []rbac.RoleID
	for _, key := range keys {
		ids = append(ids, h.roleID(key))
	}
	return ids
}

// roleIDs is a list as it is stored: in byte order.
func (h *history) roleIDs(keys []string) []rbac.RoleID {
	ids := h.assigns(keys)
	slices.Sort(ids)
	return ids
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
	h.count(i, op, want)
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
		if missing := oraclePermsOf(escalated.Missing); !maps.Equal(missing, want.missing) {
			h.fail("it says that %v is missing, want %v", missing, want.missing)
		}
		if !slices.Equal(escalated.Roles, h.roleIDs(want.roles)) {
			h.fail("it says that roles %q are not the actor's to give, want %q of %q", escalated.Roles, h.roleIDs(want.roles), want.roles)
		}
	default:
		if !errors.As(err, &refused) || refused.Rule != want.err {
			h.fail("%#v is no RefusalError of its rule", err)
		}
		if roles := h.roleIDs(want.roles); !slices.Equal(refused.Roles, roles[:min(len(roles), 10)]) {
			h.fail("%#v names other roles than %q", err, roles)
		}
	}
}

// count counts what is rare, and what only lists and teams make possible.
func (h *history) count(i int, op oracleOp, want oracleResult) {
	scope, _ := h.programs[i].scope(h.state, op.actor, "users", 2)
	changed, delegate := len(want.changes) > 0, !op.system && scope < 3
	switch {
	case delegate && changed:
		h.outcomes["a delegate changed members"]++
	case delegate && want.err == rbac.ErrEscalation:
		h.outcomes["a delegate went too far"]++
	}
	switch {
	case op.do == "team" && op.team != "" && changed:
		h.outcomes["a member came into a team"]++
	case op.do == "team" && want.err == rbac.ErrEscalation && len(want.roles) == 0:
		h.outcomes["a move shared too much"]++
	}
}

// checkDenied compares the decision that denied an actor with the oracle's.
func (h *history) checkDenied(i int, op oracleOp, got rbac.Decision) {
	h.Helper()
	p := h.programs[i]
	scope, why := p.scope(h.state, op.actor, "users", 2)
	if full := scope; op.limited {
		if scope = p.limited(full, op.most, "users", 2); scope < full {
			why = rbac.ReasonLimited
		}
	}
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
	h.compareEvents(i, op, want, before, after)
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

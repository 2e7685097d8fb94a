package oracle

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

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
	transact := h.pick(2) == 0
	ops := func(in *rbac.Transaction, tx rbac.Tx) error {
		for range 1 + h.pick(3) {
			op := h.chooseOp(i)
			next, want := h.programs[i].after(h.state, op)
			stepBefore := h.read(tx)
			saved, err := h.run(h.admin(h.w[i], in, op), op)
			h.note("  %s, program %d: %v", h.describe(op), i, err)
			stepAfter := h.read(tx)
			h.outcome(i, op, want, err)
			h.accept(i, op, want, saved, next, stepBefore, stepAfter)
			changed = changed || len(want.changes) > 0
			h.checkAnswersAt(i, false, h.pastBefore(stateBefore)) // nobody sees what is not committed
		}
		return end
	}
	err := h.begin(i, transact, ops)
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
		h.forgetBetween(stateBefore)
	}
	h.checkRows(after)
	h.checkAnswers(i, transact && changed && end == nil)
	h.catchUp(i)
	h.catchUp(1 - i)
}

// begin runs a function in a transaction of Transact, or in one of the store's.
func (h *history) begin(i int, transact bool, ops func(*rbac.Transaction, rbac.Tx) error) error {
	if !transact {
		return h.store.Update(h.ctx, h.id, func(tx rbac.Tx) error { return ops(h.w[i].In(rbac.TxStore(h.id, tx)), tx) })
	}
	var own rbac.Tx
	return h.w[i].Transact(h.ctx, func(ctx context.Context, work func(rbac.Store) error) error {
		return h.store.Update(ctx, h.id, func(tx rbac.Tx) error {
			own = tx
			return work(rbac.TxStore(h.id, tx))
		})
	}, func(in *rbac.Transaction) error { return ops(in, own) })
}

// forgetBetween forgets the states that were never committed: those behind one and
// before the current one.
func (h *history) forgetBetween(s *oracleState) {
	maps.DeleteFunc(h.past, func(seq int64, _ *oracleState) bool { return seq > s.seq && seq < h.state.seq })
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
	case "ensure":
		role, made, err := a.EnsureRole(h.ctx, h.role(op))
		h.made = made
		return role, err
	case "add":
		return rbac.Role{}, a.Add(h.ctx, h.roleID(op.role), op.users...)
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
	case "rename":
		return rbac.Role{}, a.Rename(h.ctx, op.users[0], op.users[1])
	}
	panic("no method " + op.do)
}

func (h *history) save(a *rbac.Admin, op oracleOp, role rbac.Role) (rbac.Role, error) {
	if op.do == "create" {
		return a.CreateRole(h.ctx, role)
	}
	return a.UpdateRole(h.ctx, role)
}

func (h *history) admin(w *rbac.Workspace, in workspacetest.Administered, op oracleOp) *rbac.Admin {
	a := h.author(w, in, op)
	if op.because != "" {
		a = a.Because(op.because)
	}
	if op.via != "" {
		a = a.Via(op.via)
	}
	return a
}

func (h *history) author(w *rbac.Workspace, in workspacetest.Administered, op oracleOp) *rbac.Admin {
	who := in
	if who == nil {
		who = w
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
		if want.err == rbac.ErrAdministrator && !slices.Equal(refused.Users, want.users) {
			h.fail("%#v names other users than %q", err, want.users)
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
	made := len(want.changes) > 0
	if op.do == "ensure" && h.made != made {
		h.fail("it says that it made the role: %t, want %t", h.made, made)
	}
	if op.do == "create" || op.do == "ensure" && made {
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
	if system, ok := h.programs[i].system[want.role]; ok {
		if saved.ID != h.roleID(want.role) || saved.Name != system.name || !saved.System {
			h.fail("the role returned is %+v, want the system role %s", saved, want.role)
		}
		return
	}
	if op.do == "create" || op.do == "ensure" || op.do == "update" {
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

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
	if h.pick(4) == 0 { // each role is judged
		h.checkChoices(i, op)
	}
	h.checkAuthorize(i, op)

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
	h.compareEffects(i, next, plan)
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
	case !slices.Contains([]string{"create", "ensure", "update"}, op.do) && plan.Role.Name != "":
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

// compareEffects compares who would gain and lose what with the oracle's states.
func (h *history) compareEffects(i int, next *oracleState, plan rbac.Plan) {
	h.Helper()
	p := h.programs[i]
	reached := func(s *oracleState, user string) rbac.Permissions {
		member, _ := s.member(user)
		role, ok := p.role(s, member.role)
		if !ok || member.suspended {
			return nil
		}
		return p.shown(role.perms).library()
	}
	users := slices.Collect(maps.Keys(h.state.members))
	users = append(users, slices.Collect(maps.Keys(next.members))...)
	slices.Sort(users)
	var want []rbac.Effect
	for _, user := range slices.Compact(users) {
		was, is := reached(h.state, user), reached(next, user)
		gained, lost := was.Missing(is), is.Missing(was)
		if len(gained) == 0 && len(lost) == 0 {
			continue
		}
		at := slices.IndexFunc(want, func(e rbac.Effect) bool { return maps.Equal(e.Gained, gained) && maps.Equal(e.Lost, lost) })
		if at < 0 {
			at, want = len(want), append(want, rbac.Effect{Gained: gained, Lost: lost})
		}
		if want[at].Members++; want[at].Members <= 10 {
			want[at].Users = append(want[at].Users, user)
		}
	}
	if workspacetest.Text(want) != workspacetest.Text(plan.Effects) && len(want)+len(plan.Effects) > 0 {
		h.fail("the plan has the effects %v, want %v", plan.Effects, want)
	}
}

// checkChoices compares the roles that the actor of an op may give to its users
// with what the oracle says of giving each.
func (h *history) checkChoices(i int, op oracleOp) {
	h.Helper()
	p := h.programs[i]
	choices, err := h.admin(h.w[i], nil, op).Choices(h.ctx, op.users...)
	op.do, op.role = "assign", "administrator"
	if len(op.users) == 0 {
		op.users = []string{"somebody new"}
	}
	if _, want := p.after(h.state, op); want.err == rbac.ErrInvalid || want.err == rbac.ErrDenied {
		if !errors.Is(err, want.err) {
			h.fail("the choices for %.40q as %q are %v, %v, want %v", op.users, op.actor, choices, err, want.err)
		}
		return
	}
	if err != nil || len(choices) != len(p.system)+len(h.state.roles) {
		h.fail("the choices for %.40q as %q are %v, %v, want one for each role", op.users, op.actor, choices, err)
	}
	for _, choice := range choices {
		op.role = h.keyOf(&choice.Role)
		if _, want := p.after(h.state, op); !errors.Is(choice.Refused, want.err) || (want.err == nil) != (choice.Refused == nil) {
			h.fail("the choice of %q for %.40q as %q is %v, want %v", op.role, op.users, op.actor, choice.Refused, want.err)
		} else if want.err == nil {
			h.outcomes["a role could be given"]++
		}
	}
}

// checkAuthorize compares whether the actor of an op may act on its users with
// what the oracle says of reinstating them, which the least rules can refuse.
func (h *history) checkAuthorize(i int, op oracleOp) {
	h.Helper()
	err := h.admin(h.w[i], nil, op).Authorize(h.ctx, op.users...)
	want := rbac.ErrInvalid
	if len(op.users) > 0 {
		op.do = "reinstate"
		_, result := h.programs[i].after(h.state, op)
		want = result.err
	}
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		h.fail("to act on %.40q as %q is %v, want %v", op.users, op.actor, err, want)
	}
}

// plannedTogether does some ops of one author in a transaction, after a preview
// of all of them, in which each sees what the ones before it would have done.
func (h *history) plannedTogether(i int) {
	h.Helper()
	p, before, stateBefore, ids := h.programs[i], h.dump(), h.state, maps.Clone(h.ids)
	first := h.chooseOp(i)
	ops := []oracleOp{first}
	for range h.pick(3) {
		op := h.chooseOp(i)
		op.actor, op.system, op.reason, op.because, op.via = first.actor, first.system, first.reason, first.because, first.via
		op.limited, op.most = first.limited, first.most
		ops = append(ops, op)
	}
	plan, err := h.admin(h.w[i], nil, first).Preview(h.ctx, func(a *rbac.Admin) error {
		for _, op := range ops {
			next, want := p.after(h.state, op)
			saved, err := h.run(a, op)
			h.note("  preview of %s, program %d: %v", h.describe(op), i, err)
			h.outcome(i, op, want, err)
			if op.do == "create" && want.err == nil || op.do == "ensure" && len(want.changes) > 0 {
				h.ids[want.role] = saved.ID
			}
			h.state = next
		}
		return nil
	})
	next := h.state
	h.state, h.ids = stateBefore, ids
	h.note("preview ends: %v, %v", plan, err)
	h.unchanged(before, h.dump())
	if err != nil || plan.Refused != nil {
		h.fail("the preview ended with %v, %v", plan.Refused, err)
	}
	h.compareEffects(i, next, plan)

	err = h.store.Update(h.ctx, h.id, func(tx rbac.Tx) error {
		for _, op := range ops {
			next, want := p.after(h.state, op)
			stepBefore := h.read(tx)
			saved, err := h.run(h.admin(h.w[i], h.w[i].In(rbac.TxStore(h.id, tx)), op), op)
			h.note("  … and carried out: %v", err)
			h.outcome(i, op, want, err)
			h.accept(i, op, want, saved, next, stepBefore, h.read(tx))
		}
		return nil
	})
	if err != nil {
		h.fail("the transaction ended with %v", err)
	}
	after := h.dump()
	h.comparePlanned(plan.Events, after.events[len(before.events):])
	h.forgetBetween(stateBefore)
	h.checkRows(after)
	h.catchUp(i)
	h.catchUp(1 - i)
}

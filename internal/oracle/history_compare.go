package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

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
	c := workspacetest.From(h, r)
	d := &historyDump{revision: c.Revision, roles: map[rbac.RoleID]rbac.Role{}, members: map[string]rbac.Member{}, events: c.Events}
	for _, role := range c.Roles {
		d.roles[role.ID] = role
	}
	for _, member := range c.Members {
		d.members[member.User] = member
	}
	return d
}

// unchanged sees that a refused or empty change left the store as it was.
func (h *history) unchanged(before, after *historyDump) {
	h.Helper()
	same := before.revision == after.revision && maps.Equal(before.members, after.members) &&
		maps.EqualFunc(before.roles, after.roles, sameRole) && slices.EqualFunc(before.events, after.events, sameEvent)
	if !same {
		for _, e := range after.events[min(len(before.events), len(after.events)):] {
			h.note("event %v", workspacetest.Text(e))
		}
		h.fail("the store was changed from\n%+v\nto\n%+v", before, after)
	}
}

func sameRole(a, b rbac.Role) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description && a.System == b.System &&
		a.Version == b.Version && slices.Equal(a.Assigns, b.Assigns) && a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt) &&
		maps.Equal(a.Permissions, b.Permissions)
}

func sameMember(a, b rbac.Member) bool {
	return a.User == b.User && a.Role == b.Role && a.Suspended == b.Suspended && a.Team == b.Team &&
		a.RoleName == b.RoleName && a.UpdatedAt.Equal(b.UpdatedAt)
}

// sameRow compares a member in an event with their row, which has no name of
// a role, and may have a malformed team, which is none.
func sameRow(recorded, row rbac.Member) bool {
	recorded.RoleName = ""
	if !oracleGoodID(row.Team) {
		row.Team = ""
	}
	return sameMember(recorded, row)
}

func samePointer[T any](a, b *T, same func(a, b T) bool) bool {
	return a == nil && b == nil || a != nil && b != nil && same(*a, *b)
}

func sameEvent(a, b rbac.Event) bool {
	return a.Seq == b.Seq && a.Hash == b.Hash && a.Time.Equal(b.Time) && a.Kind == b.Kind &&
		a.Actor == b.Actor && a.Reason == b.Reason && a.Form == b.Form && a.Via == b.Via && a.Limited == b.Limited &&
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
			got.System || !slices.Equal(got.Assigns, h.roleIDs(want.assigns)) || !maps.Equal(oraclePermsOf(got.Permissions), want.perms.granted()) {
			h.fail("role %s is stored as %+v, want %+v", key, got, want)
		}
	}
	for user, want := range h.state.members {
		if got, ok := d.members[user]; !ok || got.Role != h.roleID(want.role) || got.Suspended != want.suspended || got.Team != want.team {
			h.fail("member %q is stored as %+v, want %+v", user, got, want)
		}
	}
}

// compareEvents sees that there is one event for each change, which says who,
// what, before and after (V1), and that what did not change was not written.
func (h *history) compareEvents(i int, op oracleOp, want oracleResult, before, after *historyDump) {
	h.Helper()
	old := len(before.events)
	if len(after.events) != old+len(want.changes) || !slices.EqualFunc(before.events, after.events[:old], sameEvent) {
		h.fail("there are %d new events, want %v", len(after.events)-old, want.changes)
	}
	var changes []oracleChange
	touched := map[string]bool{}
	for n, e := range after.events[old:] {
		if e.Seq != int64(old+n+1) || e.Time.IsZero() || e.Form != 2 {
			h.fail("event %+v has a wrong number or form or no time", e)
		}
		if e.Actor != op.actor || e.Reason != op.recorded() || e.Via != op.via || e.Limited != op.limited {
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
				if m == nil {
					continue
				}
				change.key = m.User
				if role, _ := h.programs[i].role(h.state, h.keyOf(&rbac.Role{ID: m.Role})); m.RoleName != role.name {
					h.fail("event %+v does not name the role %q of %q", e, role.name, m.User)
				}
			}
			touched["member "+change.key] = true
			was := change.key
			if e.Kind == rbac.MemberRenamed {
				was = e.MemberBefore.User
				touched["member "+was] = true
				if rowOf(before.members, change.key) != nil || rowOf(after.members, was) != nil {
					h.fail("event %+v leaves two members", e)
				}
			}
			if !samePointer(e.MemberBefore, rowOf(before.members, was), sameRow) || !samePointer(e.MemberAfter, rowOf(after.members, change.key), sameRow) {
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
		system := slices.ContainsFunc(historyPrograms, func(p *oracleProgram) bool { return p.system[string(m.Role)].name != "" })
		if _, stored := d.roles[m.Role]; !stored && !system && !h.adrift[string(m.Role)] {
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
				scope, why := p.scope(state, user, area, action)
				d := s.Explain(rbac.Area(area), rbac.Action(action))
				if int(d.Scope) != scope || d.Reason != why || d.Allowed != (scope == 3) || d.RoleName != role.name || d.Revision != revision {
					h.fail("program %d says %+v, want scope %d, %v, of role %q", i, d, scope, why, role.name)
				}
				if s.Can(rbac.Area(area), rbac.Action(action)) != (scope == 3) {
					h.fail("program %d says otherwise in Subject.Can than in %+v", i, d)
				}
				if current && w.Can(h.ctx, user, rbac.Area(area), rbac.Action(action)) != (scope == 3) {
					h.fail("program %d says otherwise in Can than in %+v", i, d)
				}
				reach := s.Reach(rbac.Area(area), rbac.Action(action))
				if got, want := (oracleReach{reach.All, reach.Owners, reach.Team}), p.reach(state, user, scope); !got.equal(want) {
					h.fail("program %d says that %q reaches %+v by %+v, want %+v", i, user, got, d, want)
				}
				for _, owner := range []string{"ada", "bob", "Bob", "dee", user} {
					if allowed, _ := p.record(state, user, scope, why, []string{owner}); s.CanRecord(rbac.Area(area), rbac.Action(action), owner) != allowed {
						h.fail("program %d says in CanRecord of what %q owns that %v is not so, by %+v", i, owner, allowed, d)
					}
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
		fmt.Fprintf(&b, "\n     role %s %q version %d %v assigns %q", key, r.name, r.version, r.perms, r.assigns)
	}
	for _, user := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[user]
		fmt.Fprintf(&b, "\n     member %q has %s, suspended %v, team %q", user, m.role, m.suspended, m.team)
	}
	return b.String()
}

// describe returns an op as a line that reads like the call.
func (h *history) describe(op oracleOp) string {
	who := fmt.Sprintf("as %q", op.actor)
	if op.system {
		who = fmt.Sprintf("system %.20q", op.reason)
	} else if op.limited {
		who += fmt.Sprintf(" limited to %v", op.most)
	}
	if op.because != "" || op.via != "" {
		who += fmt.Sprintf(" because %.20q via %.20q", op.because, op.via)
	}
	switch op.do {
	case "create", "ensure", "update":
		return fmt.Sprintf("%s %s %q name %.40q version %d marked %v %v assigns %.40q", who, op.do, op.role, op.name, op.version, op.marked, op.perms, op.assigns)
	case "team":
		return fmt.Sprintf("%s team %.40q of %.40q", who, op.team, op.users)
	case "delete":
		return fmt.Sprintf("%s delete %q", who, op.role)
	case "add", "assign":
		return fmt.Sprintf("%s %s %q to %.40q", who, op.do, op.role, op.users)
	case "replace":
		return fmt.Sprintf("%s replace %q with %q", who, op.role, op.with)
	}
	return fmt.Sprintf("%s %s %.40q", who, op.do, op.users)
}

// The generator. It looks at the oracle's state, so that much of what it
// chooses comes close to a rule.

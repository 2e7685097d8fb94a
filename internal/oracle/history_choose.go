package oracle

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// chooseOp chooses any op.
func (h *history) chooseOp(i int) oracleOp {
	switch h.pick(17) {
	case 16:
		return h.chooseRename(i)
	case 12, 13:
		return h.chooseMove(i)
	case 14, 15:
		return h.chooseDelegated(i)
	case 0, 1, 2, 3:
		op := h.chooseSave(i)
		if op.do == "create" && h.pick(3) == 0 {
			op.do = "ensure"
		}
		return op
	case 4:
		op := h.actor(i, oracleOp{do: "delete"})
		op.role = h.chooseRole()
		return op
	case 5:
		op := h.actor(i, oracleOp{do: "replace"})
		op.role, op.with = h.chooseRole(), h.chooseRole()
		return op
	case 6, 7:
		op := h.actor(i, oracleOp{do: []string{"suspend", "suspend", "remove"}[h.pick(3)]})
		op.users = h.chooseUsers(true)
		return op
	case 8:
		op := h.actor(i, oracleOp{do: "reinstate"})
		if op.users = h.suspended(); len(op.users) == 0 || h.pick(4) == 0 {
			op.users = h.chooseUsers(true)
		}
		return op
	default:
		op := h.actor(i, oracleOp{do: []string{"assign", "assign", "add"}[h.pick(3)]})
		op.role, op.users = h.chooseRole(), h.chooseUsers(false)
		return op
	}
}

// actor completes an op by who does it.
func (h *history) actor(i int, op oracleOp) oracleOp {
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
		op.actor = h.chooseManager(i, 0)
	case 10, 11, 12:
		op.actor = h.chooseManager(i, 1)
	default:
		op.actor = h.chooseMember()
	}
	switch h.pick(64) {
	case 0:
		op.via = []string{strings.Repeat("v", 201), "a\rb"}[h.pick(2)]
	case 1:
		op.because = []string{strings.Repeat("b", 501), "a\x00", " "}[h.pick(3)]
	case 2, 3, 4, 5, 6, 7, 8, 9:
		op.via = []string{"key 7", "boss", strings.Repeat("é", 200)}[h.pick(3)]
	case 10, 11, 12, 13, 14, 15, 16, 17:
		op.because = []string{"ticket 12", "left", strings.Repeat("é", 500)}[h.pick(3)]
	}
	if !op.system && h.pick(8) == 0 {
		op.limited, op.most = true, h.chooseLimit()
	}
	return op
}

// chooseLimit chooses the limit of a key: mostly one that may administer.
func (h *history) chooseLimit() oraclePerms {
	most := oraclePerms{}
	for _, area := range historyAreas {
		if n := h.pick(4); n > 0 {
			most[area] = []oracleAccess{{3, 3}, {3, 1}, {2, 3}}[n-1]
		}
	}
	if h.pick(4) > 0 {
		most["users"] = oracleAccess{3, 3}
	}
	return most
}

// chooseManager returns an active member who may manage users: an
// Administrator or, if less is 1, somebody else.
func (h *history) chooseManager(i, less int) string {
	var managers []string
	for _, user := range slices.Sorted(maps.Keys(h.state.members)) {
		scope, _ := h.programs[i].scope(h.state, user, "users", 2)
		if scope == 3 && (h.state.members[user].role == "administrator") == (less == 0) {
			managers = append(managers, user)
		}
	}
	switch {
	case len(managers) > 0:
	case less == 1:
		return h.chooseManager(i, 0)
	default:
		return h.chooseMember()
	}
	return managers[h.pick(len(managers))]
}

// chooseMove chooses who comes into a team: mostly some whom the actor may
// touch, into one where somebody may see more.
func (h *history) chooseMove(i int) oracleOp {
	p := h.programs[i]
	op := h.actor(i, oracleOp{do: "team", team: h.chooseTeam()})
	op.users = h.chooseUsers(true)
	if op.system || h.pick(4) == 0 {
		return op
	}
	op.actor = h.chooseManager(i, 1)
	var touched, seeing []string
	for _, user := range slices.Sorted(maps.Keys(h.state.members)) {
		touch := op
		touch.team, touch.users = "", []string{user}
		if _, result := p.after(h.state, touch); result.err == nil {
			touched = append(touched, user)
		}
		role, _ := p.role(h.state, h.state.members[user].role)
		for _, a := range role.perms {
			if (a.read == 2 || a.manage == 2) && h.state.team(user) != "" {
				seeing = append(seeing, user)
			}
		}
	}
	if len(touched) > 0 {
		n := h.pick(len(touched))
		op.users = touched[n:min(len(touched), n+1+h.pick(2))]
	}
	if len(seeing) > 0 && h.pick(4) > 0 {
		op.team = h.state.team(seeing[h.pick(len(seeing))])
	}
	return op
}

// chooseDelegated chooses what somebody with a list does, if there is anybody,
// mostly with the roles of the list and who holds them.
func (h *history) chooseDelegated(i int) oracleOp {
	p := h.programs[i]
	op := h.actor(i, oracleOp{do: []string{"assign", "add", "replace", "suspend", "reinstate", "remove", "team", "team"}[h.pick(8)]})
	switch op.do {
	case "add", "assign":
		op.role, op.users = h.chooseRole(), h.chooseUsers(false)
	case "replace":
		op.role, op.with = h.chooseRole(), h.chooseRole()
	case "team":
		op.team, op.users = h.chooseTeam(), h.chooseUsers(true)
	default:
		op.users = h.chooseUsers(true)
	}
	var delegates []string
	for _, user := range slices.Sorted(maps.Keys(h.state.members)) {
		role, _ := p.role(h.state, h.state.members[user].role)
		if m := h.state.members[user]; !m.suspended && len(p.given(h.state, role)) > 0 {
			delegates = append(delegates, user)
		}
	}
	if op.system || len(delegates) == 0 {
		return op
	}
	op.actor = delegates[h.pick(len(delegates))]
	role, _ := p.role(h.state, h.state.members[op.actor].role)
	pool := p.given(h.state, role)
	if op.role != "" && h.pick(6) > 0 {
		op.role = pool[h.pick(len(pool))]
	}
	if op.with != "" && h.pick(6) > 0 {
		op.with = pool[h.pick(len(pool))]
	}
	if op.do != "replace" && h.pick(6) > 0 {
		op.users = nil
		for _, key := range pool {
			op.users = append(op.users, h.state.holders(key)...)
		}
		if user := historyUsers[h.pick(len(historyUsers))]; h.state.members[user].role == "" && (op.do == "assign" || op.do == "add") {
			op.users = append(op.users, user)
		}
	}
	if op.do == "team" && h.pick(3) == 0 {
		op.team = h.state.team(op.actor)
	}
	return op
}

// chooseRename chooses who gets another id: mostly a member, whom the actor may
// touch.
func (h *history) chooseRename(i int) oracleOp {
	op := h.actor(i, oracleOp{do: "rename"})
	from := append(h.chooseUsers(true), h.chooseMember())
	to := append(h.chooseUsers(false), historyUsers[h.pick(len(historyUsers))])
	op.users = []string{from[0], to[0]}
	if h.pick(8) == 0 {
		op.users[1] = op.users[0]
	}
	return op
}

func (h *history) chooseTeam() string {
	if h.pick(20) == 0 {
		return []string{" ", "a\x00", strings.Repeat("t", 256), strings.Repeat("t", 255)}[h.pick(4)]
	}
	return []string{"", "north", "north", "south"}[h.pick(4)]
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
		return []string{"auditor", "user-manager", "desk", "help-desk", "leader", "rep"}[h.pick(6)]
	default:
		return stored[h.pick(len(stored))]
	}
}

// chooseSave chooses an op that creates or updates a role.
func (h *history) chooseSave(i int) oracleOp {
	op := h.actor(i, oracleOp{do: "create"})
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
	op.assigns = h.chooseAssigns(i, current)
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
	if h.pick(40) == 0 {
		op.perms = nil // left out
	}
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
		return []string{"Administrator", " ADMINISTRATOR", "auditor", "User  Manager", "administrators", "desk"}[h.pick(6)]
	default:
		return []string{"Sales team", "Sélection", "Support", "Intern", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "strasse", "Boss", "No 2", "Partner"}[h.pick(10)]
	}
}

// chooseAssigns chooses a list: that of before with a role more or less, or
// anything.
func (h *history) chooseAssigns(i int, before oracleRole) []string {
	assigns := slices.Clone(before.assigns)
	switch h.pick(8) {
	case 0, 1:
		// Mostly a role that can be listed.
		for range 6 {
			key := h.chooseRole()
			if _, ok := h.programs[i].role(h.state, key); ok && !h.programs[i].administers(h.state, key) {
				return append(assigns, key, key)
			}
		}
	case 2:
		assigns = append(assigns, h.chooseRole())
	case 3:
		assigns = assigns[:h.pick(len(assigns)+1)]
	case 4:
		if h.pick(6) == 0 {
			for n := range 101 {
				assigns = append(assigns, strconv.Itoa(n))
			}
		}
	}
	slices.Reverse(assigns)
	return assigns
}

// choosePerms chooses permissions: those of before with a change or two, some
// of the actor's own, or anything.
func (h *history) choosePerms(i int, op oracleOp, before oracleRole) oraclePerms {
	p := h.programs[i]
	areas := slices.Sorted(maps.Keys(p.areas))
	perms := oraclePerms{}
	switch h.pick(5) {
	case 0:
		maps.Copy(perms, p.shown(before.perms))
	case 1, 2:
		role, _ := p.role(h.state, h.state.members[op.actor].role)
		held := p.shown(role.perms)
		if op.limited {
			held = p.key(held, op.most)
		}
		maps.Copy(perms, held)
	case 3:
		for _, area := range areas {
			n := h.pick(16)
			perms[area] = oracleAccess{n % 4, n / 4}
		}
	}
	for range h.pick(3) {
		area, n := areas[h.pick(len(areas))], h.pick(16)
		perms[area] = oracleAccess{n % 4, n / 4}
	}
	for area, a := range perms {
		perms[area] = oracleAccess{p.counts(area, 1, a.read), p.counts(area, 2, a.manage)}
	}
	if h.pick(20) == 0 {
		area := []string{"nowhere", "", "Contacts", "api", "contacts", "legacy", "reports", "gone", "tickets", "services"}[h.pick(10)]
		perms[area] = []oracleAccess{{1, 0}, {0, 1}, {4, 0}, {3, 255}, {0, 2}, {3, 3}, {0, 0}, {0, 0}}[h.pick(8)]
	}
	return perms
}

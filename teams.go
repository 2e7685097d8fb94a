package rbac

import (
	"maps"
	"slices"
)

// teams are the teams of a snapshot, by the numbers that seats have. They are
// immutable. Number 0 is no team.
type teams struct {
	list    []*team
	numbers map[string]uint32
}

// team is a team with its members, suspended ones included, in byte order.
type team struct {
	id      string
	members []string
}

// noTeams is what a snapshot begins with.
var noTeams = &teams{list: []*team{{}}, numbers: map[string]uint32{}}

// moves are changes of teams that are being made.
type moves struct {
	base, teams *teams
	in          map[uint32]map[string]bool // who is in a team afterwards, and who not
}

func (t *teams) change() *moves {
	return &moves{base: t, teams: t, in: map[uint32]map[string]bool{}}
}

// edit makes m.teams a copy.
func (m *moves) edit() {
	if m.teams == m.base {
		m.teams = &teams{slices.Clone(m.base.list), maps.Clone(m.base.numbers)}
	}
}

// number returns the number of a team, a new one if nobody was in it yet.
func (m *moves) number(id string) uint32 {
	if id == "" {
		return 0
	}
	n, ok := m.teams.numbers[id]
	if !ok {
		m.edit()
		n = uint32(len(m.teams.list))
		m.teams.list = append(m.teams.list, &team{id: id})
		m.teams.numbers[id] = n
	}
	return n
}

// move takes a member from one team to another.
func (m *moves) move(user string, from, to uint32) {
	if from != to {
		m.set(user, from, false)
		m.set(user, to, true)
	}
}

func (m *moves) set(user string, n uint32, in bool) {
	if n == 0 {
		return
	}
	if m.in[n] == nil {
		m.in[n] = map[string]bool{}
	}
	m.in[n][user] = in
}

// done returns the teams after the moves.
func (m *moves) done() *teams {
	if len(m.in) == 0 {
		return m.base
	}
	m.edit()
	for n, in := range m.in {
		before := m.teams.list[n]
		members := make([]string, 0, len(before.members)+len(in))
		for _, user := range before.members {
			if _, moved := in[user]; !moved {
				members = append(members, user)
			}
		}
		for user, stays := range in {
			if stays {
				members = append(members, user)
			}
		}
		slices.Sort(members)
		m.teams.list[n] = &team{before.id, members}
	}
	return m.teams
}

// empty returns how many teams nobody is in any more.
func (t *teams) empty() int {
	n := 0
	for _, team := range t.list[1:] {
		if len(team.members) == 0 {
			n++
		}
	}
	return n
}

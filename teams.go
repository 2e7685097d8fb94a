package rbac

import (
	"maps"
	"slices"
)

// teams are the teams of a snapshot, by the numbers that seats have. It is
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
var noTeams = &teams{list: []*team{{}}}

// moves are changes of teams that are being made: of a copy, until done.
type moves struct {
	teams
	base   *teams
	joined map[uint32][]string
	left   map[uint32]map[string]bool
}

func (t *teams) change() *moves {
	return &moves{teams: *t, base: t, joined: map[uint32][]string{}, left: map[uint32]map[string]bool{}}
}

// number returns the number of a team, a new one if nobody was in it yet.
func (m *moves) number(id string) uint32 {
	if id == "" {
		return 0
	}
	if n, ok := m.numbers[id]; ok {
		return n
	}
	if len(m.list) == len(m.base.list) { // the first new one
		m.list, m.numbers = slices.Clone(m.list), maps.Clone(m.numbers)
		if m.numbers == nil {
			m.numbers = map[string]uint32{}
		}
	}
	n := uint32(len(m.list))
	m.list = append(m.list, &team{id: id})
	m.numbers[id] = n
	return n
}

// move takes a member from one team to another.
func (m *moves) move(user string, from, to uint32) {
	if from == to {
		return
	}
	if from != 0 {
		if m.left[from] == nil {
			m.left[from] = map[string]bool{}
		}
		m.left[from][user] = true
	}
	if to != 0 {
		m.joined[to] = append(m.joined[to], user)
	}
}

// done returns the teams after the moves.
func (m *moves) done() *teams {
	if len(m.joined) == 0 && len(m.left) == 0 {
		return m.base
	}
	if len(m.list) == len(m.base.list) {
		m.list = slices.Clone(m.list)
	}
	touched := maps.Clone(m.left)
	for n := range m.joined {
		touched[n] = m.left[n]
	}
	for n, left := range touched {
		before := m.list[n]
		members := make([]string, 0, len(before.members)+len(m.joined[n]))
		for _, user := range before.members {
			if !left[user] {
				members = append(members, user)
			}
		}
		members = append(members, m.joined[n]...)
		slices.Sort(members)
		m.list[n] = &team{before.id, slices.Clip(members)}
	}
	return &teams{m.list, m.numbers}
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

package rbac

import (
	"slices"
	"strconv"
	"strings"
)

// Reach is the records that an action reaches for a user, as a list filters by
// them. List and single record agree: a record is in the list exactly if
// [Subject.CanRecord] is true for its owners.
type Reach struct {
	All    bool     // every record
	Owners []string // else the records of these, in byte order; nothing if there are none
	Team   string   // the team whose members the owners are, if the action reaches a team
}

// Reach returns the records that an action reaches for the user: nothing, the
// user's own, those of the user and the members of the user's team, suspended
// ones too, or all (T3).
func (s Subject) Reach(area Area, action Action) Reach {
	p := s.get()
	switch s.Scope(area, action) {
	case All:
		return Reach{All: true}
	case Team:
		if p.team == 0 {
			return Reach{Owners: []string{p.user}}
		}
		t := p.snapshot.teams.list[p.team]
		return Reach{Owners: slices.Clone(t.members), Team: t.id}
	case Own:
		return Reach{Owners: []string{p.user}}
	}
	return Reach{}
}

// Includes reports whether a record with these owners is within reach.
func (r Reach) Includes(owners ...string) bool {
	return r.All || slices.ContainsFunc(owners, func(owner string) bool {
		_, found := slices.BinarySearch(r.Owners, owner)
		return found
	})
}

// Placeholders is how a database writes the places of arguments in a query.
type Placeholders uint8

const (
	Dollar   Placeholders = 1 // $1, $2, …: PostgreSQL, which takes a list as one argument
	Question Placeholders = 2 // ?: SQLite and MySQL, which take each element of a list
)

// Where returns the condition under which a query selects the records within
// reach, and appends its arguments to those that the query has already:
//
//	args := []any{stage}
//	where := "stage = $1 AND " + reach.Where(rbac.Dollar, "owner", &args)
//
// owner is the column with a record's owner, as it stands in the query. The
// condition is the simplest that there is for a reach, so that the database can
// plan for it: TRUE, FALSE, owner = $2, or owner = ANY ($2) with a []string. With
// [Question] the last is owner IN (?, ?, …), for as many owners as the database
// takes arguments: 32,766 in SQLite. Placeholders that do not exist give FALSE.
func (r Reach) Where(p Placeholders, owner string, args *[]any) string {
	switch {
	case p != Dollar && p != Question:
		return "FALSE"
	case r.All:
		return "TRUE"
	case len(r.Owners) == 0:
		return "FALSE"
	case len(r.Owners) == 1:
		return owner + " = " + p.next(args, r.Owners[0])
	case p == Dollar:
		return owner + " = ANY (" + p.next(args, r.Owners) + ")"
	}
	places := make([]string, len(r.Owners))
	for i, id := range r.Owners {
		places[i] = p.next(args, id)
	}
	return owner + " IN (" + strings.Join(places, ", ") + ")"
}

// WhereTeam is [Reach.Where] for an application that has the teams in its own
// tables, too. members is a query for the ids of the members of a team, with one
// ? for the team: owner IN (SELECT id FROM people WHERE team = $2). It is asked
// where the reach is a team's; Where answers for all others.
func (r Reach) WhereTeam(p Placeholders, owner, members string, args *[]any) string {
	if r.All || r.Team == "" || p != Dollar && p != Question {
		return r.Where(p, owner, args)
	}
	return owner + " IN (" + strings.Replace(members, "?", p.next(args, r.Team), 1) + ")"
}

// next appends an argument, and returns its place.
func (p Placeholders) next(args *[]any, arg any) string {
	*args = append(*args, arg)
	if p == Question {
		return "?"
	}
	return "$" + strconv.Itoa(len(*args))
}

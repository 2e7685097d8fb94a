package storetest_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// selecting is a fault: the store answers what it makes of a MemberQuery.
func selecting(change func(*rbac.MemberQuery)) func() *faults {
	return func() *faults {
		return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
			q.Users = slices.Clone(q.Users)
			change(&q)
			return r.Members(q)
		}}
	}
}

// filtering is a fault: members are read without a limit and changed as a
// list.
func filtering(change func(rbac.Reader, rbac.MemberQuery, []rbac.Member) []rbac.Member) func() *faults {
	return func() *faults {
		return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
			return func(yield func(rbac.Member, error) bool) {
				var members []rbac.Member
				for m, err := range r.Members(q) {
					if err != nil {
						yield(m, err)
						return
					}
					members = append(members, m)
				}
				for _, m := range change(r, q, members) {
					if !yield(m, nil) {
						return
					}
				}
			}
		}}
	}
}

// keeping is a fault: the store selects events itself, all but for the filters
// that clear takes out of the query, and keeps those of which keep says so.
// The limit counts behind that.
func keeping(clear func(*rbac.EventQuery), keep func(rbac.EventQuery, rbac.Event) bool) func() *faults {
	return func() *faults {
		return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
			wanted := q
			q.Limit = 0
			clear(&q)
			return func(yield func(rbac.Event, error) bool) {
				n := 0
				for e, err := range r.Events(q) {
					if err == nil && !keep(wanted, e) {
						continue
					}
					if n++; wanted.Limit > 0 && n > wanted.Limit || !yield(e, err) {
						return
					}
				}
			}
		}}
	}
}

// selectingEvents is a fault: the store answers what it makes of an
// EventQuery.
func selectingEvents(change func(*rbac.EventQuery)) func() *faults {
	return func() *faults {
		return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
			change(&q)
			return r.Events(q)
		}}
	}
}

func brokenReads() []brokenStore {
	return slices.Concat(brokenMemberReads(), brokenEventReads(), brokenFilters())
}

func brokenMemberReads() []brokenStore {
	const (
		members = "members come in the byte order of their user ids"
		combine = "the parts of a MemberQuery combine"
		users   = "MemberQuery.Users selects users"
		role    = "MemberQuery.Role selects holders of a role"
		state   = "MemberQuery.State selects by suspension"
		after   = "MemberQuery.After begins behind a user id"
		limit   = "MemberQuery.Limit bounds the number"
		pages   = "pages of members join without a gap"
		team    = "MemberQuery.Team selects members of a team"
	)
	return []brokenStore{
		{"a missing role is empty", func() *faults {
			return &faults{role: func(r rbac.Reader, id rbac.RoleID) (rbac.Role, error) {
				role, err := r.Role(id)
				if errors.Is(err, rbac.ErrRoleNotFound) {
					err = nil
				}
				return role, err
			}}
		}, []string{"a missing role is ErrRoleNotFound"}},
		{"a missing member is another error", func() *faults {
			return &faults{member: func(r rbac.Reader, user string) (rbac.Member, error) {
				member, err := r.Member(user)
				if err != nil {
					err = errBroken
				}
				return member, err
			}}
		}, []string{"a missing member is ErrMemberNotFound"}},
		{"roles in another order", func() *faults {
			return &faults{roles: func(r rbac.Reader) iter.Seq2[rbac.Role, error] {
				return func(yield func(rbac.Role, error) bool) {
					var roles []rbac.Role
					for role := range r.Roles() {
						roles = append(roles, role)
					}
					slices.SortStableFunc(roles, func(a, b rbac.Role) int {
						return strings.Compare(strings.ToLower(string(a.ID)), strings.ToLower(string(b.ID)))
					})
					for _, role := range roles {
						if !yield(role, nil) {
							return
						}
					}
				}
			}}
		}, []string{"roles come in the byte order of their ids"}},
		{"members in another order", filtering(func(_ rbac.Reader, _ rbac.MemberQuery, members []rbac.Member) []rbac.Member {
			slices.SortStableFunc(members, func(a, b rbac.Member) int {
				return strings.Compare(strings.ToLower(a.User), strings.ToLower(b.User))
			})
			return members
		}), []string{members}},
		{"members in the order of UTF-16", filtering(func(_ rbac.Reader, _ rbac.MemberQuery, members []rbac.Member) []rbac.Member {
			slices.SortStableFunc(members, func(a, b rbac.Member) int {
				return strings.Compare(strings.ReplaceAll(a.User, "🦊", "\ud7ff"), strings.ReplaceAll(b.User, "🦊", "\ud7ff"))
			})
			return members
		}), []string{members}},
		{"members in the order of the query", filtering(func(r rbac.Reader, q rbac.MemberQuery, members []rbac.Member) []rbac.Member {
			if q.Users != nil {
				members = nil
				for _, user := range q.Users {
					if m, err := r.Member(user); err == nil {
						members = append(members, m)
					}
				}
			}
			return members
		}), []string{members, users}},
		{"no users are all users", selecting(func(q *rbac.MemberQuery) {
			if len(q.Users) == 0 {
				q.Users = nil
			}
		}), []string{users, combine}},
		{"unknown users are an error", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) {
					for _, user := range q.Users {
						if _, err := r.Member(user); err != nil {
							yield(rbac.Member{}, err)
							return
						}
					}
					r.Members(q)(yield)
				}
			}}
		}, []string{users}},
		{"repeated users come twice", filtering(func(_ rbac.Reader, q rbac.MemberQuery, members []rbac.Member) []rbac.Member {
			var repeated []rbac.Member
			for _, m := range members {
				repeated = append(repeated, m)
				if i := slices.Index(q.Users, m.User); i >= 0 && slices.Contains(q.Users[i+1:], m.User) {
					repeated = append(repeated, m)
				}
			}
			return repeated
		}), []string{users}},
		{"roles are selected whatever their case", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				wanted := string(q.Role)
				q.Role = ""
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range r.Members(q) {
						if (wanted == "" || strings.EqualFold(string(m.Role), wanted)) && !yield(m, err) {
							return
						}
					}
				}
			}}
		}, []string{role, "role ids are compared byte for byte"}},
		{"the role of a query is ignored", selecting(func(q *rbac.MemberQuery) { q.Role = "" }), []string{role, combine}},
		{"the team of a query is ignored", selecting(func(q *rbac.MemberQuery) { q.Team = "" }), []string{team, combine}},
		{"teams are selected whatever their case", filtering(func(r rbac.Reader, q rbac.MemberQuery, members []rbac.Member) []rbac.Member {
			if q.Team != "" {
				members = nil
				for m := range r.Members(rbac.MemberQuery{}) {
					if strings.EqualFold(m.Team, q.Team) {
						members = append(members, m)
					}
				}
			}
			return members
		}), []string{team, combine, "team ids are compared byte for byte"}},
		{"the team is ignored beside Users", selecting(func(q *rbac.MemberQuery) {
			if q.Users != nil {
				q.Team = ""
			}
		}), []string{combine}},
		{"the team is ignored beside a role", selecting(func(q *rbac.MemberQuery) {
			if q.Role != "" {
				q.Team = ""
			}
		}), []string{combine}},
		{"the limit counts before the team", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				wanted := q.Team
				q.Team = ""
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range r.Members(q) {
						if (wanted == "" || m.Team == wanted) && !yield(m, err) {
							return
						}
					}
				}
			}}
		}, []string{combine}},
		{"the state of a query is ignored", selecting(func(q *rbac.MemberQuery) { q.State = rbac.AnyState }), []string{state, combine}},
		{"active and suspended are mixed up", selecting(func(q *rbac.MemberQuery) { q.State = (3 - q.State) % 3 }), []string{state}},
		{"After includes the last of the page before", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) {
					if m, err := r.Member(q.After); err == nil && q.Users == nil && q.Role == "" && !yield(m, nil) {
						return
					}
					r.Members(q)(yield)
				}
			}}
		}, []string{after, pages}},
		{"After is ignored beside Users", selecting(func(q *rbac.MemberQuery) {
			if q.Users != nil {
				q.After = ""
			}
		}), []string{combine}},
		{"the limit of a query is ignored", selecting(func(q *rbac.MemberQuery) { q.Limit = 0 }), []string{limit, combine}},
		{"a negative limit is none", selecting(func(q *rbac.MemberQuery) {
			if q.Limit < 0 {
				q.Users = []string{}
			}
		}), []string{limit}},
		{"queries have a limit of their own", selecting(func(q *rbac.MemberQuery) {
			if q.Limit == 0 {
				q.Limit = 25
			}
		}), []string{"the zero MemberQuery selects all", limit}},
		{"the limit counts before the role", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				wanted := q.Role
				q.Role = ""
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range r.Members(q) {
						if (wanted == "" || m.Role == wanted) && !yield(m, err) {
							return
						}
					}
				}
			}}
		}, []string{combine}},
	}
}

func brokenEventReads() []brokenStore {
	const (
		newest   = "EventQuery.Newest begins with the newest"
		combineE = "the parts of an EventQuery combine"
		once     = "an iterator may be ranged over more than once"
		early    = "an iterator may be left early"
	)
	return []brokenStore{
		{"events begin with the newest", selectingEvents(func(q *rbac.EventQuery) { q.Newest = !q.Newest }),
			[]string{"the zero EventQuery selects all", newest}},
		{"the newest come in the order of their numbers", selectingEvents(func(q *rbac.EventQuery) { q.Newest = false }),
			[]string{newest, combineE}},
		{"After includes the event", selectingEvents(func(q *rbac.EventQuery) {
			if q.After > 0 {
				q.After--
			}
		}), []string{"EventQuery.After begins behind a number", combineE}},
		{"Before includes the event", selectingEvents(func(q *rbac.EventQuery) {
			if q.Before > 0 && q.Before < 1<<40 {
				q.Before++
			}
		}), []string{"EventQuery.Before ends before a number", combineE}},
		{"Before is ignored when negative", selectingEvents(func(q *rbac.EventQuery) { q.Before = max(q.Before, 0) }),
			[]string{"EventQuery.Before ends before a number"}},
		{"the limit of events is ignored", selectingEvents(func(q *rbac.EventQuery) { q.Limit = 0 }),
			[]string{"EventQuery.Limit bounds the number", combineE}},
		{"iterators can be used once", func() *faults {
			return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
				used := false
				return func(yield func(rbac.Event, error) bool) {
					if !used {
						used = true
						r.Events(q)(yield)
					}
				}
			}}
		}, []string{once}},
		{"iterators must be used up", func() *faults {
			open := false
			return &faults{
				members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
					return func(yield func(rbac.Member, error) bool) {
						open = true
						for m, err := range r.Members(q) {
							if !yield(m, err) {
								return
							}
						}
						open = false
					}
				},
				roles: func(r rbac.Reader) iter.Seq2[rbac.Role, error] {
					if open {
						return func(yield func(rbac.Role, error) bool) { yield(rbac.Role{}, errBroken) }
					}
					return r.Roles()
				},
			}
		}, []string{early}},
	}
}

// brokenFilters are stores that filter events wrongly.
func brokenFilters() []brokenStore {
	const (
		kinds   = "EventQuery.Kinds selects kinds"
		role    = "EventQuery.Role selects changes of a role and of its holders"
		user    = "EventQuery.User selects changes of a member"
		actor   = "EventQuery.Actor selects who made a change"
		since   = "EventQuery.Since begins with a time"
		until   = "EventQuery.Until ends before a time"
		combine = "filters of an EventQuery combine with each other and with pages"
		pages   = "pages of filtered events join without a gap"
	)
	noRole := func(q *rbac.EventQuery) { q.Role = "" }
	return []brokenStore{
		{"kinds are ignored", selectingEvents(func(q *rbac.EventQuery) { q.Kinds = nil }), []string{kinds, combine}},
		{"only the first kind counts", selectingEvents(func(q *rbac.EventQuery) { q.Kinds = q.Kinds[:min(len(q.Kinds), 1)] }), []string{kinds, combine}},
		{"no kinds are none", selectingEvents(func(q *rbac.EventQuery) {
			if q.Kinds != nil && len(q.Kinds) == 0 {
				q.Kinds = []rbac.EventKind{"none"}
			}
		}), []string{kinds}},
		{"kinds are read late", func() *faults {
			return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
				return func(yield func(rbac.Event, error) bool) { r.Events(q)(yield) }
			}}
		}, []string{"a query belongs to the caller"}},
		{"kinds are put in order in place", selectingEvents(func(q *rbac.EventQuery) { slices.Sort(q.Kinds) }), []string{"a query belongs to the caller"}},
		{"kinds are patterns", keeping(func(q *rbac.EventQuery) { q.Kinds = nil }, func(q rbac.EventQuery, e rbac.Event) bool {
			return len(q.Kinds) == 0 || slices.ContainsFunc(q.Kinds, func(k rbac.EventKind) bool {
				return strings.HasPrefix(string(e.Kind), strings.ReplaceAll(strings.TrimSuffix(string(k), "%"), "_", "."))
			})
		}), []string{kinds}},
		{"the role is ignored", selectingEvents(noRole), []string{role, combine}},
		{"holders of a role do not count", keeping(noRole, func(q rbac.EventQuery, e rbac.Event) bool {
			return q.Role == "" || e.RoleBefore != nil && e.RoleBefore.ID == q.Role || e.RoleAfter != nil && e.RoleAfter.ID == q.Role
		}), []string{role}},
		{"who held a role before does not count", keeping(noRole, func(q rbac.EventQuery, e rbac.Event) bool {
			switch {
			case q.Role == "":
				return true
			case e.MemberAfter != nil:
				return e.MemberAfter.Role == q.Role
			case e.RoleAfter != nil:
				return e.RoleAfter.ID == q.Role
			}
			return e.MemberBefore != nil && e.MemberBefore.Role == q.Role || e.RoleBefore != nil && e.RoleBefore.ID == q.Role
		}), []string{role}},
		{"deleted roles do not count", keeping(noRole, func(q rbac.EventQuery, e rbac.Event) bool {
			return q.Role == "" || e.RoleAfter != nil && e.RoleAfter.ID == q.Role ||
				e.MemberBefore != nil && e.MemberBefore.Role == q.Role || e.MemberAfter != nil && e.MemberAfter.Role == q.Role
		}), []string{role}},
		{"roles whose lists have the role count", keeping(noRole, func(q rbac.EventQuery, e rbac.Event) bool {
			lists := func(r *rbac.Role) bool { return r != nil && (r.ID == q.Role || slices.Contains(r.Assigns, q.Role)) }
			holds := func(m *rbac.Member) bool { return m != nil && m.Role == q.Role }
			return q.Role == "" || lists(e.RoleBefore) || lists(e.RoleAfter) || holds(e.MemberBefore) || holds(e.MemberAfter)
		}), []string{role}},
		{"the user is ignored", selectingEvents(func(q *rbac.EventQuery) { q.User = "" }), []string{user, combine, pages}},
		{"members who were removed do not count", keeping(func(q *rbac.EventQuery) { q.User = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			return q.User == "" || e.MemberAfter != nil && e.MemberAfter.User == q.User
		}), []string{user, pages}},
		{"members who were renamed have the new id only", keeping(func(q *rbac.EventQuery) { q.User = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			m := e.MemberAfter
			if m == nil {
				m = e.MemberBefore
			}
			return q.User == "" || m != nil && m.User == q.User
		}), []string{user}},
		{"users are selected whatever their case", keeping(func(q *rbac.EventQuery) { q.User = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			is := func(m *rbac.Member) bool { return m != nil && strings.EqualFold(m.User, q.User) }
			return q.User == "" || is(e.MemberBefore) || is(e.MemberAfter)
		}), []string{user, combine, pages}},
		{"who made a change is taken for whom it touched", keeping(func(q *rbac.EventQuery) { q.User = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			is := func(m *rbac.Member) bool { return m != nil && m.User == q.User }
			return q.User == "" || e.Actor == q.User || is(e.MemberBefore) || is(e.MemberAfter)
		}), []string{user, pages}},
		{"the actor is ignored", selectingEvents(func(q *rbac.EventQuery) { q.Actor = "" }), []string{actor, combine}},
		{"actors are patterns", keeping(func(q *rbac.EventQuery) { q.Actor = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			return q.Actor == "" || q.Actor == "%" || e.Actor == q.Actor
		}), []string{actor}},
		{"how is taken for who", keeping(func(q *rbac.EventQuery) { q.Actor = "" }, func(q rbac.EventQuery, e rbac.Event) bool {
			return q.Actor == "" || e.Actor == q.Actor || e.Via == q.Actor
		}), []string{actor, combine}},
		{"Since is ignored", selectingEvents(func(q *rbac.EventQuery) { q.Since = time.Time{} }), []string{since, combine}},
		{"Since leaves its own moment out", selectingEvents(func(q *rbac.EventQuery) {
			if !q.Since.IsZero() {
				q.Since = q.Since.Add(time.Microsecond)
			}
		}), []string{since, combine}},
		{"Since in whole seconds", selectingEvents(func(q *rbac.EventQuery) {
			if !q.Since.IsZero() {
				q.Since = q.Since.Truncate(time.Second)
			}
		}), []string{since}},
		{"Since without a zone", selectingEvents(func(q *rbac.EventQuery) {
			t := q.Since
			q.Since = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		}), []string{since}},
		{"Until is ignored", selectingEvents(func(q *rbac.EventQuery) { q.Until = time.Time{} }), []string{until, combine}},
		{"Until includes its moment", selectingEvents(func(q *rbac.EventQuery) {
			if !q.Until.IsZero() && q.Until.Year() < 9999 {
				q.Until = q.Until.Add(time.Microsecond)
			}
		}), []string{until, combine}},
		{"no event is later than one with a greater number", func() *faults {
			return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
				end := q.Until
				q.Until = time.Time{}
				return func(yield func(rbac.Event, error) bool) {
					for e, err := range r.Events(q) {
						if !end.IsZero() && !q.Newest && !e.Time.Before(end) || !yield(e, err) {
							return
						}
					}
				}
			}}
		}, []string{until, combine}},
		{"the limit counts before the filters", func() *faults {
			return &faults{events: func(r rbac.Reader, q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
				wanted := q.User
				q.User = ""
				return func(yield func(rbac.Event, error) bool) {
					for e, err := range r.Events(q) {
						if (wanted == "" || e.MemberBefore != nil && e.MemberBefore.User == wanted || e.MemberAfter != nil && e.MemberAfter.User == wanted) && !yield(e, err) {
							return
						}
					}
				}
			}}
		}, []string{combine, pages}},
		{"filters set After and Before aside", selectingEvents(func(q *rbac.EventQuery) {
			if q.Role != "" || q.User != "" {
				q.After, q.Before = 0, 0
			}
		}), []string{combine, pages}},
		{"one filter counts", selectingEvents(func(q *rbac.EventQuery) {
			if q.Role != "" {
				q.User = ""
			}
		}), []string{combine}},
		{"filtered events come oldest first", selectingEvents(func(q *rbac.EventQuery) {
			if q.Actor != "" || q.User != "" {
				q.Newest = false
			}
		}), []string{combine, pages}},
	}
}

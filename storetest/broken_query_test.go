package storetest_test

import (
	"errors"
	"iter"
	"slices"
	"strings"

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
	const (
		members  = "members come in the byte order of their user ids"
		combine  = "the parts of a MemberQuery combine"
		users    = "MemberQuery.Users selects users"
		role     = "MemberQuery.Role selects holders of a role"
		state    = "MemberQuery.State selects by suspension"
		after    = "MemberQuery.After begins behind a user id"
		limit    = "MemberQuery.Limit bounds the number"
		pages    = "pages of members join without a gap"
		newest   = "EventQuery.Newest begins with the newest"
		combineE = "the parts of an EventQuery combine"
		once     = "an iterator may be ranged over more than once"
		early    = "an iterator may be left early"
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

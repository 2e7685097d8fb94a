package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/areagate/rbac"
)

// brokenStore is a store that breaks the contract, and the checks that must
// notice.
type brokenStore struct {
	name     string
	faults   func() *faults // a fresh one for each check
	caughtBy []string
}

var errBroken = errors.New("broken on purpose")

func brokenStores() []brokenStore {
	return slices.Concat(brokenWorkspaces(), brokenValues(), brokenTransactions(), brokenReads(), brokenWrites(), brokenLists(), brokenClears(), brokenNotifiers())
}

// inWorkspace is a fault: the store works in the workspace that other names.
func inWorkspace(other func(string) string) func() *faults {
	return func() *faults {
		return &faults{
			view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
				return s.View(ctx, other(workspace), fn)
			},
			update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
				return s.Update(ctx, other(workspace), fn)
			},
			revisions: func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
				found := map[string]rbac.Revision{}
				for _, workspace := range workspaces {
					one, err := s.Revisions(ctx, []string{other(workspace)})
					if err != nil {
						return nil, err
					}
					found[workspace] = one[other(workspace)]
				}
				return found, nil
			},
		}
	}
}

func brokenWorkspaces() []brokenStore {
	const anyString = "the id of a workspace is any string"
	return []brokenStore{
		{"all workspaces are one", inWorkspace(func(string) string { return "one" }),
			[]string{anyString, "workspaces do not affect each other", "workspaces should not wait for each other"}},
		{"workspace ids in lower case", inWorkspace(strings.ToLower), []string{anyString}},
		{"workspace ids without blanks around", inWorkspace(strings.TrimSpace), []string{anyString}},
		{"workspace ids cut off", inWorkspace(func(s string) string { return s[:min(len(s), 254)] }), []string{anyString}},
		{"the empty workspace id is another", inWorkspace(func(s string) string { return cmp.Or(s, "a") }), []string{anyString}},
		{"workspaces must be created", func() *faults {
			return &faults{view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
				return s.View(ctx, workspace, func(r rbac.Reader) error {
					for range r.Members(rbac.MemberQuery{}) {
						return fn(r)
					}
					return errBroken
				})
			}}
		}, []string{"a workspace needs no creation"}},
		{"an Update elsewhere is an error", func() *faults {
			var open atomic.Int32
			return &faults{update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
				if open.Add(1); open.Load() > 1 {
					return errBroken
				}
				defer open.Store(0)
				return s.Update(ctx, workspace, fn)
			}}
		}, []string{"workspaces should not wait for each other", "concurrent Updates lose nothing", "all methods are safe for concurrent use"}},
		{"Revisions of the first fifty only", func() *faults {
			return &faults{revisions: func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
				return s.Revisions(ctx, workspaces[:min(50, len(workspaces))])
			}}
		}, []string{"Revisions tells the newest of each workspace"}},
		{"Revisions of more than was asked for", func() *faults {
			return &faults{revisions: func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
				return s.Revisions(ctx, append([]string{"w1", "w2", "w3"}, workspaces...))
			}}
		}, []string{"Revisions tells the newest of each workspace"}},
		{"Revisions of a new workspace is an error", func() *faults {
			return &faults{revisions: func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
				found, err := s.Revisions(ctx, workspaces)
				if err == nil && len(found) < len(workspaces) {
					err = errBroken
				}
				return found, err
			}}
		}, []string{"Revisions of a workspace that was never written"}},
	}
}

// putting is a fault: the store keeps what change makes of a role, a member
// and an event.
func putting(role func(*rbac.Role), member func(*rbac.Member), event func(*rbac.Event)) func() *faults {
	return func() *faults {
		return &faults{
			putRole: func(tx rbac.Tx, r rbac.Role) error {
				if role != nil {
					r.Permissions = maps.Clone(r.Permissions)
					role(&r)
				}
				return tx.PutRole(r)
			},
			putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
				members = slices.Clone(members)
				for i := range members {
					if member != nil {
						member(&members[i])
					}
				}
				return tx.PutMembers(members...)
			},
			appendEvents: func(tx rbac.Tx, events ...rbac.Event) error {
				events = slices.Clone(events)
				for i := range events {
					if event != nil {
						event(&events[i])
					}
				}
				return tx.AppendEvents(events...)
			},
		}
	}
}

func brokenValues() []brokenStore {
	const (
		texts = "texts come back byte for byte"
		times = "times come back as the same instant in UTC"
		whole = "events come back whole"
	)
	return []brokenStore{
		{"roles need a name", func() *faults {
			return &faults{putRole: func(tx rbac.Tx, role rbac.Role) error {
				if role.Name == "" {
					return errBroken
				}
				return tx.PutRole(role)
			}}
		}, []string{"a store knows no rule", "PutRole inserts or replaces"}},
		{"versions only grow", func() *faults {
			return &faults{putRole: func(tx rbac.Tx, role rbac.Role) error {
				if old, err := tx.Role(role.ID); err == nil && old.Version >= role.Version {
					role.Version = old.Version + 1
				}
				return tx.PutRole(role)
			}}
		}, []string{"a store knows no rule"}},
		{"unknown areas are dropped", putting(func(r *rbac.Role) {
			maps.DeleteFunc(r.Permissions, func(a rbac.Area, _ rbac.Access) bool { return a != rbac.Contacts })
		}, nil, nil), []string{"areas that the program does not know are kept"}},
		{"lists are dropped", putting(func(r *rbac.Role) { r.Assigns = nil }, nil, nil),
			[]string{"a store knows no rule", "PutRole inserts or replaces", "a missing role is ErrRoleNotFound"}},
		{"lists are put in order", putting(func(r *rbac.Role) {
			r.Assigns = slices.Compact(slices.Sorted(slices.Values(r.Assigns)))
		}, nil, nil), []string{"a store knows no rule", texts}},
		{"lists of roles stay when they are replaced", func() *faults {
			return &faults{putRole: func(tx rbac.Tx, role rbac.Role) error {
				if old, err := tx.Role(role.ID); err == nil && len(role.Assigns) == 0 {
					role.Assigns = old.Assigns
				}
				return tx.PutRole(role)
			}}
		}, []string{"PutRole inserts or replaces"}},
		{"teams are dropped", putting(nil, func(m *rbac.Member) { m.Team = "" }, nil),
			[]string{"a store knows no rule", "PutMembers inserts or replaces", "team ids are compared byte for byte"}},
		{"teams stay when members are replaced", func() *faults {
			return &faults{putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
				members = slices.Clone(members)
				for i := range members {
					if old, err := tx.Member(members[i].User); err == nil && members[i].Team == "" {
						members[i].Team = old.Team
					}
				}
				return tx.PutMembers(members...)
			}}
		}, []string{"PutMembers inserts or replaces"}},
		{"team ids in lower case", putting(nil, func(m *rbac.Member) { m.Team = strings.ToLower(m.Team) }, nil),
			[]string{"team ids are compared byte for byte", "MemberQuery.Team selects members of a team"}},
		{"events forget how", putting(nil, nil, func(e *rbac.Event) { e.Via = "" }), []string{whole, texts}},
		{"events forget that somebody was limited", putting(nil, nil, func(e *rbac.Event) { e.Limited = false }), []string{whole, "a store knows no rule"}},
		{"events have the form of today", putting(nil, nil, func(e *rbac.Event) { e.Form = 2 }), []string{whole, "a store knows no rule"}},
		{"forms in 32 bits", putting(nil, nil, func(e *rbac.Event) { e.Form = int64(int32(e.Form)) }), []string{whole, "a store knows no rule"}},
		{"events forget the names of roles", putting(nil, nil, func(e *rbac.Event) {
			if e.MemberAfter != nil {
				after := *e.MemberAfter
				after.RoleName = ""
				e.MemberAfter = &after
			}
		}), []string{whole, texts}},
		{"events forget teams", putting(nil, nil, func(e *rbac.Event) {
			if e.MemberBefore != nil {
				before := *e.MemberBefore
				before.Team = ""
				e.MemberBefore = &before
			}
		}), []string{whole, texts}},
		{"events forget lists", putting(nil, nil, func(e *rbac.Event) {
			if e.RoleBefore != nil {
				before := *e.RoleBefore
				before.Assigns = nil
				e.RoleBefore = &before
			}
		}), []string{whole, texts, "a store knows no rule"}},
		{"roles share the list that was put", func() *faults {
			var mu sync.Mutex
			kept := map[rbac.RoleID][]rbac.RoleID{}
			return &faults{
				putRole: func(tx rbac.Tx, role rbac.Role) error {
					mu.Lock()
					defer mu.Unlock()
					kept[role.ID] = role.Assigns
					return tx.PutRole(role)
				},
				roles: eachRole(func(role *rbac.Role) {
					mu.Lock()
					defer mu.Unlock()
					role.Assigns = kept[role.ID]
				}),
			}
		}, []string{"what comes in may be changed afterwards", "what comes out belongs to the caller"}},
		{"user ids in lower case", func() *faults {
			return &faults{
				putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
					for _, m := range members {
						m.User = strings.ToLower(m.User)
						if err := tx.PutMembers(m); err != nil {
							return err
						}
					}
					return nil
				},
				member: func(r rbac.Reader, user string) (rbac.Member, error) { return r.Member(strings.ToLower(user)) },
			}
		}, []string{"user ids are compared byte for byte", "a missing member is ErrMemberNotFound"}},
		{"users are deleted whatever their case", func() *faults {
			return &faults{deleteMembers: func(tx rbac.Tx, users ...string) error {
				for m := range tx.Members(rbac.MemberQuery{}) {
					if slices.ContainsFunc(users, func(user string) bool { return strings.EqualFold(user, m.User) }) {
						_ = tx.DeleteMembers(m.User)
					}
				}
				return nil
			}}
		}, []string{"user ids are compared byte for byte"}},
		{"role ids without blanks around", func() *faults {
			return &faults{
				role: func(r rbac.Reader, id rbac.RoleID) (rbac.Role, error) {
					return r.Role(rbac.RoleID(strings.TrimSpace(string(id))))
				},
			}
		}, []string{"role ids are compared byte for byte", "a missing role is ErrRoleNotFound"}},
		{"names without blanks around", putting(func(r *rbac.Role) { r.Name = strings.TrimSpace(r.Name) }, nil, nil), []string{texts}},
		{"descriptions cut off", putting(func(r *rbac.Role) { r.Description = r.Description[:min(len(r.Description), 255)] }, nil, nil), []string{texts}},
		{"reasons escaped", putting(nil, nil, func(e *rbac.Event) { e.Reason = strings.ReplaceAll(e.Reason, "<", "&lt;") }), []string{texts}},
		{"milliseconds", putting(func(r *rbac.Role) { r.UpdatedAt = r.UpdatedAt.Truncate(time.Millisecond) }, nil, nil), []string{times}},
		{"nanoseconds in 64 bits", putting(nil, func(m *rbac.Member) { m.UpdatedAt = time.Unix(0, m.UpdatedAt.UnixNano()) }, nil), []string{times}},
		{"times without a zone", putting(nil, nil, func(e *rbac.Event) {
			t := e.Time
			e.Time = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		}), []string{times}},
		{"times in another zone", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range r.Members(q) {
						m.UpdatedAt = m.UpdatedAt.In(time.FixedZone("UTC", 0))
						if !yield(m, err) {
							return
						}
					}
				}
			}}
		}, []string{times}},
		{"roles share the map that was put", func() *faults {
			var mu sync.Mutex
			kept := map[rbac.RoleID]rbac.Permissions{}
			return &faults{
				putRole: func(tx rbac.Tx, role rbac.Role) error {
					mu.Lock()
					defer mu.Unlock()
					kept[role.ID] = role.Permissions
					return tx.PutRole(role)
				},
				roles: eachRole(func(role *rbac.Role) {
					mu.Lock()
					defer mu.Unlock()
					role.Permissions = kept[role.ID]
				}),
			}
		}, []string{"what comes in may be changed afterwards", "what comes out belongs to the caller"}},
		{"roles share one map that came out", func() *faults {
			buffer := rbac.Permissions{}
			return &faults{roles: eachRole(func(role *rbac.Role) {
				clear(buffer)
				maps.Copy(buffer, role.Permissions)
				role.Permissions = buffer
			})}
		}, []string{"what came out does not change later"}},
		{"queries are put in order in place", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				slices.Sort(q.Users)
				return r.Members(q)
			}}
		}, []string{"a query belongs to the caller"}},
		{"queries are read late", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) { r.Members(q)(yield) }
			}}
		}, []string{"a query belongs to the caller"}},
	}
}

// eachRole is a fault: roles come out changed.
func eachRole(change func(*rbac.Role)) func(rbac.Reader) iter.Seq2[rbac.Role, error] {
	return func(r rbac.Reader) iter.Seq2[rbac.Role, error] {
		return func(yield func(rbac.Role, error) bool) {
			for role, err := range r.Roles() {
				change(&role)
				if !yield(role, err) {
					return
				}
			}
		}
	}
}

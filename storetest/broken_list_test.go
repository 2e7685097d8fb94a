package storetest_test

import (
	"context"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// listing is a fault: the store answers what it makes of a WorkspaceQuery, or
// of the answer.
func listing(query func(*rbac.WorkspaceQuery), answer func(rbac.WorkspaceQuery, []string) []string) func() *faults {
	return func() *faults {
		return &faults{workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
			asked := q
			if query != nil {
				query(&q)
			}
			found, err := s.Workspaces(ctx, q)
			if err == nil && answer != nil {
				found = answer(asked, found)
			}
			return found, err
		}}
	}
}

func brokenLists() []brokenStore {
	const (
		order   = "Workspaces come in byte order"
		written = "Workspaces has none that was never written"
		user    = "WorkspaceQuery.User selects those of a member"
		after   = "WorkspaceQuery.After begins behind an id"
		limit   = "WorkspaceQuery.Limit bounds the number"
		combine = "the parts of a WorkspaceQuery combine"
		holders = "Holders counts members by their role"
	)
	return []brokenStore{
		{"workspaces in another order", listing(nil, func(_ rbac.WorkspaceQuery, found []string) []string {
			slices.SortStableFunc(found, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
			return found
		}), []string{order}},
		{"the empty workspace is left out", listing(nil, func(_ rbac.WorkspaceQuery, found []string) []string {
			return slices.DeleteFunc(found, func(id string) bool { return id == "" })
		}), []string{order, user, after}},
		{"workspaces that were asked for are listed", func() *faults {
			asked := map[string]bool{}
			return &faults{
				view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
					asked[workspace] = true
					return s.View(ctx, workspace, fn)
				},
				workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
					found, err := s.Workspaces(ctx, q)
					for id := range asked {
						found = append(found, id)
					}
					slices.Sort(found)
					return slices.Compact(found), err
				},
			}
		}, []string{written}},
		{"workspaces of a user whatever their case", func() *faults {
			return &faults{workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
				lower, upper := q, q
				lower.User, upper.User = strings.ToLower(q.User), strings.ToUpper(q.User[:min(1, len(q.User))])+q.User[min(1, len(q.User)):]
				found, _ := s.Workspaces(ctx, lower)
				more, err := s.Workspaces(ctx, upper)
				found = append(found, more...)
				slices.Sort(found)
				return slices.Compact(found), err
			}}
		}, []string{user, combine}},
		{"the user of a query is ignored", listing(func(q *rbac.WorkspaceQuery) { q.User = "" }, nil), []string{user, after, combine}},
		{"After includes the last workspace of the page before", func() *faults {
			return &faults{workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
				found, err := s.Workspaces(ctx, q)
				if q.After != nil {
					found = append([]string{*q.After}, found...)
				}
				return found, err
			}}
		}, []string{after, combine}},
		{"an empty After is none", listing(func(q *rbac.WorkspaceQuery) {
			if q.After != nil && *q.After == "" {
				q.After = nil
			}
		}, nil), []string{after, combine}},
		{"the limit of workspaces is ignored", listing(func(q *rbac.WorkspaceQuery) { q.Limit = 0 }, nil), []string{limit, combine}},
		{"workspaces are not bounded", func() *faults {
			return &faults{workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) (all []string, err error) {
				for limit := q.Limit; ; {
					page, err := s.Workspaces(ctx, q)
					all = append(all, page...)
					if err != nil || limit > 0 && limit <= 100 || len(page) < 100 {
						return all, err
					}
					q.After = &all[len(all)-1]
				}
			}}
		}, []string{limit}},
		{"the limit counts before the user", func() *faults {
			return &faults{workspaces: func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
				first := q
				first.User = ""
				all, err := s.Workspaces(ctx, first)
				of, _ := s.Workspaces(ctx, q)
				return slices.DeleteFunc(all, func(id string) bool { return !slices.Contains(of, id) }), err
			}}
		}, []string{combine}},

		{"holders are of the active ones", func() *faults {
			return &faults{holders: func(r rbac.Reader) (map[rbac.RoleID]int, error) {
				found := map[rbac.RoleID]int{}
				for m := range r.Members(rbac.MemberQuery{State: rbac.ActiveOnly}) {
					found[m.Role]++
				}
				return found, nil
			}}
		}, []string{holders}},
		{"holders of roles that are stored", func() *faults {
			return &faults{holders: func(r rbac.Reader) (map[rbac.RoleID]int, error) {
				found, err := r.Holders()
				for role := range found {
					if _, missing := r.Role(role); missing != nil {
						delete(found, role)
					}
				}
				return found, err
			}}
		}, []string{holders}},
		{"roles that nobody holds have no holders", func() *faults {
			return &faults{holders: func(r rbac.Reader) (map[rbac.RoleID]int, error) {
				found, err := r.Holders()
				for role := range r.Roles() {
					found[role.ID] += 0
				}
				return found, err
			}}
		}, []string{holders}},
	}
}

func brokenClears() []brokenStore {
	const (
		nothing = "Clear leaves nothing"
		behind  = "what is written behind Clear stays"
		back    = "Clear is rolled back"
		waits   = "Updates that wait for Clear find nothing"
	)
	clearing := func(change func(rbac.Tx) error) func() *faults {
		return func() *faults { return &faults{clear: change} }
	}
	return []brokenStore{
		{"Clear does nothing", clearing(func(rbac.Tx) error { return nil }),
			[]string{nothing, behind, waits, "Workspaces has none that was never written", "Notify tells of workspaces that are cleared"}},
		{"Clear keeps the events", clearing(func(tx rbac.Tx) error {
			for role := range tx.Roles() {
				_ = tx.DeleteRole(role.ID)
			}
			for m := range tx.Members(rbac.MemberQuery{}) {
				_ = tx.DeleteMembers(m.User)
			}
			return nil
		}), []string{nothing, behind, waits}},
		{"Clear keeps the members", clearing(func(tx rbac.Tx) error {
			var members []rbac.Member
			for m := range tx.Members(rbac.MemberQuery{}) {
				members = append(members, m)
			}
			_ = tx.Clear()
			return tx.PutMembers(members...)
		}), []string{nothing, behind}},
		{"what is written behind Clear is cleared", func() *faults {
			var cleared bool
			return &faults{
				clear: func(tx rbac.Tx) error { cleared = true; return tx.Clear() },
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					cleared = false
					return s.Update(ctx, workspace, func(tx rbac.Tx) error {
						if err := fn(tx); err != nil || !cleared {
							return err
						}
						return tx.Clear()
					})
				},
			}
		}, []string{behind}},
		{"Clear is not rolled back", func() *faults {
			var cleared bool
			return &faults{
				clear: func(tx rbac.Tx) error { cleared = true; return tx.Clear() },
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					cleared = false
					err := s.Update(ctx, workspace, fn)
					if err != nil && cleared {
						_ = s.Update(ctx, workspace, rbac.Tx.Clear)
					}
					return err
				},
			}
		}, []string{back}},
		{"Clear clears other workspaces", func() *faults {
			f := &faults{}
			f.clear = func(tx rbac.Tx) error {
				_ = f.MemStore.Update(context.Background(), "other", rbac.Tx.Clear)
				return tx.Clear()
			}
			return f
		}, []string{nothing}},
	}
}

package storetest_test

import (
	"github.com/areagate/rbac"
)

func brokenWrites() []brokenStore {
	const (
		moves  = "AppendEvents moves the revision"
		newest = "the revision is that of the newest event"
	)
	return []brokenStore{
		{"roles are only inserted", func() *faults {
			return &faults{putRole: func(tx rbac.Tx, role rbac.Role) error {
				if _, err := tx.Role(role.ID); err == nil {
					return nil
				}
				return tx.PutRole(role)
			}}
		}, []string{"PutRole inserts or replaces"}},
		{"roles keep the areas that they had", func() *faults {
			return &faults{putRole: func(tx rbac.Tx, role rbac.Role) error {
				old, _ := tx.Role(role.ID)
				role.Permissions = role.Permissions.Union(old.Permissions)
				return tx.PutRole(role)
			}}
		}, []string{"PutRole inserts or replaces"}},
		{"members are only inserted", func() *faults {
			return &faults{putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
				for _, m := range members {
					if _, err := tx.Member(m.User); err == nil {
						return errBroken
					}
				}
				return tx.PutMembers(members...)
			}}
		}, []string{"PutMembers inserts or replaces"}},
		{"members stay suspended", func() *faults {
			return &faults{putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
				for _, m := range members {
					old, _ := tx.Member(m.User)
					m.Suspended = m.Suspended || old.Suspended
					if err := tx.PutMembers(m); err != nil {
						return err
					}
				}
				return nil
			}}
		}, []string{"PutMembers inserts or replaces"}},
		{"deleting a missing role is an error", func() *faults {
			return &faults{deleteRole: func(tx rbac.Tx, id rbac.RoleID) error {
				if _, err := tx.Role(id); err != nil {
					return err
				}
				return tx.DeleteRole(id)
			}}
		}, []string{"deleting a missing role is no error"}},
		{"roles in use stay", func() *faults {
			return &faults{deleteRole: func(tx rbac.Tx, id rbac.RoleID) error {
				for range tx.Members(rbac.MemberQuery{Role: id}) {
					return nil
				}
				return tx.DeleteRole(id)
			}}
		}, []string{"deleting a missing role is no error", "an Update commits all its writes before it returns"}},
		{"members go with their role", func() *faults {
			return &faults{deleteRole: func(tx rbac.Tx, id rbac.RoleID) error {
				for m := range tx.Members(rbac.MemberQuery{Role: id}) {
					_ = tx.DeleteMembers(m.User)
				}
				return tx.DeleteRole(id)
			}}
		}, []string{"deleting a missing role is no error"}},
		{"deleting a missing member is an error", func() *faults {
			return &faults{deleteMembers: func(tx rbac.Tx, users ...string) error {
				for _, user := range users {
					if _, err := tx.Member(user); err != nil {
						return err
					}
				}
				return tx.DeleteMembers(users...)
			}}
		}, []string{"deleting a missing member is no error"}},
		{"the revision does not move", func() *faults {
			return &faults{revision: func(rbac.Reader) (rbac.Revision, error) { return rbac.Revision{}, nil }}
		}, []string{newest, moves}},
		{"the revision is that of the oldest event", func() *faults {
			return &faults{revision: func(r rbac.Reader) (revision rbac.Revision, err error) {
				for e, err := range r.Events(rbac.EventQuery{Limit: 1}) {
					return e.Revision(), err
				}
				return revision, nil
			}}
		}, []string{newest, moves}},
		{"the revision has no hash", func() *faults {
			return &faults{revision: func(r rbac.Reader) (rbac.Revision, error) {
				revision, err := r.Revision()
				return rbac.Revision{Seq: revision.Seq}, err
			}}
		}, []string{newest, moves}},
		{"no events are an error", func() *faults {
			return &faults{appendEvents: func(tx rbac.Tx, events ...rbac.Event) error {
				if len(events) == 0 {
					return errBroken
				}
				return tx.AppendEvents(events...)
			}}
		}, []string{"AppendEvents of none does nothing"}},
		{"events forget what was before", putting(nil, nil, func(e *rbac.Event) { e.RoleBefore, e.MemberBefore = nil, nil }),
			[]string{"events come back whole"}},
		{"events make up what was after", putting(nil, nil, func(e *rbac.Event) {
			if e.MemberAfter == nil {
				e.MemberAfter = &rbac.Member{}
			}
		}), []string{"events come back whole"}},
		{"hashes end at a zero byte", putting(nil, nil, func(e *rbac.Event) {
			if e.Hash[0] == 0 {
				e.Hash = [32]byte{}
			}
		}), []string{"events come back whole"}},
	}
}

package pgstore

import (
	"encoding/json"
	"iter"
	"strconv"

	"github.com/areagate/rbac"
)

// The sizes of pages grow from the first to the largest: whoever reads one row
// does not pay for many, and a million members are read in 60 pages.
const (
	firstPage   = 256
	largestPage = 16384
)

// row is a row that was read: its value, or just its id if it is malformed.
type row[V any] struct {
	value     V
	malformed error
}

// paged yields rows page by page, up to limit if that is greater than 0. next
// reads at most n rows behind the last of the page before, which is nil at
// first. A page with fewer rows is the last one.
func paged[V any](r *reader, limit int, next func(last *V, n int, page []row[V]) ([]row[V], error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		var last *V
		var page []row[V]
		left := limit
		for size := firstPage; ; size = min(4*size, largestPage) {
			n := size
			if limit > 0 {
				n = min(n, left)
				left -= n
			}
			var err error
			if page, err = next(last, n, page[:0]); err != nil {
				yield(none, err)
				return
			}
			for i := range page {
				if !yield(page[i].value, page[i].malformed) {
					return
				}
			}
			if len(page) < n || limit > 0 && left == 0 {
				return
			}
			end := page[len(page)-1].value
			last = &end
		}
	}
}

// fetch appends the rows of a query to page.
func fetch[V any](r *reader, page []row[V], columns func() (into []any, value func() (V, error)), sql string, args ...any) ([]row[V], error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	into, value := columns()
	var b batch
	b.query(func(scan scan) error {
		if err := scan(into...); err != nil {
			return err
		}
		v, malformed := value()
		page = append(page, row[V]{v, malformed})
		return nil
	}, sql, args...)
	if err := r.on.ask(r.ctx, b); err != nil {
		return nil, failed(r.ctx, "query", err)
	}
	return page, nil
}

// scanRole and the like return where to scan the columns of a row to, and a
// function that makes the value of them, or else an error that concerns only
// this row.
func scanRole() ([]any, func() (rbac.Role, error)) {
	var role rbac.Role
	var permissions string
	var assigns []string
	into := []any{
		(*string)(&role.ID), &role.Name, &role.Description, &permissions, &assigns, &role.Version, &role.CreatedAt, &role.UpdatedAt,
	}
	return into, func() (rbac.Role, error) {
		role := role
		role.CreatedAt, role.UpdatedAt = role.CreatedAt.UTC(), role.UpdatedAt.UTC()
		role.Permissions = nil
		if err := json.Unmarshal([]byte(permissions), &role.Permissions); err != nil {
			return rbac.Role{ID: role.ID}, &rbac.MalformedError{Kind: "role", ID: string(role.ID), Err: err}
		}
		for _, id := range assigns {
			role.Assigns = append(role.Assigns, rbac.RoleID(id))
		}
		return role, nil
	}
}

func scanMember() ([]any, func() (rbac.Member, error)) {
	var member rbac.Member
	into := []any{&member.User, (*string)(&member.Role), &member.Suspended, &member.Team, &member.UpdatedAt}
	shared := map[string]string{} // one string for all holders of a role, or members of a team
	share := func(id string) string {
		if known, ok := shared[id]; ok {
			return known
		}
		shared[id] = id
		return id
	}
	return into, func() (rbac.Member, error) {
		member := member
		member.Role, member.Team = rbac.RoleID(share(string(member.Role))), share(member.Team)
		member.UpdatedAt = member.UpdatedAt.UTC()
		return member, nil
	}
}

func scanEvent() ([]any, func() (rbac.Event, error)) {
	var seq int64
	var hash []byte
	var document string
	return []any{&seq, &hash, &document}, func() (rbac.Event, error) {
		var event rbac.Event
		err := json.Unmarshal([]byte(document), &event)
		if err != nil {
			event = rbac.Event{}
			err = &rbac.MalformedError{Kind: "event", ID: strconv.FormatInt(seq, 10), Err: err}
		}
		event.Seq = seq
		copy(event.Hash[:], hash)
		inUTC(&event)
		return event, err
	}
}

// inUTC puts the times of an event, and of what it refers to, in UTC.
func inUTC(e *rbac.Event) {
	e.Time = e.Time.UTC()
	for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
		if role != nil {
			role.CreatedAt, role.UpdatedAt = role.CreatedAt.UTC(), role.UpdatedAt.UTC()
		}
	}
	for _, member := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
		if member != nil {
			member.UpdatedAt = member.UpdatedAt.UTC()
		}
	}
}

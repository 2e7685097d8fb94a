package sqlitestore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// row is a row of a table. One that cannot be read has an error, and the id
// in its value.
type row[V any] struct {
	value V
	err   error // nil or a *rbac.MalformedError
}

// single returns the only row, if there is one.
func single[V any](found []row[V], err, none error) (V, error) {
	var zero V
	switch {
	case err != nil:
		return zero, err
	case len(found) == 0:
		return zero, none
	case found[0].err != nil:
		return zero, found[0].err
	}
	return found[0].value, nil
}

// pageSize is the number of rows that an iterator reads at a time.
const pageSize = 1000

// pages yields rows up to a limit, if it is greater than 0. It reads a page
// at a time, so that nothing is open while the caller looks at a row and
// perhaps asks the next question. fetch returns up to n rows behind the last
// of the page before.
func pages[V any](limit int, fetch func(last *V, n int) ([]row[V], error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var last *V
		for left := limit; ; {
			n := pageSize
			if limit > 0 {
				n = min(n, left)
			}
			page, err := fetch(last, n)
			for i := range page {
				value := page[i].value // a copy of its own for the caller
				if !yield(value, page[i].err) {
					return
				}
			}
			if err != nil {
				var zero V
				yield(zero, err)
				return
			}
			if left -= len(page); len(page) < n || limit > 0 && left <= 0 {
				return
			}
			last = &page[len(page)-1].value
		}
	}
}

func (r *reader) roles(s *selection) ([]row[rbac.Role], error) {
	var found []row[rbac.Role]
	err := r.query(s.text, s.args, func(rows *sql.Rows) error {
		var role rbac.Role
		var permissions, assigns []byte
		var created, updated int64
		err := rows.Scan(&role.ID, &role.Name, &role.Description, &permissions, &assigns, &role.Version, &created, &updated)
		if err != nil {
			return err
		}
		role.CreatedAt, role.UpdatedAt = fromMicros(created), fromMicros(updated)
		role.Assigns, err = decodeList(assigns)
		err = errors.Join(
			role.Permissions.UnmarshalJSON(permissions), err,
			timeProblem("created_at", created), timeProblem("updated_at", updated),
		)
		if err != nil {
			role, err = rbac.Role{ID: role.ID}, &rbac.MalformedError{Kind: "role", ID: string(role.ID), Err: err}
		}
		found = append(found, row[rbac.Role]{role, err})
		return nil
	})
	return found, err
}

func (r *reader) members(s *selection) ([]row[rbac.Member], error) {
	var found []row[rbac.Member]
	err := r.query(s.text, s.args, func(rows *sql.Rows) error {
		var m rbac.Member
		var role string
		var suspended, updated int64
		if err := rows.Scan(&m.User, &role, &m.Team, &suspended, &updated); err != nil {
			return err
		}
		m.Role, m.Suspended, m.UpdatedAt = rbac.RoleID(role), suspended != 0, fromMicros(updated)
		err := errors.Join(flagProblem("suspended", suspended), timeProblem("updated_at", updated))
		if err != nil {
			m, err = rbac.Member{User: m.User}, &rbac.MalformedError{Kind: "member", ID: m.User, Err: err}
		}
		found = append(found, row[rbac.Member]{m, err})
		return nil
	})
	return found, err
}

func (r *reader) events(s *selection) ([]row[rbac.Event], error) {
	var found []row[rbac.Event]
	err := r.query(s.text, s.args, func(rows *sql.Rows) error {
		var seq int64
		var document, hash []byte
		if err := rows.Scan(&seq, &document, &hash); err != nil {
			return err
		}
		e, err := decodeEvent(seq, document, hash)
		if err != nil {
			e, err = rbac.Event{Seq: seq}, &rbac.MalformedError{Kind: "event", ID: strconv.FormatInt(seq, 10), Err: err}
		}
		found = append(found, row[rbac.Event]{e, err})
		return nil
	})
	return found, err
}

func decodeEvent(seq int64, document, hash []byte) (rbac.Event, error) {
	var e rbac.Event
	if err := json.Unmarshal(document, &e); err != nil {
		return e, err
	}
	if e.Seq != seq {
		return e, fmt.Errorf("the document has the number %d", e.Seq)
	}
	return e, copyHash(&e.Hash, hash)
}

// encodeEvent returns the JSON form, in UTC, without the hash, which is beside
// it.
func encodeEvent(e rbac.Event) (string, error) {
	e.Hash = [32]byte{}
	e.Time = e.Time.UTC()
	for _, role := range []**rbac.Role{&e.RoleBefore, &e.RoleAfter} {
		if *role != nil {
			utc := **role
			utc.CreatedAt, utc.UpdatedAt = utc.CreatedAt.UTC(), utc.UpdatedAt.UTC()
			*role = &utc
		}
	}
	for _, member := range []**rbac.Member{&e.MemberBefore, &e.MemberAfter} {
		if *member != nil {
			utc := **member
			utc.UpdatedAt = utc.UpdatedAt.UTC()
			*member = &utc
		}
	}
	document, err := e.MarshalJSON()
	return string(document), err
}

// encodeList returns a list of roles in JSON. An id that is not valid UTF-8 is
// an error: it would come back as another.
func encodeList(ids []rbac.RoleID) (string, error) {
	for _, id := range ids {
		if !utf8.ValidString(string(id)) {
			return "", fmt.Errorf("sqlitestore: the listed role %q is not valid UTF-8", string(id))
		}
	}
	if len(ids) == 0 {
		return "[]", nil
	}
	list, err := json.Marshal(ids)
	return string(list), err
}

// decodeList reads what encodeList has written, and nothing else.
func decodeList(list []byte) ([]rbac.RoleID, error) {
	var found []*rbac.RoleID
	err := json.Unmarshal(list, &found)
	switch {
	case err != nil:
		return nil, fmt.Errorf("assigns: %w", err)
	case found == nil || slices.Contains(found, nil) || !utf8.Valid(list):
		return nil, errors.New("assigns is not a list of texts")
	case len(found) == 0:
		return nil, nil
	}
	ids := make([]rbac.RoleID, len(found))
	for i, id := range found {
		ids[i] = *id
	}
	return ids, nil
}

func copyHash(to *[32]byte, hash []byte) error {
	if copy(to[:], hash) != len(to) || len(hash) != len(to) {
		return fmt.Errorf("the hash has %d bytes", len(hash))
	}
	return nil
}

// scanHash reads a hash in [sql.Rows.Scan].
type scanHash struct{ to *[32]byte }

func (h scanHash) Scan(from any) error {
	hash, _ := from.([]byte)
	return copyHash(h.to, hash)
}

// Instants are stored as microseconds, from the year 1, which is the zero
// time, to 9999, behind which JSON has no times.
const (
	firstMicro = -62135596800000000
	lastMicro  = 253402300799999999
)

func fromMicros(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func timeProblem(column string, micros int64) error {
	if micros < firstMicro || micros > lastMicro {
		return fmt.Errorf("%s is not in the years 1 to 9999", column)
	}
	return nil
}

func flagProblem(column string, flag int64) error {
	if flag != 0 && flag != 1 {
		return fmt.Errorf("%s is neither 0 nor 1", column)
	}
	return nil
}

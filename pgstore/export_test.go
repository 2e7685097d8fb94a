package pgstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac"
)

// Statement is a statement that a Store runs, for the test of the indexes.
type Statement struct {
	Name, SQL string
	Args      []any
}

// Statements returns every statement that a Store runs on a workspace, with
// arguments for a user, a role and a team that exist.
func Statements(schema, workspace, user, role, team string) []Statement {
	o, err := newOptions([]Option{WithSchema(schema)})
	if err != nil {
		panic(err)
	}
	s := newStatements(o)
	list := []Statement{
		{"revision", s.revision, []any{workspace}},
		{"lock", s.lock, []any{workspace}},
		{"revisions", s.revisions, []any{[]string{workspace, "other"}}},
		{"role", s.role, []any{workspace, role}},
		{"roles", s.roles, []any{workspace, "", firstPage}},
		{"deleteRole", s.deleteRole, []any{workspace, role}},
		{"member", s.member, []any{workspace, user}},
		{"deleteMember", s.deleteMember, []any{workspace, user}},
		{"moveRevision", s.moveRevision, []any{workspace, int64(1), make([]byte, 32)}},
		{"whole: holders", s.holders, []any{workspace}},
		{"whole: clear roles", s.clear[0], []any{workspace}},
		{"whole: clear members", s.clear[1], []any{workspace}},
		{"whole: clear events", s.clear[2], []any{workspace}},
		{"clear the row", s.clear[3], []any{workspace}},
	}
	for name, q := range map[string]rbac.WorkspaceQuery{
		"workspaces: page": {}, "workspaces: next page": {After: &workspace},
		"workspaces: of a user, page": {User: user}, "workspaces: of a user, next page": {User: user, After: &workspace},
	} {
		sql, args := s.selectWorkspaces(q)
		list = append(list, Statement{name, sql, args})
	}
	for _, q := range []struct {
		name  string
		query rbac.MemberQuery
	}{
		{"first page", rbac.MemberQuery{Limit: firstPage}},
		{"next page", rbac.MemberQuery{After: user, Limit: largestPage}},
		{"users", rbac.MemberQuery{Users: []string{user, "other"}}},
		{"users, holders", rbac.MemberQuery{Users: []string{user, "other"}, Role: rbac.RoleID(role), State: rbac.ActiveOnly, Limit: 2}},
		{"holders", rbac.MemberQuery{Role: rbac.RoleID(role), Limit: firstPage}},
		{"next holders", rbac.MemberQuery{Role: rbac.RoleID(role), After: user, Limit: firstPage}},
		{"active holders", rbac.MemberQuery{Role: rbac.RoleID(role), State: rbac.ActiveOnly, Limit: 2}},
		{"suspended", rbac.MemberQuery{State: rbac.SuspendedOnly, Limit: firstPage}},
		{"team", rbac.MemberQuery{Team: team, Limit: firstPage}},
		{"next of a team", rbac.MemberQuery{Team: team, After: user, Limit: firstPage}},
		{"team, holders", rbac.MemberQuery{Team: team, Role: rbac.RoleID(role), State: rbac.ActiveOnly, Limit: 2}},
		{"active", rbac.MemberQuery{State: rbac.ActiveOnly, After: user, Limit: firstPage}},
	} {
		sql, args := s.selectMembers(workspace, q.query)
		list = append(list, Statement{"members: " + q.name, sql, args})
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := rbac.EventQuery{Since: noon, Until: noon.Add(time.Hour)}
	list = append(list, Statement{"span of times", s.spanOfTimes, []any{workspace, int64(10), int64(1 << 60), since(hour), until(hour)}})
	for _, q := range []struct {
		name  string
		query rbac.EventQuery
	}{
		{"all", rbac.EventQuery{}},
		{"kind", rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleDeleted}}},
		{"kinds", rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleDeleted, rbac.MemberAssigned, rbac.MemberMoved}}},
		{"role", rbac.EventQuery{Role: rbac.RoleID(role)}},
		{"user", rbac.EventQuery{User: user}},
		{"actor", rbac.EventQuery{Actor: user}},
		{"times", hour},
		{"user, all others", rbac.EventQuery{User: user, Role: rbac.RoleID(role), Actor: user, Kinds: []rbac.EventKind{rbac.MemberMoved}, Since: noon}},
		{"role, all others", rbac.EventQuery{Role: rbac.RoleID(role), Actor: user, Kinds: []rbac.EventKind{rbac.MemberMoved}, Since: noon}},
		{"actor, all others", rbac.EventQuery{Actor: user, Kinds: []rbac.EventKind{rbac.MemberMoved}, Until: noon}},
		{"kinds, all others", rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleDeleted, rbac.MemberMoved}, Until: noon}},
	} {
		for _, newest := range []bool{false, true} {
			q.query.Newest = newest
			upTo := int64(1 << 60)
			if !q.query.Since.IsZero() {
				upTo = blockSize - 1 // as the span of times says
			}
			sql, args := s.selectEvents(workspace, q.query, 10, upTo, firstPage)
			if name := "events: " + q.name; newest {
				list = append(list, Statement{name + ", newest first", sql, args})
			} else {
				list = append(list, Statement{name, sql, args})
			}
		}
	}
	return list
}

// Settle is what the transactions of a Store on a schema begin with, as one
// without parameters.
func Settle(schema string) string {
	o, err := newOptions([]Option{WithSchema(schema)})
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(newStatements(o).settle, "$1", "'"+lockTimeout+"'")
}

// Unlocked returns a Store whose Updates do not lock the workspace's row, and
// which calls meet before it commits what was written. It writes no events:
// their primary key alone would refuse one of two that race.
func Unlocked(pool *pgxpool.Pool, schema string, level pgx.TxIsoLevel, meet func()) rbac.Store {
	o, err := newOptions([]Option{WithSchema(schema)})
	if err != nil {
		panic(err)
	}
	return unlocked{newStore(pool, o), level, meet}
}

type unlocked struct {
	*Store
	level pgx.TxIsoLevel
	meet  func()
}

func (s unlocked) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: s.level})
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	var at head
	var b batch
	b.query(at.scan, s.sql.revision, workspace)
	if err := (viaPgx{tx}).ask(ctx, b); err != nil {
		return err
	}
	w := withoutEvents{newWriter(newReader(ctx, &s.sql, viaPgx{tx}, workspace, at.revision)), s.meet}
	if err := fn(w); err != nil {
		return err
	}
	return commit(ctx, tx)
}

type withoutEvents struct {
	*writer
	meet func()
}

func (w withoutEvents) PutMembers(members ...rbac.Member) error {
	w.meet()
	return w.writer.PutMembers(members...)
}

func (w withoutEvents) DeleteMembers(users ...string) error {
	w.meet()
	return w.writer.DeleteMembers(users...)
}

func (w withoutEvents) AppendEvents(...rbac.Event) error { return nil }

// KeepSpare sets how long the connection beside the pool stays unused.
func (s *Store) KeepSpare(d time.Duration) {
	s.spare.turn <- struct{}{}
	s.spare.keep = d
	<-s.spare.turn
}

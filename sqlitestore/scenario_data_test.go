package sqlitestore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

func TestScenario26_MalformedRows(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	bad, err := first.As("ann").CreateRole(ctx, rbac.Role{Name: "Bad", Permissions: dealsReader.Permissions})
	require.NoError(t, err)
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob", "eve", "joe"))
	require.NoError(t, first.As("ann").Assign(ctx, bad.ID, "kim"))

	// What the checks refuse.
	db := handle(t, path, "_pragma=foreign_keys(1)")
	for _, statement := range []string{
		`UPDATE rbac_roles SET permissions = 'all'`,
		`UPDATE rbac_roles SET permissions = '[]'`,
		`UPDATE rbac_roles SET created_at = 'yesterday'`,
		`UPDATE rbac_roles SET updated_at = 9e17`,
		`UPDATE rbac_roles SET assigns = 'all'`,
		`UPDATE rbac_roles SET assigns = '{}'`,
		`UPDATE rbac_roles SET assigns = NULL`,
		`UPDATE rbac_members SET suspended = 2`,
		`UPDATE rbac_members SET team = NULL`,
		`UPDATE rbac_members SET team = printf('%256c', 't')`,
		`UPDATE rbac_members SET role = ''`,
		`UPDATE rbac_members SET user = NULL`,
		`UPDATE rbac_workspaces SET hash = x'00'`,
		`UPDATE rbac_workspaces SET revision = 0`,
		`INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES ('nowhere', 'ann', 'administrator', 0, 0)`,
		`UPDATE rbac_events SET body = '{}'`,
		`DELETE FROM rbac_workspaces`,
	} {
		_, err := db.Exec(statement)
		require.Error(t, err, statement)
	}

	// And what somebody writes who turns them off, or knows what passes.
	sqlExec(t, path, `UPDATE rbac_roles SET permissions = '{"deals":{"read":"everything"}}' WHERE id = ?`, string(bad.ID))
	unchecked := handle(t, path, "_pragma=ignore_check_constraints(1)&_pragma=busy_timeout(5000)")
	_, err = unchecked.Exec(`UPDATE rbac_members SET suspended = 2 WHERE user = 'eve'`)
	require.NoError(t, err)
	_, err = unchecked.Exec(`UPDATE rbac_members SET role = '' WHERE user = 'joe'`)
	require.NoError(t, err)

	w := authorizer(t, open(t, path), viewer).For("w")
	can := func(user string) bool { return w.Can(ctx, user, rbac.Deals, rbac.Read) }
	assert.True(t, can("ann"))
	assert.True(t, can("bob"))
	assert.False(t, can("eve"))
	assert.False(t, can("joe"))
	assert.False(t, can("kim"))
	findings, err := w.Lint(ctx)
	require.NoError(t, err)
	malformed := 0
	for _, finding := range findings {
		if finding.Code == rbac.FindingMalformedRow {
			malformed++
		}
	}
	assert.Equal(t, 3, malformed, "%v", findings)

	require.NoError(t, open(t, path).View(ctx, "w", func(r rbac.Reader) error {
		var row *rbac.MalformedError
		_, err := r.Role(bad.ID)
		require.ErrorAs(t, err, &row)
		assert.Equal(t, string(bad.ID), row.ID)
		_, err = r.Member("eve")
		require.ErrorAs(t, err, &row)
		var users []string
		for member, err := range r.Members(rbac.MemberQuery{}) {
			if member.User == "eve" {
				require.ErrorAs(t, err, &row)
				assert.Equal(t, "eve", row.ID)
			} else {
				require.NoError(t, err)
			}
			users = append(users, member.User)
		}
		assert.Equal(t, []string{"ann", "bob", "eve", "joe", "kim"}, users)
		return nil
	}))

	// Events that were edited are found, whether they can still be read or not.
	sqlExec(t, path, `DROP TRIGGER rbac_events_stay`)
	require.NoError(t, w.VerifyEvents(ctx))
	for _, edit := range []string{
		`UPDATE rbac_events SET body = json_set(body, '$.actor', 'eve') WHERE seq = 2`,
		`UPDATE rbac_events SET body = json_set(body, '$.seq', 7) WHERE seq = 2`,
		`UPDATE rbac_events SET body = '{}' WHERE seq = 2`,
		`UPDATE rbac_events SET hash = zeroblob(32) WHERE seq = 2`,
		`DELETE FROM rbac_events WHERE seq = 2`,
		`DELETE FROM rbac_events WHERE seq = (SELECT max(seq) FROM rbac_events)`,
	} {
		damaged := copyByVacuum(t, path)
		sqlExec(t, damaged, edit)
		err := authorizer(t, open(t, damaged), viewer).For("w").VerifyEvents(ctx)
		assert.ErrorIs(t, err, rbac.ErrTampered, edit)
	}
}

func copyByVacuum(t testing.TB, path string) string {
	t.Helper()
	to := tempFile(t)
	sqlExec(t, path, `VACUUM INTO ?`, to)
	return to
}

// The library refuses such ids; the store itself keeps whatever bytes it is
// given.
func TestScenario27_StrangeBytesAreKept(t *testing.T) {
	ctx := t.Context()
	store := open(t, tempFile(t))
	odd := []string{"a", "a\x00", "a\x00b", "a\n", "\xff", "\xff\xfe"}
	require.NoError(t, store.Update(ctx, "w\x00", func(tx rbac.Tx) error {
		for _, user := range odd {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(user)}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, store.View(ctx, "w\x00", func(r rbac.Reader) error {
		var got []string
		for member, err := range r.Members(rbac.MemberQuery{}) {
			require.NoError(t, err)
			require.Equal(t, member.User, string(member.Role))
			got = append(got, member.User)
		}
		require.Equal(t, []string{"a", "a\x00", "a\x00b", "a\n", "\xff", "\xff\xfe"}, got)
		return nil
	}))
}

func TestScenario43_EventCannotBeWritten(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	sqlExec(t, path, `CREATE TRIGGER broken BEFORE INSERT ON rbac_events BEGIN SELECT RAISE(ABORT, 'the disk of the auditors is full'); END`)
	_, err = first.As("ann").CreateRole(ctx, rbac.Role{Name: "Another"})
	require.ErrorContains(t, err, "the auditors")
	require.ErrorContains(t, first.As("ann").Assign(ctx, role.ID, "bob"), "the auditors")
	require.ErrorContains(t, first.As("ann").DeleteRole(ctx, role.ID), "the auditors")
	require.False(t, first.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.Equal(t, 2, events(t, first))
	sqlExec(t, path, `DROP TRIGGER broken`)
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob"))
	require.True(t, first.Can(ctx, "bob", rbac.Deals, rbac.Read))
}

// An event that another program wrote in Latin-1 is not read as one about
// another user, and VerifyEvents says what is wrong with it.
func TestScenario27_EventThatIsNotUTF8(t *testing.T) {
	ctx := t.Context()
	first, second, path := pair(t)
	require.True(t, second.Can(ctx, "ann", rbac.Deals, rbac.Read))
	store := open(t, path)
	var at rbac.Revision
	require.NoError(t, store.View(ctx, "w", func(r rbac.Reader) (err error) {
		at, err = r.Revision()
		return err
	}))
	e := rbac.Event{Seq: 2, Time: time.Unix(0, 0).UTC(), Kind: rbac.MemberAssigned, Reason: "import",
		MemberAfter: &rbac.Member{User: "caf\ufffd", Role: rbac.Administrator}}
	e.Hash = workspacetest.Hash(t, "w", at, e) // what a lenient reader takes it for
	body, err := e.MarshalJSON()
	require.NoError(t, err)
	body = bytes.ReplaceAll(body, []byte("\ufffd"), []byte("\xe9"))
	sqlExec(t, path, `INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES ('w', CAST(? AS TEXT), 'administrator', 0, 0)`, []byte("caf\xe9"))
	sqlExec(t, path, `INSERT INTO rbac_events (workspace, seq, body, hash) VALUES ('w', 2, CAST(? AS TEXT), ?)`, body, e.Hash[:])
	sqlExec(t, path, `UPDATE rbac_workspaces SET revision = 2, hash = ? WHERE id = 'w'`, e.Hash[:])

	require.NoError(t, second.Sync(ctx))
	for _, w := range []*rbac.Workspace{second, first, authorizer(t, open(t, path)).For("w")} {
		require.False(t, w.Can(ctx, "caf\ufffd", rbac.Deals, rbac.Read), "somebody else")
		require.True(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read))
		var tampered *rbac.TamperedError
		require.ErrorAs(t, w.VerifyEvents(ctx), &tampered)
		require.EqualValues(t, 2, tampered.Seq)
		require.Contains(t, tampered.Problem, "memberAfter.user: is not valid UTF-8")
	}
	require.ErrorContains(t, store.Update(ctx, "new", func(tx rbac.Tx) error {
		return tx.AppendEvents(rbac.Event{Seq: 1, Kind: rbac.MemberAssigned, Reason: "caf\xe9"})
	}), "is not valid UTF-8", "the store would return another text")
}

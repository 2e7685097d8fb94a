package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// noon has a fraction that only whole microseconds can hold.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 123457000, time.UTC)

// someRole returns a role; two with different ids or versions differ in
// every field.
func someRole(id string, version int64) rbac.Role {
	permissions := rbac.Permissions{rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}}
	assigns := []rbac.RoleID{"support", "sales", "gone"}
	if version%2 == 0 {
		permissions = rbac.Permissions{rbac.Deals: {Read: rbac.Team}, rbac.Tasks: {Read: rbac.All, Manage: rbac.All}}
		assigns = nil
	}
	return rbac.Role{
		ID:          rbac.RoleID(id),
		Name:        fmt.Sprintf("Role %s.%d", id, version),
		Description: fmt.Sprintf("What %s may do since version %d.", id, version),
		Permissions: permissions,
		Assigns:     assigns,
		Version:     version,
		CreatedAt:   noon,
		UpdatedAt:   noon.Add(time.Duration(version) * time.Microsecond),
	}
}

// someMember returns a member. Those of sales and support are in teams.
func someMember(user, role string) rbac.Member {
	team := map[string]string{"sales": "north", "support": "south"}[role]
	return rbac.Member{User: user, Role: rbac.RoleID(role), Team: team, UpdatedAt: noon}
}

// someEvents returns n events that continue a revision. Their hashes are
// distinct and mean nothing: only the library judges them.
func someEvents(after rbac.Revision, n int) []rbac.Event {
	events := make([]rbac.Event, n)
	for i := range events {
		seq := after.Seq + int64(i) + 1
		member := someMember(fmt.Sprintf("user%d", seq), "sales")
		member.RoleName = "Sales"
		events[i] = rbac.Event{
			Seq:         seq,
			Time:        noon.Add(time.Duration(seq) * time.Second),
			Kind:        rbac.MemberAssigned,
			Actor:       "ann",
			Form:        2,
			MemberAfter: &member,
			Hash:        sha256.Sum256(fmt.Append(nil, "event ", seq)),
		}
	}
	return events
}

// appendSome appends n events that continue the revision of tx.
func appendSome(tx rbac.Tx, n int) error {
	revision, err := tx.Revision()
	if err != nil {
		return err
	}
	return tx.AppendEvents(someEvents(revision, n)...)
}

// fill writes roles, members and events into a workspace that has none.
func (t *checkT) fill(workspace string) {
	t.Helper()
	t.update(workspace, func(tx rbac.Tx) error { return fillTx(tx) })
}

func fillTx(tx rbac.Tx) error {
	for _, id := range []string{"sales", "support"} {
		if err := tx.PutRole(someRole(id, 1)); err != nil {
			return err
		}
	}
	if err := tx.PutMembers(someMember("ann", "sales"), someMember("bob", "support")); err != nil {
		return err
	}
	return appendSome(tx, 3)
}

// filled is what fill writes.
func filled() contents {
	events := someEvents(rbac.Revision{}, 3)
	return contents{
		Revision: revisionText(events[2].Revision()),
		Roles:    []rbac.Role{someRole("sales", 1), someRole("support", 1)},
		Members:  []rbac.Member{someMember("ann", "sales"), someMember("bob", "support")},
		Events:   events,
	}
}

// changeAll makes every kind of write to what fill wrote.
func changeAll(tx rbac.Tx) error {
	return errors.Join(
		tx.PutRole(someRole("sales", 2)), tx.PutRole(someRole("new", 1)), tx.DeleteRole("support"),
		tx.PutMembers(someMember("ann", "new"), someMember("eve", "sales")), tx.DeleteMembers("bob"),
		appendSome(tx, 2),
	)
}

// changed is what fill and changeAll write.
func changed() contents {
	events := someEvents(rbac.Revision{}, 5)
	return contents{
		Revision: revisionText(events[4].Revision()),
		Roles:    []rbac.Role{someRole("new", 1), someRole("sales", 2)},
		Members:  []rbac.Member{someMember("ann", "new"), someMember("eve", "sales")},
		Events:   events,
	}
}

// nothing is what a workspace holds that was never written.
func nothing() contents {
	return contents{revisionText(rbac.Revision{}), []rbac.Role{}, []rbac.Member{}, []rbac.Event{}}
}

// strangeIDs returns distinct ids, in byte order, that a store might take for
// the same, cut off, interpret, or put in another order.
func strangeIDs() []string {
	return slices.Sorted(slices.Values([]string{
		"a", "A", "aa", "Aa", "AA", "bob", "Bob", "BOB", "z", "Z", // case
		" ", "a ", " a", "a\u00a0", "a\u200b", // blanks
		"\u00e9", "e\u0301", "E\u0301", "\u00df", "ss", "\u017f", "s", "\u212a", "k", "K", // composition and folding
		"\u0131", "i", "I", "\u0130", "\ufb01", "fi", "\uff21", "日本語", "🦊", "👩‍🚀", "\u05d0", // more scripts
		"0", "00", "1", "1.0", "01", "1e0", "-1", "+1", "NaN", "true", "null", "NULL", "nil", "undefined", // numbers and words
		"%", "_", "a%", "a_", "*", "?", "[a]", `\`, `\\`, `\%`, `\n`, "^", "$", ".", "..", "../a", "a/b", "/", // patterns and paths
		"'", "''", `"`, `""`, "`", ";", "--", "/*", "a'b", `a"b`, "'; DROP TABLE members; --", "$1", "?1", ":a", "@a", // SQL
		"<b>", "&lt;b&gt;", "<script>alert(1)</script>", "=1+1", ",", "a,b", "|", "{}", "[]", "{a}", "a:b", "a=b", "a&b", "#", "%20", "%s", // others
		strings.Repeat("x", 254), strings.Repeat("x", 254) + "y", strings.Repeat("x", 254) + "z", // 255 bytes
		strings.Repeat("é", 127) + "x", strings.Repeat("🦊", 63) + "xyz", // 255 bytes
	}))
}

// strangeTexts returns texts that must come back byte for byte.
func strangeTexts() []string {
	return append(strangeIDs(), "", strings.Repeat("long ", 100), strings.Repeat("🦊", 500))
}

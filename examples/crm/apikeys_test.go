package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// makeKey has a user make a key.
func (c *crm) makeKey(t testing.TB, user string, permissions rbac.Permissions) apiKey {
	t.Helper()
	var key apiKey
	c.as(user, "POST", "/api-keys", map[string]any{"name": "A key", "permissions": permissions}).decode(t, http.StatusCreated, &key)
	return key
}

func TestKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	key := c.makeKey(t, operations, rbac.Permissions{rbac.Contacts: {Read: rbac.All}})
	c.with(key.Key, "GET", "/contacts", nil).wants(t, http.StatusOK, "")
	if list := c.as(operations, "GET", "/api-keys", nil); strings.Contains(list.body, key.Key) || !strings.Contains(list.body, key.ID) {
		t.Errorf("got %s", list.body)
	}
	var stored int
	row := c.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM api_keys WHERE hash = $1", key.Key)
	if err := row.Scan(&stored); err != nil || stored != 0 {
		t.Errorf("the key is stored as it is: %v", err)
	}
	c.as(operations, "DELETE", "/api-keys/"+key.ID, nil).wants(t, http.StatusNoContent, "")
	c.with(key.Key, "GET", "/contacts", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
	c.with(key.Key+"x", "GET", "/contacts", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
}

// A key whose stored permissions cannot be read is no mistake of whoever asks.
func TestMalformedKeyIsOurMistake(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	key := c.makeKey(t, operations, rbac.Permissions{rbac.Contacts: {Read: rbac.All}})
	for _, stored := range []string{"{", `{"contacts": {"read": "some"}}`} {
		if err := c.db.exec(t.Context(), "UPDATE api_keys SET permissions = $1", stored); err != nil {
			t.Fatal(err)
		}
		c.as(operations, "GET", "/api-keys", nil).wants(t, http.StatusInternalServerError, "internal")
		c.with(key.Key, "GET", "/contacts", nil).wants(t, http.StatusServiceUnavailable, "unavailable")
	}
}

// A key is its owner, limited: it reaches what both reach.
func TestKeyIsLessThanItsOwner(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	c.put(services, "mine", operations)
	c.put(services, "theirs", otherRep)
	key := c.makeKey(t, operations, rbac.Permissions{rbac.Services: {Read: rbac.Own, Manage: rbac.Own}})
	c.with(key.Key, "GET", "/services/mine", nil).wants(t, http.StatusOK, "")
	c.with(key.Key, "GET", "/services/theirs", nil).wants(t, http.StatusNotFound, "not-found") // the owner could
	c.with(key.Key, "GET", "/contacts", nil).wants(t, http.StatusForbidden, "denied")
	if ids, _ := c.with(key.Key, "GET", "/services", nil).ids(t); len(ids) != 4 {
		t.Errorf("got %q, want the owner's four", ids)
	}
	var me struct{ Permissions rbac.Permissions }
	c.with(key.Key, "GET", "/me/permissions", nil).decode(t, http.StatusOK, &me)
	if got := me.Permissions.String(); got != "services: read own, manage own" {
		t.Errorf("got %s", got)
	}
}

func TestKeyIsMadeOfWhatItsOwnerHolds(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for _, test := range []struct {
		name        string
		permissions string
		code        string
		status      int
	}{
		{"an area that they do not see", `{"deals": {"read": "own"}}`, "escalation", 403},
		{"more in an area that they see", `{"services": {"manage": "all"}}`, "escalation", 403},
		{"an area that is none", `{"payroll": {"read": "all"}}`, "invalid", 422},
		{"users", `{"users": {"manage": "own"}}`, "invalid", 422},
		{"keys", `{"api": {"manage": "all"}}`, "invalid", 422},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := `{"name": "A key", "permissions": ` + test.permissions + `}`
			c.as(operations, "POST", "/api-keys", body).wants(t, test.status, test.code)
		})
	}
	// Administrators hold everything, and their keys do not administer either.
	c.as(administrator, "POST", "/api-keys", `{"name": "A key", "permissions": {"users": {"manage": "all"}}}`).wants(t, 422, "invalid")
}

// Whatever becomes of its owner, a key is never more than they are.
func TestKeyLosesWhatItsOwnerLoses(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		all := rbac.Permissions{rbac.Contacts: {Read: rbac.All}, rbac.Services: {Read: rbac.All, Manage: rbac.Own}, rbac.Audit: {}}
		key := c.makeKey(t, operations, all)
		use := func(status int, code string) {
			t.Helper()
			c.with(key.Key, "POST", "/services", `{"name": "Advice", "price": 100}`).wants(t, status, code)
		}
		use(http.StatusCreated, "")

		c.assign(administrator, operations, c.roles["Auditor"]).wants(t, http.StatusNoContent, "")
		use(http.StatusForbidden, "denied")
		c.with(key.Key, "GET", "/contacts", nil).wants(t, http.StatusOK, "")
		c.with(key.Key, "GET", "/deals", nil).wants(t, http.StatusForbidden, "denied") // auditors may, the key may not

		c.assign(administrator, operations, rbac.Administrator).wants(t, http.StatusNoContent, "")
		use(http.StatusCreated, "")
		c.with(key.Key, "GET", "/admin/events", nil).wants(t, http.StatusForbidden, "denied") // promoted is its owner only

		c.change(administrator, "suspend", operations).wants(t, http.StatusNoContent, "")
		use(http.StatusForbidden, "denied")
		c.change(administrator, "reinstate", operations).wants(t, http.StatusNoContent, "")
		use(http.StatusCreated, "")

		c.change(administrator, "remove", operations).wants(t, http.StatusNoContent, "")
		use(http.StatusUnauthorized, "unauthenticated")
		// Who comes back comes without the keys of before.
		c.as(administrator, "POST", "/users", map[string]any{"user": operations, "name": "Q", "email": "q@example.com", "role": c.roles["Operations"]}).wants(t, http.StatusCreated, "")
		use(http.StatusUnauthorized, "unauthenticated")
	})
}

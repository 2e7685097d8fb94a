package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/areagate/rbac"
)

func invitation(user string, role rbac.RoleID) map[string]any {
	return map[string]any{"user": user, "name": "New Colleague", "email": user + "@brightwell.example", "role": role}
}

func TestInvitedPersonIsInAtOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.as(officeManager, "POST", "/users", invitation("new/colleague", c.roles["Support agent"])).wants(t, http.StatusCreated, "")
		c.as("new/colleague", "GET", "/contacts", nil).wants(t, http.StatusOK, "")
		var list struct{ Items []member }
		c.as(administrator, "GET", "/users", nil).decode(t, http.StatusOK, &list)
		i := slices.IndexFunc(list.Items, func(m member) bool { return m.User == "new/colleague" })
		if i < 0 || list.Items[i].Name != "New Colleague" || list.Items[i].RoleName != "Support agent" {
			t.Errorf("got %+v", list)
		}
	})
}

// A person's row and role are written together, or neither is.
func TestInvitationIsWholeOrNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		events := c.countEvents(t)
		c.as(officeManager, "POST", "/users", invitation("too.much", rbac.Administrator)).wants(t, http.StatusForbidden, "escalation")
		c.as(officeManager, "POST", "/users", invitation("no.role", "no-such-role")).wants(t, http.StatusNotFound, "role-not-found")
		for _, user := range []string{"too.much", "no.role"} {
			if known, err := c.known(t.Context(), brightwell, user); err != nil || known {
				t.Errorf("%s is there without a role: %v, %v", user, known, err)
			}
		}
		// The other way round: what follows the assignment fails.
		broken := errors.New("broken")
		err := c.transact(t.Context(), brightwell, func(tx transaction) error {
			if err := tx.exec(t.Context(), "INSERT INTO users (id, name, email) VALUES ('half', '', '')"); err != nil {
				return err
			}
			if err := tx.access().As(administrator).Assign(t.Context(), rbac.Administrator, "half"); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if m, err := c.az.Member(t.Context(), "half"); !errors.Is(err, rbac.ErrMemberNotFound) {
			t.Errorf("half is a member: %v, %v", m, err)
		}
		if after := c.countEvents(t); after != events {
			t.Errorf("%d events, want %d", after, events)
		}
	})
}

func (c *crm) countEvents(t testing.TB) (n int) {
	t.Helper()
	for _, err := range c.az.Events(t.Context(), rbac.EventQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// Of many who invite the same person at once, one does.
func TestInvitationsAtOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		token := c.token(administrator)
		statuses := make([]int, 8)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() {
				statuses[i] = c.with(token, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).status
			})
		}
		wg.Wait()
		slices.Sort(statuses)
		if statuses[0] != http.StatusCreated || statuses[1] != http.StatusConflict || statuses[7] != http.StatusConflict {
			t.Errorf("got %v, want one 201 and seven 409", statuses)
		}
	})
}

func TestRemovedPersonIsOutAtOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		token := c.token(salesRep)
		c.with(token, "GET", "/deals", nil).wants(t, http.StatusOK, "")
		c.change(administrator, "remove", salesRep).wants(t, http.StatusNoContent, "")
		c.with(token, "GET", "/deals", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
		delete(c.tokens, salesRep)
		c.as(salesRep, "GET", "/deals", nil).wants(t, http.StatusForbidden, "denied")
		// The records wait for a new owner.
		c.as(salesLead, "GET", "/deals/deal-04", nil).wants(t, http.StatusOK, "")
		c.as(salesLead, "PUT", "/deals/deal-04/owner", map[string]any{"owner": otherRep}).wants(t, http.StatusNoContent, "")
	})
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	c.change(administrator, "remove", "henrik.solberg").wants(t, http.StatusNoContent, "")
	c.change(administrator, "remove", administrator).wants(t, http.StatusConflict, "self")
	c.change(officeManager, "remove", administrator).wants(t, http.StatusForbidden, "escalation")
	app := c.az.System("test")
	if err := app.Remove(context.Background(), administrator); !errors.Is(err, rbac.ErrLastAdministrator) {
		t.Error(err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	token := c.token(salesRep)
	for name, wrong := range map[string]string{
		"another token": newToken(sessionPrefix),
		"its hash":      hash(token),
		"no prefix":     strings.TrimPrefix(token, sessionPrefix),
		"a key":         keyPrefix + strings.TrimPrefix(token, sessionPrefix),
	} {
		t.Run(name, func(t *testing.T) {
			c.with(wrong, "GET", "/me", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
		})
	}
	basic := c.request("", "GET", "/me", nil)
	basic.Header.Set("Authorization", "Basic "+token)
	c.send(basic).wants(t, http.StatusUnauthorized, "unauthenticated")

	if err := c.db.exec(t.Context(), "UPDATE sessions SET expires = 0"); err != nil {
		t.Fatal(err)
	}
	c.with(token, "GET", "/me", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
	delete(c.tokens, salesRep)

	token = c.token(salesRep)
	c.with(token, "DELETE", "/me/session", nil).wants(t, http.StatusNoContent, "")
	c.with(token, "GET", "/me", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
}

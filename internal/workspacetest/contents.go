package workspacetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
)

// Contents is all that a store holds of one workspace.
type Contents struct {
	Revision rbac.Revision
	Roles    []rbac.Role
	Members  []rbac.Member
	Events   []rbac.Event
}

// Read reads a whole workspace.
func Read(t testing.TB, store rbac.Store, workspace string) Contents {
	t.Helper()
	var c Contents
	assert.NoError(t, store.View(context.Background(), workspace, func(r rbac.Reader) error {
		c = From(t, r)
		return nil
	}))
	return c
}

// From reads a whole workspace in a transaction.
func From(t testing.TB, r rbac.Reader) Contents {
	t.Helper()
	at, err := r.Revision()
	assert.NoError(t, err)
	return Contents{at, All(t, r.Roles()), All(t, r.Members(rbac.MemberQuery{})), All(t, r.Events(rbac.EventQuery{}))}
}

// Write writes roles and members, and the events behind those that are there.
func (c Contents) Write(t testing.TB, store rbac.Store, workspace string) {
	t.Helper()
	Update(t, store, workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		if err != nil {
			return err
		}
		for _, role := range c.Roles {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return errors.Join(tx.PutMembers(c.Members...), tx.AppendEvents(c.Events[at.Seq:]...))
	})
}

// Update writes to a store behind the library's back.
func Update(t testing.TB, store rbac.Store, workspace string, fn func(rbac.Tx) error) {
	t.Helper()
	assert.NoError(t, store.Update(context.Background(), workspace, fn))
}

// Seq returns how many events a workspace has.
func Seq(t testing.TB, store rbac.Store, workspace string) int64 {
	t.Helper()
	found, err := store.Revisions(context.Background(), []string{workspace})
	assert.NoError(t, err)
	return found[workspace].Seq
}

// Forge writes rows behind the library's back, with events that say so and
// continue the chain as the library's own would.
func Forge(t testing.TB, store rbac.Store, workspace string, events ...rbac.Event) {
	t.Helper()
	Update(t, store, workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			e.Seq = at.Seq + 1
			e.Hash = Hash(t, workspace, at, *e)
			at = e.Revision()
			switch {
			case e.RoleAfter != nil:
				err = tx.PutRole(*e.RoleAfter)
			case e.RoleBefore != nil:
				err = tx.DeleteRole(e.RoleBefore.ID)
			case e.MemberAfter != nil:
				if e.MemberBefore != nil && e.MemberBefore.User != e.MemberAfter.User {
					err = tx.DeleteMembers(e.MemberBefore.User)
				}
				err = cmp.Or(err, tx.PutMembers(*e.MemberAfter))
			case e.MemberBefore != nil:
				err = tx.DeleteMembers(e.MemberBefore.User)
			}
			if err != nil {
				return err
			}
		}
		return tx.AppendEvents(events...)
	})
}

// Unchanged runs what must not change a workspace.
func Unchanged(t testing.TB, store rbac.Store, workspace string, during func()) {
	t.Helper()
	before := Text(Read(t, store, workspace))
	during()
	if after := Text(Read(t, store, workspace)); after != before {
		t.Fatalf("the store was changed from\n%s\nto\n%s", before, after)
	}
}

// Text returns a value in a form to compare, in which equal times are equal
// and nil is empty.
func Text(v any) string {
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%+v", v) // what is malformed has no JSON form
}

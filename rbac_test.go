package rbac_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// TestStory is the library from its first call to a second instance. Whoever
// reads one test reads this one.
func TestStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is a fake, so nothing here waits
		ctx, store := t.Context(), rbac.NewMemStore()

		// The application opens the library on a store, and makes the first
		// administrator itself.
		az, err := rbac.Open(ctx, store)
		require.NoError(t, err)
		defer az.Close()
		require.NoError(t, az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"))

		// Ada makes a role, and gives it to Sam: sales people see all contacts
		// and look after their own deals.
		ada := az.As("ada")
		sales, err := ada.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{
			rbac.Contacts: {Read: rbac.All},
			rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
		}})
		require.NoError(t, err)
		require.NoError(t, ada.Assign(ctx, sales.ID, "sam"))

		// A handler asks. What nobody gave is denied.
		require.True(t, az.Can(ctx, "ada", rbac.Users, rbac.Manage))
		require.True(t, az.Can(ctx, "sam", rbac.Contacts, rbac.Read))
		require.False(t, az.Can(ctx, "sam", rbac.Contacts, rbac.Manage))
		require.False(t, az.Can(ctx, "nobody", rbac.Contacts, rbac.Read))
		require.ErrorIs(t, az.Authorize(ctx, "sam", rbac.Audit, rbac.Read), rbac.ErrDenied)

		// Own is about one record: Sam's deals are those that he owns, and Can,
		// which asks about all, is false.
		require.True(t, az.CanRecord(ctx, "sam", rbac.Deals, rbac.Manage, "sam"))
		require.False(t, az.CanRecord(ctx, "sam", rbac.Deals, rbac.Manage, "ada"))
		require.False(t, az.Can(ctx, "sam", rbac.Deals, rbac.Read))

		// Max may manage users, and no more. He cannot give what he does not
		// hold, to anybody, and least of all to himself.
		lead, err := ada.CreateRole(ctx, rbac.Role{Name: "Lead", Permissions: rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All},
		}})
		require.NoError(t, err)
		require.NoError(t, ada.Assign(ctx, lead.ID, "max"))
		require.ErrorIs(t, az.As("max").Assign(ctx, sales.ID, "mia"), rbac.ErrEscalation)
		require.ErrorIs(t, az.As("max").Assign(ctx, rbac.Administrator, "max"), rbac.ErrSelf)
		require.NoError(t, az.As("max").Assign(ctx, lead.ID, "mia"))

		// There is always an administrator.
		require.ErrorIs(t, az.System("off-boarding").Remove(ctx, "ada"), rbac.ErrLastAdministrator)

		// A second instance on the same store follows: Sam's suspension reaches
		// it, by a notification or by the next poll.
		second, err := rbac.Open(ctx, store)
		require.NoError(t, err)
		defer second.Close()
		require.True(t, second.Can(ctx, "sam", rbac.Contacts, rbac.Read))
		require.NoError(t, ada.Suspend(ctx, "sam"))
		require.False(t, az.Can(ctx, "sam", rbac.Contacts, rbac.Read), "where it was made it shows at once")
		time.Sleep(2 * time.Second)
		require.False(t, second.Can(ctx, "sam", rbac.Contacts, rbac.Read))

		// All of it is in the events, which cannot be edited unnoticed.
		for e, err := range az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 1}) {
			require.NoError(t, err)
			require.Equal(t, rbac.MemberSuspended, e.Kind)
			require.Equal(t, "ada", e.Actor)
		}
		require.NoError(t, az.VerifyEvents(ctx))
	})
}

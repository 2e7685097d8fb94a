package rbactest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// More of the tests that docs/testing.md shows: the store fails.

func TestStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))
		app := newApp(w.Authorizer)
		if got := status(app, "ada", "GET", "/deals/ann"); got != http.StatusOK {
			t.Errorf("got status %d", got)
		}

		faults.Fail(errors.New("connection refused"))
		time.Sleep(11 * time.Second) // more than the maximum staleness
		if got := status(app, "ada", "GET", "/deals/ann"); got != http.StatusServiceUnavailable {
			t.Errorf("got status %d while the store is down", got)
		}

		faults.Heal()
		time.Sleep(3 * time.Second) // more than the poll interval
		if got := status(app, "ada", "GET", "/deals/ann"); got != http.StatusOK {
			t.Errorf("got status %d afterwards", got)
		}
	})
}

func TestUnknownOutcome(t *testing.T) {
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))
	for _, made := range []bool{true, false} {
		faults.LoseCommits(made)
		err := w.As("ada").Assign(t.Context(), rbac.Administrator, "eve")
		if !errors.Is(err, rbac.ErrOutcomeUnknown) {
			t.Errorf("got error %v", err) // what does your application tell its user?
		}
		faults.Heal()
		if err := w.As("ada").Remove(t.Context(), "eve"); made != (err == nil) {
			t.Errorf("made %t, and then: %v", made, err)
		}
	}
}

func TestRevokeReachesEveryInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		here := rbactest.New(t, rbactest.On(store),
			rbactest.Member("ada", "Administrator"),
			rbactest.Member("eve", "Administrator"),
		)
		there := rbactest.New(t, rbactest.On(store))
		faults.Fail(errors.New("cut"), rbactest.OpNotify) // so that only the poll is left
		rbactest.Allowed(t, there, "eve", rbac.Deals, rbac.Read)

		if err := here.As("ada").Suspend(t.Context(), "eve"); err != nil {
			t.Fatal(err)
		}
		rbactest.Denied(t, here, "eve", rbac.Deals, rbac.Read)
		time.Sleep(3 * time.Second) // more than the poll interval
		rbactest.Denied(t, there, "eve", rbac.Deals, rbac.Read)
	})
}

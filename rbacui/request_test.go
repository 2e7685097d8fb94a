package rbacui_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// contended is a store in which another change is in the way so many times.
type contended struct {
	rbac.Store
	left int
}

func (c *contended) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if c.left > 0 {
		c.left--
		return rbac.ErrContention
	}
	return c.Store.Update(ctx, workspace, fn)
}

// A change that another one is in the way of is begun anew, as often as a single
// change of package rbac is.
func TestContention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &contended{Store: rbac.NewMemStore()}
		s := openSite(t, store)
		support, sales := string(s.roles["Support"]), string(s.roles["Sales"])
		for _, test := range []struct {
			name, path string
			form       url.Values
		}{
			{"the role of one", link("member", tomas), url.Values{"role": {support}}},
			{"several people", "members-change", with(chosen(tomas, "nia.tamsworth"), "role", support)},
			{"the deletion of a role", s.path("role-delete", "Support, night shift"), deletion(sales)},
			{"a role", s.path("role", "Sales"), with(s.get(mara, s.path("role", "Sales")).filled(), "name", "Selling")},
		} {
			form := test.form
			if !form.Has("do") {
				form.Set("do", "save")
			}
			before := s.revision()
			store.left = 10
			page := s.post(mara, test.path, form)
			require.Equal(t, http.StatusServiceUnavailable, page.StatusCode, test.name)
			require.Contains(t, page.body, `<input type="hidden" name="do" value="`+form.Get("do")+`">`, "the form comes back")
			require.Equal(t, before, s.revision())
			store.left = 9
			require.Equal(t, http.StatusSeeOther, s.post(mara, test.path, form).StatusCode, test.name)
			require.Less(t, before, s.revision())
		}
	})
}

package rbacui_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// Who manages nothing and assigns some roles sees the people who hold them, and no
// more.
func TestDelegates(t *testing.T) {
	dir := newStaff(rbacui.Person{User: tomas, Name: "Same Name"}, rbacui.Person{User: "celeste.amundry", Name: "Same Name"}, rbacui.Person{User: "new", Name: "Same Name"})
	dir.waiting = []rbacui.Person{{User: "new", Name: "New"}}
	s := newSite(t, rbacui.WithDirectory(dir))
	s.add("Help desk", "contacts: read own", "Sales", "Data import")
	s.assign("Help desk", "dan", "don")
	page := s.get("dan", "members")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.NotEmpty(t, page.row(tomas))
	require.NotEmpty(t, page.row("nia.tamsworth"))
	for _, hidden := range []string{"celeste", "don<", mara, "Support", "Integrations", "Administrator", "role?id"} {
		require.NotContains(t, page.body, hidden)
	}
	require.Contains(t, page.text(), "1 person waits to be admitted")
	require.Contains(t, page.text(), "2 people on this page, by id: nia.tamsworth to tomas.vikberg", "how many there are is not theirs to read")
	require.NotContains(t, s.get("dan", "members?q=same").text(), "celeste.amundry")
	for _, path := range []string{"members?role=" + string(s.roles["Support"]), "members?q=celeste.amundry"} {
		page := s.get("dan", path)
		require.NotContains(t, strings.ReplaceAll(page.body, `value="celeste.amundry"`, ""), "member?user=", path)
	}
	for _, user := range []string{"celeste.amundry", "dan", "don", mara, "%00"} {
		require.Equal(t, http.StatusNotFound, s.get("dan", "member?user="+user).StatusCode, user)
		require.Equal(t, http.StatusNotFound, s.get("dan", "members-change?remove=1&user="+user).StatusCode, user)
	}
	require.NotContains(t, s.get("dan", "members-change?user="+mara).body, `href="./">All roles`, "which is nothing to them")
	require.Contains(t, s.get("dan", link("member", tomas)).text(), "What Same Name may do")
	// What another role says is nothing to them, whatever id they write.
	for _, path := range []string{link("member", tomas), "members-change?user=" + tomas} {
		require.NotContains(t, s.get("dan", path+"&role="+string(s.roles["Support"])).text(), "warranty claims; their team", path)
		refused := s.post("dan", path, with(chosen(tomas), "role", string(s.roles["Support"]), "do", "save")).text()
		require.Contains(t, refused, "Nothing was changed. Refused: nobody gives a role that is not theirs to give. This one is not among the roles that you may give.")
		require.NotContains(t, refused, "Your role does not")
	}
	require.Equal(t, http.StatusUnprocessableEntity, s.post("dan", "members", url.Values{"user": {"celeste.amundry"}, "role": {string(s.roles["Integrations"])}}).StatusCode,
		"or they would find out who holds what")
	before := s.revision()
	for _, form := range []url.Values{
		with(chosen(tomas, "celeste.amundry"), "remove", "1"), with(chosen("celeste.amundry"), "role", string(s.roles["Sales"])),
		with(chosen(tomas), "role", string(s.roles["Support"])), with(chosen(tomas), "role", "administrator"), with(chosen("dan"), "role", string(s.roles["Sales"])),
	} {
		require.Contains(t, []int{404, 422}, s.post("dan", "members-change", with(form, "do", "save")).StatusCode)
	}
	s.post("dan", link("member", mara), url.Values{"role": {string(s.roles["Sales"])}, "do": {"save"}})
	s.post("dan", link("member", tomas), url.Values{"role": {string(s.roles["Support"])}, "do": {"save"}})
	require.Equal(t, before, s.revision())
	saved := s.post("dan", "members-change", with(chosen(tomas), "role", string(s.roles["Data import"]), "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	require.Equal(t, http.StatusForbidden, s.get("dan", "").StatusCode, "the roles are not theirs to read")
	require.Equal(t, "members", s.get("dan", "x.html").leads("Members"), "the way back")
	// A key has no list, and who has neither sees nothing.
	require.Equal(t, http.StatusForbidden, s.get("dan", "members", "X-Limit", "users: read all, manage all").StatusCode)
	for _, path := range []string{"members", link("member", "nia.tamsworth"), "members-change", "member-new"} {
		require.Equal(t, http.StatusForbidden, s.get(tomas, path).StatusCode)
		require.Equal(t, http.StatusForbidden, s.get(nobo, path).StatusCode)
	}
	// One who reads everybody sees them, and may act on those of the list only.
	page = s.get("hedda.dorn", "members")
	require.Contains(t, answer{body: page.row("celeste.amundry")}.text(), "Holds a role that is not among those that you may give.")
	require.NotContains(t, page.row("nia.tamsworth"), "disabled")
}

// What one may give is found out once for an answer, that it is nothing, too.
func TestDelegatesAreAskedForOnce(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	require.NoError(t, s.az.Sync(context.Background()))
	for _, path := range []string{"", "members", "member-new", "no.page"} {
		store.reset()
		require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, s.get(tomas, path).StatusCode)
		require.EqualValues(t, 1, store.views.Load(), path)
	}
}

// A limit stays: what the key cannot do, the pages do not.
func TestMembersLimited(t *testing.T) {
	s := newSite(t)
	before := s.revision()
	limit := []string{"X-Limit", "users: read all, manage all; contacts: read all, manage all"}
	form := with(chosen(tomas), "role", string(s.roles["Support"]), "do", "save")
	page := s.post(mara, "members-change", form, limit...)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, s.post(mara, link("member", tomas), form, limit...).StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, s.post(mara, "members", with(form, "user", "new", "do", "admit"), limit...).StatusCode)
	require.Equal(t, http.StatusForbidden, s.post(mara, "members-change", form, "X-Limit", "users: manage own").StatusCode)
	s.post(mara, "members-change", form, "X-Limit", "users: read all")
	s.post(mara, "members", with(form, "user", "new", "do", "admit"), "X-Limit", "users: read all")
	require.Equal(t, before, s.revision())
}

// unanswering is a store that fails once it is told to.
type unanswering struct {
	rbac.Store
	failing bool
}

func (u *unanswering) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if u.failing {
		return errors.New("the store is away")
	}
	return u.Store.View(ctx, workspace, fn)
}

// What a delegate may see is not known without the store. That is no refusal.
func TestDelegatesWithoutTheStore(t *testing.T) {
	store := &unanswering{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	require.NoError(t, s.az.Sync(context.Background()))
	require.Equal(t, http.StatusForbidden, s.get(tomas, "members").StatusCode)
	s.add("Help desk", "contacts: read own", "Sales")
	s.assign("Help desk", "dan")
	require.Equal(t, http.StatusOK, s.get("dan", "members").StatusCode)
	store.failing = true
	require.Equal(t, http.StatusInternalServerError, s.get("dan", "members").StatusCode)
}

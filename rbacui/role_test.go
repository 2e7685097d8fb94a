package rbacui_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// option returns the input of a choice, empty if it is not offered.
func (a answer) option(name, value string) string {
	return regexp.MustCompile(`<input [^>]*name="` + regexp.QuoteMeta(name) + `" value="` + regexp.QuoteMeta(value) + `"[^>]*>`).FindString(a.body)
}

// edited returns the fields of the form of a role that differ from what is stored, as
// the script finds them before somebody leaves the page.
func (a answer) edited() []string {
	var fields []string
	for _, attrs := range a.inputs() {
		stored, marked := attrs["data-stored"]
		_, checked := attrs["checked"]
		value, text := attrs["data-stored-value"]
		switch {
		case text && value != attrs["value"], attrs["type"] == "radio" && marked && !checked, attrs["type"] == "checkbox" && (stored == "on") != checked:
			fields = append(fields, attrs["name"])
		}
	}
	return fields
}

// The form offers what each area has, marks what is stored, and shows what one may
// not grant: there, off, with the reason.
func TestRoleForm(t *testing.T) {
	s := newSite(t)
	page := s.get(lena, s.path("role", "Sales lead"))
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.option("deals.manage", "team"), "data-stored checked")
	require.NotContains(t, page.option("deals.manage", "all"), "checked")
	require.NotContains(t, page.option("deals.manage", "all"), "disabled")
	require.Empty(t, page.option("audit.read", "own"), "its records have no owners")
	require.Empty(t, page.option("approvals.read", "all"), "it has one action")
	require.NotEmpty(t, page.option("approvals.manage", "all"))
	require.Contains(t, page.option("audit.manage", "all"), "disabled")
	require.NotContains(t, page.option("audit.read", "all"), "disabled")
	text := page.text()
	require.Contains(t, text, "Your own role does not manage Audit, so you cannot give that away. Who can?")
	require.Contains(t, text, "Your own role does not read or manage API access, so you cannot give that away. Who can?")
	require.Contains(t, text, "Own: deals they lead.")
	require.Contains(t, text, "Reads all contacts, deals and users; their team’s tasks Manages all contacts; their team’s deals and tasks Assigns Sales")
	require.Contains(t, text, "3 people hold this role. It changes for all of them. 1 of them is suspended.")
	require.Contains(t, text, "Nothing changed Saving now would do nothing.")
	require.Contains(t, text, "Only an administrator adds roles here.")
	require.Contains(t, page.option("assign", string(s.roles["Sales"])), "checked", "it may be taken off")
	require.Contains(t, page.option("assign", string(s.roles["Support"])), "disabled")

	page = s.get(mara, s.path("role", "Sales lead"))
	require.NotContains(t, page.option("audit.manage", "all"), "disabled")
	require.NotContains(t, page.option("assign", string(s.roles["Support"])), "disabled")
	require.Contains(t, page.option("assign", string(s.roles["Operations manager"])), "disabled", "it administers")
	require.Empty(t, page.option("assign", string(s.roles["Sales lead"])), "itself")
}

// Team is given from All, and what one may not see of the audit record does not show
// in a form either.
func TestRoleFormOfLesserRights(t *testing.T) {
	s := newSite(t)
	s.add("People", "users: read all, manage all; deals: read team; contacts: read all, manage all")
	s.assign("People", "tess")
	page := s.get("tess", "role-new")
	require.Contains(t, page.option("deals.read", "team"), "disabled")
	require.NotContains(t, page.option("deals.read", "own"), "disabled")
	require.NotContains(t, page.option("contacts.read", "team"), "disabled")
	require.Contains(t, page.text(), "Your own role does not read and manage all of Deals, so you cannot give that away.")

	path := s.path("role", "Data import")
	form := with(s.get(mara, path).filled(), "contacts.manage", "own", "do", "save")
	require.Equal(t, http.StatusSeeOther, s.post(mara, path, form).StatusCode)
	page = s.get("tess", path+"&restore="+itoa(s.revision()))
	require.Equal(t, "own", page.filled().Get("contacts.manage"))
	require.NotContains(t, page.text(), "mara")
	require.NotContains(t, page.text(), "History")
}

// What a form does not say stays as it is stored.
func TestRoleFormInPart(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	before := s.role("Sales lead")
	form := url.Values{"version": {"1"}, "deals.manage": {"all"}, "do": {"save"}}
	require.Equal(t, http.StatusSeeOther, s.post(mara, path, form).StatusCode)
	after := s.role("Sales lead")
	require.Equal(t, before.Name, after.Name)
	require.Equal(t, before.Assigns, after.Assigns)
	before.Permissions[rbac.Deals] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	require.Equal(t, before.Permissions, after.Permissions)
}

// A choice sends the form and gets the plan. It writes nothing.
func TestRolePlan(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "deals.manage", "all", "contacts.manage", "team", "tasks.read", "own", "do", "plan")
	before := s.revision()
	page := s.post(lena, path, form)
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "Gains Deals: manage team to all Loses Contacts: manage all to team Tasks: read team to own")
	require.Contains(t, text, "Worth a look: Tasks would manage more than it reads.")
	require.Contains(t, text, "No rule refuses this.")
	require.Contains(t, text, "3 changes not saved For 3 people: 1 right more, 2 less.")
	require.Contains(t, page.option("deals.manage", "team"), "data-stored>")
	require.Contains(t, page.option("deals.manage", "all"), "checked")

	part := s.post(lena, path, with(form, "part", "plan"))
	require.NotContains(t, part.body, "<html")
	require.Contains(t, part.body, `id="plan"`)
	require.Contains(t, part.body, "data-words")
	require.Contains(t, part.body, "data-save-text")
	require.Less(t, len(part.body), len(page.body)/3)

	// The button that Enter in a text field presses does not save.
	require.Regexp(t, `(?s)<form id="role-form".*?<button[^>]*name="do" value="plan"`, page.body)
	require.Equal(t, before, s.revision())
}

// Presets fill in as far as one may grant, and save nothing.
func TestRolePresets(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales")
	before := s.revision()
	form := with(s.get(lena, path).filled(), "name", "Sales, mine")
	for preset, want := range map[string]map[string]string{
		"nothing": {"contacts.read": "none", "deals.manage": "none"},
		"read":    {"contacts.read": "all", "contacts.manage": "none", "audit.read": "all", "api.read": "none"},
		"full":    {"contacts.manage": "all", "approvals.manage": "all", "audit.manage": "none", "api.manage": "none"},
		"copy":    {"contacts.manage": "all", "deals.read": "none", "api.manage": "none"},
	} {
		page := s.post(lena, path, with(form, "preset", preset, "copy", string(s.roles["Integrations"])))
		require.Equal(t, http.StatusOK, page.StatusCode)
		got := page.filled()
		require.Equal(t, "Sales, mine", got.Get("name"), "what was written stays")
		for name, value := range want {
			require.Equal(t, value, got.Get(name), "%s: %s", preset, name)
		}
	}
	require.Equal(t, before, s.revision())
}

// Save is one button. It leads to the list, which tells what was done.
func TestRoleSave(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "deals.manage", "all", "name", "Head of sales", "do", "save")
	saved := s.post(lena, path, form)
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	to := saved.Header.Get("Location")
	require.Equal(t, "./?"+url.Values{"done": {string(s.roles["Sales lead"])}}.Encode(), to)
	role := s.role("Sales lead")
	require.Equal(t, "Head of sales", role.Name)
	require.Equal(t, rbac.All, role.Permissions.Scope(rbac.Deals, rbac.Manage))
	require.Equal(t, []rbac.RoleID{s.roles["Sales"]}, role.Assigns, "what was not touched stays")
	require.Contains(t, s.get(lena, to[2:]).text(), "Saved “Head of sales”: gains 1 right.")
	require.NotContains(t, s.get(mara, to[2:]).text(), "Saved", "she did not")
	require.NotContains(t, s.get(lena, "?done=nothing").text(), "Saved")
	// What changed nothing is not told as what was saved before.
	unchanged := s.post(lena, path, with(s.get(lena, path).filled(), "do", "save"))
	require.Equal(t, "./", unchanged.Header.Get("Location"))
}

func TestNewRole(t *testing.T) {
	s := newSite(t)
	page := s.get(lena, "role-new")
	text := page.text()
	require.Contains(t, text, "A new role allows nothing until you choose something.")
	require.Contains(t, text, "No rule refuses this.", "the name is asked for once somebody saves")
	form := page.filled()
	require.Equal(t, "none", form.Get("contacts.read"))

	page = s.post(lena, "role-new", with(form, "do", "save"))
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.text(), "Write a name, so that people can tell this role from the others.")

	made := s.post(lena, "role-new", with(form, "name", "Trade fair", "contacts.read", "own", "do", "save"))
	require.Equal(t, http.StatusSeeOther, made.StatusCode)
	require.Contains(t, s.get(lena, made.Header.Get("Location")[2:]).text(), "“Trade fair” is made. Nobody holds it until you assign it.")

	copied := s.get(lena, "role-new?copy="+string(s.roles["Support"]))
	require.Equal(t, "", copied.filled().Get("name"))
	require.Equal(t, "team", copied.filled().Get("claims.manage"))
	require.Contains(t, copied.text(), "A role with 5 rights")
	require.Contains(t, copied.text(), "It begins with what Support allows")
	// Nothing was edited: whoever leaves now loses nothing. It stays so when the plan is asked for.
	require.Empty(t, copied.edited())
	address := regexp.MustCompile(`id="role-form"[^>]* action="([^"]*)"`).FindStringSubmatch(copied.body)[1]
	planned := s.post(lena, address, with(copied.filled(), "do", "plan"))
	require.Empty(t, planned.edited())
	planned = s.post(lena, address, with(copied.filled(), "do", "plan", "claims.manage", "own"))
	require.Equal(t, []string{"claims.manage"}, planned.edited())
	require.Contains(t, planned.text(), "was team")
	refused := s.post(lena, address, with(copied.filled(), "do", "save", "name", "Support"))
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	require.Equal(t, []string{"name"}, refused.edited())
	made = s.post(lena, address, with(copied.filled(), "do", "save", "name", "Support, copied"))
	require.Equal(t, http.StatusSeeOther, made.StatusCode)
	require.Contains(t, s.get(lena, made.Header.Get("Location")[2:]).text(), "Support, copied")
	require.Equal(t, http.StatusForbidden, s.get("hedda.dorn", "role-new").StatusCode, "she only reads")
}

// A refused form comes back whole, with each refusal beside what caused it.
func TestRoleRefused(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	before := s.revision()
	form := with(s.get(lena, path).filled(), "name", "SALES", "deals.manage", "all", "do", "save")
	page := s.post(lena, path, form)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.body, "<title>Not saved: Sales lead · Access</title>")
	require.Contains(t, page.body, `role="alert" tabindex="-1" id="errors"`)
	require.Contains(t, page.body, `<a href="#name">Name</a>: another role is called that.`)
	require.Regexp(t, `id="name"[^>]*value="SALES"[^>]*aria-invalid="true" aria-describedby="name-error"`, page.body)
	require.Contains(t, page.text(), "Another role is called “Sales”. Choose a name that tells them apart.")
	require.Equal(t, "all", page.filled().Get("deals.manage"))

	// A choice that is off can be forged; the rules decide.
	form = with(form, "name", "Sales lead", "api.read", "all")
	page = s.post(lena, path, form)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.text(), "Refused: nobody gives away more than they hold. Your role does not read all of API access, so you cannot grant that.")
	require.Contains(t, page.body, `<a href="#area-api">API access</a>: more than you hold.`)
	require.Regexp(t, `<div id="area-api-error"><p class="note note-danger">`, page.body)
	require.NotContains(t, page.option("api.read", "all"), "disabled", "a choice that is refused stays")
	require.Contains(t, page.option("api.read", "all"), "checked")

	page = s.post(lena, path, with(form, "api.read", "none", "assign", string(s.roles["Support"])))
	require.Contains(t, page.text(), "Support: not yours to give or to take. An administrator can do it.")

	page = s.post(mara, path, with(form, "name", "Administrator"))
	require.Contains(t, page.text(), "“Administrator” is a system role")
	page = s.post(mara, path, with(form, "assign", string(s.roles["Operations manager"])))
	require.Contains(t, page.text(), "“Operations manager” administers others, so it cannot be handed out this way.")
	require.Equal(t, before, s.revision())
}

// Whoever may not edit a role sees it as it is, with the reason; a form that they
// send anyway is refused.
func TestRoleReadOnly(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		user, path, why string
		headers         []string
		status          int // of a form
	}{
		{mara, "role?id=administrator", "It is part of the program and the same in every workspace", nil, 422},
		{lena, s.path("role", "Integrations"), "It holds more than your own role: API access: read and API access: manage.", nil, 422},
		{"hedda.dorn", s.path("role", "Sales"), "Your own role does not manage users, so you can read roles and not change them.", nil, 422},
		{mara, s.path("role", "Sales"), "Your own role does not manage users", []string{"X-Limit", "users: read all"}, 422},
	} {
		page := s.get(test.user, test.path, test.headers...)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Contains(t, page.text(), test.why)
		require.NotContains(t, page.body, "<form")
		require.Equal(t, test.path == "role?id=administrator", strings.Contains(page.text(), "Assigns every role"))
		require.NotContains(t, page.body, "<button")
		before := s.revision()
		form := url.Values{"do": {"save"}, "name": {"Mine"}, "version": {"1"}}
		require.Equal(t, test.status, s.post(test.user, test.path, form, test.headers...).StatusCode)
		require.Equal(t, before, s.revision())
	}
}

// A limit takes what it takes: an Administrator's key is no Administrator.
func TestLimitedSubject(t *testing.T) {
	s := newSite(t)
	key := []string{"X-Limit", "users: read all, manage all; contacts: read all"}
	page := s.get(mara, "role-new", key...)
	require.Contains(t, page.option("deals.read", "all"), "disabled")
	require.Contains(t, page.text(), "Only an administrator adds roles here.")
	form := with(page.filled(), "name", "By key", "deals.read", "all", "do", "save")
	page = s.post(mara, "role-new", form, key...)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.text(), "Your role does not read all of Deals")
	const notice = "The key or session that you use may do less than your role."
	require.Contains(t, page.text(), notice)
	require.NotContains(t, s.get(mara, "role-new").text(), notice)
	page = s.get(mara, "", "X-Limit", "contacts: read all")
	require.Equal(t, http.StatusForbidden, page.StatusCode)
	require.Contains(t, page.text(), "the key or session that you use does not")
}

func TestRoleGone(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Data import")
	require.NoError(t, s.az.As(mara).DeleteRole(context.Background(), s.roles["Data import"]))
	page := s.get(lena, path)
	require.Equal(t, http.StatusNotFound, page.StatusCode)
	require.Regexp(t, "This role does not exist any more mara.lindhagen deleted “Data import” on .* See the event", page.text())
	page = s.post(lena, path, url.Values{"do": {"save"}})
	require.Equal(t, http.StatusNotFound, page.StatusCode)
	require.Equal(t, http.StatusNotFound, s.get(lena, "role").StatusCode)
	path = s.path("role", "Support")
	form := with(s.get(lena, path).filled(), "name", "Support at night", "deals.read", "own", "do", "save")
	require.NoError(t, s.az.System("tidied up").DeleteRole(context.Background(), s.roles["Support"]))
	kept := s.post(lena, path, form)
	require.Contains(t, kept.text(), "Your choices are all still here.")
	require.Contains(t, kept.body, `action="role-new"`)
	again := s.post(lena, "role-new", kept.filled())
	require.Contains(t, again.text(), "If you make it")
	for _, field := range []string{"name", "contacts.read", "deals.read", "tasks.manage"} {
		require.Equal(t, form.Get(field), again.filled().Get(field), field)
	}
	require.Contains(t, s.get(lena, s.path("role", "Support")).text(), "any more The application deleted “Support” on ")
}

// An earlier state is a form that is filled in: nothing is stored by looking.
func TestRoleRestore(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Support")
	form := with(s.get(mara, path).filled(), "claims.manage", "all", "do", "save")
	require.Equal(t, http.StatusSeeOther, s.post(mara, path, form).StatusCode)
	before := s.revision()
	page := s.get(mara, path+"&restore="+itoa(before))
	require.Contains(t, page.text(), "The form below has the role as it was before the change of")
	require.Equal(t, "team", page.filled().Get("claims.manage"))
	require.Contains(t, page.option("claims.manage", "all"), "data-stored>")
	require.Equal(t, before, s.revision())
	other := s.get(mara, s.path("role", "Sales")+"&restore="+itoa(before))
	require.NotContains(t, other.text(), "as it was before", "that event is about another role")
}

package rbac_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// textForm is a value with its text, JSON and String forms.
type textForm struct {
	value any // a pointer
	text  string
	json  string
}

// Every value has one form, which is read back as the same value.
func TestTextAndJSONForms(t *testing.T) {
	t.Parallel()
	read, manage := rbac.Read, rbac.Manage
	none, own, all := rbac.None, rbac.Own, rbac.All
	for _, form := range []textForm{
		{&read, "read", `"read"`},
		{&manage, "manage", `"manage"`},
		{&none, "none", `"none"`},
		{&own, "own", `"own"`},
		{&all, "all", `"all"`},

		{&rbac.Access{}, "no access", `{"read":"none","manage":"none"}`},
		{&rbac.Access{Read: rbac.All}, "read all", `{"read":"all","manage":"none"}`},
		{&rbac.Access{Manage: rbac.Own}, "manage own", `{"read":"none","manage":"own"}`},
		{&rbac.Access{Read: rbac.All, Manage: rbac.Own}, "read all, manage own", `{"read":"all","manage":"own"}`},

		{&rbac.Permissions{}, "no access", `{}`},
		{&rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)}, "deals: read own", `{"deals":{"read":"own","manage":"none"}}`},
		{
			&rbac.Permissions{rbac.Tasks: access(rbac.None, rbac.All), rbac.Contacts: access(rbac.All, rbac.Own), "a-b_c.9": access(rbac.All, rbac.All)},
			"a-b_c.9: read all, manage all; contacts: read all, manage own; tasks: manage all",
			`{"a-b_c.9":{"read":"all","manage":"all"},"contacts":{"read":"all","manage":"own"},"tasks":{"read":"none","manage":"all"}}`,
		},

		{&rbac.Role{Permissions: rbac.Permissions{}}, " (no access)", `{"name":"","permissions":{}}`},
		{
			&rbac.Role{Name: "Sales (EU) (north)", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)}},
			"Sales (EU) (north) (deals: read all, manage own)",
			`{"name":"Sales (EU) (north)","permissions":{"deals":{"read":"all","manage":"own"}}}`,
		},
	} {
		require.Equal(t, form.text, reflect.ValueOf(form.value).Elem().MethodByName("String").Call(nil)[0].String())
		text, err := reflect.ValueOf(form.value).Elem().Interface().(encoding.TextMarshaler).MarshalText()
		require.NoError(t, err)
		require.Equal(t, form.text, string(text))
		encoded, err := json.Marshal(form.value)
		require.NoError(t, err)
		require.Equal(t, form.json, string(encoded))

		back := reflect.New(reflect.TypeOf(form.value).Elem())
		require.NoError(t, back.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(form.text)))
		require.Equal(t, form.value, back.Interface())
		back = reflect.New(reflect.TypeOf(form.value).Elem())
		require.NoError(t, json.Unmarshal([]byte(form.json), back.Interface()))
		require.Equal(t, form.value, back.Interface())
	}
}

// Other forms that are read, as people write them.
func TestFormsThatAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rbac.Permissions{
		"  no access ":                       {},
		"deals:read own;tasks :  manage all": {rbac.Deals: access(rbac.Own, rbac.None), rbac.Tasks: access(rbac.None, rbac.All)},
		"deals: manage all,read own":         {rbac.Deals: access(rbac.Own, rbac.All)},
		"deals: no access":                   {rbac.Deals: {}},
		"deals: read none":                   {rbac.Deals: {}},
	} {
		var p rbac.Permissions
		require.NoError(t, p.UnmarshalText([]byte(text)), "%q", text)
		require.Equal(t, want, p, "%q", text)
	}
	for text, want := range map[string]rbac.Permissions{
		`{"deals":{}}`:             {},
		`{"deals":{"read":"own"}}`: {rbac.Deals: access(rbac.Own, rbac.None)},
		` { "deals" : { "manage" : "all" , "read" : "none" } } `: {rbac.Deals: access(rbac.None, rbac.All)},
		`{"deals":{"read":"none"},"billing":{"manage":"all"}}`:   {"billing": access(rbac.None, rbac.All)},
		`{"de\u0061ls":{"r\u0065ad":"\u006fwn"}}`:                {rbac.Deals: access(rbac.Own, rbac.None)},
	} {
		var p rbac.Permissions
		require.NoError(t, json.Unmarshal([]byte(text), &p), text)
		require.Equal(t, want, p, text)
	}
}

// What is not a form is refused, with the place, and changes nothing.
func TestFormsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		into  encoding.TextUnmarshaler
		text  string
		field string
	}{
		{new(rbac.Action), "", "action"},
		{new(rbac.Action), "Read", "action"},
		{new(rbac.Action), "read ", "action"},
		{new(rbac.Action), "write", "action"},
		{new(rbac.Action), "1", "action"},
		{new(rbac.Scope), "", "scope"},
		{new(rbac.Scope), "ALL", "scope"},
		{new(rbac.Scope), "any", "scope"},
		{new(rbac.Scope), "2", "scope"},
		{new(rbac.Reason), "", "reason"},
		{new(rbac.Reason), "the role does not allow it", "reason"},
		{new(rbac.Severity), "", "severity"},
		{new(rbac.Severity), "Danger", "severity"},
		{new(rbac.Access), "", ""},
		{new(rbac.Access), "all", ""},
		{new(rbac.Access), "read", "read"},
		{new(rbac.Access), "read  all", "read"},
		{new(rbac.Access), "write all", ""},
		{new(rbac.Access), "read all,", ""},
		{new(rbac.Access), "read all, read own", "read"},
		{new(rbac.Access), "read none, read none", "read"},
		{new(rbac.Access), "No access", ""},
		{new(rbac.Role), "", ""},
		{new(rbac.Role), "Sales", ""},
		{new(rbac.Role), "Sales(deals: read all)", ""},
		{new(rbac.Role), "Sales (deals: read all", ""},
		{new(rbac.Role), "Sales (deals: read all) ", ""},
		{new(rbac.Role), "Sales ()", "permissions"},
		{new(rbac.Role), "Sales (deals: read some)", "permissions.deals.read"},
		{new(rbac.Role), "\xff (no access)", "name"},
		{new(rbac.Permissions), "", "permissions"},
		{new(rbac.Permissions), "deals", "permissions.deals"},
		{new(rbac.Permissions), "deals: ", "permissions.deals"},
		{new(rbac.Permissions), "Deals: read all", "permissions"},
		{new(rbac.Permissions), "deals: read all;", "permissions"},
		{new(rbac.Permissions), "deals: read all; deals: read own", "permissions.deals"},
		{new(rbac.Permissions), "deals: read any", "permissions.deals.read"},
		{new(rbac.Permissions), "deals: read all; tasks: manage", "permissions.tasks.manage"},
		{new(rbac.Permissions), "no access; deals: read all", "permissions"},
	} {
		err := test.into.UnmarshalText([]byte(test.text))
		require.Error(t, err, "%T %q", test.into, test.text)
		require.Equal(t, []string{test.field}, fields(t, err), "%T %q", test.into, test.text)
		require.True(t, reflect.ValueOf(test.into).Elem().IsZero(), "%T %q", test.into, test.text)
	}
}

// JSON that is not exactly what is written is refused, with the place: what
// grants access is not read generously.
func TestJSONThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		into  any
		json  string
		field string
		names string // part of the problem
	}{
		{new(rbac.Access), `{"read":"all","read":"none"}`, "read", "twice"},
		{new(rbac.Access), `{"Read":"all"}`, "Read", "not an action"},
		{new(rbac.Access), `{"write":"all"}`, "write", "not an action"},
		{new(rbac.Access), `{"":"all"}`, `""`, "not an action"},
		{new(rbac.Access), `{"read":"ALL"}`, "read", "not a scope"},
		{new(rbac.Access), `{"read":null}`, "read", "null"},
		{new(rbac.Access), `{"read":2}`, "read", "must be a string"},
		{new(rbac.Access), `{"read":["all"]}`, "read", "must be a string"},
		{new(rbac.Access), `null`, "", "object"},
		{new(rbac.Access), `[]`, "", "object"},
		{new(rbac.Access), `"read all"`, "", "object"},
		{new(rbac.Access), `true`, "", "object"},

		{new(rbac.Permissions), `null`, "permissions", "object"},
		{new(rbac.Permissions), `[]`, "permissions", "object"},
		{new(rbac.Permissions), `"no access"`, "permissions", "object"},
		{new(rbac.Permissions), `{"deals":null}`, "permissions.deals", "object"},
		{new(rbac.Permissions), `{"deals":"all"}`, "permissions.deals", "object"},
		{new(rbac.Permissions), `{"deals":{"read":"any"}}`, "permissions.deals.read", "not a scope"},
		{new(rbac.Permissions), `{"deals":{"delete":"all"}}`, "permissions.deals.delete", "not an action"},
		{new(rbac.Permissions), `{"deals":{},"deals":{"read":"all"}}`, "permissions.deals", "twice"},
		{new(rbac.Permissions), `{"deals":{},"d\u0065als":{"read":"all"}}`, "permissions.deals", "twice"},
		{new(rbac.Permissions), `{"Deals":{"read":"all"}}`, "permissions.Deals", "malformed"},
		{new(rbac.Permissions), `{"":{"read":"all"}}`, `permissions.""`, "empty"},
		{new(rbac.Permissions), `{"a b\n":{"read":"all"}}`, `permissions."a b\n"`, "malformed"},
		{new(rbac.Permissions), `{"` + strings.Repeat("a", 65) + `":{}}`, `permissions."` + strings.Repeat("a", 65) + `"`, "65 characters"},

		{new(rbac.Role), `null`, "", "object"},
		{new(rbac.Role), `{"name":"a","name":"b"}`, "name", "twice"},
		{new(rbac.Role), `{"Name":"a"}`, "Name", "not known"},
		{new(rbac.Role), `{"admin":true}`, "admin", "not known"},
		{new(rbac.Role), `{"a b":1}`, `"a b"`, "not known"},
		{new(rbac.Role), `{"name":null}`, "name", "null"},
		{new(rbac.Role), `{"name":1}`, "name", "must be a string"},
		{new(rbac.Role), `{"system":"yes"}`, "system", "must be a boolean"},
		{new(rbac.Role), `{"version":"1"}`, "version", "must be a number"},
		{new(rbac.Role), `{"version":1.5}`, "version", "must be a number"},
		{new(rbac.Role), `{"version":1e30}`, "version", "must be a number"},
		{new(rbac.Role), `{"permissions":{"deals":{"read":"any"}}}`, "permissions.deals.read", "not a scope"},
		{new(rbac.Role), "{\"name\":\"caf\xe9\"}", "name", "not valid UTF-8"},
		{new(rbac.Role), `{"permissions":null}`, "permissions", "missing"},
		{new(rbac.Role), `{"name":"a","permissions": null }`, "permissions", "missing"},
		{new(rbac.Role), `{"id":"a","name":"a","version":1}`, "permissions", "missing"},
		{new(rbac.Role), `{}`, "permissions", "missing"},
		{new(rbac.Role), `{"permissions":[]}`, "permissions", "object"},
		{new(rbac.Role), `{"createdAt":"yesterday"}`, "createdAt", ""},
		{new(rbac.Role), `{"updatedAt":1}`, "updatedAt", ""},

		{new(rbac.Member), `{"user":"a","User":"b"}`, "User", "not known"},
		{new(rbac.Member), `{"user":["a"]}`, "user", "must be a string"},
		{new(rbac.Member), `{"suspended":0}`, "suspended", "must be a boolean"},
		{new(rbac.Member), `{"role":null}`, "role", "null"},
		{new(rbac.Member), "{\"user\":\"caf\xe9\"}", "user", "not valid UTF-8"},

		{new(rbac.Event), `{"seq":"1"}`, "seq", "must be a number"},
		{new(rbac.Event), `{"roleAfter":{"name":1}}`, "roleAfter.name", "must be a string"},
		{new(rbac.Event), `{"roleAfter":{"permissions":{"deals":{"read":"any"}}}}`, "roleAfter.permissions.deals.read", "not a scope"},
		{new(rbac.Event), "{\"roleAfter\":{\"description\":\"caf\xe9\"}}", "roleAfter.description", "not valid UTF-8"},
		{new(rbac.Event), "{\"reason\":\"caf\xe9\"}", "reason", "not valid UTF-8"},
		{new(rbac.Event), `{"roleBefore":{"name":"a"}}`, "roleBefore.permissions", "missing"},
		{new(rbac.Event), `{"memberBefore":{"x":1}}`, "memberBefore.x", "not known"},
		{new(rbac.Event), `{"memberBefore":null}`, "memberBefore", "null"},
		{new(rbac.Event), `{"hash":"00"}`, "hash", "64"},
		{new(rbac.Event), `{"hash":"` + strings.Repeat("x", 64) + `"}`, "hash", "64"},
		{new(rbac.Event), `{"hash":"` + strings.Repeat("0", 66) + `"}`, "hash", "64"},
		{new(rbac.Event), `{"time":"now"}`, "time", ""},
		{new(rbac.Event), `{"actor":"a","actor":"b"}`, "actor", "twice"},
	} {
		err := json.Unmarshal([]byte(test.json), test.into)
		require.Error(t, err, "%T %s", test.into, test.json)
		require.Equal(t, []string{test.field}, fields(t, err), "%T %s", test.into, test.json)
		require.ErrorContains(t, err, test.names, "%T %s", test.into, test.json)
		require.True(t, reflect.ValueOf(test.into).Elem().IsZero(), "%T %s", test.into, test.json)
	}
}

// Text that is not JSON at all, given to the methods themselves, which
// encoding/json would not do.
func TestNotJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "{", `{"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, "{]", "{1:2}", `{"user":"a"} {}`, `{"user":"a"}x`, "\xff", "nul", `{"user":}`} {
		for _, into := range []json.Unmarshaler{new(rbac.Role), new(rbac.Member), new(rbac.Event), new(rbac.Permissions), new(rbac.Access)} {
			err := into.UnmarshalJSON([]byte(text))
			require.ErrorIs(t, err, rbac.ErrInvalid, "%T %q", into, text)
			require.True(t, reflect.ValueOf(into).Elem().IsZero(), "%T %q", into, text)
		}
	}
}

// What could not be read back is not written.
func TestWhatIsNotEncoded(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		rbac.Action(0), rbac.Action(3), rbac.Reason(200), rbac.Severity(0), rbac.Severity(4), rbac.Scope(4), rbac.Scope(255), access(4, 0), access(0, 4),
		rbac.Permissions{rbac.Deals: access(0, 9)}, rbac.Permissions{"A": access(rbac.All, 0)}, rbac.Permissions{"": {}},
		rbac.Role{Permissions: rbac.Permissions{rbac.Deals: access(9, 9)}},
	} {
		if m, ok := value.(encoding.TextMarshaler); ok {
			_, err := m.MarshalText()
			require.ErrorIs(t, err, rbac.ErrInvalid, "%T %v", value, value)
		}
		_, err := json.Marshal(value)
		require.ErrorIs(t, err, rbac.ErrInvalid, "%T %v", value, value)
	}
	_, err := rbac.Role{Name: "\xff"}.MarshalText()
	require.ErrorIs(t, err, rbac.ErrInvalid)
	for value, want := range map[any]string{
		rbac.Action(0): "Action(0)", rbac.Action(7): "Action(7)", rbac.Scope(4): "Scope(4)",
		rbac.Reason(200): "Reason(200)", rbac.Severity(0): "Severity(0)", rbac.Severity(9): "Severity(9)",
		access(4, 9): "read Scope(4), manage Scope(9)",
	} {
		require.Equal(t, want, reflect.ValueOf(value).MethodByName("String").Call(nil)[0].String())
	}
}

// Roles, members and events in JSON, exactly.
func TestRecordsInJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	role := rbac.Role{
		ID: "r1", Name: `Sales "lead" <é>`, Description: "Sells.", Version: 2, CreatedAt: at, UpdatedAt: at.Add(time.Hour),
		Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)},
	}
	member := rbac.Member{User: "ada", Role: "r1", Suspended: true, UpdatedAt: at}
	const roleForm = `{"id":"r1","name":"Sales \"lead\" \u003cé\u003e","description":"Sells.",` +
		`"permissions":{"deals":{"read":"all","manage":"own"}},"version":2,` +
		`"createdAt":"2026-03-01T12:00:00.123456Z","updatedAt":"2026-03-01T13:00:00.123456Z"}`
	const memberForm = `{"user":"ada","role":"r1","suspended":true,"updatedAt":"2026-03-01T12:00:00.123456Z"}`
	hash := [32]byte{0: 0xab, 31: 0x01}
	hashForm := "ab" + strings.Repeat("00", 30) + "01"
	for _, test := range []struct {
		value any // a pointer
		want  string
	}{
		{&role, roleForm},
		{&rbac.Role{Name: "New", Permissions: rbac.Permissions{}}, `{"name":"New","permissions":{}}`},
		{&rbac.Role{ID: "s", Name: "S", System: true, Permissions: rbac.Permissions{}}, `{"id":"s","name":"S","permissions":{},"system":true}`},
		{&member, memberForm},
		{&rbac.Member{User: "", Role: ""}, `{"user":"","role":""}`},
		{
			&rbac.Event{Seq: 7, Time: at, Kind: rbac.RoleUpdated, Actor: "ada", RoleBefore: &role, RoleAfter: &role, Hash: hash},
			`{"seq":7,"time":"2026-03-01T12:00:00.123456Z","kind":"role.updated","actor":"ada","roleBefore":` + roleForm +
				`,"roleAfter":` + roleForm + `,"hash":"` + hashForm + `"}`,
		},
		{
			&rbac.Event{Seq: 8, Time: at, Kind: rbac.MemberRemoved, Reason: "off-boarding", MemberBefore: &member, MemberAfter: &member},
			`{"seq":8,"time":"2026-03-01T12:00:00.123456Z","kind":"member.removed","reason":"off-boarding","memberBefore":` + memberForm +
				`,"memberAfter":` + memberForm + `}`,
		},
	} {
		form, err := json.Marshal(test.value)
		require.NoError(t, err)
		require.Equal(t, test.want, string(form))
		back := reflect.New(reflect.TypeOf(test.value).Elem())
		require.NoError(t, json.Unmarshal(form, back.Interface()))
		require.Equal(t, test.value, back.Interface())
	}
	form, err := json.Marshal(rbac.Role{Name: "New"})
	require.NoError(t, err)
	require.Equal(t, `{"name":"New","permissions":{}}`, string(form), "nil permissions are none")
	require.Equal(t, `Sales "lead" <é> (deals: read all, manage own)`, role.String())
	require.Equal(t, "New (no access)", rbac.Role{Name: "New"}.String())
}

// What reviews and checks answer with, exactly, and back.
func TestAnswersInJSON(t *testing.T) {
	t.Parallel()
	role := rbac.Role{ID: "r1", Name: "Sales", Permissions: rbac.Permissions{}}
	for _, test := range []struct {
		value any // a pointer
		want  string
	}{
		{
			&rbac.Decision{
				Allowed: true, Workspace: "acme", User: "ada", Area: rbac.Deals, Action: rbac.Read, Scope: rbac.Team,
				Role: "r1", RoleName: "Sales", Reason: rbac.ReasonTeamRecord, Revision: 7,
			},
			`{"allowed":true,"workspace":"acme","user":"ada","area":"deals","action":"read","scope":"team","role":"r1","roleName":"Sales","reason":"team-record","revision":7}`,
		},
		{&rbac.Decision{}, `{"allowed":false,"workspace":"","user":"","area":"","scope":"none","reason":"unavailable","revision":0}`},
		{
			&rbac.Finding{Code: rbac.FindingUnknownArea, Severity: rbac.Notice, Role: "r1", Area: "billing", Message: "So it is."},
			`{"code":"unknown-area","severity":"notice","role":"r1","area":"billing","message":"So it is."}`,
		},
		{&rbac.Finding{Code: rbac.FindingNoAdministrator, Severity: rbac.Danger}, `{"code":"no-administrator","severity":"danger","message":""}`},
		{&rbac.Finding{Code: rbac.FindingNoTeam, Severity: rbac.Warning}, `{"code":"no-team","severity":"warning","message":""}`},
		{
			&rbac.Holder{Member: rbac.Member{User: "ada", Role: "r1"}, RoleName: "Sales", Scope: rbac.Own, Delegate: true},
			`{"member":{"user":"ada","role":"r1"},"roleName":"Sales","scope":"own","delegate":true}`,
		},
		{
			&rbac.AreaInfo{
				Area: "exports", Label: "Exports", Description: "As a file.", Section: "Records", Owned: true, Sensitive: true,
				Only: rbac.Read, Former: []rbac.Area{"csv"}, OwnWords: "assigned to them",
			},
			`{"area":"exports","label":"Exports","description":"As a file.","section":"Records","owned":true,"sensitive":true,` +
				`"only":"read","former":["csv"],"ownWords":"assigned to them"}`,
		},
		{
			&rbac.Matrix{Areas: []rbac.AreaInfo{{Area: rbac.API, Label: "API"}}, Roles: []rbac.Role{role}},
			`{"areas":[{"area":"api","label":"API"}],"roles":[{"id":"r1","name":"Sales","permissions":{}}]}`,
		},
		{&rbac.FieldError{Field: "name", Problem: "is empty"}, `{"field":"name","problem":"is empty"}`},
	} {
		form, err := json.Marshal(test.value)
		require.NoError(t, err)
		require.Equal(t, test.want, string(form))
		back := reflect.New(reflect.TypeOf(test.value).Elem())
		require.NoError(t, json.Unmarshal(form, back.Interface()))
		require.Equal(t, test.value, back.Interface())
	}
}

// Every reason has a name of its own, which is read back.
func TestNamesOfReasons(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for reason := range rbac.Reason(255) {
		name, err := reason.MarshalText()
		if strings.HasPrefix(reason.String(), "Reason(") {
			require.ErrorIs(t, err, rbac.ErrInvalid)
			continue
		}
		require.NoError(t, err)
		require.NotEmpty(t, name, "%v", reason)
		require.False(t, names[string(name)], "%s", name)
		names[string(name)] = true
		var back rbac.Reason
		require.NoError(t, back.UnmarshalText(name))
		require.Equal(t, reason, back)
	}
	require.NotEmpty(t, names)
}

// An error of decoding is found through encoding/json.
func TestErrorsThroughEncodingJSON(t *testing.T) {
	t.Parallel()
	var form struct {
		Role rbac.Role `json:"role"`
	}
	err := json.Unmarshal([]byte(`{"role":{"permissions":{"deals":{"read":"any"}}}}`), &form)
	var v *rbac.ValidationError
	require.True(t, errors.As(err, &v))
	require.Equal(t, "permissions.deals.read", v.Fields[0].Field)
}

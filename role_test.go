package rbac_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

func FuzzRoleJSON(f *testing.F) {
	for _, seed := range []string{
		`{"name":"Sales lead","permissions":{"contacts":{"read":"all","manage":"own"}}}`,
		`{"id":"x1","name":"Ä","description":"d","permissions":{},"system":true,"version":3,"createdAt":"2025-01-02T03:04:05.000006Z","updatedAt":"2025-01-02T03:04:05+02:00"}`,
		`{}`, `null`, `[]`, `{"name":null}`, `{"name":"a","name":"b"}`, `{"Name":"a"}`, `{"name":"a","extra":1}`, `{"name":1}`,
		`{"permissions":null}`, `{"permissions":{"contacts":{"read":"all"},"contacts":{}}}`, `{"permissions":[]}`,
		`{"version":1.0}`, `{"version":1e3}`, `{"version":-1}`, `{"version":9223372036854775808}`, `{"version":"1"}`, `{"system":"true"}`, `{"system":null}`,
		`{"createdAt":"0001-01-01T00:00:00Z"}`, `{"createdAt":"0001-01-01T02:00:00+02:00"}`, `{"createdAt":"2025-01-02T03:04:05+24:00"}`,
		`{"createdAt":"2025-01-02T03:04:05,5Z"}`, `{"createdAt":"2025-01-02T3:04:05Z"}`, `{"createdAt":"0000-01-01T00:00:00+23:59"}`,
		`{"createdAt":"9999-12-31T23:59:59-23:59"}`, `{"createdAt":1}`, `{"createdAt":""}`, `{"createdAt":null}`, `{"updatedAt":"2025-01-02T03:04:05+00:00"}`,
		"{\"name\":\"\xff\"}", `{"name":"\ud800"}`, `{"name":"\u0000"}`, `{"na\u006de":"a"}`, `{"name":"a"}x`, `{"name":"<script>&\u2028"}`,
	} {
		f.Add([]byte(seed))
		if rest, ok := strings.CutPrefix(seed, "{"); ok {
			f.Add([]byte(`{"permissions":{},` + rest))
		}
	}
	for _, seed := range fuzzPermissionsSeeds {
		f.Add([]byte(`{"name":"Role","permissions":` + seed + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, ok := fuzzRole(data)
		role := rbac.Role{ID: "sentinel"}
		if err := role.UnmarshalJSON(data); (err == nil) != ok && !(ok && fuzzOddTimes(want)) {
			t.Fatalf("UnmarshalJSON: %v, want %+v, %v", err, want, ok)
		} else if err != nil {
			fuzzInvalid(t, err)
			if role.ID != "sentinel" || role.Name != "" || role.Permissions != nil {
				t.Fatalf("a failed UnmarshalJSON left %+v", role)
			}
			return
		}
		if !fuzzSameRole(role, want) {
			t.Fatalf("decoded %+v, want %+v", role, want)
		}
		fuzzAgain(t, role, fuzzSameRole)
	})
}

// fuzzRole reads what Role.UnmarshalJSON is to read, and nothing else.
func fuzzRole(data []byte) (role rbac.Role, ok bool) {
	object, ok := fuzzObject(data)
	if !ok {
		return role, false
	}
	for key, value := range object {
		var s string
		var t time.Time
		s, ok = fuzzString(value)
		switch key {
		case "id":
			role.ID = rbac.RoleID(s)
		case "name":
			role.Name = s
		case "description":
			role.Description = s
		case "permissions":
			role.Permissions, ok = fuzzPermissions(value)
		case "system":
			text := string(bytes.TrimSpace(value))
			role.System, ok = text == "true", text == "true" || text == "false"
		case "version":
			ok = !bytes.Equal(bytes.TrimSpace(value), []byte("null")) && json.Unmarshal(value, &role.Version) == nil
		case "createdAt":
			ok = ok && t.UnmarshalJSON(value) == nil
			role.CreatedAt = t
		case "updatedAt":
			ok = ok && t.UnmarshalJSON(value) == nil
			role.UpdatedAt = t
		default:
			ok = false
		}
		if !ok {
			return role, false
		}
	}
	return role, role.Permissions != nil
}

// fuzzOddTimes reports whether a role has a time that RFC 3339 does not have,
// or does not have in UTC, but time.Time decodes. It may be refused; if not, it
// must be encoded again like any other.
func fuzzOddTimes(role rbac.Role) bool {
	return slices.ContainsFunc([]time.Time{role.CreatedAt, role.UpdatedAt}, func(t time.Time) bool {
		_, err := t.MarshalJSON()
		return err != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999
	})
}

func fuzzSameRole(a, b rbac.Role) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description && a.System == b.System &&
		a.Version == b.Version && a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt) &&
		maps.Equal(granted(a.Permissions), granted(b.Permissions))
}

// A list is part of a role's text and JSON.
func TestRoleWithAListIsEncoded(t *testing.T) {
	t.Parallel()
	for text, role := range map[string]rbac.Role{
		"Help desk (no access), assigns sales":                  {Name: "Help desk", Assigns: []rbac.RoleID{"sales"}},
		"Lead (old) (deals: read team), assigns r-1_x.y, sales": {Name: "Lead (old)", Permissions: reads(rbac.Team), Assigns: []rbac.RoleID{"r-1_x.y", "sales"}},
		"A (b), assigns c (no access)":                          {Name: "A (b), assigns c"},
		"A (b), assigns c (deals: read team), assigns d":        {Name: "A (b), assigns c", Permissions: reads(rbac.Team), Assigns: []rbac.RoleID{"d"}},
		"Sales (deals: read own)":                               {Name: "Sales", Permissions: reads(rbac.Own)},
	} {
		if got := role.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		var back rbac.Role
		if err := back.UnmarshalText([]byte(text)); err != nil || back.String() != text || !slices.Equal(back.Assigns, role.Assigns) || back.Name != role.Name {
			t.Errorf("%q came back as %+v, %v", text, back, err)
		}
		form, err := json.Marshal(role)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(form), `"assigns"`) != (len(role.Assigns) > 0) {
			t.Errorf("got %s", form)
		}
		back = rbac.Role{}
		if err := json.Unmarshal(form, &back); err != nil || !slices.Equal(back.Assigns, role.Assigns) {
			t.Errorf("%s came back as %+v, %v", form, back, err)
		}
	}
	for _, id := range []rbac.RoleID{"a b", "a,b", "", "é)", "\n"} {
		if text, err := (rbac.Role{Name: "Desk", Assigns: []rbac.RoleID{id}}).MarshalText(); err == nil {
			var back rbac.Role
			if err := back.UnmarshalText(text); err != nil || !slices.Equal(back.Assigns, []rbac.RoleID{id}) {
				t.Errorf("%q became %q, which is %q, %v", id, text, back.Assigns, err)
			}
		}
	}
	for _, text := range []string{"Desk (no access), assigns ", "Desk (no access), assigns a b", "Desk (no access), assigns a,b", "Desk (no access), assigns a, , b", "Desk, assigns a"} {
		back := rbac.Role{Name: "sentinel"}
		if err := back.UnmarshalText([]byte(text)); err == nil || back.Name != "sentinel" {
			t.Errorf("%q is %+v, %v", text, back, err)
		}
	}
	for _, form := range []string{`{"name":"a","permissions":{},"assigns":"x"}`, `{"name":"a","permissions":{},"assigns":[1]}`} {
		if err := json.Unmarshal([]byte(form), new(rbac.Role)); err == nil {
			t.Errorf("%s is a role", form)
		}
	}
}

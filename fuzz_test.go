package rbac_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// fuzzObject reads a JSON object with a reader of its own: ok is false if it is
// not one object alone, or has a key twice.
func fuzzObject(data []byte) (object map[string]json.RawMessage, ok bool) {
	if !json.Valid(data) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	object = map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		if _, twice := object[key.(string)]; twice {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		object[key.(string)] = value
	}
	return object, true
}

func fuzzString(data json.RawMessage) (s string, ok bool) {
	ok = len(data) > 0 && data[0] == '"' && json.Unmarshal(data, &s) == nil
	return s, ok
}

var fuzzAreaName = regexp.MustCompile(`\A[a-z][a-z0-9._-]{0,63}\z`)

// fuzzPermissions reads what Permissions.UnmarshalJSON is to read, and nothing
// else.
func fuzzPermissions(data []byte) (p oraclePerms, ok bool) {
	object, ok := fuzzObject(data)
	if !ok {
		return nil, false
	}
	scopes := map[string]int{"none": 0, "own": 1, "all": 2}
	p = oraclePerms{}
	for area, value := range object {
		access, ok := fuzzObject(value)
		if !ok || !fuzzAreaName.MatchString(area) {
			return nil, false
		}
		var a oracleAccess
		for action, value := range access {
			name, ok := fuzzString(value)
			scope, known := scopes[name]
			switch {
			case !ok || !known:
				return nil, false
			case action == "read":
				a.read = scope
			case action == "manage":
				a.manage = scope
			default:
				return nil, false
			}
		}
		p[area] = a
	}
	return p.granted(), true
}

var fuzzPermissionsSeeds = []string{
	`{}`, ` { } `, `null`, `[]`, `""`, ``, `{`, `{"contacts"`, `{"contacts":`, `{"contacts":{}}`, `{"contacts":null}`,
	`{"contacts":{"read":"all","manage":"own"},"deals":{"read":"own","manage":"none"}}`,
	`{"contacts":{"read":"all"},"contacts":{"read":"none"}}`,
	`{"contacts":{"read":"all","re\u0061d":"none"}}`,
	`{"contacts":{"Read":"all"}}`, `{"contacts":{"read":"All"}}`, `{"contacts":{"read":2}}`, `{"contacts":{"read":null}}`,
	`{"contacts":{"read":"all",}}`, `{"contacts":{"read":"all"},}`, `{"contacts":{"read":"all"}} {}`, `{"contacts":{"read":"all"}}}`,
	`{"Contacts":{"read":"all"}}`, `{"":{"read":"all"}}`, `{"a b":{"read":"all"}}`, `{"9lives":{"read":"all"}}`,
	`{"` + strings.Repeat("a", 64) + `":{"read":"all"}}`, `{"` + strings.Repeat("a", 65) + `":{"read":"all"}}`,
	`{"api":{"read":"own","manage":"own"},"reports.monthly_2":{"manage":"all"}}`,
	`{"contacts":{"delete":"all"}}`, `{"contacts":"read all"}`, "{\"cont\xffacts\":{\"read\":\"all\"}}", "\ufeff{}",
	`{"contacts":{"read":"all"}//` + "\n}", `{"contacts" {"read":"all"}}`, `{1:{"read":"all"}}`, `{"deals":{"read":"\u0061ll"}}`,
}

func FuzzPermissionsJSON(f *testing.F) {
	for _, seed := range fuzzPermissionsSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, ok := fuzzPermissions(data)
		sentinel := rbac.Permissions{"sentinel": {Read: rbac.Own}}
		p := maps.Clone(sentinel)
		if err := p.UnmarshalJSON(data); (err == nil) != ok {
			t.Fatalf("UnmarshalJSON: %v, want %v, %v", err, want, ok)
		} else if err != nil {
			fuzzInvalid(t, err)
			if !maps.Equal(p, sentinel) {
				t.Fatalf("a failed UnmarshalJSON left %v", p)
			}
			return
		}
		if !maps.Equal(oraclePermsOf(p), want) {
			t.Fatalf("decoded %v, want %v", p, want)
		}
		var through rbac.Permissions
		if err := json.Unmarshal(data, &through); err != nil || !maps.Equal(through, p) {
			t.Fatalf("through encoding/json: %v, %v, want %v", through, err, p)
		}
		fuzzAgain(t, p, maps.Equal)
		fuzzTextAgain(t, p)
	})
}

// fuzzInvalid sees that an error of decoding is a ValidationError that says
// something.
func fuzzInvalid(t *testing.T, err error) {
	t.Helper()
	var v *rbac.ValidationError
	if !errors.Is(err, rbac.ErrInvalid) || !errors.As(err, &v) || len(v.Fields) == 0 || v.Fields[0].Problem == "" {
		t.Fatalf("%#v is no ValidationError that says what is wrong", err)
	}
	if text := err.Error(); !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Fatalf("the error has what it complains about in it: %q", text)
	}
}

// fuzzAgain sees that what was decoded is encoded as something that is decoded
// to the same, and encoded as the same.
func fuzzAgain[T any](t *testing.T, v T, same func(a, b T) bool) {
	t.Helper()
	first, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%+v cannot be encoded: %v", v, err)
	}
	var again T
	if err := json.Unmarshal(first, &again); err != nil || !same(v, again) {
		t.Fatalf("%s is decoded as %+v, %v, want %+v", first, again, err, v)
	}
	second, err := json.Marshal(again)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("encoded as %s, then as %s, %v", first, second, err)
	}
}

// fuzzTextAgain is fuzzAgain for the text form.
func fuzzTextAgain(t *testing.T, p rbac.Permissions) {
	t.Helper()
	text, err := p.MarshalText()
	if err != nil {
		t.Fatalf("%v has no text: %v", p, err)
	}
	var again rbac.Permissions
	if err := again.UnmarshalText(text); err != nil || !maps.Equal(oraclePermsOf(again), oraclePermsOf(p)) {
		t.Fatalf("%q is read as %v, %v", text, again, err)
	}
	if second := again.String(); second != string(text) {
		t.Fatalf("written as %q, then as %q", text, second)
	}
}

func FuzzPermissionsText(f *testing.F) {
	for _, seed := range []string{
		"no access", " no access\n", "", ";", ":", "contacts", "contacts:", "contacts: read all", "contacts: no access",
		"contacts: read all, manage own; deals: read own", "contacts:read all;deals:manage own", "contacts : read all ; ",
		"contacts: read all; contacts: read own", "contacts: read all, read own", "contacts: read none, read all",
		"contacts: manage none, manage none", "contacts: read  all", "contacts: Read all", "contacts: read all manage own",
		"Contacts: read all", "a b: read all", "contacts: read all, manage", "contacts:: read all", "contacts: no access, read all",
		"users: read all, manage all; api: manage all; audit: read all", "contacts: read\u00a0all", "\xff: read all", "con\x00tacts: read all",
		strings.Repeat("a", 64) + ": manage own", strings.Repeat("a", 65) + ": manage own",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sentinel := rbac.Permissions{"sentinel": {Read: rbac.Own}}
		p := maps.Clone(sentinel)
		if err := p.UnmarshalText([]byte(text)); err != nil {
			fuzzInvalid(t, err)
			if !maps.Equal(p, sentinel) {
				t.Fatalf("a failed UnmarshalText left %v", p)
			}
			return
		}
		fuzzTextAgain(t, p)
		fuzzAgain(t, rbac.Permissions(oraclePermsOf(p).library()), maps.Equal)
		fuzzTextSays(t, text, p)
	})
}

// fuzzTextSays sees that permissions are what a text says, word for word: that
// nothing in it is unknown, there twice, or lost.
func fuzzTextSays(t *testing.T, text string, p rbac.Permissions) {
	t.Helper()
	said := map[string]string{}
	for _, part := range strings.Split(text, ";") {
		area, accesses, _ := strings.Cut(part, ":")
		area = strings.TrimSpace(area)
		if strings.TrimSpace(text) == "no access" {
			break
		}
		if !fuzzAreaName.MatchString(area) || said[area] != "" {
			t.Fatalf("%q is read as %v, but %q is malformed or there twice", text, p, area)
		}
		said[area] = "said"
		if strings.TrimSpace(accesses) == "no access" {
			continue
		}
		for _, access := range strings.Split(accesses, ",") {
			action, scope, _ := strings.Cut(strings.TrimSpace(access), " ")
			if said[area+":"+action] != "" {
				t.Fatalf("%q is read as %v, but %s of %s is there twice", text, p, action, area)
			}
			said[area+":"+action] = scope
		}
	}
	for key, scope := range said {
		area, action, isAction := strings.Cut(key, ":")
		a := p[rbac.Area(area)]
		if isAction && !(action == "read" && a.Read.String() == scope || action == "manage" && a.Manage.String() == scope) {
			t.Fatalf("%q is read as %v, but it says %s %s %s", text, p, area, action, scope)
		}
	}
	for area, a := range p {
		if a.Read != rbac.None && said[string(area)+":read"] == "" || a.Manage != rbac.None && said[string(area)+":manage"] == "" {
			t.Fatalf("%q is read as %v, which it does not say", text, p)
		}
	}
}

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
			var p oraclePerms
			p, ok = fuzzPermissions(value)
			role.Permissions = p.library()
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
	return role, true
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
		maps.Equal(oraclePermsOf(a.Permissions), oraclePermsOf(b.Permissions))
}

package rbac_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
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
	ok = len(data) > 0 && data[0] == '"' && utf8.Valid(data) && json.Unmarshal(data, &s) == nil
	return s, ok
}

var fuzzAreaName = regexp.MustCompile(`\A[a-z][a-z0-9._-]{0,63}\z`)

// fuzzPermissions reads what Permissions.UnmarshalJSON is to read, and nothing
// else.
func fuzzPermissions(data []byte) (p rbac.Permissions, ok bool) {
	object, ok := fuzzObject(data)
	if !ok {
		return nil, false
	}
	scopes := map[string]rbac.Scope{"none": rbac.None, "own": rbac.Own, "all": rbac.All}
	p = rbac.Permissions{}
	for area, value := range object {
		access, ok := fuzzObject(value)
		if !ok || !fuzzAreaName.MatchString(area) {
			return nil, false
		}
		var a rbac.Access
		for action, value := range access {
			name, ok := fuzzString(value)
			scope, known := scopes[name]
			switch {
			case !ok || !known:
				return nil, false
			case action == "read":
				a.Read = scope
			case action == "manage":
				a.Manage = scope
			default:
				return nil, false
			}
		}
		p[rbac.Area(area)] = a
	}
	return granted(p), true
}

// granted is p without the areas that grant nothing.
func granted(p rbac.Permissions) rbac.Permissions {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(_ rbac.Area, a rbac.Access) bool { return a == rbac.Access{} })
	return out
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
		if !maps.Equal(granted(p), want) {
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
	if err := again.UnmarshalText(text); err != nil || !maps.Equal(granted(again), granted(p)) {
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
		fuzzAgain(t, granted(p), maps.Equal)
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

// Two Subjects don't tell who holds more: somebody who is suspended may do
// nothing, and holds their role. A change that changes nothing is judged by
// the rules, and so tells.
func TestCoversIsNoQuestionAboutMembers(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	require.NoError(t, c.W.As("ada").Suspend(ctx, "abe"))
	max, err := c.W.Subject(ctx, "max")
	require.NoError(t, err)
	abe, err := c.W.Subject(ctx, "abe")
	require.NoError(t, err)
	require.True(t, max.Permissions().Covers(abe.Permissions()))
	mayActFor := func(user string) (err error) {
		update(t, c.Store, "", func(tx rbac.Tx) error {
			member, e := tx.Member(user)
			if e == nil {
				err = c.W.In(rbac.TxStore("", tx)).AsSubject(max).Assign(ctx, member.Role, user)
			}
			return e
		})
		return err
	}
	unchanged(t, c.Store, "", func() {
		require.ErrorIs(t, mayActFor("abe"), rbac.ErrEscalation)
		require.ErrorIs(t, mayActFor("stan"), rbac.ErrEscalation)
		require.NoError(t, mayActFor("cleo"))
		require.NoError(t, mayActFor("cody"), "who is suspended")
	})
}

// Every pair of accesses: what covers, misses, joins and meets what.
func TestPermissionsCompared(t *testing.T) {
	t.Parallel()
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.All}
	of := func(a rbac.Access) rbac.Permissions { return rbac.Permissions{rbac.Deals: a} }
	least := func(a, b rbac.Scope) rbac.Scope { return min(a, b) }
	beyond := func(have, want rbac.Scope) rbac.Scope {
		if want > have {
			return want
		}
		return rbac.None
	}
	for _, r1 := range scopes {
		for _, m1 := range scopes {
			for _, r2 := range scopes {
				for _, m2 := range scopes {
					a, b := of(access(r1, m1)), of(access(r2, m2))
					require.Equal(t, r1 >= r2 && m1 >= m2, a.Covers(b), "%v covers %v", a, b)
					require.Equal(t, granted(of(access(beyond(r1, r2), beyond(m1, m2)))), a.Missing(b), "%v misses of %v", a, b)
					require.Equal(t, granted(of(access(max(r1, r2), max(m1, m2)))), a.Union(b), "%v or %v", a, b)
					require.Equal(t, granted(of(access(least(r1, r2), least(m1, m2)))), a.Intersect(b), "%v and %v", a, b)
				}
			}
			a := of(access(r1, m1))
			require.Equal(t, r1, a.Scope(rbac.Deals, rbac.Read))
			require.Equal(t, m1, a.Scope(rbac.Deals, rbac.Manage))
			require.Equal(t, rbac.None, a.Scope(rbac.Tasks, rbac.Manage))
			require.Equal(t, m1 == rbac.All, a.Can(rbac.Deals, rbac.Manage))
		}
	}
}

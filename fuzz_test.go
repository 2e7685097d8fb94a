package rbac_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
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

// A name either is ErrInvalid or can be used, and then it is taken in all the
// ways to write it that differ in case and blanks.
func FuzzRoleName(f *testing.F) {
	for _, seed := range []string{
		"Sales lead", " Sales  lead ", "SALES LEAD", "Administrator", "administrator ", "ADMIN\u200bISTRATOR", "\uff21dministrator", "Auditor",
		"Straße", "STRASSE", "É", "E\u0301", "ﬁnance", "İstanbul", "ılık", "ΑΣ", "ας", "\u1fb3\u0301", "\u0345", "ǅ", "가나", "한글",
		"", " ", "\u3000", "\u200b", "\u00ad", "a\tb", "a\u0085", "a\x00", "\xff", "\ufffd", "\u2028", "\u202eevil", "=cmd()", "<b>", "營業",
		strings.Repeat("n", 80), strings.Repeat("n", 81), strings.Repeat("é", 80), strings.Repeat("ﷺ", 80), "👩‍👩‍👧", "a\ufe0f", "\U000e0041x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ctx := t.Context()
		az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithSystemRoles(rbac.Role{ID: "auditor", Name: "Auditor"}))
		if err != nil {
			t.Fatal(err)
		}
		defer az.Close()
		admin := az.System("fuzz")
		role, err := admin.CreateRole(ctx, rbac.Role{Name: name})
		if good := oracleGoodName(name); good == errors.Is(err, rbac.ErrInvalid) {
			t.Fatalf("CreateRole(%q): %v, want it to be good: %v", name, err, good)
		}
		first := rbac.ErrNameTaken
		switch {
		case err == nil:
			fuzzCreated(t, az, role, name)
		case errors.Is(err, rbac.ErrInvalid):
			fuzzInvalid(t, err)
			first = rbac.ErrInvalid
		case errors.Is(err, rbac.ErrProtectedRole):
			first = rbac.ErrProtectedRole
		default:
			t.Fatalf("CreateRole(%q): %v", name, err)
		}
		before, _ := az.Roles(ctx)
		for _, variant := range fuzzVariants(name) {
			if first == rbac.ErrInvalid || !oracleGoodName(variant) {
				continue
			}
			if other, err := admin.CreateRole(ctx, rbac.Role{Name: variant}); !errors.Is(err, first) {
				t.Fatalf("CreateRole(%q) after %q: %+v, %v, want %v", variant, name, other, err, first)
			}
		}
		if after, _ := az.Roles(ctx); len(after) != len(before) {
			t.Fatalf("refused names left roles: %v", after)
		}
		if err := az.VerifyEvents(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// fuzzCreated sees that a role with a good name can be found, shown and saved
// again, and that its holder may hold it.
func fuzzCreated(t *testing.T, az *rbac.Authorizer, role rbac.Role, name string) {
	t.Helper()
	ctx := t.Context()
	if role.Name != strings.TrimSpace(name) {
		t.Fatalf("%q was stored as %q", name, role.Name)
	}
	admin := az.System("fuzz")
	if err := admin.Assign(ctx, role.ID, "eve"); err != nil {
		t.Fatal(err)
	}
	roles, err := az.Roles(ctx)
	if err != nil || !slices.ContainsFunc(roles, func(r rbac.Role) bool { return sameRole(r, role) }) {
		t.Fatalf("Roles: %v, %v, want %v among them", roles, err, role)
	}
	d, err := az.Explain(ctx, "eve", rbac.Contacts, rbac.Read)
	if err != nil || d.RoleName != role.Name || d.Reason != rbac.ReasonNotGranted {
		t.Fatalf("Explain: %+v, %v", d, err)
	}
	role.Permissions = rbac.Permissions{rbac.Contacts: {Read: rbac.All}}
	updated, err := admin.UpdateRole(ctx, role)
	if err != nil || updated.Version != 2 || !az.Can(ctx, "eve", rbac.Contacts, rbac.Read) {
		t.Fatalf("UpdateRole: %+v, %v", updated, err)
	}
	fuzzAgain(t, updated, fuzzSameRole)
	m, err := az.Matrix(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range []func(io.Writer) error{m.WriteText, m.WriteMarkdown, m.WriteCSV} {
		if err := write(io.Discard); err != nil {
			t.Fatal(err)
		}
	}
}

// fuzzVariants returns other ways to write a name. Upper and lower case are
// left alone where Unicode says that they are not the same letter (dotted and
// dotless i), or that the order of marks changes (the iota subscript).
func fuzzVariants(name string) []string {
	variants := []string{
		name, " " + name, name + " ", "\u00a0" + name + "\u3000", strings.TrimSpace(name),
		strings.ReplaceAll(name, " ", "  "), strings.ReplaceAll(name, " ", "\u00a0"),
	}
	if !strings.ContainsAny(name, "İı\u0345") {
		variants = append(variants, strings.ToUpper(name), strings.ToLower(name), strings.ToLower(strings.ToUpper(name))+" ")
	}
	return variants
}

// FuzzAdmin is TestRandomHistories with a program of bytes that makes the
// choices: who does what to whom, through which Authorizer.
func FuzzAdmin(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\x02\x00\x00\x01\x05\x0b\x00\x04\x01\x00",
		strings.Repeat("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 8),
		strings.Repeat("\x0b\x07\x05\x03\x02\x01", 30), strings.Repeat("\x00\x00\x05\x01\x09\x02", 30), strings.Repeat("\x05\x04\x0b\x06", 40),
		"The quick brown fox jumps over the lazy dog, and everybody who watches is suspended, reinstated and removed in turn.",
		"\x07\x01\x01" + strings.Repeat("\x01\x05\x00\x09\x05\x02\x00\x08\x00\x00", 20),
	} {
		f.Add([]byte(seed))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		program := make([]byte, 500)
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 2000 {
			t.Skip("longer than a program needs to be")
		}
		c := byteChoice{&program}
		h := newHistory(t, c, "fuzz")
		for !c.ended() {
			h.step()
		}
		h.end()
	})
}

// tamperedStore shows events other than those that it holds.
type tamperedStore struct {
	rbac.Store
	events   []rbac.Event
	revision rbac.Revision
}

func (s *tamperedStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(tamperedReader{r, s}) })
}

type tamperedReader struct {
	rbac.Reader
	store *tamperedStore
}

func (r tamperedReader) Revision() (rbac.Revision, error) { return r.store.revision, nil }

func (r tamperedReader) Events(rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) {
		for _, e := range r.store.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// tamperTest is a workspace whose history has every kind of event, in a store
// that can show another history.
type tamperTest struct {
	*tamperedStore
	w        *rbac.Workspace
	original []rbac.Event
	newest   rbac.Revision
}

func newTamperTest(t testing.TB) *tamperTest {
	t.Helper()
	store, original, newest := fuzzChain(t)
	s := &tamperedStore{Store: store}
	az, err := rbac.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = az.Close() })
	return &tamperTest{s, az.For("acme"), original, newest}
}

// run tampers as a program of four bytes a time says. VerifyEvents must be nil
// if and only if the chain is then as it was recorded, and else name the first
// number at which it is not.
func (v *tamperTest) run(t testing.TB, program []byte, text string) {
	t.Helper()
	v.events, v.revision = slices.Clone(v.original), v.newest
	var did []string
	for ; len(program) >= 4 && len(did) < 3; program = program[4:] {
		did = append(did, v.tamper(program[0]%tamperings, int(program[1]), int(program[2]), int(program[3]), text))
	}
	err := v.w.VerifyEvents(context.Background())
	want, broken := firstBroken(v.original, v.events, v.revision)
	var tampered *rbac.TamperedError
	switch {
	case !broken && err != nil:
		t.Fatalf("%v: VerifyEvents = %v, but nothing is different", did, err)
	case !broken:
	case !errors.Is(err, rbac.ErrTampered) || !errors.As(err, &tampered):
		t.Fatalf("%v: VerifyEvents = %v, want ErrTampered at %d", did, err, want)
	case tampered.Seq != want:
		t.Fatalf("%v: VerifyEvents = %v, want it at %d", did, err, want)
	}
}

func TestVerifyEventsFindsEveryTampering(t *testing.T) {
	t.Parallel()
	v := newTamperTest(t)
	for how := range byte(tamperings) {
		for at := range byte(len(v.original)) {
			for other := range byte(12) {
				for _, value := range []byte{0, 1, 2, 3, 4, 127, 128, 129, 130, 255} {
					v.run(t, []byte{how, at, other, value}, "x")
				}
			}
		}
	}
}

func FuzzVerifyEvents(f *testing.F) {
	for how := range byte(tamperings) {
		f.Add([]byte{how, 3, 2, 1}, "x")
	}
	f.Add([]byte{}, "")
	f.Add([]byte{2, 4, 7, 0, 2, 4, 7, 0}, "there and back")
	f.Add([]byte{0, 11, 0, 0, 3, 11, 0, 0}, "ada")
	f.Add([]byte{7, 11, 0, 0, 6, 0, 0, 116, 0, 0, 0, 0}, "nothing is left")
	v := newTamperTest(f)
	f.Fuzz(func(t *testing.T, program []byte, text string) {
		v.run(t, program, text)
	})
}

// fuzzChain makes a workspace whose history has every kind of event.
func fuzzChain(f testing.TB) (rbac.Store, []rbac.Event, rbac.Revision) {
	f.Helper()
	ctx, store := context.Background(), rbac.NewMemStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		f.Fatal(err)
	}
	defer az.Close()
	w := az.For("acme")
	check := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	check(w.System("sign-up").Assign(ctx, rbac.Administrator, "ada", "bob"))
	ada := w.As("ada")
	role, err := ada.CreateRole(ctx, rbac.Role{Name: "Sales \"lead\" & <co>", Description: "x", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}, rbac.API: {Read: rbac.All},
	}})
	check(err)
	check(ada.Assign(ctx, role.ID, "cem", "dee", "bob"))
	check(ada.Suspend(ctx, "cem"))
	role.Name, role.Permissions = "Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own}}
	_, err = ada.UpdateRole(ctx, role)
	check(err)
	check(ada.Reinstate(ctx, "cem"))
	check(w.System("clean up").Remove(ctx, "cem", "dee", "bob"))
	check(ada.DeleteRole(ctx, role.ID))
	var events []rbac.Event
	for e, err := range w.Events(ctx, rbac.EventQuery{}) {
		check(err)
		events = append(events, e)
	}
	return store, events, events[len(events)-1].Revision()
}

const tamperings = 12

// tamper changes something and says what.
func (s *tamperedStore) tamper(how byte, at, other, value int, text string) string {
	if len(s.events) == 0 {
		return "nothing is left"
	}
	i, j := at%len(s.events), other%len(s.events)
	switch how {
	case 0:
		s.events = slices.Delete(s.events, i, i+1)
		return fmt.Sprintf("removed the event at %d", i)
	case 1:
		s.events = s.events[:i]
		return fmt.Sprintf("removed all from %d on", i)
	case 2:
		s.events[i], s.events[j] = s.events[j], s.events[i]
		return fmt.Sprintf("swapped %d and %d", i, j)
	case 3:
		if i > 0 {
			s.revision = s.events[i-1].Revision()
		} else {
			s.revision = rbac.Revision{}
		}
		return fmt.Sprintf("set the revision back to %d", i)
	case 4:
		s.events = slices.Insert(s.events, j, s.events[i])
		return fmt.Sprintf("copied %d to %d", i, j)
	case 5:
		s.revision.Hash[at%32] ^= byte(value)
		return "changed the revision's hash"
	case 6:
		s.revision.Seq += int64(value) - 128
		return "changed the revision's number"
	case 7:
		s.events = s.events[i:]
		return fmt.Sprintf("removed all before %d", i)
	}
	return s.edit(how, i, other, value, text)
}

// edit changes a part of one event.
func (s *tamperedStore) edit(how byte, i, other, value int, text string) string {
	e := s.events[i]
	switch how {
	case 8:
		e.Hash[other%32] ^= byte(value)
	case 9:
		e.Seq = int64(value) - 128
	case 10:
		e.Time = e.Time.Add(time.Duration(value-128) * time.Microsecond)
	default:
		fuzzEditText(&e, other, value, text)
	}
	s.events[i] = e
	return fmt.Sprintf("edited %d in way %d", i, how)
}

// fuzzEditText changes what an event says.
func fuzzEditText(e *rbac.Event, other, value int, text string) {
	role := func(r *rbac.Role) *rbac.Role {
		if r == nil {
			return &rbac.Role{Name: text}
		}
		c := *r
		switch value % 5 {
		case 0:
			c.Name = text
		case 1:
			c.Description = text
		case 2:
			c.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.Scope(value % 3)}}
		case 3:
			c.Version += int64(value)
		case 4:
			c.ID = rbac.RoleID(text)
		}
		return &c
	}
	member := func(m *rbac.Member) *rbac.Member {
		if m == nil {
			return &rbac.Member{User: text, Role: "x"}
		}
		c := *m
		switch value % 4 {
		case 0:
			c.User = text
		case 1:
			c.Role = rbac.RoleID(text)
		case 2:
			c.Suspended = !c.Suspended
		case 3:
			c.UpdatedAt = c.UpdatedAt.Add(time.Duration(value) * time.Microsecond)
		}
		return &c
	}
	switch other % 11 {
	case 0:
		e.Actor = text
	case 1:
		e.Reason = text
	case 2:
		e.Kind = rbac.EventKind(text)
	case 3:
		e.RoleBefore = role(e.RoleBefore)
	case 4:
		e.RoleAfter = role(e.RoleAfter)
	case 5:
		e.MemberBefore = member(e.MemberBefore)
	case 6:
		e.MemberAfter = member(e.MemberAfter)
	case 7:
		e.RoleBefore, e.RoleAfter = e.RoleAfter, e.RoleBefore
	case 8:
		e.MemberBefore, e.MemberAfter = e.MemberAfter, e.MemberBefore
	case 9:
		e.RoleBefore, e.RoleAfter = nil, nil
	case 10:
		e.Actor, e.Reason = e.Reason, e.Actor
	}
}

// firstBroken compares events with those recorded, and returns the first number
// that is not as it was. A history that was cut together with its revision is
// whole: only who knows a later one can tell.
func firstBroken(original, events []rbac.Event, claimed rbac.Revision) (seq int64, broken bool) {
	for i, e := range events {
		position := int64(i + 1)
		if i < len(original) && sameEvent(e, original[i]) {
			continue
		}
		if 0 < e.Seq && e.Seq < position {
			return e.Seq, true // it is there a second time
		}
		return position, true
	}
	last := rbac.Revision{}
	if len(events) > 0 {
		last = events[len(events)-1].Revision()
	}
	switch {
	case claimed.Seq < last.Seq:
		return max(claimed.Seq, 0) + 1, true
	case claimed.Seq > last.Seq:
		return last.Seq + 1, true
	}
	return last.Seq, claimed != last
}

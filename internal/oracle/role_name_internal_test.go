package oracle

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

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
			var v *rbac.ValidationError
			if !errors.As(err, &v) || len(v.Fields) == 0 || v.Fields[0].Problem == "" {
				t.Fatalf("%#v is no ValidationError that says what is wrong", err)
			}
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
	var again rbac.Role
	if err := json.Unmarshal([]byte(workspacetest.Text(updated)), &again); err != nil || !sameRole(updated, again) {
		t.Fatalf("%+v is decoded as %+v, %v", updated, again, err)
	}
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

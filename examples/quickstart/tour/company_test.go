package tour

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

func TestEmbeddedCompanyIsBelievable(t *testing.T) {
	c, err := readCompany(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.users()); n < 40 {
		t.Errorf("%d people, want at least 40", n)
	}
	if n := len(c.Roles); n < 6 {
		t.Errorf("%d roles, want at least 6", n)
	}
	if n := len(c.Administrators); n != 2 {
		t.Errorf("%d administrators, want 2", n)
	}
	if n := len(c.inState(true)); n < 1 || n > 2 {
		t.Errorf("%d suspended members, want 1 or 2", n)
	}
	members := map[string]int{}
	for _, p := range c.People {
		members[p.Role]++
	}
	for _, role := range c.Roles {
		if members[role.Name] == 0 {
			t.Errorf("nobody has the role %q", role.Name)
		}
		if role.Description == "" {
			t.Errorf("the role %q has no description", role.Name)
		}
	}
}

func TestMalformedFiles(t *testing.T) {
	finance := `{"name": "Finance", "permissions": {"deals": {"read": "all"}}}`
	for _, test := range []struct {
		name, file, want string
		is               error // the library's error, if it is the library that refuses
	}{
		{
			"a scope that does not exist",
			roles(`{"name": "Finance", "permissions": {"deals": {"read": "everything"}}}`),
			`role "Finance": permissions.deals.read: "everything" is not a scope: want none, own, team or all`, rbac.ErrInvalid,
		},
		{
			"an action that does not exist",
			roles(`{"permissions": {"deals": {"write": "all"}}, "name": "Finance"}`),
			`role "Finance": permissions.deals.write: is not an action: want read or manage`, rbac.ErrInvalid,
		},
		{
			"an area that does not exist",
			roles(`{"name": "Finance", "permissions": {"invoices": {"read": "all"}}}`),
			`role "Finance": permissions.invoices: is not an area of this program`, rbac.ErrInvalid,
		},
		{
			"an area that is there twice",
			roles(`{"name": "Finance", "permissions": {"deals": {"read": "own"}, "deals": {"read": "all"}}}`),
			`role "Finance": permissions.deals: is there twice`, rbac.ErrInvalid,
		},
		{
			"own records where records have no owners",
			roles(`{"name": "Finance", "permissions": {"audit": {"read": "own"}}}`),
			`role "Finance": permissions.audit.read: own has no meaning here: records of this area have no owners`, rbac.ErrInvalid,
		},
		{
			"an unknown key of a role",
			roles(`{"name": "Finance", "colour": "red", "permissions": {}}`),
			`role "Finance": colour: is not known`, rbac.ErrInvalid,
		},
		{
			"a role with an id",
			roles(`{"id": "finance", "name": "Finance", "permissions": {}}`),
			`role "Finance": id: must be empty: the library gives new roles their id`, rbac.ErrInvalid,
		},
		{
			"several fields of one role",
			roles(`{"name": "Finance", "description": "` + strings.Repeat("x", 501) + `", "permissions": {"invoices": {"read": "all"}}}`),
			`role "Finance": description: has 501 characters, more than 500; permissions.invoices: is not an area of this program`,
			rbac.ErrInvalid,
		},
		{
			"a role without a name",
			roles(finance, `{"permissions": {}}`),
			`role 2: name: is empty`, rbac.ErrInvalid,
		},
		{
			"a role without permissions",
			roles(finance, `{"name": "Sales"}`),
			`role "Sales": permissions: missing`, rbac.ErrInvalid,
		},
		{
			"a role whose name is a number",
			roles(finance, `{"name": 5, "permissions": {}}`),
			`role 2: name: must be a string, not a number`, rbac.ErrInvalid,
		},
		{
			"a role that is null",
			roles(`null`),
			`role 1: must be an object`, rbac.ErrInvalid,
		},
		{
			"two roles of one name",
			roles(finance, finance),
			`role "Finance": role name is taken: role "Finance"`, rbac.ErrNameTaken,
		},
		{
			"two roles whose names differ in case only",
			roles(finance, `{"name": " FINANCE", "permissions": {}}`),
			`role " FINANCE": role name is taken: role "Finance"`, rbac.ErrNameTaken,
		},
		{
			"a role that poses as the built-in one",
			roles(`{"name": "administrator", "permissions": {}}`),
			`role "administrator": system roles are protected: role "Administrator"`, rbac.ErrProtectedRole,
		},
		{
			"a person with a role that does not exist",
			people(`{"user": "ann", "role": "Fnance"}`),
			`person "ann": role: "Fnance" is not a role of this company`, nil,
		},
		{
			"a person without a role",
			people(`{"user": "ann"}`),
			`person "ann": role: "" is not a role of this company`, nil,
		},
		{
			"a person who is there twice",
			people(`{"user": "ann", "role": "Finance"}`, `{"user": "ann", "role": "Finance"}`),
			`person "ann": user: is there twice`, nil,
		},
		{
			"a person who is an administrator, too",
			people(`{"user": "ada", "role": "Finance"}`),
			`person "ada": user: is there twice`, nil,
		},
		{
			"a person without an id",
			people(`{"user": "ann", "role": "Finance"}`, `{"role": "Finance"}`),
			`person 2: user: is empty`, rbac.ErrInvalid,
		},
		{
			"a person whose id would move the cursor",
			people(`{"user": "ann\u001b[2J", "role": "Finance"}`),
			`person "ann\x1b[2J": user: has the control character U+001B at byte 3`, rbac.ErrInvalid,
		},
		{
			"an unknown key of a person",
			people(`{"user": "ann", "rôle": "Finance"}`),
			`person "ann": unknown field "rôle"`, nil,
		},
		{
			"a person whose role is a number",
			people(`{"user": "ann", "role": 3}`),
			`person "ann": role: must not be a JSON number`, nil,
		},
		{
			"a person who is a string",
			people(`"ann"`),
			`person 1: must not be a JSON string`, nil,
		},
		{
			"nobody to administer",
			`{"roles": [], "people": []}`,
			`administrators: is empty: somebody must be able to give out the roles`, nil,
		},
		{
			"an administrator without an id",
			`{"administrators": ["ada", ""]}`,
			`administrators[1]: is empty`, rbac.ErrInvalid,
		},
		{
			"an unknown key of the file",
			`{"administrators": ["ada"], "rolls": []}`,
			`unknown field "rolls"`, nil,
		},
		{
			"roles that are no list",
			`{"administrators": ["ada"], "roles": {}}`,
			`roles: must not be a JSON object`, nil,
		},
		{
			"a comma too many",
			"{\n  \"administrators\": [\"ada\"],\n}",
			`line 3: invalid character '}' looking for beginning of object key string`, nil,
		},
		{
			"a file that ends too early",
			`{"administrators": ["ada"]`,
			`unexpected EOF`, nil,
		},
		{
			"an empty file",
			``,
			`unexpected EOF`, nil,
		},
		{
			"two values in one file",
			`{"administrators": ["ada"]} {}`,
			`has something after its end`, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.file)
			var out bytes.Buffer
			err := run(t.Context(), path, &out)
			if err == nil {
				t.Fatalf("no error, want %s", test.want)
			}
			if want := path + ": " + test.want; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if out.Len() > 0 {
				t.Errorf("something was shown all the same: %s", &out)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	err := run(t.Context(), filepath.Join(t.TempDir(), "company.json"), io.Discard)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

// roles returns a file with these roles.
func roles(entries ...string) string {
	return `{"administrators": ["ada"], "roles": [` + strings.Join(entries, ", ") + `]}`
}

// people returns a file with these people, and a role Finance for them.
func people(entries ...string) string {
	return `{"administrators": ["ada"], "roles": [{"name": "Finance", "permissions": {}}], "people": [` +
		strings.Join(entries, ", ") + `]}`
}

package rbac

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// RoleID identifies a role in a workspace. The library makes the ids of
// custom roles; the program chooses those of system roles.
type RoleID string

// Administrator is the built-in system role that holds All on every area,
// those that the application adds included.
const Administrator RoleID = "administrator"

// Role is a named table from area to access, held by any number of members.
// A copy of a Role shares its Permissions and Assigns: clone them to change one
// of them only. The library clones what it takes and returns.
type Role struct {
	ID          RoleID      `json:"id,omitempty"`
	Name        string      `json:"name"`                  // 1 to 80 characters, unique in the workspace
	Description string      `json:"description,omitempty"` // up to 500 characters
	Permissions Permissions `json:"permissions"`

	// Assigns lists the roles that the holders of this one may give and take,
	// whatever these grant, without the right to manage users: at most 100, in
	// byte order. See rules D1 to D5 in docs/guarantees.md.
	Assigns []RoleID `json:"assigns,omitempty"`

	// System marks a role that is defined in code: the same in every
	// workspace, and nobody can edit or delete it.
	System bool `json:"system,omitempty"`

	// Version is 1 for a new role and grows by 1 with each stored edit.
	// System roles, which are not stored, have version 0 and no times.
	Version   int64     `json:"version,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"` // UTC, in whole microseconds
	UpdatedAt time.Time `json:"updatedAt,omitzero"` // UTC, in whole microseconds
}

// Member is a user of a workspace. Every member has exactly one role.
type Member struct {
	User      string    `json:"user"` // the application's id for the user, compared byte for byte
	Role      RoleID    `json:"role"`
	Suspended bool      `json:"suspended,omitempty"` // keeps the role, is denied everything
	Team      string    `json:"team,omitempty"`      // the application's id of the member's team; empty for none
	UpdatedAt time.Time `json:"updatedAt,omitzero"`  // UTC, in whole microseconds

	// RoleName is the name of the role, as it was then, in the members of events and
	// in what [Workspace.Member] returns. It is empty elsewhere, and for a role that
	// did not exist.
	RoleName string `json:"roleName,omitempty"`
}

// String returns "Sales lead (contacts: read all, manage own)", and for a role
// with a list "Help desk (no access), assigns sales, support".
func (r Role) String() string {
	s, mark := fmt.Sprintf("%s (%s)", r.Name, r.Permissions), assigns
	for _, id := range r.Assigns {
		s, mark = s+mark+quoteField(string(id)), ", "
	}
	return s
}

// assigns stands before the list of a role's text.
const assigns = ", assigns "

// MarshalText is [Role.String], refusing what could not be read back. The text
// is for what people write and read, such as a flag or a line of a
// configuration: it holds the name, the permissions and the list, nothing else of
// the role. Its JSON holds all.
func (r Role) MarshalText() ([]byte, error) {
	if _, err := r.Permissions.MarshalText(); err != nil {
		return nil, err
	}
	if !utf8.ValidString(r.Name) {
		return nil, invalid("name", notUTF8)
	}
	if err := r.encodableList(); err != nil {
		return nil, err
	}
	return []byte(r.String()), nil
}

// encodableList refuses ids that could not be read back.
func (r Role) encodableList() error {
	for i, id := range r.Assigns {
		if quoteField(string(id)) != string(id) {
			return invalid(indexed("assigns", i), quote(string(id))+" has no form in text")
		}
	}
	return nil
}

// UnmarshalText reads the form of [Role.String] as a role with a name,
// permissions and a list, as [Admin.CreateRole] takes it. It fails with a
// *[ValidationError] that names the place. It does not judge names and areas:
// [Admin.CreateRole] does.
func (r *Role) UnmarshalText(text []byte) error {
	s, list, listed := string(text), "", false
	if i := strings.LastIndex(s, ")"+assigns); i >= 0 && !strings.HasSuffix(s, ")") {
		s, list, listed = s[:i+1], s[i+1+len(assigns):], true
	}
	s, closed := strings.CutSuffix(s, ")")
	open := strings.LastIndex(s, " (") // a name may have parentheses in it, permissions have none
	if !closed || open < 0 {
		return invalid("", `is not a role: want "name (permissions)"`)
	}
	read := Role{Name: s[:open]}
	if listed {
		for id := range strings.SplitSeq(list, ", ") {
			read.Assigns = append(read.Assigns, RoleID(id))
		}
	}
	if err := read.encodableList(); err != nil {
		return err
	}
	if !utf8.ValidString(read.Name) {
		return invalid("name", notUTF8)
	}
	if err := read.Permissions.UnmarshalText([]byte(s[open+2:])); err != nil {
		return err
	}
	*r = read
	return nil
}

// clone returns a copy that shares nothing with r. Its permissions are not
// nil.
func (r Role) clone() Role {
	p := make(Permissions, len(r.Permissions))
	maps.Copy(p, r.Permissions)
	r.Permissions = p
	r.Assigns = slices.Clone(r.Assigns)
	return r
}

// MarshalJSON encodes a role as {"id":"…","name":"…","description":"…",
// "permissions":{…},"assigns":["…"],"system":true,"version":1,"createdAt":"…",
// "updatedAt":"…"}. Everything but name and permissions is left out when it
// is zero.
func (r Role) MarshalJSON() ([]byte, error) {
	type plain Role // without methods
	if r.Permissions == nil {
		r.Permissions = Permissions{}
	}
	return json.Marshal(plain(r))
}

// UnmarshalJSON decodes what MarshalJSON encodes. It refuses, with a
// *[ValidationError] that names the place, keys that it does not know or that
// are there twice, values of the wrong kind, what is not valid UTF-8, and a role
// without permissions: one that grants nothing has {}. It does not judge names
// and areas: [Admin.CreateRole] does.
func (r *Role) UnmarshalJSON(data []byte) error {
	type plain Role
	var read plain
	if err := decodeStruct(data, &read); err != nil {
		return err
	}
	if problem := tableProblem(read.Permissions); problem != "" {
		return invalid("permissions", problem)
	}
	*r = Role(read)
	return nil
}

// UnmarshalJSON decodes {"user":"…","role":"…","suspended":true,"team":"…",
// "updatedAt":"…","roleName":"…"}, as strictly as [Role.UnmarshalJSON]. That is
// how a member is encoded, all but the first two left out when they are zero.
func (m *Member) UnmarshalJSON(data []byte) error {
	type plain Member
	var read plain
	if err := decodeStruct(data, &read); err != nil {
		return err
	}
	*m = Member(read)
	return nil
}

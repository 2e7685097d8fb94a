package tour

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/areagate/rbac"
)

// Company is what a file says: the roles of a company, and who has which.
type Company struct {
	file string // by which errors call it

	Name           string
	Administrators []string
	Roles          []rbac.Role // name, description and permissions
	People         []Person
}

// Person is somebody in a company.
type Person struct {
	User      string `json:"user"`
	Role      string `json:"role"` // the role's name
	Suspended bool   `json:"suspended"`
}

// readCompany decodes a file and refuses what it does not know. Roles decode
// themselves, and are as strict. What a role may be called and grant is not
// judged here: the library does that when the role is created.
func readCompany(data []byte) (Company, error) {
	var file struct {
		Company        string            `json:"company"`
		Administrators []string          `json:"administrators"`
		Roles          []json.RawMessage `json:"roles"`
		People         []json.RawMessage `json:"people"`
	}
	if err := decode(data, &file); err != nil {
		return Company{}, &defect{lineOf(err, data), err}
	}
	roles, err := decodeList[rbac.Role](file.Roles, "role", "name")
	if err != nil {
		return Company{}, err
	}
	people, err := decodeList[Person](file.People, "person", "user")
	if err != nil {
		return Company{}, err
	}
	c := Company{Name: file.Company, Administrators: file.Administrators, Roles: roles, People: people}
	return c, c.check()
}

// check finds what the library cannot: to it, a person who is listed twice is
// a person whose role was changed.
func (c Company) check() error {
	if len(c.Administrators) == 0 {
		return &defect{"administrators", errors.New("is empty: somebody must be able to give out the roles")}
	}
	seen := map[string]bool{}
	for _, user := range c.users() {
		if seen[user] {
			return &defect{fmt.Sprintf("person %q", user), errors.New("user: is there twice")}
		}
		seen[user] = true
	}
	return nil
}

func (c Company) users() []string {
	users := append([]string{}, c.Administrators...)
	for _, p := range c.People {
		users = append(users, p.User)
	}
	return users
}

// inState returns the people who are suspended, or those who are not.
func (c Company) inState(suspended bool) []string {
	var users []string
	for _, p := range c.People {
		if p.Suspended == suspended {
			users = append(users, p.User)
		}
	}
	return users
}

// decode decodes one JSON value and refuses keys that target does not have.
func decode(data []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(target)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("has something after its end")
	}
	return nil
}

// decodeList decodes the entries one by one, to say which of them is wrong.
func decodeList[T any](entries []json.RawMessage, noun, nameKey string) ([]T, error) {
	list := make([]T, len(entries))
	for i, entry := range entries {
		if err := decode(entry, &list[i]); err != nil {
			return nil, &defect{label(noun, nameIn(entry, nameKey), i), err}
		}
	}
	return list, nil
}

// nameIn returns the name in an entry that could not be decoded, if it has
// one.
func nameIn(entry json.RawMessage, key string) string {
	var fields map[string]any
	_ = json.Unmarshal(entry, &fields) // no object, no name
	name, _ := fields[key].(string)
	return name
}

// label returns `role "Finance"`, or "role 3" for one without a name.
func label(noun, name string, index int) string {
	if name == "" {
		return fmt.Sprintf("%s %d", noun, index+1)
	}
	return fmt.Sprintf("%s %q", noun, name)
}

// lineOf returns the line at which a file stops being JSON.
func lineOf(err error, data []byte) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return ""
	}
	return fmt.Sprintf("line %d", 1+bytes.Count(data[:syntax.Offset], []byte("\n")))
}

// defect is something wrong with the file, worded for whoever wrote it.
type defect struct {
	where string // `role "Finance"`; empty for the file as a whole
	err   error
}

func (d *defect) Unwrap() error { return d.err }

func (d *defect) Error() string {
	if d.where == "" {
		return problem(d.err)
	}
	return d.where + ": " + problem(d.err)
}

// problem returns the field and what is wrong with it.
func problem(err error) string {
	var invalid *rbac.ValidationError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &invalid):
		fields := make([]string, len(invalid.Fields))
		for i, field := range invalid.Fields {
			fields[i] = field.String()
		}
		return strings.Join(fields, "; ")
	case errors.As(err, &kind):
		return strings.TrimPrefix(kind.Field+": must not be a JSON "+kind.Value, ": ")
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	return strings.TrimPrefix(text, "rbac: ")
}

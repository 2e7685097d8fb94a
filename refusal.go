package rbac

import (
	"errors"
	"strings"
)

// refusalJSON is the JSON form of a rule that refuses: in plans and choices,
// which are for who may see them, and yet of a denial no more than that it is
// one.
type refusalJSON struct {
	Rule     string       `json:"rule"`
	Message  string       `json:"message"`
	Fields   []FieldError `json:"fields,omitempty"`
	Missing  Permissions  `json:"missing,omitempty"`
	Role     RoleID       `json:"role,omitempty"`
	RoleName string       `json:"roleName,omitempty"`
	Version  int64        `json:"version,omitempty"`
	Users    []string     `json:"users,omitempty"`
	Roles    []RoleID     `json:"roles,omitempty"`
}

// refusalOf returns the JSON form of an error, nil for none. One that is not of
// a rule says nothing.
func refusalOf(err error) *refusalJSON {
	if err == nil {
		return nil
	}
	j := refusalJSON{Rule: "unknown", Message: "the change was not judged"}
	for _, rule := range rules {
		if errors.Is(err, rule.err) {
			j.Rule, j.Message = rule.name, strings.TrimPrefix(rule.err.Error(), "rbac: ")
			break
		}
	}
	var malformed *ValidationError
	var escalation *EscalationError
	var refused *RefusalError
	switch {
	case errors.As(err, &malformed):
		j.Fields = malformed.Fields
	case errors.As(err, &escalation):
		j.Role, j.Roles = escalation.Role, escalation.Roles
		if escalation.Missing.encodable() == nil { // a stored area may have no form
			j.Missing = escalation.Missing
		}
		if escalation.User != "" {
			j.Users = []string{escalation.User}
		}
	case errors.As(err, &refused):
		j.Role, j.RoleName, j.Version, j.Users, j.Roles = refused.Role, refused.RoleName, refused.Version, refused.Users, refused.Roles
	}
	return &j
}

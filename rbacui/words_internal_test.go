package rbacui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// One function says what a role allows, the most first.
func TestWords(t *testing.T) {
	u := &ui{areas: rbac.DefaultAreas()}
	for permissions, want := range map[string]string{
		"no access":         "Reads and manages nothing.",
		"deals: read all":   "Reads all deals. Manages nothing.",
		"deals: manage own": "Reads nothing. Manages their own deals.",
		"audit: read all":   "Reads the audit record. Manages nothing.",
		"users: read own":   "Reads their own profile. Manages nothing.",
		"users: read team":  "Reads their team’s users. Manages nothing.",
		"api: read all":     "Reads all API keys. Manages nothing.",
		"deals: read all, manage all; tasks: read own, manage own":                                                           "Reads and manages all deals; their own tasks.",
		"contacts: read all, manage own; deals: read team; tasks: read own, manage all; users: read all; audit: read all":    "Reads all contacts, users and the audit record; their team’s deals; their own tasks. Manages all tasks; their own contacts.",
		"contacts: read all; organizations: read all; deals: read all; services: read all; tasks: read all; users: read all": "Reads all records and users. Manages nothing.",
	} {
		var p rbac.Permissions
		require.NoError(t, p.UnmarshalText([]byte(permissions)))
		require.Equal(t, want, u.words(p, 0).Sentence, permissions)
	}
	everything := rbac.Permissions{}
	for _, info := range u.areas {
		everything[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	require.Equal(t, "Reads and manages everything.", u.words(everything, 0).Sentence)

	// A list names only some.
	var p rbac.Permissions
	require.NoError(t, p.UnmarshalText([]byte("contacts: read own; organizations: read own; deals: read own; services: read own; tasks: read own")))
	require.Equal(t, "Reads their own contacts, organizations and 3 more. Manages nothing.", u.words(p, 2).Sentence)
}

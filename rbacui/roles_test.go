package rbacui_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

func TestRoles(t *testing.T) {
	s := newSite(t)
	page := s.get(lena, "")
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "Administrator May read and manage everything. Reads and manages everything. 2 people Copy Administrator")
	require.Contains(t, text, "Auditor Reads all users and the audit record. Manages nothing. nobody")
	require.Contains(t, text, "Operations manager Reads all records, users and the audit record. Manages all records and users. Manages users 1 person you too Copy")
	require.Contains(t, text, "Sales lead Reads all contacts, deals and users; their team’s tasks. Manages all contacts; their team’s deals and tasks. Assigns Sales. 3 people")
	require.Contains(t, text, "Data import Reads nothing. Manages all contacts. Manages more than it reads Nobody holds it nobody")
	require.Contains(t, text, "Integrations Reads and manages all contacts and API keys. Manages API keys 1 person Copy")
	require.Contains(t, text, "9 roles, 11 members.")
	// Who may not change them is told why there is no button.
	const why = "Your own role does not manage users, so you can read roles and not change them."
	require.NotContains(t, text, why)
	require.Contains(t, s.get("hedda.dorn", "").text(), why)
}

// What a list names and cannot give is a finding of its role.
func TestRolesIdleAssignment(t *testing.T) {
	s := newSite(t)
	s.edits(mara, "Sales", func(r *rbac.Role) { r.Permissions[rbac.Users] = rbac.Access{Read: rbac.All, Manage: rbac.All} })
	require.Regexp(t, "Sales lead Reads [^.]*[.] Manages [^.]*[.] Assigns Sales[.] Lists a role that it cannot give 3 people", s.get(mara, "").text())
}

package rbac_test

import (
	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// The words of these tests.
var (
	openOn, addRole, assign  = workspacetest.Open, workspacetest.AddRole, workspacetest.Assign
	allows, refusesAll       = workspacetest.Allows, workspacetest.RefusesAll
	contentsOf, eventsOf     = workspacetest.Read, workspacetest.Events
	update, forge            = workspacetest.Update, workspacetest.Forge
	unchanged, text          = workspacetest.Unchanged, workspacetest.Text
	checkInvariants          = workspacetest.CheckInvariants
	planOf, refused          = workspacetest.Plan, workspacetest.Refused
	chainHash, canonicalForm = workspacetest.Hash, workspacetest.Canonical

	errBoom = fault.Err
	quiet   = workspacetest.Silent()
)

const (
	opView      = rbactest.OpView
	opUpdate    = rbactest.OpUpdate
	opRevisions = rbactest.OpRevisions
	opNotify    = rbactest.OpNotify
)

// access is an entry of Permissions in short.
func access(read, manage rbac.Scope) rbac.Access {
	return rbac.Access{Read: read, Manage: manage}
}

package oracle

import (
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// oracleOp is one call of an Admin's method.
type oracleOp struct {
	do      string // create, ensure, update, delete, add, assign, suspend, reinstate, remove, replace, team, rename
	system  bool
	actor   string // of As
	reason  string // of System
	because string
	via     string

	// Whether the actor is a key of the user's, of AsSubject, and its limit.
	limited bool
	most    oraclePerms

	role  string // the role's key; with replace the old one
	with  string
	team  string
	users []string // with rename the old id and the new

	// The role to be saved.
	name, description string
	perms             oraclePerms
	assigns           []string
	version           int64
	marked            bool // as a system role
}

// recorded is the reason that events carry.
func (op oracleOp) recorded() string {
	if op.because != "" {
		return op.because
	}
	return op.reason
}

// oracleResult is what must come of an oracleOp.
type oracleResult struct {
	err     error          // the rule that refuses, nil for none
	missing oraclePerms    // with ErrEscalation
	roles   []string       // with ErrEscalation and ErrRoleInUse: the roles that it names, in order
	users   []string       // with ErrAdministrator: the users that it names, in order
	changes []oracleChange // one for each event, in no order
	role    string         // the key of the role that was saved
}

type oracleChange struct {
	kind rbac.EventKind
	key  string // of the role, or the user
}

// oracleOrder is rule A13.
var oracleOrder = []error{
	rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrMemberExists, rbac.ErrProtectedRole,
	rbac.ErrSelf, rbac.ErrAdministrator, rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse,
	rbac.ErrLastAdministrator,
}

// oracleTrial is an oracleOp being judged: every rule that refuses is noted,
// and the first in the order of A13 answers.
type oracleTrial struct {
	*oracleProgram
	before, next *oracleState
	op           oracleOp
	refused      map[error]bool
	missing      oraclePerms     // of all that escalates, united
	beyond       map[string]bool // the roles that are not the actor's to give
	listing      []string        // the roles that list one to be deleted
	demoted      []string        // the Administrators among many who would get another role
	changes      []oracleChange
	saved        string

	held oraclePerms // what the actor can use
	list []string    // the roles of the actor's list that give something
}

// after returns the state after an op, and what must come of it. A refused op
// and one that changes nothing leave the state as it is.
func (p *oracleProgram) after(s *oracleState, op oracleOp) (*oracleState, oracleResult) {
	t := &oracleTrial{
		oracleProgram: p, before: s, next: s.clone(), op: op,
		refused: map[error]bool{}, missing: oraclePerms{}, beyond: map[string]bool{},
	}
	t.judge()
	if s.activeAdministrators() > 0 && t.next.activeAdministrators() == 0 {
		t.refused[rbac.ErrLastAdministrator] = true // A6
	}
	for _, rule := range oracleOrder {
		if !t.refused[rule] {
			continue
		}
		result := oracleResult{err: rule}
		switch rule {
		case rbac.ErrEscalation:
			result.missing, result.roles = t.missing, slices.Sorted(maps.Keys(t.beyond))
		case rbac.ErrRoleInUse:
			result.roles = t.listing
		case rbac.ErrAdministrator:
			result.users = t.demoted
		}
		return s, result
	}
	if len(t.changes) == 0 {
		return s, oracleResult{role: t.saved} // A12
	}
	t.next.seq += int64(len(t.changes)) // V1
	return t.next, oracleResult{changes: t.changes, role: t.saved}
}

func (t *oracleTrial) judge() {
	if !t.wellFormed() {
		t.refused[rbac.ErrInvalid] = true
		return
	}
	t.held, t.list = t.actor()
	membership := !slices.Contains([]string{"create", "ensure", "update", "delete"}, t.op.do)
	if !t.op.system && !t.manages() && !(membership && len(t.list) > 0) {
		t.refused[rbac.ErrDenied] = true // A1, D2
		return
	}
	switch t.op.do {
	case "create":
		t.create()
	case "ensure":
		t.ensure()
	case "update":
		t.update()
	case "delete":
		t.delete()
	case "add":
		t.add()
	case "assign":
		t.assign()
	case "suspend", "reinstate", "remove":
		t.touch()
	case "replace":
		t.replace()
	case "team":
		t.setTeam()
	case "rename":
		t.rename(t.op.users[0], t.op.users[1])
	default:
		panic("the oracle does not know " + t.op.do)
	}
}

func (t *oracleTrial) change(kind rbac.EventKind, key string) {
	t.changes = append(t.changes, oracleChange{kind, key})
}

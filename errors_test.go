package rbac_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/rbactest"
)

// Every exported error is returned through the public API, alone or wrapped,
// and is told from the others.
func TestEveryErrorIsReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testEveryErrorIsReturned) // which waits for no pause between attempts
}

func testEveryErrorIsReturned(t *testing.T) {
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	ada, max := c.W.As("ada"), c.W.As("max")
	stale, taken := c.Role("Clerk"), c.Role("Clerk")
	stale.Version, taken.Name = 0, "Seller"

	faulty := fault.New(c.Store)
	onFaulty := openOn(t, faulty)
	closed := openOn(t, rbac.NewMemStore())
	require.NoError(t, closed.Close())
	update(t, c.Store, "malformed", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "bad"}) })
	update(t, c.Store, "crowded", func(tx rbac.Tx) error {
		for i := range 1000 {
			if err := tx.PutRole(rbac.Role{ID: rbac.RoleID(fmt.Sprint("r", i)), Name: fmt.Sprint("Role ", i), Version: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	_, tooMany := openOn(t, c.Store).For("crowded").System("test").CreateRole(ctx, rbac.Role{Name: "One more"})
	tampered := fault.New(c.Store)
	tampered.SetRows(&fault.Rows{Events: fault.Cut[rbac.Event](1)})

	with := func(op rbactest.Op, f rbactest.Fault, try func() error) error {
		faulty.Set(f, op)
		defer faulty.Set(nil, op)
		return try()
	}
	_, conflict := ada.UpdateRole(ctx, stale)
	_, nameTaken := ada.UpdateRole(ctx, taken)
	_, unavailable := rbac.Open(ctx, func() rbac.Store {
		s := fault.New(c.Store)
		s.Set(fault.Fails(errBoom), opRevisions)
		return s
	}(), quiet)
	returned := map[string]struct{ got, sentinel error }{
		"ErrDenied":            {c.W.Authorize(ctx, "cleo", rbac.Deals, rbac.Read), rbac.ErrDenied},
		"ErrUnavailable":       {unavailable, rbac.ErrUnavailable},
		"ErrClosed":            {closed.System("test").Assign(ctx, rbac.Administrator, "x"), rbac.ErrClosed},
		"ErrInvalid":           {ada.Remove(ctx, ""), rbac.ErrInvalid},
		"ErrTooManyRoles":      {tooMany, rbac.ErrTooManyRoles},
		"ErrRoleNotFound":      {ada.DeleteRole(ctx, "gone"), rbac.ErrRoleNotFound},
		"ErrMemberNotFound":    {ada.Remove(ctx, "nobody"), rbac.ErrMemberNotFound},
		"ErrProtectedRole":     {ada.DeleteRole(ctx, rbac.Administrator), rbac.ErrProtectedRole},
		"ErrSelf":              {ada.Remove(ctx, "ada"), rbac.ErrSelf},
		"ErrAdministrator":     {ada.Assign(ctx, c.Role("Clerk").ID, "abe", "new"), rbac.ErrAdministrator},
		"ErrMemberExists":      {ada.Rename(ctx, "stan", "cleo"), rbac.ErrMemberExists},
		"ErrConflict":          {conflict, rbac.ErrConflict},
		"ErrEscalation":        {max.Remove(ctx, "stan"), rbac.ErrEscalation},
		"ErrNameTaken":         {nameTaken, rbac.ErrNameTaken},
		"ErrRoleInUse":         {ada.DeleteRole(ctx, c.Role("Clerk").ID), rbac.ErrRoleInUse},
		"ErrLastAdministrator": {c.W.System("test").Remove(ctx, "ada", "abe"), rbac.ErrLastAdministrator},
		"ErrContention": {with(opUpdate, fault.RollsBack(rbac.ErrContention), func() error {
			return onFaulty.As("ada").Remove(ctx, "cleo")
		}), rbac.ErrContention},
		"ErrOutcomeUnknown": {with(opUpdate, fault.Loses(false), func() error {
			return onFaulty.As("ada").Remove(ctx, "cleo")
		}), rbac.ErrOutcomeUnknown},
		"ErrMalformed": {openOn(t, c.Store).For("malformed").System("test").Suspend(ctx, "bad"), rbac.ErrMalformed},
		"ErrTampered":  {openOn(t, tampered).VerifyEvents(ctx), rbac.ErrTampered},
	}
	var declared []string
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`(?m)^(?:var )?\t?(Err\w+)\s+= `).FindAllStringSubmatch(string(source), -1) {
			declared = append(declared, match[1])
		}
	}
	slices.Sort(declared)
	require.Equal(t, declared, slices.Sorted(maps.Keys(returned)))
	for name, r := range returned {
		require.ErrorIs(t, r.got, r.sentinel, name)
		require.Contains(t, r.got.Error(), "rbac: ", name)
		for other, o := range returned {
			require.Equal(t, name == other, errors.Is(r.got, o.sentinel), "the %s that was returned is %s", name, other)
		}
	}
	c.Check(t)
}

// The texts of the typed errors: what an operator reads. What comes from
// outside is quoted and bounded.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	hostileName := "x\n\"y\"" + strings.Repeat("z", 200)
	for _, test := range []struct {
		err  error
		want string
		is   error
	}{
		{&rbac.RefusalError{Rule: rbac.ErrRoleNotFound, Role: "r1"}, `rbac: role not found: role "r1"`, rbac.ErrRoleNotFound},
		{
			&rbac.RefusalError{Rule: rbac.ErrConflict, Role: "r1", RoleName: "Sales", Version: 7},
			`rbac: the role was changed in the meantime: role "Sales" is at version 7`, rbac.ErrConflict,
		},
		{&rbac.RefusalError{Rule: rbac.ErrNameTaken, Role: "r1", RoleName: "Sales"}, `rbac: role name is taken: role "Sales"`, rbac.ErrNameTaken},
		{
			&rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: []string{"a\nb", "c"}},
			`rbac: member not found: "a\nb", "c"`, rbac.ErrMemberNotFound,
		},
		{
			&rbac.EscalationError{Actor: "max", Role: "r1", Missing: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}},
			`rbac: more than the actor holds: the role has what "max" does not hold: deals: read all`, rbac.ErrEscalation,
		},
		{
			&rbac.EscalationError{Actor: "max", User: "stan", Missing: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}},
			`rbac: more than the actor holds: member "stan" has what "max" does not hold: deals: read all`, rbac.ErrEscalation,
		},
		{
			&rbac.EscalationError{Actor: "max", Roles: []rbac.RoleID{"r1", "r\n2"}},
			`rbac: more than the actor holds: "max" may not give "r1", "r\n2": only an Administrator may change that`, rbac.ErrEscalation,
		},
		{
			&rbac.RefusalError{Rule: rbac.ErrRoleInUse, RoleName: "Sales", Users: []string{"a"}, Roles: []rbac.RoleID{"r1", "r2"}},
			`rbac: role is in use: role "Sales": "a": listed by role "r1", "r2"`, rbac.ErrRoleInUse,
		},
		{
			&rbac.EscalationError{Actor: "max", Role: "r1", User: "stan"},
			`rbac: more than the actor holds: member "stan" has the role "r1", which is not known: only an Administrator may change that`, rbac.ErrEscalation,
		},
		{
			&rbac.EscalationError{Actor: "max", Role: "r1"},
			`rbac: more than the actor holds: the role "r1" is not known: only an Administrator may change that`, rbac.ErrEscalation,
		},
		{
			&rbac.ValidationError{Fields: []rbac.FieldError{{Field: "name", Problem: "is empty"}, {Problem: "must be an object"}}},
			`rbac: invalid input: name: is empty; must be an object`, rbac.ErrInvalid,
		},
		{
			&rbac.MalformedError{Kind: "role", ID: "r1", Err: errBoom},
			`rbac: malformed row in the store: role "r1": boom`, rbac.ErrMalformed,
		},
		{&rbac.TamperedError{Seq: 7, Problem: "is missing"}, `rbac: the event chain is broken: event 7 is missing`, rbac.ErrTampered},
		{
			&rbac.DeniedError{Decision: rbac.Decision{User: "vic", Area: rbac.Deals, Action: rbac.Read, Reason: rbac.ReasonNotMember}},
			`rbac: denied: "vic" may not read deals: not a member of the workspace`, rbac.ErrDenied,
		},
		{
			&rbac.RefusalError{Rule: rbac.ErrNameTaken, RoleName: hostileName},
			`rbac: role name is taken: role "x\n\"y\"` + strings.Repeat("z", 95) + `"…`, rbac.ErrNameTaken,
		},
	} {
		require.Equal(t, test.want, test.err.Error())
		require.ErrorIs(t, test.err, test.is)
	}
	require.NotErrorIs(t, &rbac.MalformedError{Err: &rbac.ValidationError{}}, rbac.ErrInvalid, "it is no fault of the caller's input")
}

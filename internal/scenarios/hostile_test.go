package scenarios_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

// randomChange makes one change of a workspace, which is often refused. It
// returns what became of it, in words that do not depend on random ids.
func randomChange(ctx context.Context, random *rand.Rand, w *rbac.Workspace) string {
	users := []string{"ann", "bob", "cy", "dan", "Ann", "o'neil", "<b>"}
	names := []string{"Sales", "SALES ", "Café", "Cafe\u0301", "Lead", "Administrator", "=1", ""}
	user := func() string { return users[random.IntN(len(users))] }
	roles, err := w.Roles(ctx)
	if err != nil {
		return "Roles: " + err.Error()
	}
	role := roles[random.IntN(len(roles))]
	permissions := rbac.Permissions{}
	for _, area := range []rbac.Area{rbac.Contacts, rbac.Deals, rbac.Users, rbac.Audit} {
		if random.IntN(2) == 0 {
			permissions[area] = access(rbac.Scope(random.IntN(3)), rbac.Scope(random.IntN(3)))
		}
	}
	admin := w.System("random")
	if random.IntN(2) == 0 {
		admin = w.As(user())
	}
	what := random.IntN(8)
	switch what {
	case 0:
		_, err = admin.CreateRole(ctx, rbac.Role{Name: names[random.IntN(len(names))], Permissions: permissions})
	case 1:
		role.Permissions, role.Name = permissions, names[random.IntN(len(names))]
		role.Version -= int64(random.IntN(5) / 4)
		_, err = admin.UpdateRole(ctx, role)
	case 2:
		err = admin.DeleteRole(ctx, role.ID)
	case 3, 4:
		err = admin.Assign(ctx, role.ID, user(), user())
	case 5:
		err = admin.Suspend(ctx, user())
	case 6:
		err = admin.Reinstate(ctx, user(), user())
	case 7:
		err = admin.Remove(ctx, user())
	}
	rule := "done"
	for _, known := range []error{
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrProtectedRole, rbac.ErrSelf, rbac.ErrAdministrator,
		rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse, rbac.ErrLastAdministrator,
	} {
		if errors.Is(err, known) {
			rule = known.Error()
			err = nil
		}
	}
	if err != nil {
		rule = err.Error()
	}
	return fmt.Sprintf("%d: %s", what, rule)
}

// answersOf returns every answer of a workspace, in words that do not depend
// on random ids.
func answersOf(t *testing.T, w *rbac.Workspace) []string {
	t.Helper()
	var answers []string
	for _, user := range []string{"ann", "bob", "cy", "dan", "Ann", "o'neil", "<b>", "nobody"} {
		for _, info := range rbac.DefaultAreas() {
			for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
				d, err := w.Explain(t.Context(), user, info.Area, action)
				require.NoError(t, err)
				answers = append(answers, fmt.Sprint(d.Revision, d, w.CanRecord(t.Context(), user, info.Area, action, "ann", user)))
			}
		}
	}
	m, err := w.Matrix(t.Context())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, m.WriteText(&out))
	return append(answers, out.String())
}

// Every store gives the same answers as MemStore on random histories; and
// following gives the same answers as loading.
func TestScenario31_SameAnswersAsMemStore(t *testing.T) {
	t.Parallel()
	for range long.Scale(20) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				mem, store := rbac.NewMemStore(), rbac.NewMemStore()
				reference, tested, follower := openOn(t, mem).For("w"), openOn(t, store).For("w"), openOn(t, store).For("w")
				assign(t, reference, rbac.Administrator, "ann")
				assign(t, tested, rbac.Administrator, "ann")
				one, other := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
				for step := range 100 {
					want := randomChange(ctx, one, reference)
					require.Equal(t, want, randomChange(ctx, other, tested), "step %d", step)
					if step%10 == 9 {
						answers := answersOf(t, reference)
						require.Equal(t, answers, answersOf(t, tested))
						synctest.Wait()
						require.Equal(t, answers, answersOf(t, follower), "by notifications")
						require.Equal(t, answers, answersOf(t, openOn(t, store).For("w")), "loaded")
						checkInvariants(t, store, "w")
					}
				}
			})
		})
	}
}

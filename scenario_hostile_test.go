package rbac_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// hostile are texts that mean something to SQL, HTML, CSV, logs, shells,
// patterns and paths. All are valid ids, names and descriptions.
var hostile = []string{
	`'; DROP TABLE rbac_members; --`, `" OR ""="`, `\'; --`, "`id`", `$(id)`, `${jndi:ldap://x}`, `%s%n%d`, `%00`, `\x00`, `\u0000`,
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `&lt;b&gt;`, `</title>`, `{{.}}`, `<!--`, `]]>`,
	`=1+1`, `=cmd|' /C calc'!A0`, `+1`, `-1`, `@SUM(A1)`, `a,b;c`, `"quoted"`, `a""b`,
	`level=ERROR msg="forged"`, `\n`, `\r\n`, `\\`, `/`, `../../etc/passwd`, `C:\x`, `%2e%2e`, `*`, `?`, `_`, `%`, `[a-z]`, `^$`,
	`null`, `undefined`, `NaN`, `true`, `0`, `{}`, `[]`, `{"a":1}`, `a=b&c=d`, `a#b`, `a:b`, `~`, `|`, `😀‍🚀`, `العربية`, `e̋`, "\ufffd",
}

// Metacharacters in every id, name and description are stored and shown as
// data: they come back as they were, and give nobody anything else.
func TestScenario31_Metacharacters(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	for i, s := range hostile {
		w := az.For(s)
		role, err := w.System(s).CreateRole(ctx, rbac.Role{
			Name: s, Description: s, Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
		})
		require.NoError(t, err, "%q", s)
		require.Equal(t, s, role.Name)
		require.Equal(t, s, role.Description)
		require.NoError(t, w.System(s).Assign(ctx, rbac.Administrator, s))
		require.NoError(t, w.As(s).Assign(ctx, role.ID, "vic"))

		for _, w := range []*rbac.Workspace{w, openOn(t, store).For(s)} { // followed, and loaded
			roles, err := w.Roles(ctx)
			require.NoError(t, err)
			require.Len(t, roles, 2)
			require.Equal(t, s, roles[1].Name)
			require.Equal(t, s, roles[1].Description)
			d, err := w.Explain(ctx, "vic", rbac.Deals, rbac.Read)
			require.NoError(t, err)
			require.True(t, d.Allowed)
			require.Equal(t, s, d.RoleName)
			require.Equal(t, s, d.Workspace)
			require.Contains(t, d.String(), fmt.Sprintf("%q", s))
			for j, other := range hostile {
				require.Equal(t, i == j, w.Can(ctx, other, rbac.Users, rbac.Manage), "%q in %q", other, s)
			}
			events := eventsOf(t, w, rbac.EventQuery{})
			require.Equal(t, s, events[0].Reason)
			require.Equal(t, s, events[1].MemberAfter.User)
			require.Equal(t, s, events[2].Actor)
			require.NoError(t, w.VerifyEvents(ctx))
			for _, e := range events {
				form, err := json.Marshal(e)
				require.NoError(t, err)
				var back rbac.Event
				require.NoError(t, json.Unmarshal(form, &back))
				require.Equal(t, text(e), text(back))
			}
			m, err := w.Matrix(ctx)
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, m.WriteCSV(&out))
			rows, err := csv.NewReader(&out).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 3)
			require.Contains(t, []string{s, "'" + s}, rows[2][0])
			require.NoError(t, m.WriteMarkdown(&out))
			require.Equal(t, 4, strings.Count(out.String(), "\n"), "%q stays in its line", s)
		}
		require.NoError(t, w.As(s).Remove(ctx, "vic"))
		checkInvariants(t, store, s)
	}
	// And all of them in one workspace.
	w := az.For("all")
	assign(t, w, rbac.Administrator, hostile...)
	for _, s := range hostile {
		allows(t, w, s)
	}
	require.NoError(t, w.System("test").Remove(ctx, hostile[1:]...))
	for i, s := range hostile {
		require.Equal(t, i == 0, w.Can(ctx, s, rbac.Users, rbac.Manage), "%q", s)
	}
	checkInvariants(t, store, "all")
}

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
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrProtectedRole, rbac.ErrSelf,
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
	for range scaled(20) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				mem, store := rbac.NewMemStore(), newStore(t)
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

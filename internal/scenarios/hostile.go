package scenarios

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
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
func metacharacters(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	for i, s := range hostile {
		w := az.For(s)
		role, err := w.System(s).CreateRole(ctx, rbac.Role{
			Name: s, Description: s, Permissions: rbac.Permissions{rbac.Deals: rbac.Access{Read: rbac.All}},
		})
		assert.NoError(t, err, fmt.Sprintf("%q", s))
		assert.Equal(t, s, role.Name)
		assert.Equal(t, s, role.Description)
		assert.NoError(t, w.System(s).Assign(ctx, rbac.Administrator, s))
		assert.NoError(t, w.As(s).Assign(ctx, role.ID, "vic"))

		for _, w := range []*rbac.Workspace{w, workspacetest.Open(t, workspacetest.Deaf(store)).For(s)} { // followed, and loaded
			roles, err := w.Roles(ctx)
			assert.NoError(t, err)
			assert.Equal(t, 2, len(roles))
			assert.Equal(t, s, roles[1].Name)
			assert.Equal(t, s, roles[1].Description)
			d, err := w.Explain(ctx, "vic", rbac.Deals, rbac.Read)
			assert.NoError(t, err)
			assert.True(t, d.Allowed)
			assert.Equal(t, s, d.RoleName)
			assert.Equal(t, s, d.Workspace)
			assert.True(t, strings.Contains(d.String(), fmt.Sprintf("%q", s)))
			for j, other := range hostile {
				assert.Equal(t, i == j, w.Can(ctx, other, rbac.Users, rbac.Manage), fmt.Sprintf("%q in %q", other, s))
			}
			events := workspacetest.Events(t, w, rbac.EventQuery{})
			assert.Equal(t, s, events[0].Reason)
			assert.Equal(t, s, events[1].MemberAfter.User)
			assert.Equal(t, s, events[2].Actor)
			assert.NoError(t, w.VerifyEvents(ctx))
			for _, e := range events {
				form, err := json.Marshal(e)
				assert.NoError(t, err)
				var back rbac.Event
				assert.NoError(t, json.Unmarshal(form, &back))
				assert.Equal(t, workspacetest.Text(e), workspacetest.Text(back))
			}
			m, err := w.Matrix(ctx)
			assert.NoError(t, err)
			var out bytes.Buffer
			assert.NoError(t, m.WriteCSV(&out))
			rows, err := csv.NewReader(&out).ReadAll()
			assert.NoError(t, err)
			assert.Equal(t, 3, len(rows))
			assert.True(t, slices.Contains([]string{s, "'" + s}, rows[2][0]))
			assert.NoError(t, m.WriteMarkdown(&out))
			assert.Equal(t, 4, strings.Count(out.String(), "\n"), fmt.Sprintf("%q stays in its line", s))
		}
		assert.NoError(t, w.As(s).Remove(ctx, "vic"))
		workspacetest.CheckInvariants(t, store, s)
	}
	// And all of them in one workspace.
	w := az.For("all")
	workspacetest.Assign(t, w, rbac.Administrator, hostile...)
	for _, s := range hostile {
		workspacetest.Allows(t, w, s)
	}
	assert.NoError(t, w.System("test").Remove(ctx, hostile[1:]...))
	for i, s := range hostile {
		assert.Equal(t, i == 0, w.Can(ctx, s, rbac.Users, rbac.Manage), fmt.Sprintf("%q", s))
	}
	workspacetest.CheckInvariants(t, store, "all")
}

package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// The choices are all roles, each with what Assign would say.
func TestChoices(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	roles, err := c.W.Roles(ctx)
	require.NoError(t, err)
	unchanged(t, c.Store, "", func() {
		for _, users := range [][]string{{"new"}, {"cleo"}, {"stan"}, {"max"}, {"cleo", "new", "cleo"}, {"bill"}, {"ada"}, {"abe", "ada"}} {
			for _, actor := range []string{"ada", "max", ""} {
				choices, err := c.Admin(actor).Choices(ctx, users...)
				require.NoError(t, err)
				require.Len(t, choices, len(roles))
				for i, choice := range choices {
					require.Equal(t, roles[i], choice.Role)
					plan, err := c.Admin(actor).Preview(ctx, func(a *rbac.Admin) error { return a.Assign(ctx, choice.Role.ID, users...) })
					require.NoError(t, err)
					require.Equal(t, plan.Refused, choice.Refused, "%q gives %q to %q", actor, choice.Role.Name, users)
				}
			}
		}
		for _, actor := range []string{"ada", "max", ""} {
			somebody, err := c.Admin(actor).Choices(ctx, "somebody new")
			require.NoError(t, err)
			nobody, err := c.Admin(actor).Choices(ctx)
			require.NoError(t, err)
			require.Equal(t, somebody, nobody, "without users, they are for somebody who is no member")
		}
		for _, actor := range []string{"cleo", "sam", "new", "hal"} {
			_, err := c.W.As(actor).Choices(ctx, "new")
			require.ErrorIs(t, err, rbac.ErrDenied, actor)
		}
		_, err = c.W.As("ada").Choices(ctx, "new", "")
		require.Equal(t, []string{"users[1]"}, fields(t, err))
	})
}

// A delegate may give the roles of their list.
func TestChoicesOfADelegate(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	choices, err := l.w.As("hank").Choices(ctx)
	require.NoError(t, err)
	var given []rbac.RoleID
	for _, choice := range choices {
		if choice.Refused == nil {
			given = append(given, choice.Role.ID)
		}
	}
	require.ElementsMatch(t, l.stored(t, "Help desk").Assigns, given)
}

// Who may act on somebody may do to them what takes no other rule, and who may
// not is told as a change would be.
func TestAuthorizeMembers(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	unchanged(t, c.Store, "", func() {
		for _, test := range []struct {
			actor string
			users []string
			want  error
		}{
			{"ada", []string{"abe", "max", "cody"}, nil},
			{"max", []string{"cleo", "cody", "mia"}, nil},
			{"", []string{"ada", "abe"}, nil},
			{"max", []string{"cleo", "stan"}, rbac.ErrEscalation},
			{"max", []string{"sid"}, rbac.ErrEscalation},
			{"max", []string{"ada"}, rbac.ErrEscalation},
			{"max", []string{"bill"}, rbac.ErrEscalation},
			{"max", []string{"max"}, rbac.ErrSelf},
			{"max", []string{"new"}, rbac.ErrMemberNotFound},
			{"", []string{"new"}, rbac.ErrMemberNotFound},
			{"cleo", []string{"cody"}, rbac.ErrDenied},
			{"sam", []string{"cody"}, rbac.ErrDenied},
			{"new", []string{"cody"}, rbac.ErrDenied},
			{"ada", nil, rbac.ErrInvalid},
			{"", nil, rbac.ErrInvalid},
			{"ada", []string{""}, rbac.ErrInvalid},
		} {
			err := c.Admin(test.actor).Authorize(ctx, test.users...)
			require.ErrorIs(t, err, test.want, "%q acts on %q", test.actor, test.users)
			if test.want == nil {
				require.NoError(t, err)
			}
		}
	})
}

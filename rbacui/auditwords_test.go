package rbacui_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Changes that differ in anything have lines of their own, if they were made at the
// same time, too.
func TestAuditLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := newSite(t), t.Context()
		require.NoError(t, s.az.As(mara).SetTeam(ctx, "north", tomas))
		require.NoError(t, s.az.As(mara).SetTeam(ctx, "south", "nia.tamsworth"))
		s.assign("Support", "ann")
		time.Sleep(time.Second) // of the test's clock
		s.assign("Support", "bob")
		require.Equal(t, []string{
			"The application admitted bob as Support. Reason: “test”. no. 23",
			"The application admitted ann as Support. Reason: “test”. no. 22",
			"mara.lindhagen moved nia.tamsworth into the team south. no. 21",
			"mara.lindhagen moved tomas.vikberg into the team north. no. 20",
		}, s.get(lena, "audit").lines()[:4])
	})
}

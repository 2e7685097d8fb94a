package rbac_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// Wrong options are an error of Open that names every field; the store is not
// asked.
func TestOpenRefusesWrongOptions(t *testing.T) {
	t.Parallel()
	users := rbac.AreaInfo{Area: rbac.Users, Label: "Users"}
	area := func(info rbac.AreaInfo) rbac.Option { return rbac.WithAreas(users, info) }
	role := func(r rbac.Role) rbac.Option { return rbac.WithSystemRoles(r) }
	for _, test := range []struct {
		name    string
		options []rbac.Option
		want    []string // the fields; none if the options are good
	}{
		{"none", nil, nil},
		{"a nil option", []rbac.Option{nil}, []string{"options"}},
		{"no logger", []rbac.Option{rbac.WithLogger(nil)}, []string{"logger"}},
		{"no observer", []rbac.Option{rbac.WithObserver(nil)}, nil},

		{"the shortest staleness", []rbac.Option{rbac.WithMaxStaleness(10 * time.Millisecond)}, nil},
		{"a shorter one", []rbac.Option{rbac.WithMaxStaleness(10*time.Millisecond - 1)}, []string{"maxStaleness"}},
		{"no staleness", []rbac.Option{rbac.WithMaxStaleness(0)}, []string{"maxStaleness"}},
		{"negative staleness", []rbac.Option{rbac.WithMaxStaleness(-time.Second)}, []string{"maxStaleness"}},
		{"the longest poll interval", []rbac.Option{rbac.WithPollInterval(5 * time.Second)}, nil},
		{"a longer one", []rbac.Option{rbac.WithPollInterval(5*time.Second + 1)}, []string{"pollInterval"}},
		{"a poll interval for a longer staleness", []rbac.Option{
			rbac.WithPollInterval(30 * time.Second), rbac.WithMaxStaleness(time.Minute),
		}, nil},
		{"a negative poll interval", []rbac.Option{rbac.WithPollInterval(-1)}, []string{"pollInterval"}},
		{"the shortest idle time", []rbac.Option{rbac.WithIdleTime(1)}, nil},
		{"no idle time", []rbac.Option{rbac.WithIdleTime(0)}, []string{"idleTime"}},
		{"everything wrong", []rbac.Option{
			rbac.WithIdleTime(-1), rbac.WithLogger(nil), rbac.WithPollInterval(-2), rbac.WithMaxStaleness(1),
		}, []string{"maxStaleness", "pollInterval", "idleTime", "logger"}},

		{"the smallest catalogue", []rbac.Option{rbac.WithAreas(users)}, nil},
		{"no areas", []rbac.Option{rbac.WithAreas()}, []string{"areas"}},
		{"no Users", []rbac.Option{rbac.WithAreas(rbac.AreaInfo{Area: rbac.Deals})}, []string{"areas"}},
		{"an area without a name", []rbac.Option{area(rbac.AreaInfo{})}, []string{"areas[1].area"}},
		{"an area in upper case", []rbac.Option{area(rbac.AreaInfo{Area: "Billing"})}, []string{"areas[1].area"}},
		{"an area with a blank", []rbac.Option{area(rbac.AreaInfo{Area: "a b"})}, []string{"areas[1].area"}},
		{"an area that begins with a digit", []rbac.Option{area(rbac.AreaInfo{Area: "1a"})}, []string{"areas[1].area"}},
		{"an area that begins with a mark", []rbac.Option{area(rbac.AreaInfo{Area: "-a"})}, []string{"areas[1].area"}},
		{"an area with another letter", []rbac.Option{area(rbac.AreaInfo{Area: "é"})}, []string{"areas[1].area"}},
		{"an area with NUL", []rbac.Option{area(rbac.AreaInfo{Area: "a\x00"})}, []string{"areas[1].area"}},
		{"the longest area", []rbac.Option{area(rbac.AreaInfo{Area: rbac.Area(strings.Repeat("a", 64))})}, nil},
		{"a longer one", []rbac.Option{area(rbac.AreaInfo{Area: rbac.Area(strings.Repeat("a", 65))})}, []string{"areas[1].area"}},
		{"every mark", []rbac.Option{area(rbac.AreaInfo{Area: "a-b_c.d9"})}, nil},
		{"an area twice", []rbac.Option{area(rbac.AreaInfo{Area: rbac.Users})}, []string{"areas[1].area"}},
		{"texts too long", []rbac.Option{area(rbac.AreaInfo{
			Area: "a", Label: strings.Repeat("x", 81), Section: strings.Repeat("x", 81), Description: strings.Repeat("x", 501),
		})}, []string{"areas[1].label", "areas[1].description", "areas[1].section"}},
		{"texts with control characters", []rbac.Option{area(rbac.AreaInfo{
			Area: "a", Label: "a\x00", Section: "\xff", Description: "a\nb",
		})}, []string{"areas[1].label", "areas[1].description", "areas[1].section"}},
		{"several wrong areas", []rbac.Option{rbac.WithAreas(rbac.AreaInfo{}, rbac.AreaInfo{Area: "B"})}, []string{"areas[0].area", "areas[1].area", "areas"}},
		{"the last catalogue counts", []rbac.Option{rbac.WithAreas(), rbac.WithAreas(users)}, nil},

		{"a system role", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)}})}, nil},
		{"no id and no name", []rbac.Option{role(rbac.Role{})}, []string{"systemRoles[0].id", "systemRoles[0].name"}},
		{"a bad id", []rbac.Option{role(rbac.Role{ID: "a\x00", Name: "S"})}, []string{"systemRoles[0].id"}},
		{"an id too long", []rbac.Option{role(rbac.Role{ID: rbac.RoleID(strings.Repeat("x", 256)), Name: "S"})}, []string{"systemRoles[0].id"}},
		{"Administrator's id", []rbac.Option{role(rbac.Role{ID: rbac.Administrator, Name: "S"})}, []string{"systemRoles[0].id"}},
		{"Administrator's name", []rbac.Option{role(rbac.Role{ID: "s", Name: " ADMINISTRATOR"})}, []string{"systemRoles[0].name"}},
		{"an id twice", []rbac.Option{role(rbac.Role{ID: "s", Name: "S"}), role(rbac.Role{ID: "s", Name: "T"})}, []string{"systemRoles[1].id"}},
		{"a name twice", []rbac.Option{role(rbac.Role{ID: "s", Name: "Straße"}), role(rbac.Role{ID: "t", Name: "STRASSE"})}, []string{"systemRoles[1].name"}},
		{"a version", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Version: 1})}, []string{"systemRoles[0].version"}},
		{"a description too long", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Description: strings.Repeat("x", 501)})}, []string{"systemRoles[0].description"}},
		{"an unknown area", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.None)}})}, []string{"systemRoles[0].permissions.billing"}},
		{"an unknown scope", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{rbac.Deals: access(4, rbac.None)}})}, []string{"systemRoles[0].permissions.deals.read"}},
		{"Own where nobody owns", []rbac.Option{role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{rbac.API: access(rbac.None, rbac.Own)}})}, []string{"systemRoles[0].permissions.api.manage"}},
		{"an area that the application adds", []rbac.Option{
			rbac.WithAreas(users, rbac.AreaInfo{Area: "billing"}),
			role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.None)}}),
		}, nil},
		{"an area that the application left out", []rbac.Option{
			rbac.WithAreas(users),
			role(rbac.Role{ID: "s", Name: "S", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}}),
		}, []string{"systemRoles[0].permissions.deals"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := fault.New(rbac.NewMemStore())
			az, err := rbac.Open(t.Context(), store, test.options...)
			if test.want == nil {
				require.NoError(t, err)
				require.NoError(t, az.Close())
				return
			}
			require.Nil(t, az)
			require.Equal(t, test.want, fields(t, err))
			require.Zero(t, store.Total(), "the store is not asked")
		})
	}
}

// The defaults: polls every 2 seconds, MaxStaleness 10 seconds, idle after 15
// minutes.
func TestDefaultTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                  string
		options               []rbac.Option
		poll, staleness, idle time.Duration
	}{
		{"defaults", nil, 2 * time.Second, 10 * time.Second, 15 * time.Minute},
		{"the poll follows the staleness", []rbac.Option{rbac.WithMaxStaleness(time.Minute)}, 12 * time.Second, time.Minute, 15 * time.Minute},
		{"all of them", []rbac.Option{
			rbac.WithMaxStaleness(time.Second), rbac.WithPollInterval(500 * time.Millisecond), rbac.WithIdleTime(time.Minute),
		}, 500 * time.Millisecond, time.Second, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := fault.New(rbac.NewMemStore())
				az := openOn(t, store, test.options...)
				assign(t, az.Workspace, rbac.Administrator, "ann")
				allows(t, az.Workspace, "ann")
				store.ResetCalls()
				time.Sleep(10*test.poll + test.poll/2)
				require.Equal(t, 10, store.Calls(opRevisions))
				require.Zero(t, store.Calls(opView))

				allows(t, az.Workspace, "ann") // used, as of the next poll
				time.Sleep(test.idle - test.poll)
				store.ResetCalls()
				time.Sleep(test.poll)
				require.Equal(t, 1, store.Calls(opRevisions), "still in memory")
				time.Sleep(3 * test.poll)
				store.ResetCalls()
				time.Sleep(test.idle)
				require.Zero(t, store.Total(), "idle workspaces are not asked about")

				allows(t, az.Workspace, "ann")
				require.Equal(t, 1, store.Calls(opView))
				store.SetAll(fault.Fails(errBoom))
				time.Sleep(test.staleness - 1)
				allows(t, az.Workspace, "ann")
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				refusesAll(t, az.Workspace, "ann", errBoom)
			})
		})
	}
}

// What is given to an option belongs to the caller.
func TestOptionsCopy(t *testing.T) {
	t.Parallel()
	areas := []rbac.AreaInfo{{Area: rbac.Users}, {Area: "billing", Label: "Billing"}}
	roles := []rbac.Role{{ID: "s", Name: "S", Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.None)}}}
	withAreas, withRoles := rbac.WithAreas(areas...), rbac.WithSystemRoles(roles...)
	areas[1].Area = rbac.Deals
	roles[0].Name = ""
	roles[0].Permissions["billing"] = access(9, 9)
	for range 2 { // an option can be used again
		az := openOn(t, rbac.NewMemStore(), withAreas, withRoles)
		got, err := az.Roles(t.Context())
		require.NoError(t, err)
		require.Equal(t, "S", got[1].Name)
		require.Equal(t, rbac.Permissions{"billing": access(rbac.All, rbac.None)}, got[1].Permissions)
		got[1].Permissions["billing"] = access(rbac.All, rbac.All)
		assign(t, az.Workspace, "s", "sue")
		require.False(t, az.Can(t.Context(), "sue", "billing", rbac.Manage))
		require.True(t, az.Can(t.Context(), "sue", "billing", rbac.Read))
		m, err := az.Matrix(t.Context())
		require.NoError(t, err)
		require.Equal(t, "users", m.Areas[0].Label, "an area without a label shows its name")
		require.Equal(t, "Billing", m.Areas[1].Label)
		m.Areas[1].Area = "other"
	}
	again := rbac.DefaultAreas()
	again[0].Area = "changed"
	require.Equal(t, rbac.Contacts, rbac.DefaultAreas()[0].Area)
}

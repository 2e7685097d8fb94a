package rbactest_test

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// sales is a role that most tests use.
var sales = rbac.Permissions{
	rbac.Contacts: {Read: rbac.All, Manage: rbac.All},
	rbac.Deals:    {Read: rbac.All, Manage: rbac.Own},
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t,
		rbactest.Member("ada", "Administrator"), // before the roles: the order does not matter
		rbactest.Suspended("cleo", "Sales"),
		rbactest.Member("ann", "Sales"),
		rbactest.Role("Sales", sales),
		rbactest.Member("vic", "viewer"),
		rbactest.Role("Empty", nil),
		rbactest.Areas(rbac.AreaInfo{Area: "invoices"}),
		rbactest.Options(rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Audit: {Read: rbac.All}}})),
	)
	ctx := t.Context()
	if w.ID() != "" || w.Authorizer.For("") != w.Workspace {
		t.Errorf("got workspace %q, want the default one", w.ID())
	}
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
	rbactest.Denied(t, w, "ann", rbac.Deals, rbac.Manage)
	rbactest.Denied(t, w, "cleo", rbac.Deals, rbac.Read)
	rbactest.Allowed(t, w, "vic", rbac.Audit, rbac.Read)
	rbactest.Allowed(t, w, "ada", "invoices", rbac.Manage)
	rbactest.Allowed(t, w.Authorizer, "ada", rbac.Deals, rbac.Manage)
	if !w.Can(ctx, "ada", rbac.Users, rbac.Manage) {
		t.Error("the Workspace does not answer by itself")
	}
	if err := w.VerifyEvents(ctx); err != nil {
		t.Error(err)
	}

	role := w.Role(t, "Sales")
	role.Name = "Sales force"
	if _, err := w.As("ada").UpdateRole(ctx, role); err != nil {
		t.Errorf("a role is not ready to be edited: %v", err)
	}
	if id := w.Role(t, "Sales force").ID; id != role.ID {
		t.Errorf("got id %q, want %q", id, role.ID)
	}
	if id := w.Role(t, "Administrator").ID; id != rbac.Administrator {
		t.Errorf("got id %q, want that of the Administrator", id)
	}
	failsAbout(t, func(t testing.TB) { w.Role(t, "Sales") },
		`rbactest: Role: there is no role "Sales"; there is "Administrator", "Viewer", "Empty", "Sales force"`)
}

// Teams and lists are named as everything else is.
func TestNewTeamsAndLists(t *testing.T) {
	t.Parallel()
	viewer := rbac.Role{ID: "viewer", Name: "Viewer"}
	w := rbactest.New(t,
		rbactest.Team("north", "ann", "bob"), // before the members: the order does not matter
		rbactest.Role("Help desk", nil, "Sales", "viewer"),
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Team, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"), rbactest.Suspended("bob", "Sales"), rbactest.Member("cem", "Sales"),
		rbactest.Member("hank", "Help desk"),
		rbactest.Options(rbac.WithSystemRoles(viewer)),
	)
	rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Read, "bob")
	rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Read, "cem")
	rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Read, rbac.Team)
	want := []rbac.RoleID{w.Role(t, "Sales").ID, viewer.ID}
	if got := w.Role(t, "Help desk").Assigns; !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("got the list %q, want %q", got, want)
	}
	if err := w.As("hank").Assign(t.Context(), viewer.ID, "cem"); err != nil {
		t.Error(err)
	}
}

// What a stale store shows has teams and lists, and is filtered as ever.
func TestStaleTeamsAndLists(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	w := rbactest.New(t, rbactest.On(store), rbactest.Role("Sales", nil), rbactest.Role("Help desk", nil, "Sales"),
		rbactest.Member("ann", "Sales"), rbactest.Member("bob", "Sales"), rbactest.Team("north", "ann"))
	faults.Stale()
	if err := w.System("test").SetTeam(t.Context(), "north", "bob"); !errors.Is(err, rbac.ErrUnavailable) && err != nil {
		t.Fatal(err)
	}
	err := store.View(t.Context(), "", func(r rbac.Reader) error {
		var in, moved []string
		for m, err := range r.Members(rbac.MemberQuery{Team: "north"}) {
			if err != nil {
				return err
			}
			in = append(in, m.User)
		}
		for e, err := range r.Events(rbac.EventQuery{Kinds: []rbac.EventKind{rbac.MemberMoved}, User: "ann"}) {
			if err != nil {
				return err
			}
			moved = append(moved, e.MemberAfter.User+" to "+e.MemberAfter.Team)
		}
		if !slices.Equal(in, []string{"ann"}) || !slices.Equal(moved, []string{"ann to north"}) {
			t.Errorf("in the team %q, moved %q", in, moved)
		}
		for role, err := range r.Roles() {
			if err != nil || role.Name == "Help desk" && len(role.Assigns) != 1 {
				t.Errorf("got %v, %v", role, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// An id of a custom role is made by chance, so nobody means it.
func TestRoleIsNotNamedByItsID(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t, rbactest.Role("Sales", sales))
	failsAbout(t, func(t testing.TB) { w.Role(t, string(w.Role(t, "Sales").ID)) }, "there is no role")
}

// A workspace is closed with its test, in which it was made.
func TestNewCloses(t *testing.T) {
	t.Parallel()
	var w *rbactest.Workspace
	t.Run("in a test", func(t *testing.T) {
		w = rbactest.New(t, rbactest.Member("ada", "Administrator"))
		rbactest.Allowed(t, w, "ada", rbac.Deals, rbac.Read)
	})
	if _, err := w.Explain(t.Context(), "ada", rbac.Deals, rbac.Read); !errors.Is(err, rbac.ErrClosed) {
		t.Errorf("got error %v, want ErrClosed", err)
	}
	failsWith(t, "rbactest: Role: "+rbac.ErrClosed.Error(), func(t testing.TB) { w.Role(t, "Administrator") })
}

func TestNewOnAStore(t *testing.T) {
	t.Parallel()
	store := rbac.NewMemStore()
	acme := rbactest.New(t, rbactest.On(store), rbactest.ID("acme"), rbactest.Role("Sales", sales), rbactest.Member("ann", "Sales"))
	if acme.ID() != "acme" {
		t.Errorf("got workspace %q", acme.ID())
	}
	again := rbactest.New(t, rbactest.On(store), rbactest.ID("acme"), rbactest.Member("ben", "Sales"))
	rbactest.Allowed(t, again, "ann", rbac.Deals, rbac.Read)
	rbactest.Allowed(t, again, "ben", rbac.Deals, rbac.Read)
	bolt := rbactest.New(t, rbactest.On(store), rbactest.ID("bolt"))
	rbactest.Denied(t, bolt, "ann", rbac.Deals, rbac.Read)
	rbactest.Denied(t, acme.Authorizer, "ann", rbac.Deals, rbac.Read) // the default workspace
}

// What the library logs is part of the test's output, or goes where the test
// says.
func TestNewLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mine strings.Builder
		var theirs strings.Builder
		r := record(t, func(t testing.TB) {
			t = outputTo{t, &theirs}
			for _, options := range [][]rbac.Option{nil, {rbac.WithLogger(logTo(&mine))}} {
				store, faults := rbactest.Faulty(rbac.NewMemStore())
				w := rbactest.New(t, rbactest.On(store), rbactest.Options(options...))
				faults.Fail(errBoom)
				if err := w.Sync(t.Context()); !errors.Is(err, rbac.ErrUnavailable) {
					t.Errorf("got error %v, want ErrUnavailable", err)
				}
				if err := w.Authorizer.Close(); err != nil {
					t.Error(err)
				}
				synctest.Wait() // nobody logs any more
			}
		})
		if r.Failed() {
			t.Fatal(r.text())
		}
		const want = "a workspace cannot be read"
		if got := theirs.String(); strings.Count(got, want) != 1 {
			t.Errorf("the test's output is\n%s", got)
		}
		if got := mine.String(); strings.Count(got, want) != 1 {
			t.Errorf("the log is\n%s", got)
		}
	})
}

func logTo(out io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(out, nil)) }

// outputTo is a testing.TB with an output of its own.
type outputTo struct {
	testing.TB
	out io.Writer
}

func (t outputTo) Output() io.Writer { return t.out }

// A wrong setup fails the test, by a message that names the mistake.
func TestNewMistakes(t *testing.T) {
	t.Parallel()
	role := rbactest.Role("Sales", sales)
	broken, faults := rbactest.Faulty(rbac.NewMemStore())
	faults.Fail(errBoom)
	for _, test := range []struct {
		name   string
		want   string
		setups []rbactest.Setup
	}{
		{"unknown role", `member "ann": there is no role "Sale"; there is "Administrator", "Sales"`, []rbactest.Setup{role, rbactest.Member("ann", "Sale")}},
		{"swapped", `member "Sales": there is no role "ann"`, []rbactest.Setup{role, rbactest.Member("Sales", "ann")}},
		{"unknown role in a list", `list of the role "Desk": there is no role "Sale"; there is "Administrator", "Sales", and roles with lists are in none`, []rbactest.Setup{role, rbactest.Role("Desk", nil, "Sale")}},
		{"a role with a list in a list", `list of the role "Desk": there is no role "Other"`, []rbactest.Setup{role, rbactest.Role("Other", nil, "Sales"), rbactest.Role("Desk", nil, "Other")}},
		{"Administrator in a list", `role "Desk": rbac: system roles are protected`, []rbactest.Setup{rbactest.Role("Desk", nil, "Administrator")}},
		{"no member in a team", `team "north": rbac: member not found: "ann"`, []rbactest.Setup{role, rbactest.Team("north", "ann")}},
		{"scope team without teams", `role "A": rbac: invalid input: permissions.deals.read: team has no meaning here`, []rbactest.Setup{rbactest.Role("A", rbac.Permissions{rbac.Deals: {Read: rbac.Team}})}},
		{"no user", `member "": rbac: invalid input: users[0]: is empty`, []rbactest.Setup{role, rbactest.Member("", "Sales")}},
		{"member twice", `member "ann" is there twice: a member holds one role`, []rbactest.Setup{role, rbactest.Member("ann", "Sales"), rbactest.Suspended("ann", "Administrator")}},
		{"role twice", `role "sales": rbac: role name is taken`, []rbactest.Setup{role, rbactest.Role("sales", nil)}},
		{"unknown area", `role "A": rbac: invalid input: permissions.invoices: is not an area`, []rbactest.Setup{rbactest.Role("A", rbac.Permissions{"invoices": {Read: rbac.All}})}},
		{"area twice", `invalid input: areas[8].area: "deals" is there twice`, []rbactest.Setup{rbactest.Areas(rbac.AreaInfo{Area: rbac.Deals})}},
		{"wrong option", `invalid input: idleTime`, []rbactest.Setup{rbactest.Options(rbac.WithIdleTime(0))}},
		{"only administrator suspended", `suspended ["ada"]: rbac: the last active administrator must stay`, []rbactest.Setup{rbactest.Suspended("ada", "Administrator")}},
		{"nil setup", `argument 2 is a nil Setup`, []rbactest.Setup{role, nil}},
		{"nil store", `On: the store is nil`, []rbactest.Setup{rbactest.On(nil), rbactest.On(nil)}},
		{"broken store", `boom`, []rbactest.Setup{rbactest.On(broken)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			failsAbout(t, func(t testing.TB) {
				rbactest.New(t, test.setups...)
				t.Log("New returned")
			}, "rbactest.New: ", test.want)
			if r := record(t, func(t testing.TB) { rbactest.New(t, test.setups...) }); strings.Contains(r.text(), "New returned") {
				t.Error("the test went on")
			}
		})
	}
}

// The store can fail after Open, too.
func TestNewFailsOnAFailingStore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		op   rbactest.Op
		want string
	}{{rbactest.OpUpdate, `role "Sales": boom`}, {rbactest.OpView, "boom"}} {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		faults.Fail(errBoom, test.op)
		failsAbout(t, func(t testing.TB) {
			rbactest.New(t, rbactest.On(store), rbactest.Role("Sales", sales), rbactest.Member("ann", "Sales"))
		}, test.want)
	}
}

// The other administrator may be named after the one who is suspended.
func TestNewSuspendsLast(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t, rbactest.Suspended("ada", "Administrator"), rbactest.Member("eve", "administrator"))
	rbactest.Denied(t, w, "ada", rbac.Deals, rbac.Read)
	var admins []string
	for m, err := range w.Members(t.Context(), rbac.MemberQuery{Role: rbac.Administrator}) {
		if err != nil {
			t.Fatal(err)
		}
		admins = append(admins, m.User)
	}
	if !slices.Equal(admins, []string{"ada", "eve"}) {
		t.Errorf("got administrators %q", admins)
	}
}

var errBoom = errors.New("boom")

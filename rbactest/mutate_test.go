package rbactest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

const invoices rbac.Area = "invoices"

// twoAreas is a small catalogue: users have owners, invoices have none.
var twoAreas = []rbac.AreaInfo{{Area: rbac.Users, Owned: true}, {Area: invoices}}

var clerk = rbac.Role{Name: "Clerk", Permissions: rbac.Permissions{
	rbac.Users: {Read: rbac.Own},
	invoices:   {Read: rbac.All, Manage: rbac.All},
}}

// checkClerk checks some of what a clerk may do.
func checkClerk(t testing.TB, role rbac.Role) {
	w := rbactest.New(t, rbactest.Options(rbac.WithAreas(twoAreas...)), rbactest.Role(role.Name, role.Permissions), rbactest.Member("cleo", role.Name))
	rbactest.HasScope(t, w, "cleo", rbac.Users, rbac.Read, rbac.Own)
	rbactest.Denied(t, w, "cleo", rbac.Users, rbac.Manage) // own would be as good
	rbactest.Allowed(t, w, "cleo", invoices, rbac.Read)
}

// Every permission is changed to every other scope, once, in order; what no
// check notices is reported.
func TestMutate(t *testing.T) {
	t.Parallel()
	var tried []string
	var survivors []rbactest.Mutation
	r := record(t, func(t testing.TB) {
		survivors = rbactest.Mutate(t, clerk, func(t testing.TB, role rbac.Role) {
			tried = append(tried, role.Permissions.String())
			checkClerk(t, role)
			clear(role.Permissions) // it is the check's own
		}, rbactest.MutateAreas(twoAreas...))
	})
	want := []string{
		"invoices: read all, manage all; users: read own", // as it is
		"invoices: read all, manage all",
		"invoices: read all, manage all; users: read all",
		"invoices: read all, manage all; users: read own, manage own",
		"invoices: read all, manage all; users: read own, manage all",
		"invoices: manage all; users: read own",
		"invoices: read all; users: read own",
		"invoices: read all, manage all; users: read own", // and once more
	}
	if !slices.Equal(tried, want) {
		t.Errorf("tried\n%s\nwant\n%s", strings.Join(tried, "\n"), strings.Join(want, "\n"))
	}
	if want := []rbactest.Mutation{
		{Area: rbac.Users, Action: rbac.Manage, From: rbac.None, To: rbac.Own},
		{Area: invoices, Action: rbac.Manage, From: rbac.All, To: rbac.None},
	}; !slices.Equal(survivors, want) {
		t.Errorf("got survivors %v, want %v", survivors, want)
	}
	if want := `no check notices when the role "Clerk" has users: manage own instead of none
no check notices when the role "Clerk" has invoices: manage none instead of all
rbactest.Mutate: 4 of 6 changes of the role "Clerk" are noticed`; !r.Failed() || r.text() != want {
		t.Errorf("it said\n%s\nwant\n%s", r.text(), want)
	}
}

// The default catalogue is that of the library: 5 areas with owners and users
// have 2 other scopes for each action, 2 areas have 1.
func TestMutateDefaultAreas(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		rbactest.Mutate(t, rbac.Role{Name: "Empty"}, func(t testing.TB, role rbac.Role) {
			if len(role.Permissions) > 0 {
				t.FailNow()
			}
		})
	})
	if want := `rbactest.Mutate: 28 of 28 changes of the role "Empty" are noticed`; r.Failed() || r.text() != want {
		t.Errorf("it said\n%s\nwant\n%s", r.text(), want)
	}
}

// With teams each permission of records with owners has one scope more, an area
// with one action has only that, and each role in the list is left out.
func TestMutateTeamsAndLists(t *testing.T) {
	t.Parallel()
	areas := []rbac.AreaInfo{{Area: rbac.Users}, {Area: rbac.Deals, Owned: true}, {Area: "export", Only: rbac.Manage}}
	lead := rbac.Role{
		Name: "Lead", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Team}, "export": {Manage: rbac.All}},
		Assigns: []rbac.RoleID{"Sales", "Support"},
	}
	r := record(t, func(t testing.TB) {
		rbactest.Mutate(t, lead, func(t testing.TB, role rbac.Role) {
			w := rbactest.New(t,
				rbactest.Options(rbac.WithAreas(areas...)),
				rbactest.Role(role.Name, role.Permissions, role.Assigns...),
				rbactest.Role("Sales", nil), rbactest.Role("Support", nil),
				rbactest.Member("lea", role.Name), rbactest.Member("stan", "Sales"), rbactest.Member("sue", "Sales"),
				rbactest.Team("north", "lea", "stan"),
			)
			rbactest.AllowedRecord(t, w, "lea", rbac.Deals, rbac.Read, "stan")
			rbactest.DeniedRecord(t, w, "lea", rbac.Deals, rbac.Read, "sue")
			rbactest.Denied(t, w, "lea", rbac.Deals, rbac.Manage) // own and team would be as good
			rbactest.Denied(t, w, "lea", rbac.Users, rbac.Read)
			rbactest.Denied(t, w, "lea", rbac.Users, rbac.Manage)
			rbactest.Allowed(t, w, "lea", "export", rbac.Manage)
			if err := w.As("lea").Suspend(t.Context(), "stan"); err != nil {
				t.Error(err)
			}
		}, rbactest.MutateAreas(areas...), rbactest.MutateTeams())
	})
	if want := `no check notices when the role "Lead" has deals: manage own instead of none
no check notices when the role "Lead" has deals: manage team instead of none
no check notices when the role "Lead" has a list without Support
rbactest.Mutate: 8 of 11 changes of the role "Lead" are noticed`; !r.Failed() || r.text() != want {
		t.Errorf("it said\n%s\nwant\n%s", r.text(), want)
	}
}

func TestUnchecked(t *testing.T) {
	t.Parallel()
	mutate := func(options ...rbactest.MutateOption) func(testing.TB) {
		return func(t testing.TB) {
			rbactest.Mutate(t, clerk, checkClerk, append(options, rbactest.MutateAreas(twoAreas...))...)
		}
	}
	passes(t, mutate(
		rbactest.Unchecked("own users are a later story", rbac.Users, rbac.Manage, rbac.Own),
		rbactest.Unchecked("nobody writes invoices yet", invoices, rbac.Manage),
	))
	failsAbout(t, mutate(rbactest.Unchecked("nobody writes invoices yet", invoices, rbac.Manage)),
		`no check notices when the role "Clerk" has users: manage own instead of none`)
	failsAbout(t, mutate(rbactest.Unchecked("nobody reads invoices yet", invoices, rbac.Read)),
		`Unchecked("nobody reads invoices yet", …) is not needed: there is no such change of read invoices that no check notices`)
	failsAbout(t, mutate(rbactest.Unchecked("to all is fine", rbac.Users, rbac.Manage, rbac.All)),
		`Unchecked("to all is fine", …) is not needed`, `users: manage own instead of none`)
}

// A check notices however it fails.
func TestMutateNotices(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(testing.TB){
		"Fail":    testing.TB.Fail,
		"FailNow": testing.TB.FailNow,
		"Error":   func(t testing.TB) { t.Error("no") },
		"Errorf":  func(t testing.TB) { t.Errorf("%s", "no") },
		"Fatal":   func(t testing.TB) { t.Fatal("no") },
		"Fatalf":  func(t testing.TB) { t.Fatalf("%s", "no") },
		"panic":   func(testing.TB) { panic("no") },
		"cleanup": func(t testing.TB) { t.Cleanup(func() { t.Error("no") }) },
		"cleanup of a cleanup": func(t testing.TB) {
			t.Cleanup(func() { panic("no") })
			t.Cleanup(func() { t.Cleanup(t.FailNow) })
		},
		"another goroutine": func(t testing.TB) {
			var wg sync.WaitGroup
			wg.Go(t.Fail)
			wg.Wait()
		},
		"fails, then skips": func(t testing.TB) {
			t.Fail()
			t.SkipNow()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passes(t, func(t testing.TB) {
				survivors := rbactest.Mutate(t, clerk, func(t testing.TB, role rbac.Role) {
					if role.String() != clerk.String() {
						fail(t)
					}
				}, rbactest.MutateAreas(twoAreas...))
				if len(survivors) > 0 {
					t.Error(survivors)
				}
			})
		})
	}
}

// What does not fail has not noticed, whatever it logs.
func TestMutateDoesNotNotice(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(testing.TB){
		"nothing": func(testing.TB) {},
		"Log":     func(t testing.TB) { t.Log("a"); t.Logf("%d", 1); t.Attr("a", "b"); fmt.Fprint(t.Output(), "out") },
		"Skip":    func(t testing.TB) { t.Skip("a") },
		"Skipf":   func(t testing.TB) { t.Skipf("%d", 1) },
		"SkipNow": testing.TB.SkipNow,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, func(t testing.TB) {
				survivors := rbactest.Mutate(t, clerk, func(t testing.TB, role rbac.Role) {
					if role.String() != clerk.String() {
						pass(t)
					}
				}, rbactest.MutateAreas(twoAreas...))
				if len(survivors) != 6 {
					t.Errorf("got %d survivors", len(survivors))
				}
			})
			if n := strings.Count(r.text(), "\n"); !r.Failed() || n != 6 {
				t.Errorf("it said %d lines:\n%s", n+1, r.text())
			}
		})
	}
}

// The check has to pass with the role as it is, or its failures say nothing.
func TestMutateOfAFailingCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		check func(testing.TB, rbac.Role)
		wants []string
	}{
		{"fails", func(t testing.TB, _ rbac.Role) { t.Errorf("why: %d", 1) }, []string{"\nmutate_test.go:", ": why: 1\n"}},
		{"fails in a helper", func(t testing.TB, _ rbac.Role) { complain(t) }, []string{"\nmutate_test.go:", ": deeply\n"}},
		{"fails in an assertion", func(t testing.TB, role rbac.Role) {
			rbactest.Allowed(t, rbactest.New(t), "nobody", rbac.Deals, rbac.Read)
		}, []string{"\nmutate_test.go:", `: want allowed: "nobody" may not read deals: not a member`}},
		{"logs and fails", func(t testing.TB, _ rbac.Role) {
			t.Log("first", 1)
			fmt.Fprintln(t.Output(), "plainly")
			t.Logf("last %d", 2)
			t.FailNow()
		}, []string{": first 1\nplainly\n", ": last 2\n"}},
		{"panics", func(testing.TB, rbac.Role) { panic("oh") }, []string{"\npanic: oh\n", "goroutine ", "mutate_test.go:"}},
		{"skips", func(t testing.TB, _ rbac.Role) { t.Skip("not today") }, []string{"not today"}},
		{"fails when it runs again", failsAgain(), []string{"the check does not pass a second time", ": again\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			r := record(t, func(t testing.TB) {
				rbactest.Mutate(t, clerk, func(t testing.TB, role rbac.Role) {
					t.Helper()
					calls++
					test.check(t, role)
				}, rbactest.MutateAreas(twoAreas...))
				t.Log("Mutate returned")
			})
			if got, want := calls > 1, strings.HasSuffix(test.name, "again"); got != want {
				t.Errorf("the check was called %d times", calls)
			}
			if strings.Contains(r.text(), "Mutate returned") || strings.Contains(r.text(), "no check notices") {
				t.Errorf("it said\n%s", r.text())
			}
			for _, want := range append(test.wants, `rbactest.Mutate: the check does not pass `, `with the role "Clerk" as it is`) {
				if !r.Failed() || !strings.Contains(r.text(), want) {
					t.Errorf("it said\n%s\nwant in it\n%s", r.text(), want)
				}
			}
		})
	}
}

func complain(t testing.TB) {
	t.Helper()
	complainMore(t)
}

func complainMore(t testing.TB) {
	t.Helper()
	t.Error("deeply")
}

// failsAgain returns a check that leaves something behind, at which it fails
// when it runs again.
func failsAgain() func(testing.TB, rbac.Role) {
	left := false
	return func(t testing.TB, _ rbac.Role) {
		if left {
			t.Errorf("again")
		}
		left = true
	}
}

func TestMutateMistakes(t *testing.T) {
	t.Parallel()
	areas := rbactest.MutateAreas(twoAreas...)
	for _, test := range []struct {
		want    string
		role    rbac.Role
		options []rbactest.MutateOption
	}{
		{`the role "Clerk" has permissions for "invoices", which is not among the areas; use MutateAreas`, clerk, nil},
		{`the role "Odd" has the scope own in "invoices", whose records have no owners`, rbac.Role{Name: "Odd", Permissions: rbac.Permissions{invoices: {Manage: rbac.Own}}}, []rbactest.MutateOption{areas}},
		{`the role "Odd" has the scope team in "invoices", whose records have no owners`, rbac.Role{Name: "Odd", Permissions: rbac.Permissions{invoices: {Manage: rbac.Team}}}, []rbactest.MutateOption{areas, rbactest.MutateTeams()}},
		{`the role "Odd" has the scope team in "users"; use MutateTeams`, rbac.Role{Name: "Odd", Permissions: rbac.Permissions{rbac.Users: {Manage: rbac.Team}}}, []rbactest.MutateOption{areas}},
		{`the role "Odd" may read "export", where there is nothing to read`, rbac.Role{Name: "Odd", Permissions: rbac.Permissions{"export": {Read: rbac.All}}}, []rbactest.MutateOption{
			rbactest.MutateAreas(rbac.AreaInfo{Area: "export", Only: rbac.Manage}),
		}},
		{`option 2 is nil`, clerk, []rbactest.MutateOption{areas, nil}},
		{`Unchecked of manage invoices gives no reason`, clerk, []rbactest.MutateOption{areas, rbactest.Unchecked(" ", invoices, rbac.Manage)}},
		{`Unchecked("why", …) is about "deals", which is not among the areas`, clerk, []rbactest.MutateOption{areas, rbactest.Unchecked("why", rbac.Deals, rbac.Manage)}},
	} {
		failsWith(t, "rbactest.Mutate: "+test.want, func(t testing.TB) {
			rbactest.Mutate(t, test.role, func(testing.TB, rbac.Role) { panic("not to be called") }, test.options...)
		})
	}
}

// What a check sets up ends with it, before the next one begins. Not parallel:
// it sets the environment.
func TestMutateChecksAreOnTheirOwn(t *testing.T) {
	const set, unset = "RBACTEST_SET", "RBACTEST_UNSET"
	t.Setenv(set, "before")
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var names, dirs, order []string
	var contexts []interface{ Err() error }
	rbactest.Mutate(t, clerk, func(tb testing.TB, _ rbac.Role) {
		for _, dir := range dirs {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("the directory of an earlier check is still there: %v", err)
			}
		}
		if here, err := os.Getwd(); here != home || err != nil {
			t.Errorf("begins in %s, %v", here, err)
		}
		if _, found := os.LookupEnv(unset); os.Getenv(set) != "before" || found {
			t.Errorf("begins with the environment of an earlier check")
		}
		for _, ctx := range contexts {
			if ctx.Err() == nil {
				t.Error("the context of an earlier check goes on")
			}
		}
		if tb.Context().Err() != nil {
			t.Error("begins with a context that is done")
		}
		dir := tb.TempDir()
		tb.Chdir(dir)
		tb.Setenv(set, "now")
		tb.Setenv(unset, "now")
		if here, _ := os.Getwd(); here == home || os.Getenv(set) != "now" || os.Getenv(unset) != "now" {
			t.Error("Chdir or Setenv did nothing")
		}
		tb.Cleanup(func() {
			order = append(order, "last")
			if tb.Context().Err() == nil {
				t.Error("cleanups run while the context goes on")
			}
		})
		tb.Cleanup(func() { order = append(order, "first") })
		names, dirs, contexts = append(names, tb.Name()), append(dirs, dir), append(contexts, tb.Context())
	}, rbactest.MutateAreas(twoAreas...), rbactest.Unchecked("t", rbac.Users, rbac.Read), rbactest.Unchecked("t", rbac.Users, rbac.Manage), rbactest.Unchecked("t", invoices, rbac.Read), rbactest.Unchecked("t", invoices, rbac.Manage))

	if want := slices.Repeat([]string{"first", "last"}, 8); !slices.Equal(order, want) {
		t.Errorf("cleanups ran in the order %q", order)
	}
	if names[0] != t.Name()+"/unchanged" || names[1] != t.Name()+"/users:_read_none_instead_of_own" || len(slices.Compact(slices.Sorted(slices.Values(names)))) != 8 {
		t.Errorf("checks have the names %q", names)
	}
}

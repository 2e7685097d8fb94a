package rbactest_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// writes returns a function that writes a text.
func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// goldenFile makes a golden file.
func goldenFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "golden.md")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setFlag sets a flag of this test binary for one test.
func setFlag(t *testing.T, name string) {
	t.Helper()
	if err := flag.Set(name, "true"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, "false"); err != nil {
			t.Error(err)
		}
	})
}

func TestGolden(t *testing.T) {
	const text = "| a |\n| b |\n"
	for _, test := range []struct{ name, file, got string }{
		{"equal", text, text},
		{"file with the line ends of Windows", "| a |\r\n| b |\r\n", text},
		{"output with the line ends of Windows", text, "| a |\r\n| b |\r\n"},
		{"empty", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := goldenFile(t, test.file)
			passes(t, func(t testing.TB) {
				if !rbactest.Golden(t, path, writes(test.got)) {
					t.Error("returned false")
				}
			})
		})
	}
}

// The command of a failure is one that can be copied: it names the package
// and the test, wherever it is called.
const goldenCommand = `go test github.com/areagate/rbac/rbactest -run "^%s$" -rbac.update`

func TestGoldenDiffers(t *testing.T) {
	path := goldenFile(t, "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
	failsWith(t, `golden file `+path+` differs (- is the file, + is what the test got):
  … line 3
  3
  4
- 5
+ five
  6
  7
If the change is right, accept it: `+fmt.Sprintf(goldenCommand, "TestGoldenDiffers"), func(t testing.TB) {
		if rbactest.Golden(t, path, writes("1\n2\n3\n4\nfive\n6\n7\n8\n9\n")) {
			t.Log("returned true")
		}
	})
	if got, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(got), "1\n2\n3\n4\n5\n") {
		t.Errorf("the file was changed: %q, %v", got, err)
	}
	t.Run("in a subtest (a.b)", func(t *testing.T) {
		failsAbout(t, func(t testing.TB) { rbactest.Golden(t, path, writes("")) },
			`-run "^TestGoldenDiffers$/^in_a_subtest_\(a\.b\)$" -rbac.update`)
	})
}

func TestGoldenIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "golden.md")
	failsWith(t, `golden file `+path+` does not exist. It would hold:
+ | a |
If that is right, create it: `+fmt.Sprintf(goldenCommand, "TestGoldenIsMissing"), func(t testing.TB) { rbactest.Golden(t, path, writes("| a |\n")) })

	// Also where nothing would be in it.
	failsAbout(t, func(t testing.TB) { rbactest.Golden(t, path, writes("")) }, "does not exist")
}

func TestGoldenFails(t *testing.T) {
	path := goldenFile(t, "")
	failsWith(t, "golden file "+path+": what it should hold cannot be written: boom", func(t testing.TB) {
		rbactest.Golden(t, path, func(io.Writer) error { return errBoom })
	})
	failsAbout(t, func(t testing.TB) { rbactest.Golden(t, t.TempDir(), writes("")) }, "golden file: read ", "is a directory")
}

func TestGoldenUpdate(t *testing.T) {
	if flag.Lookup("update") == nil { // as in the test binary of somebody who has one
		flag.Bool("update", false, "")
	}
	for _, name := range []string{"rbac.update", "update"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "new", "golden.md")
			setFlag(t, name)
			r := record(t, func(t testing.TB) {
				for _, text := range []string{"first\n", "second\n", "second\n"} {
					if !rbactest.Golden(t, path, writes(text)) {
						t.Error("returned false")
					}
				}
				// What cannot be written does not become a golden file.
				rbactest.Golden(t, path, func(w io.Writer) error { return errors.Join(writes("half")(w), errBoom) })
			})
			if got, err := os.ReadFile(path); err != nil || string(got) != "second\n" {
				t.Errorf("the file holds %q, %v", got, err)
			}
			written := "golden file " + path + " written\n"
			if want := written + written + "golden file " + path + ": what it should hold cannot be written: boom"; r.text() != want {
				t.Errorf("it said\n%s\nwant\n%s", r.text(), want)
			}
			blocked := filepath.Join(goldenFile(t, ""), "new", "golden.md")
			failsAbout(t, func(t testing.TB) { rbactest.Golden(t, blocked, writes("")) }, "golden file: ")
		})
	}
}

func TestGoldenUpdateFails(t *testing.T) {
	setFlag(t, "rbac.update")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(t.TempDir(), "missing", "file"), link); err != nil {
		t.Skip("this system makes no symbolic links: ", err)
	}
	failsAbout(t, func(t testing.TB) { rbactest.Golden(t, link, writes("")) }, "golden file: open ")
	failsAbout(t, func(t testing.TB) { rbactest.Golden(t, filepath.Join(link, "golden.md"), writes("")) }, "golden file: mkdir ")
}

// In a goroutine that no test function started there is no telling which
// package it is.
func TestGoldenOutsideATest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		go rbactest.Golden(r, filepath.Join(t.TempDir(), "new.md"), writes(""))
		synctest.Wait()
		if !strings.Contains(r.text(), "create it: go test . -run ") {
			t.Errorf("it said\n%s", r.text())
		}
	})
}

// A flag "update" that is something else updates nothing.
func TestGoldenForeignFlag(t *testing.T) {
	before := flag.CommandLine
	defer func() { flag.CommandLine = before }()
	path := goldenFile(t, "old\n")
	for _, define := range []func(){
		func() {},
		func() { flag.String("update", "true", "") },
		func() { flag.Func("update", "", func(string) error { return nil }) },
	} {
		flag.CommandLine = flag.NewFlagSet("", flag.PanicOnError)
		define()
		failsAbout(t, func(t testing.TB) { rbactest.Golden(t, path, writes("new\n")) }, "differs")
	}
}

func TestGoldenRoles(t *testing.T) {
	w := rbactest.New(t, rbactest.Role("Sales", sales))
	rbactest.GoldenRoles(t, "testdata/roles.md", w)
	rbactest.GoldenRoles(t, "testdata/roles.md", w.Authorizer)
}

func TestGoldenRolesDiffer(t *testing.T) {
	w := rbactest.New(t, rbactest.Role("Sales", sales))
	role := w.Role(t, "Sales")
	role.Permissions[rbac.Deals] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	if _, err := w.System("test").UpdateRole(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	failsAbout(t, func(t testing.TB) { rbactest.GoldenRoles(t, "testdata/roles.md", w) },
		"\n- | Sales | read all, manage all | no access | read all, manage own |",
		"\n+ | Sales | read all, manage all | no access | read all, manage all |")

	if err := w.Authorizer.Close(); err != nil {
		t.Fatal(err)
	}
	failsWith(t, "golden file testdata/roles.md: "+rbac.ErrClosed.Error(), func(t testing.TB) { rbactest.GoldenRoles(t, "testdata/roles.md", w) })
}

// TestGoldenDiff shows how differences are told.
func TestGoldenDiff(t *testing.T) {
	many := func(n int, line string) string { return strings.Repeat(line+"\n", n) }
	for _, test := range []struct{ name, file, got, want string }{
		{"line added", "a\nb\n", "a\nx\nb\n", "  a\n+ x\n  b\n"},
		{"line removed", "a\nx\nb\n", "a\nb\n", "  a\n- x\n  b\n"},
		{"all removed", "a\nb\n", "", "- a\n- b\n"},
		{"line moved", "a\nb\nc\n", "b\nc\na\n", "- a\n  b\n  c\n+ a\n"},
		{"two places", "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n", "- a\n+ A\n  1\n  2\n  … line 6\n  5\n  6\n- b\n+ B\n"},
		{"repeated lines", "a\na\nb\na\n", "a\nb\na\na\n", "  a\n- a\n  b\n+ a\n  a\n"},
		{"no line break at the end", "a\nb", "a\nb\n", "  a\n- b (without a line break)\n+ b\n"},
		{"blanks at the end", "a \n", "a\t\n", "- \"a \"\n+ \"a\\t\"\n"},
		{"what cannot be seen", "a\u200bb\n", "a\rb\n", "- \"a\\u200bb\"\n+ \"a\\rb\"\n"},
		{"tabs within", "a\tb\n", "a\tc\n", "- a\tb\n+ a\tc\n"},
		{"too much to show", many(300, "a"), "", many(200, "- a") + "  … and 100 more lines\n"},
		{"too much to compare", "0\n" + many(2100, "a") + "b\n1\n", "0\nb\n" + many(2100, "c") + "1\n", "  0\n" + many(199, "- a") + "  … and 4004 more lines\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := goldenFile(t, test.file)
			r := record(t, func(t testing.TB) { rbactest.Golden(t, path, writes(test.got)) })
			_, diff, _ := strings.Cut(r.text(), "\n")
			diff, _, _ = strings.Cut(diff, "If the change is right")
			if diff != test.want {
				t.Errorf("got\n%s\nwant\n%s", diff, test.want)
			}
		})
	}
}

// The table shows teams, areas with one action, and lists.
func TestGoldenRolesWithTeamsAndLists(t *testing.T) {
	w := rbactest.New(t,
		rbactest.Options(rbac.WithTeams(), rbac.WithAreas(
			rbac.AreaInfo{Area: rbac.Deals, Label: "Deals", Owned: true}, rbac.AreaInfo{Area: "export", Label: "Export", Only: rbac.Manage}, rbac.AreaInfo{Area: rbac.Users},
		)),
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Team, Manage: rbac.Own}}),
		rbactest.Role("Team lead", rbac.Permissions{rbac.Deals: {Read: rbac.Team, Manage: rbac.Team}, "export": {Manage: rbac.All}}, "Sales"),
	)
	path := goldenFile(t, `| Role | Deals | Export | users | Gives and takes |
| --- | --- | --- | --- | --- |
| Administrator | read all, manage all | manage all | read all, manage all |  |
| Sales | read team, manage own | no access | no access |  |
| Team lead | read team, manage team | manage all | no access | Sales |
`)
	passes(t, func(t testing.TB) { rbactest.GoldenRoles(t, path, w) })
}

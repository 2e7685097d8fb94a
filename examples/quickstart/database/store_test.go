package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/internal/pgtest"
	"github.com/areagate/rbac/examples/quickstart/tour"
)

// asProgram makes the test binary the program itself.
const asProgram = "QUICKSTART_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(pgtest.Main(m))
}

func TestTourOnSQLite(t *testing.T) {
	t.Parallel()
	testDatabase(t, sqliteStore(t))
}

func TestTourOnPostgreSQL(t *testing.T) {
	t.Parallel()
	testDatabase(t, pgtest.Database(t))
}

func sqliteStore(t *testing.T) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "quickstart.db")
}

// testDatabase takes the tour three times on an empty database. The first is
// as without one, the others go on from what is there.
func testDatabase(t *testing.T, store string) {
	first := tourIn(t, store, "")
	if got, want := masked(first), masked(onMemStore(t)); got != want {
		t.Fatalf("differs from the tour without a database:\n%s\nwhich is:\n%s", got, want)
	}

	second, third := tourIn(t, store, ""), tourIn(t, store, "")
	want, _ := cutRecord(first)
	for _, again := range []string{second, third} {
		if got, _ := cutRecord(again); got != want {
			t.Errorf("another run differs:\n%s\nfirst:\n%s", got, want)
		}
	}
	for _, part := range []string{
		"gives new.colleague the role Marketing: done.\n",
		"gives new.colleague the role Support agent: refused.",
		"all that an administrator may do: refused.",
		"open the role Support agent, version 3.\n",
		"grace.okafor saves a new description: done, version 4.\n",
		"henrik.solberg, who still has version 3, saves another: refused.\n" +
			"  rbac: the role was changed in the meantime: role \"Support agent\" is at version 4\n",
		"all 61 events is intact.",
	} {
		if !strings.Contains(second, part) {
			t.Errorf("the second run lacks %q:\n%s", part, second)
		}
	}
	// What it took back, and what it did again.
	_, record := cutRecord(second)
	const wantRecord = `
61    grace.okafor  role.updated      Support agent, version 4
60    amelia.novak  member.assigned   new.colleague, Marketing
59    grace.okafor  member.removed    new.colleague
58    grace.okafor  role.updated      Support agent, version 3
57    grace.okafor  role.updated      Support agent, version 2
`
	if !strings.Contains(masked(record), wantRecord) {
		t.Errorf("the second run recorded %s\nwant %s", record, wantRecord)
	}
}

var versions = regexp.MustCompile(`version \d+`)

// cutRecord returns the sections before the last, without versions, and the
// last.
func cutRecord(output string) (before, record string) {
	before, record, _ = strings.Cut(output, "The record\n")
	return versions.ReplaceAllString(before, "version"), record
}

func TestChangedFileIsBroughtInLine(t *testing.T) {
	t.Parallel()
	const people = `, "people": [{"user": "bob", "role": "Sales"}, {"user": "eve", "role": "Sales"`
	store := sqliteStore(t)
	tourIn(t, store, write(t, `{"administrators": ["ada"], "roles": [{"name": "Sales", "permissions": {"deals": {"read": "all"}}}]`+
		people+`, "suspended": true}]}`))
	output := tourIn(t, store, write(t, `{"administrators": ["ada"], "roles": [{"name": "SALES", "permissions": {"deals": {"read": "own"}}}]`+
		strings.ReplaceAll(people, "Sales", "SALES")+`}]}`))
	for _, part := range []string{
		"SALES               -         -              own/-    -", // the same role, as the file has it now
		"yes  bob sees a deal of bob\nno   bob sees a deal of eve\n",
		"ada  member.reinstated  eve, SALES\n",
	} {
		if !strings.Contains(output, part) {
			t.Errorf("the output lacks %q:\n%s", part, output)
		}
	}
	if strings.Contains(output, "Sales ") {
		t.Errorf("the role is there twice:\n%s", output)
	}
}

func TestAnotherFileInTheSameStore(t *testing.T) {
	t.Parallel()
	store := sqliteStore(t)
	tourIn(t, store, "")
	// The last role is now one that only the first file has.
	output := tourIn(t, store, write(t, `{"administrators": ["ada"], "people": [{"user": "new.colleague", "role": "Marketing"}]}`))
	for _, part := range []string{
		"gives new.colleague the role Marketing: done.\n",
		"ada saves a new description: done, version 3.\n",
		"henrik.solberg, who still has version 2, saves another: refused.\n",
	} {
		if !strings.Contains(output, part) {
			t.Errorf("the output lacks %q:\n%s", part, output)
		}
	}
}

func TestTwoRolesOfOneNameInALaterRun(t *testing.T) {
	t.Parallel()
	store := sqliteStore(t)
	const (
		finance = `{"name": "Finance", "permissions": {}}`
		one     = `{"administrators": ["ada"], "roles": [` + finance + `]}`
		two     = `{"administrators": ["ada"], "roles": [` + finance + `, ` + finance + `]}`
	)
	tourIn(t, store, write(t, one))
	open, err := storeNamed(store)
	if err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), write(t, two), open, new(bytes.Buffer))
	if !errors.Is(err, rbac.ErrNameTaken) {
		t.Errorf("got %v, want %v", err, rbac.ErrNameTaken)
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	const want = "-store: want sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE\n"
	for _, test := range []struct {
		name, store string
		code        int
		stderr      string // all of it, or with … its beginning
	}{
		{"SQLite", sqliteStore(t), 0, ""},
		{"an empty name", "", 2, want},
		{"an unknown name", "memory", 2, want},
		{"SQLite without a file", "sqlite:", 2, want},
		{"an unknown scheme, with a password", "mysql://app:secret@host/app", 2, want},
		{"a port that is none, with a password", "postgres://app:secret@host:port/app", 2, "-store: cannot parse `postgres://app:xxxxx@host:port/app`: …"},
		{"a folder that is not there", "sqlite:" + filepath.Join(t.TempDir(), "no", "quickstart.db"), 1, "sqlitestore: open …"},
		{"a server that is not there", "postgres://app:secret@127.0.0.1:1/app", 1, "pgstore: migrate: …"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-store", test.store)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the code is looked at
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			prefix, partly := strings.CutSuffix(test.stderr, "…")
			if got := stderr.String(); !strings.HasPrefix(got, prefix) || !partly && got != prefix || strings.Contains(got, "secret") {
				t.Errorf("stderr has %q, want %q", got, test.stderr)
			}
			if (stdout.Len() > 0) != (test.code == 0) {
				t.Errorf("code %d, and stdout has %q", test.code, &stdout)
			}
		})
	}
}

// onMemStore returns what the tour writes without a database.
func onMemStore(t *testing.T) string {
	t.Helper()
	company, err := tour.Load("")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tour.Run(t.Context(), company, rbac.NewMemStore(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// tourIn returns what run writes with a store.
func tourIn(t *testing.T, store, path string) string {
	t.Helper()
	open, err := storeNamed(store)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), path, open, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var varying = regexp.MustCompile(`\d\d:\d\d:\d\d|[0-9a-f]{16}…`)

// masked returns an output without what differs in each run.
func masked(output string) string { return varying.ReplaceAllString(output, "") }

// write returns the path of a file with this content.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "company.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

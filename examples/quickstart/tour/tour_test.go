package tour

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

func TestTourOfTheEmbeddedCompany(t *testing.T) {
	output := tour(t, "")
	for _, part := range []string{
		`"Brightwell Office Supply": 8 roles of its own, 2 administrators, 43 other people`,
		// The roles.
		"\nRole (read/manage)    Contacts  Organizations  Deals    Services  Tasks    Users    API access  Audit\n",
		"\nSales representative  all/own   all/own        own/own  all/-     own/own  -        -           -\n",
		"\nOffice manager        all/own   all/own        all/own  all/-     all/own  all/all  -           -\n",
		// Checks.
		`yes  "carla.mendes" may manage deals: the role "Sales lead" reaches everything in the area`,
		`no   "aisha.rahman" may not manage deals: the role "Sales representative" reaches own records only`,
		`no   "nora.lindgren" may not manage deals: the role "Finance" does not allow it`,
		`no   "george.papas" may not manage deals: the member is suspended`,
		`no   "a.stranger" may not manage deals: not a member of the workspace`,
		// One record.
		"yes  aisha.rahman sees a deal of aisha.rahman\n",
		"no   aisha.rahman sees a deal of ben.carter\n",
		// Lists.
		"carla.mendes    all   every deal\n",
		"aisha.rahman    own   the deals of aisha.rahman\n",
		"anton.kruger    none  no deals\n",
		// No escalation.
		"amelia.novak (Office manager) gives new.colleague the role Marketing: done.\n",
		"gives new.colleague the role Support agent: refused. Missing:\n  contacts: manage all\n  tasks: manage all\n",
		"all that an administrator may do: refused. Missing:\n  api: read all, manage all\n  audit: read all, manage all\n",
		// No lock-out.
		`rbac: the last active administrator must stay: role "Administrator": "grace.okafor", "henrik.solberg"`,
		// No lost edits.
		"grace.okafor saves a new description: done, version 2.\n",
		"henrik.solberg, who still has version 1, saves another: refused.\n",
		// Who can manage users.
		"henrik.solberg  Administrator   all\namelia.novak    Office manager  all\n",
		// Advice.
		`warning: manage-without-read: The role "Support agent" manages all in "Tasks" but reads own.`,
		// The record.
		"grace.okafor  role.updated      Support agent, version 2\n",
		"member.suspended  jonas.weber, Sales representative\n",
		"Verified: the hash chain of all 57 events is intact.",
	} {
		if !strings.Contains(output, part) {
			t.Errorf("the output lacks %q", part)
		}
	}
	for _, s := range sections {
		if !strings.Contains(output, ". "+s.title+"\n"+s.sentence+"\n") {
			t.Errorf("the output lacks the section %q", s.title)
		}
	}
	for line := range strings.Lines(output) {
		if width := utf8.RuneCountInString(line) - 1; width > 120 {
			t.Errorf("a line takes %d columns: %s", width, line)
		}
	}
}

func TestTourIsTheSameEachTime(t *testing.T) {
	first := masked(tour(t, ""))
	for range 5 {
		if again := masked(tour(t, "")); again != first {
			t.Fatalf("another run differs:\n%s\nfirst:\n%s", again, first)
		}
	}
}

func TestTourOfOtherCompanies(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{
			"nobody but one administrator",
			`{"administrators": ["ada"]}`,
			[]string{
				"No two people here see only their own deals.",
				"Only administrators manage users here, and they hold everything.",
				`must stay: role "Administrator": "ada"`,
				"This company has no roles of its own to edit.",
				"single-administrator",
				"Verified: the hash chain of all 1 events is intact.",
			},
		},
		{
			"a custom role that holds everything is not refused, so it is not shown",
			`{"administrators": ["ada"], "roles": [{"name": "Owner", "permissions": {
				"contacts": {"read": "all", "manage": "all"}, "organizations": {"read": "all", "manage": "all"},
				"deals": {"read": "all", "manage": "all"}, "services": {"read": "all", "manage": "all"},
				"tasks": {"read": "all", "manage": "all"}, "users": {"read": "all", "manage": "all"},
				"api": {"read": "all", "manage": "all"}, "audit": {"read": "all", "manage": "all"}}}],
				"people": [{"user": "bob", "role": "Owner"}]}`,
			[]string{"Only administrators manage users here", "ada, who still has version 1, saves another: refused."},
		},
		{
			"own users only is not enough to manage users",
			`{"administrators": ["ada"], "roles": [{"name": "Mentor", "permissions": {"users": {"manage": "own"}}}],
				"people": [{"user": "bob", "role": "Mentor"}]}`,
			[]string{"Only administrators manage users here", "bob  Mentor         own\n"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			output := tour(t, write(t, test.file))
			for _, part := range test.want {
				if !strings.Contains(output, part) {
					t.Errorf("the output lacks %q:\n%s", part, output)
				}
			}
		})
	}
}

func TestOnlyWhatSucceedsIsRecorded(t *testing.T) {
	ctx := t.Context()
	az := open(t)
	c, err := readCompany(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if err := setUp(ctx, az, c); err != nil {
		t.Fatal(err)
	}
	before := countEvents(t, az)
	if want := len(c.users()) + len(c.Roles) + len(c.inState(true)); before != want {
		t.Errorf("setting up left %d events, want %d", before, want)
	}
	if err := showAll(ctx, az, io.Discard); err != nil {
		t.Fatal(err)
	}
	// The new colleague, and the edit that came first.
	if got := countEvents(t, az) - before; got != 2 {
		t.Errorf("the tour left %d events, want 2", got)
	}
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	reader, writer := io.Pipe()
	reader.Close()
	if err := run(t.Context(), "", writer); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
	}
}

func TestTourEndsWhenARuleDoesNotHold(t *testing.T) {
	conflict := &rbac.RefusalError{Rule: rbac.ErrConflict}
	for _, test := range []struct {
		name string
		got  error
		want string
	}{
		{"a change that passed", reportRefusal(io.Discard, rbac.ErrConflict, nil),
			`not refused, want "rbac: the role was changed in the meantime"`},
		{"another rule", reportRefusal(io.Discard, rbac.ErrLastAdministrator, conflict),
			`want "rbac: the last active administrator must stay", got: rbac: the role was changed in the meantime`},
		{"the rule without its details", reportRefusal(io.Discard, rbac.ErrConflict, rbac.ErrConflict),
			`want "rbac: the role was changed in the meantime", got: rbac: the role was changed in the meantime`},
		{"an escalation that passed", reportEscalation(io.Discard, nil),
			`not refused, want "rbac: more than the actor holds"`},
		{"another rule than escalation", reportEscalation(io.Discard, conflict),
			`want "rbac: more than the actor holds", got: rbac: the role was changed in the meantime`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.got == nil || test.got.Error() != test.want {
				t.Errorf("got  %v\nwant %s", test.got, test.want)
			}
		})
	}
	if err := reportRefusal(io.Discard, rbac.ErrConflict, conflict); err != nil {
		t.Errorf("the expected refusal ends the tour: %v", err)
	}
}

// tour returns what the tour of the company in a file writes.
func tour(t *testing.T, path string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), path, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func run(ctx context.Context, path string, out io.Writer) error {
	c, err := Load(path)
	if err != nil {
		return err
	}
	return Run(ctx, c, rbac.NewMemStore(), out)
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

func open(t *testing.T) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(context.Background(), rbac.NewMemStore())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { az.Close() })
	return az
}

func countEvents(t *testing.T, az *rbac.Authorizer) int {
	t.Helper()
	events, err := collect(az.Events(t.Context(), rbac.EventQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}

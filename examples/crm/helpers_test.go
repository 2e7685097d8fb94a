package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/internal/pgtest"
	"github.com/areagate/rbac/rbachttp"
)

// asProgram makes the test binary the program itself.
const asProgram = "CRM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "crm":
		main()
		return
	case "load":
		serveForLoad()
		return
	}
	os.Exit(pgtest.Main(m))
}

// The people of brightwell.json whom tests send.
const (
	brightwell = "brightwell"
	oakline    = "oakline"

	nobody        = ""
	stranger      = "walter.quist" // not a member
	suspended     = "jonas.weber"
	administrator = "grace.okafor"
	officeManager = "amelia.novak"
	salesLead     = "carla.mendes"
	salesRep      = "aisha.rahman"
	supportAgent  = "anton.kruger"
	operations    = "quentin.moreau"
	auditor       = "ruth.adler"
	teamLead      = "nadia.haddad"
	helpDesk      = "omar.diallo"

	otherRep = "ben.carter"   // whom no test sends
	teammate = "chloe.martin" // of teamLead and salesRep
)

// onEachDatabase runs a test on SQLite and on PostgreSQL, beside others.
func onEachDatabase(t *testing.T, test func(t *testing.T, open func(testing.TB) *database)) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *database{"SQLite": sqliteDatabase, "PostgreSQL": postgresDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

func sqliteDatabase(t testing.TB) *database {
	t.Helper()
	db, err := openSQLite(t.Context(), t.TempDir())
	return opened(t, db, err)
}

func postgresDatabase(t testing.TB) *database {
	t.Helper()
	db, err := openPostgres(t.Context(), pgtest.Database(t))
	return opened(t, db, err)
}

func opened(t testing.TB, db *database, err error) *database {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// crm is a running CRM, asked over real HTTP.
type crm struct {
	*server
	az     *rbac.Workspace // of Brightwell
	t      testing.TB
	url    string
	client *http.Client
	tokens map[string]string
	roles  map[string]rbac.RoleID // by name
}

// start starts a CRM with the people and records of brightwell.json. A handler
// that does not look at the scope of its caller fails the test.
func start(t testing.TB, db *database, more ...rbac.Option) *crm {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: firstLine}))
	az, err := rbac.Open(t.Context(), db.store, append(append(options(), rbac.WithLogger(logger)), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := az.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := setUp(t.Context(), db, az); err != nil {
		t.Fatal(err)
	}
	s := newServer(db, az, rbachttp.WithLogger(logger), rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s %s did not look at the scope of %v", r.Method, r.URL, need)
	}))
	web := httptest.NewServer(s.handler())
	t.Cleanup(web.Close)
	web.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &crm{s, az.For(brightwell), t, web.URL, web.Client(), map[string]string{}, map[string]rbac.RoleID{}}
	roles, err := c.az.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range roles {
		c.roles[role.Name] = role.ID
	}
	return c
}

// firstLine cuts off the stacks of stores that panic.
func firstLine(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		line, _, _ := strings.Cut(err.Error(), "\n")
		a.Value = slog.StringValue(line)
	}
	return a
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// as sends a request as a user, in whose name it signs in. Nobody is "".
func (c *crm) as(user, method, path string, body any) answer {
	c.t.Helper()
	return c.with(c.token(user), method, path, body)
}

func (c *crm) token(user string) string {
	c.t.Helper()
	if user == nobody {
		return ""
	}
	if c.tokens[user] == "" {
		var signedIn struct{ Token string }
		c.with("", "POST", "/demo/sign-in", map[string]string{"user": user}).decode(c.t, http.StatusCreated, &signedIn)
		c.tokens[user] = signedIn.Token
	}
	return c.tokens[user]
}

// with sends a request with a token. A body is sent as JSON, or as it is if it
// is a string.
func (c *crm) with(token, method, path string, body any) answer {
	c.t.Helper()
	return c.send(c.request(token, method, path, body))
}

func (c *crm) request(token, method, path string, body any) *http.Request {
	c.t.Helper()
	var data []byte
	switch body := body.(type) {
	case nil:
	case string:
		data = []byte(body)
	case url.Values:
		data = []byte(body.Encode())
	default:
		var err error
		if data, err = json.Marshal(body); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, bytes.NewReader(data))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if _, ok := body.(url.Values); ok {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if role, ok := body.(rbac.Role); ok && method == "PUT" {
		r.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(role.Version))) // an edit of what was read
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func (c *crm) send(r *http.Request) answer {
	c.t.Helper()
	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// decode fails the test if the status is not the one wanted.
func (a answer) decode(t testing.TB, status int, target any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
	if target == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.body), target); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// wants fails the test if the status, or the code of a problem, is not the
// one wanted.
func (a answer) wants(t testing.TB, status int, code string) {
	t.Helper()
	var problem struct{ Code string }
	if strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
		_ = json.Unmarshal([]byte(a.body), &problem)
	}
	if a.status != status || problem.Code != code {
		t.Errorf("got %d %s, want %d %q", a.status, a.body, status, code)
	}
}

// change sends a change of one member to the API of administration.
func (c *crm) change(user, what, member string, more ...string) answer {
	c.t.Helper()
	body := map[string]any{"users": []string{member}}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return c.as(user, "POST", "/admin/members/"+what, body)
}

// assign gives a member another role.
func (c *crm) assign(user, member string, role rbac.RoleID) answer {
	c.t.Helper()
	return c.change(user, "assign", member, "role", string(role))
}

// put stores a record without asking anybody.
func (c *crm) put(k kind, id, owner string) {
	c.t.Helper()
	made := k.empty()
	*made.base() = record{id, owner, brightwell}
	for _, value := range made.values() {
		switch value := value.(type) {
		case *string:
			*value = id // a deal's stage, too, which then shows in the summary
		case **string:
			organization := "org-1"
			*value = &organization
		}
	}
	if err := k.insert(c.t.Context(), c.db.exec, made); err != nil {
		c.t.Fatal(err)
	}
}

// drop deletes a record without asking anybody.
func (c *crm) drop(k kind, id string) {
	c.t.Helper()
	if err := c.db.exec(c.t.Context(), "DELETE FROM "+k.table()+" WHERE id = $1", id); err != nil {
		c.t.Fatal(err)
	}
}

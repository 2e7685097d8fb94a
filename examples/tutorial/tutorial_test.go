package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/internal/pgtest"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onEach runs a test on both databases.
func onEach(t *testing.T, test func(*testing.T, *client)) {
	t.Helper()
	for name, store := range map[string]func(testing.TB) string{"SQLite": sqliteStore, "PostgreSQL": pgtest.Database} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, store(t)))
		})
	}
}

func sqliteStore(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "tutorial.db") }

// client asks the service as its users do, by host.
type client struct {
	*service
	url    string
	tokens map[string]string // the newest that was mailed, by address
}

func start(t *testing.T, store string) *client {
	t.Helper()
	db, err := open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.close)
	az, err := rbac.Open(t.Context(), db.store, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { az.Close() })
	c := &client{tokens: map[string]string{}}
	c.service = newService(db, az, func(email, token string) { c.tokens[email] = token },
		rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
			t.Errorf("%s did not look at the scope: %v", r.URL, need)
		}))
	server := httptest.NewServer(c.mux)
	t.Cleanup(server.Close)
	t.Cleanup(c.stop)
	c.url = server.URL
	return c
}

// send asks on a workspace's host, with a token, and returns the answer.
func (c *client) send(t *testing.T, workspace, token, route, body string) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = workspace + ".desk.example"
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second} // for a stream that should have ended
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// ask is send for a whole answer, whose status must be the one given.
func (c *client) ask(t *testing.T, workspace, token, route, body string, status int) string {
	t.Helper()
	response := c.send(t, workspace, token, route, body)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("%s on %s: status %d, want %d: %s", route, workspace, response.StatusCode, status, text)
	}
	return string(text)
}

// field returns a field of a JSON object.
func field(t *testing.T, text, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	value, _ := object[name].(string)
	return value
}

// signUp makes a workspace and returns the token of its Administrator.
func (c *client) signUp(t *testing.T, workspace, email string) string {
	t.Helper()
	c.ask(t, "www", "", "POST /sign-up", `{"email":"`+email+`","workspace":"`+workspace+`","name":"The `+workspace+`"}`, 201)
	return c.tokens[email]
}

// invites gives somebody a role by its name and returns their id and token.
func (c *client) invites(t *testing.T, workspace, by, email, role string) (user, token string) {
	t.Helper()
	found, err := c.az.For(workspace).RoleByName(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	answer := c.ask(t, workspace, by, "POST /invitations", `{"email":"`+email+`","role":"`+string(found.ID)+`"}`, 201)
	return field(t, answer, "user"), c.tokens[email]
}

// count returns the number of rows that a condition selects.
func (c *client) count(t *testing.T, from string) (n int) {
	t.Helper()
	if err := c.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada := c.signUp(t, "acme", "ada@acme.example")
		if me := c.ask(t, "acme", ada, "GET /me/permissions", "", 200); !strings.Contains(me, `"Administrator"`) {
			t.Error(me)
		}

		// Who comes second gets nothing, and leaves nothing.
		if code := field(t, c.ask(t, "www", "", "POST /sign-up", `{"email":"eve@evil.example","workspace":"acme"}`, 409), "code"); code != "taken" {
			t.Error(code)
		}
		if n := c.count(t, "people"); n != 1 || c.tokens["eve@evil.example"] != "" {
			t.Errorf("%d people, and mail %q", n, c.tokens)
		}

		// Ada's workspace is hers, and no other is.
		c.signUp(t, "initech", "bill@initech.example")
		c.ask(t, "acme", ada, "GET /tickets", "", 200)
		c.ask(t, "initech", ada, "GET /tickets", "", 403)
		c.ask(t, "nobodys", ada, "GET /tickets", "", 403)
		c.ask(t, "acme", "guess", "GET /tickets", "", 401)

		for _, body := range []string{`{"email":"x@x.example","workspace":"UPPER"}`, `{"email":"x@x.example"}`, `{"workspace":"x"}`} {
			c.ask(t, "www", "", "POST /sign-up", body, 422)
		}
		c.ask(t, "www", "", "POST /sign-up", `{"mail":`, 400)
	})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		first := c.signUp(t, "acme", "ada@acme.example")
		c.ask(t, "acme", "", "POST /sign-in", `{"email":"ada@acme.example"}`, 202)
		c.ask(t, "acme", "", "POST /sign-in", `{"email":"eve@evil.example"}`, 202)
		if second := c.tokens["ada@acme.example"]; second == first || len(c.tokens) != 1 {
			t.Errorf("mailed %q", c.tokens)
		}
		c.ask(t, "acme", c.tokens["ada@acme.example"], "GET /tickets", "", 200)
	})
}

func TestTickets(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada := c.signUp(t, "acme", "ada@acme.example")
		bobID, bob := c.invites(t, "acme", ada, "bob@acme.example", "Agent")
		carlID, carl := c.invites(t, "acme", ada, "carl@acme.example", "Agent")
		_, dora := c.invites(t, "acme", ada, "dora@acme.example", "Lead")
		bill := c.signUp(t, "initech", "bill@initech.example")

		ids := map[string]string{}
		for title, token := range map[string]string{"printer": bob, "phone": carl, "laptop": dora} {
			ids[title] = field(t, c.ask(t, "acme", token, "POST /tickets", `{"title":"`+title+`"}`, 201), "id")
		}
		ids["stapler"] = field(t, c.ask(t, "initech", bill, "POST /tickets", `{"title":"stapler"}`, 201), "id")

		// The list and the single tickets agree.
		sees := func(token string, want ...string) {
			t.Helper()
			var list []ticket
			if err := json.Unmarshal([]byte(c.ask(t, "acme", token, "GET /tickets", "", 200)), &list); err != nil {
				t.Fatal(err)
			}
			var titles []string
			for _, found := range list {
				titles = append(titles, found.Title)
			}
			slices.Sort(titles)
			if !slices.Equal(titles, want) {
				t.Errorf("the list has %q, want %q", titles, want)
			}
			missing := c.ask(t, "acme", token, "GET /tickets/none", "", 404)
			for title, id := range ids {
				if slices.Contains(want, title) {
					c.ask(t, "acme", token, "GET /tickets/"+id, "", 200)
				} else if hidden := c.ask(t, "acme", token, "GET /tickets/"+id, "", 404); hidden != missing {
					t.Errorf("a ticket of somebody else answers %s, none %s", hidden, missing)
				}
			}
		}
		sees(ada, "laptop", "phone", "printer")
		sees(dora, "laptop", "phone", "printer")
		sees(bob, "printer")

		// In a team they see each other's. An agent does not make one.
		c.ask(t, "acme", bob, "PUT /teams/front/members/"+carlID, "", 403)
		c.ask(t, "acme", ada, "PUT /teams/front/members/"+bobID, "", 204)
		c.ask(t, "acme", ada, "PUT /teams/front/members/"+carlID, "", 204)
		c.ask(t, "acme", ada, "PUT /teams/front/members/nobody", "", 404)
		sees(bob, "phone", "printer")
	})
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada := c.signUp(t, "acme", "ada@acme.example")
		_, bob := c.invites(t, "acme", ada, "bob@acme.example", "Agent")
		c.ask(t, "acme", bob, "POST /invitations", `{"email":"eve@evil.example","role":"administrator"}`, 403)
		c.ask(t, "acme", ada, "POST /invitations", `{"email":"eve@evil.example","role":"none"}`, 404)
		if n := c.count(t, "people"); n != 2 {
			t.Errorf("%d people: a refused invitation left somebody", n)
		}

		// An invitation demotes nobody, and brings people of other workspaces in.
		c.invites(t, "acme", ada, "ada@acme.example", "Agent")
		c.ask(t, "acme", ada, "GET /admin/roles", "", 200)
		c.ask(t, "acme", ada, "POST /invitations", `{"role":"administrator"}`, 422)
		bill := c.signUp(t, "initech", "bill@initech.example")
		c.ask(t, "acme", bill, "GET /tickets", "", 403)
		c.invites(t, "acme", ada, "bill@initech.example", "Agent")
		c.ask(t, "acme", bill, "GET /tickets", "", 200)
	})
}

func TestKey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada := c.signUp(t, "acme", "ada@acme.example")
		c.ask(t, "www", "", "POST /sign-up", `{"email":"ada@acme.example","workspace":"initech"}`, 201)

		key := field(t, c.ask(t, "acme", ada, "POST /keys", `{"permissions":{"tickets":{"read":"all"}}}`, 201), "token")
		c.ask(t, "acme", key, "GET /tickets", "", 200)
		c.ask(t, "acme", key, "POST /tickets", `{"title":"printer"}`, 403)
		c.ask(t, "initech", key, "GET /tickets", "", 403) // Ada's, too
		c.ask(t, "acme", key, "POST /keys", `{"permissions":{"tickets":{"read":"all","manage":"all"}}}`, 403)
		c.ask(t, "acme", key, "POST /invitations", `{"email":"eve@evil.example","role":"administrator"}`, 403)
		c.ask(t, "acme", key, "DELETE /workspace", "", 403)
		whole := field(t, c.ask(t, "acme", ada, "POST /keys", `{"permissions":{"users":{"read":"all","manage":"all"}}}`, 201), "token")
		c.ask(t, "acme", whole, "DELETE /workspace", "", 403) // a key is not Ada in person

		if answer := c.ask(t, "acme", ada, "POST /keys", `{"permissions":{"tikets":{"read":"all"}}}`, 422); !strings.Contains(answer, "permissions.tikets") {
			t.Error(answer)
		}
	})
}

func TestStream(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada := c.signUp(t, "acme", "ada@acme.example")
		bobID, bob := c.invites(t, "acme", ada, "bob@acme.example", "Agent")
		answer := c.send(t, "acme", bob, "GET /tickets/live", "")
		defer answer.Body.Close()
		stream := bufio.NewScanner(answer.Body)

		c.ask(t, "acme", ada, "POST /tickets", `{"title":"laptop"}`, 201) // not Bob's
		c.ask(t, "acme", bob, "POST /tickets", `{"title":"printer"}`, 201)
		if !stream.Scan() || !strings.Contains(stream.Text(), `"title":"printer"`) {
			t.Fatalf("the stream begins with %q: %v", stream.Text(), stream.Err())
		}
		c.ask(t, "acme", ada, "POST /admin/members/remove", `{"users":["`+bobID+`"]}`, 204)
		for stream.Scan() {
		}
		if err := stream.Err(); err != nil {
			t.Error(err)
		}
		c.ask(t, "acme", bob, "GET /tickets/live", "", 403)
	})
}

func TestOffboarding(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *client) {
		ada, bill := c.signUp(t, "acme", "ada@acme.example"), c.signUp(t, "initech", "bill@initech.example")
		_, dora := c.invites(t, "acme", ada, "dora@acme.example", "Lead")
		c.ask(t, "acme", ada, "POST /tickets", `{"title":"laptop"}`, 201)
		c.ask(t, "initech", bill, "POST /tickets", `{"title":"stapler"}`, 201)
		key := field(t, c.ask(t, "acme", ada, "POST /keys", `{"permissions":{"tickets":{"read":"all"}}}`, 201), "token")

		c.ask(t, "acme", dora, "DELETE /workspace", "", 403)
		c.ask(t, "acme", bill, "DELETE /workspace", "", 403)
		c.ask(t, "acme", ada, "DELETE /workspace", "", 204)
		c.ask(t, "acme", ada, "GET /tickets", "", 403)
		c.ask(t, "acme", key, "GET /tickets", "", 401)

		// Whoever has the name next begins with nothing.
		eve := c.signUp(t, "acme", "eve@evil.example")
		if list := c.ask(t, "acme", eve, "GET /tickets", "", 200); list != "[]\n" {
			t.Error(list)
		}
		c.ask(t, "acme", ada, "GET /tickets", "", 403)
		if list := c.ask(t, "initech", bill, "GET /tickets", "", 200); !strings.Contains(list, "stapler") {
			t.Error(list)
		}
	})
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteStore(t))
	routes := c.mux.Routes()
	rbactest.Golden(t, "testdata/routes.md", routes.Table().WriteMarkdown)
	rbactest.Unasked(t, c.az.Areas(), nil, routes, c.guard.Admin().Routes())
	var closed []string
	for _, route := range routes {
		if !strings.HasPrefix(route.Requirement.String(), "public") {
			closed = append(closed, route.Pattern)
		}
	}
	rbactest.Closed(t, c.mux, closed...)
}

func TestProgram(t *testing.T) {
	t.Parallel()
	store := sqliteStore(t)
	var out strings.Builder
	if err := run(t.Context(), store, "", true, &out); err != nil || !strings.Contains(out.String(), "POST    /sign-up ") {
		t.Errorf("-check: %v\n%s", err, &out)
	}
	for _, wrong := range []string{"", "sqlite:", "mysql://app:secret@host/app"} {
		if err := run(t.Context(), wrong, "", true, io.Discard); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("-store %s: %v", wrong, err)
		}
	}

	// It serves until it is told to stop, and ends its streams then.
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, store, "127.0.0.1:0", false, writer) }()
	says := make(chan string, 2)
	go func() {
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			says <- lines.Text()
		}
	}()
	c := &client{url: "http://" + strings.TrimPrefix(<-says, "listening on ")}
	c.ask(t, "www", "", "POST /sign-up", `{"email":"ada@acme.example","workspace":"acme"}`, 201)
	_, token, _ := strings.Cut(<-says, "your token is ")
	stream := c.send(t, "acme", token, "GET /tickets/live", "")
	defer stream.Body.Close()
	stop()
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Each block of Go and SQL in docs/tutorial.md stands in this folder, word for
// word, and each test that it names is here.
func TestTutorialIsTheSource(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source, tests string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			tests += read(file)
		} else {
			source += read(file)
		}
	}
	doc := read("../../docs/tutorial.md")
	blocks := regexp.MustCompile("(?ms)^```(go|sql)\n(.*?)^```$").FindAllStringSubmatch(doc, -1)
	if len(blocks) < 10 {
		t.Errorf("docs/tutorial.md has only %d blocks", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(source, "\n"+block[2]) {
			t.Errorf("this block of docs/tutorial.md is not in the source:\n%s", block[2])
		}
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(doc, -1) {
		if !strings.Contains(tests, "func "+name+"(") {
			t.Errorf("docs/tutorial.md names %s, which does not exist", name)
		}
	}
	if !strings.Contains(doc, "\n\n"+read("testdata/routes.md")+"\n") {
		t.Error("docs/tutorial.md does not show testdata/routes.md as it is")
	}
}

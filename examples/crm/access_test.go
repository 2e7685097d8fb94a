package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/rbactest"
)

// actors are the columns of testdata/access.txt: for each role a member who
// holds it.
var actors = map[string]string{
	"nobody":               nobody,
	"stranger":             stranger,
	"suspended":            suspended,
	"Administrator":        administrator,
	"Office manager":       officeManager,
	"Sales lead":           salesLead,
	"Sales representative": salesRep,
	"Support agent":        supportAgent,
	"Operations":           operations,
	"Auditor":              auditor,
	"Team lead":            teamLead,
	"Help desk":            helpDesk,
}

// expectation is a row of testdata/access.txt.
type expectation struct {
	route, record string
	cells         []string
}

// readExpectations returns the columns of testdata/access.txt and its rows.
func readExpectations(t testing.TB) (columns []string, rows []expectation) {
	t.Helper()
	text, err := os.ReadFile("testdata/access.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if columns == nil {
			columns = cells[2:]
			continue
		}
		if len(cells) != len(columns)+2 {
			t.Fatalf("testdata/access.txt: %d cells, want %d: %s", len(cells), len(columns)+2, line)
		}
		rows = append(rows, expectation{cells[0], cells[1], cells[2:]})
	}
	return columns, rows
}

// Every route, every role, own records and those of others. The short form tries
// two roles on PostgreSQL.
func TestAccess(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		columns, _ := readExpectations(t)
		if !long.Enabled() && path.Base(t.Name()) == "PostgreSQL" {
			columns = []string{"Team lead", "Help desk"}
		}
		for _, column := range columns {
			c.checkAccess(t, column)
		}
	})
}

// checkAccess tries all cells of one column.
func (c *crm) checkAccess(t testing.TB, column string) {
	t.Helper()
	columns, rows := readExpectations(t)
	i := slices.Index(columns, column)
	for _, row := range rows {
		c.checkCell(t, row, column, row.cells[i])
	}
}

func (c *crm) checkCell(t testing.TB, row expectation, column, want string) {
	t.Helper()
	got, err := c.tryCell(row, actors[column])
	if err != nil {
		t.Errorf("%s (%s) as %s: %v", row.route, row.record, column, err)
	} else if got != want {
		t.Errorf("%s (%s) as %s: got %s, want %s", row.route, row.record, column, got, want)
	}
}

// The table lacks no route and no role, and none of its cells is a slip.
func TestAccessTableIsComplete(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	columns, rows := readExpectations(t)

	roles, err := c.az.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"nobody", "stranger", "suspended"}
	for _, role := range roles {
		want = append(want, role.Name)
		user := actors[role.Name]
		subject, err := c.az.Subject(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		if subject.Role() != role.ID || !subject.Active() {
			t.Errorf("%q does not hold the role %q", user, role.Name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(columns)); !slices.Equal(got, want) {
		t.Errorf("the table has the columns %q, want %q", got, want)
	}

	records := map[string][]string{}
	for _, row := range rows {
		records[row.route] = append(records[row.route], row.record)
	}
	for _, route := range c.surface() {
		if len(records[route.Pattern]) == 0 {
			t.Errorf("the table lacks the route %s", route.Pattern)
		}
		if strings.Contains(route.Path, "{id}") && !slices.Contains(records[route.Pattern], "both") {
			for _, record := range []string{"own", "other"} {
				if !slices.Contains(records[route.Pattern], record) {
					t.Errorf("the table lacks the row of %s for %q", route.Pattern, record)
				}
			}
		}
		delete(records, route.Pattern)
	}
	for route := range records {
		t.Errorf("the table has the route %s, which is none", route)
	}
}

// trial is a request that tries one cell.
type trial struct {
	path   string
	body   any
	own    string // what shows in the answer if it has the caller's record,
	others string // or somebody else's
	undo   func()
}

// tryCell sends the request of one cell and returns what the cell should say.
func (c *crm) tryCell(row expectation, actor string) (string, error) {
	method, path, _ := strings.Cut(row.route, " ")
	try := trial{path: path, undo: func() {}}
	if err := c.prepare(&try, row, actor); err != nil {
		return "", err
	}
	defer try.undo()
	token := c.token(actor)
	if row.route == "DELETE /me/session" || row.route == "POST /app/sign-out" {
		delete(c.tokens, actor) // this one is no more
	}
	if method == "GET" { // HEAD is no way around
		if head, get := c.with(token, "HEAD", try.path, nil), c.with(token, "GET", try.path, nil); head.status != get.status || head.body != "" {
			return "", fmt.Errorf("HEAD answers %d %q, GET %d", head.status, head.body, get.status)
		}
	}
	a := c.with(token, method, try.path, try.body)
	if a.status != http.StatusOK || row.record != "both" {
		return fmt.Sprint(a.status), nil
	}
	switch own, others := strings.Contains(a.body, try.own), strings.Contains(a.body, try.others); {
	case own && others:
		return "all", nil
	case own:
		return "own", nil
	case others:
		return "not own", nil
	}
	return "none", nil
}

// prepare makes what a request is about, fresh for each cell.
func (c *crm) prepare(try *trial, row expectation, actor string) error {
	switch segment, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(try.path, "/app"), "/"), "/"); {
	case row.record == "-":
		c.prepareSimple(try, actor)
	case segment == "users", segment == "teams", strings.HasPrefix(try.path, "/admin/members"):
		return c.prepareUser(try, row, actor)
	case strings.HasPrefix(try.path, "/admin/roles"):
		return c.prepareRole(try, row)
	case segment == "api-keys":
		return c.prepareKey(try, row, actor)
	case try.path == "/organizations/{id}/deals":
		c.prepareRecords(try, row, deals, actor)
		try.path = "/organizations/org-1/deals"
	case segment == "search":
		c.prepareRecords(try, row, deals, actor)
		try.path = "/search?q=" + strings.TrimSuffix(try.own, "-own")
	default:
		i := slices.IndexFunc(kinds, func(k kind) bool { return k.table() == segment })
		if i < 0 {
			return fmt.Errorf("this test does not know how to try it")
		}
		c.prepareRecords(try, row, kinds[i], actor)
	}
	return nil
}

func (c *crm) prepareSimple(try *trial, actor string) {
	try.path = strings.NewReplacer("{$}", "", "{file}", crmStyle).Replace(try.path)
	if strings.HasPrefix(try.path, "/demo/beside/") {
		try.path += "?company=" + brightwell + "&one=" + salesRep + "&two=" + salesLead
	}
	switch try.path {
	case "/demo/session":
		try.body = url.Values{"person": {choice(brightwell, cmp.Or(actor, stranger))}}
	case "/demo/sign-in":
		try.body = map[string]string{"user": cmp.Or(actor, stranger)}
	case "/admin/who-can":
		try.path += "?area=deals&action=read"
	case "/admin/preview":
		try.body = `{"changes": [{"suspend": {"users": ["` + otherRep + `"]}}]}`
	case "/admin/explain":
		try.path += "?user=" + otherRep + "&area=deals&action=read"
	}
}

// prepareRecords stores a record of the caller and one of somebody else.
func (c *crm) prepareRecords(try *trial, row expectation, k kind, actor string) {
	id := "rec-" + strings.ToLower(rand.Text())
	try.own, try.others = id+"-own", id+"-other"
	c.put(k, try.own, cmp.Or(actor, stranger))
	c.put(k, try.others, otherRep)
	c.put(k, id+"-mate", teammate)
	try.undo = func() { c.drop(k, try.own); c.drop(k, try.others); c.drop(k, id+"-mate") }

	about, owner := try.own, actor
	switch row.record {
	case "other":
		about, owner = try.others, otherRep
	case "mate":
		about, owner = id+"-mate", teammate
	}
	try.path = strings.Replace(try.path, "{id}", about, 1)
	if row.record == "both" && !strings.Contains(row.route, "{id}") {
		try.path += "?limit=1000"
	}
	switch {
	case strings.HasSuffix(try.path, "/owner"):
		try.body = map[string]string{"owner": "chloe.martin"}
	case strings.HasPrefix(row.route, "PUT "):
		try.body = c.valid(k, "")
	case strings.HasPrefix(row.route, "POST "):
		try.body = c.valid(k, cmp.Or(owner, otherRep))
	}
}

// valid returns values for a record of a kind.
func (c *crm) valid(k kind, owner string) row {
	made := k.empty()
	made.base().Owner = owner
	*made.values()[0].(*string) = "Something new"
	if d, ok := made.(*deal); ok {
		d.Stage = "lead"
	}
	return made
}

// prepareUser makes a member of a role that an office manager covers or, for
// "more", of one that they do not; for "listed", of one that a team lead gives.
func (c *crm) prepareUser(try *trial, row expectation, actor string) error {
	role := c.roles["Support agent"]
	switch row.record {
	case "listed":
		role = c.roles["Sales representative"]
	case "more":
		role = rbac.Administrator
	}
	other := "fresh-" + strings.ToLower(rand.Text())
	if row.route == "POST /users" {
		try.body = map[string]any{"user": other, "name": "Somebody", "email": "s@brightwell.example", "role": role}
		return nil
	}
	if row.route == "POST /admin/members/add" {
		try.body = map[string]any{"role": role, "users": []string{other}}
		return nil
	}
	ctx := c.t.Context()
	if err := c.db.exec(ctx, "INSERT INTO users (id, name, email) VALUES ($1, $1, '')", other); err != nil {
		return err
	}
	app := c.az.System("test")
	if err := app.Assign(ctx, role, other); err != nil {
		return err
	}
	if strings.HasSuffix(try.path, "/reinstate") {
		if err := app.Suspend(ctx, other); err != nil {
			return err
		}
	}
	about := other
	switch row.record {
	case "own":
		about = cmp.Or(actor, other)
	case "mate":
		about = teammate
	}
	try.own, try.others = `"user":"`+actor+`"`, `"user":"`+other+`"`
	try.path = strings.Replace(try.path, "{user}", about, 1)
	if strings.HasPrefix(row.route, "POST ") {
		try.body = map[string]any{"users": []string{about}}
	}
	switch row.route {
	case "GET /app/teams":
		people, err := c.people(ctx, brightwell, actor)
		if err != nil {
			return err
		}
		// Who looks, and whom one may be, stand elsewhere on the page.
		try.own, try.others = "<div><b><bdi>"+people[actor].Name, "<div><b><bdi>"+other
	case "GET /admin/members":
		try.path += "?limit=1000"
	case "POST /admin/members/assign":
		try.body = map[string]any{"users": []string{about}, "role": c.roles["Support agent"]}
	case "POST /admin/members/team":
		try.body = map[string]any{"users": []string{about}, "team": "a new one"}
	}
	try.undo = func() {
		_ = app.Remove(ctx, other) // unless the request did
	}
	return nil
}

// prepareRole makes a role that an office manager covers or, for "more", does
// not.
func (c *crm) prepareRole(try *trial, row expectation) error {
	permissions := rbac.Permissions{rbac.Contacts: {Read: rbac.All}}
	if row.record == "more" {
		permissions = rbac.Permissions{rbac.Audit: {Read: rbac.All}}
	}
	role := rbac.Role{Name: "Fresh " + rand.Text(), Permissions: permissions}
	ctx, app := c.t.Context(), c.az.System("test")
	if row.route == "POST /admin/roles" {
		try.body = role
		return nil
	}
	role, err := app.CreateRole(ctx, role)
	if err != nil {
		return err
	}
	try.path = strings.Replace(try.path, "{role}", string(role.ID), 1)
	if strings.HasPrefix(row.route, "PUT ") {
		role.Description = "Edited."
		try.body = role
	}
	if strings.HasSuffix(try.path, "/replace") {
		holder := "fresh-" + strings.ToLower(rand.Text())
		if err := app.Assign(ctx, role.ID, holder); err != nil {
			return err
		}
		try.body = map[string]any{"with": c.roles["Support agent"]}
		try.undo = func() { _ = app.Remove(ctx, holder) }
	}
	unmade := try.undo
	try.undo = func() {
		unmade()
		_ = app.DeleteRole(ctx, role.ID) // unless the request did
	}
	return nil
}

// prepareKey makes a key of the caller and one of somebody else.
func (c *crm) prepareKey(try *trial, row expectation, actor string) error {
	if row.route == "POST /app/api-keys" {
		read := map[string]string{"other": "contacts", "more": "audit"}[row.record]
		try.body = url.Values{"name": {"A key"}, "read": {read}}
		return nil
	}
	if row.route == "POST /api-keys" {
		permissions := rbac.Permissions{rbac.Contacts: {Read: rbac.All}}
		if row.record == "more" {
			permissions = rbac.Permissions{rbac.Audit: {Read: rbac.All}}
		}
		try.body = map[string]any{"name": "A key", "permissions": permissions}
		return nil
	}
	id, path := strings.ToLower(rand.Text()), try.path
	try.own, try.others = id+"-own", id+"-other"
	for key, owner := range map[string]string{try.own: cmp.Or(actor, stranger), try.others: otherRep} {
		err := c.db.exec(c.t.Context(), "INSERT INTO api_keys (id, hash, company, user_id, name, permissions) VALUES ($1, $1, $2, $3, $1, '{}')", key, brightwell, owner)
		if err != nil {
			return err
		}
	}
	try.path = strings.Replace(try.path, "{id}", map[string]string{"own": try.own}[row.record], 1)
	if row.record == "other" {
		try.path = strings.Replace(path, "{id}", try.others, 1)
	}
	return nil
}

// The routes and what they ask for, for the eyes of whoever reviews a change.
func TestRoutesAreThoseReviewed(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	routes := c.surface()
	rbactest.Golden(t, "testdata/routes.md", routes.Table().WriteMarkdown)
	roles, err := c.az.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rbactest.Golden(t, "testdata/access.md", routes.Access(roles).Table().WriteMarkdown)
	rbactest.GoldenRoles(t, "testdata/roles.md", c.az)
	if len(routes) < 25 {
		t.Errorf("%d routes, want at least 25", len(routes))
	}
}

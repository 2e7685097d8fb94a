// Package browsertest drives the pages of rbacui in Chromium: its tests check every
// page and flow there, and its command screens takes their pictures for docs.
package browsertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/rbacui"
)

// Those of the company who look at the pages.
const (
	Mara  = "mara.lindhagen" // Administrator
	Lena  = "lena.ahlgrund"  // manages users, and holds no API access
	Hedda = "hedda.dorn"     // leads the team North, and may make others Sales; reads no users
	Tomas = "tomas.vikberg"  // Sales, who may see nothing
)

// Path is where the pages are.
const Path = "/settings/access/"

// Company is an invented company and the pages about it, on a server of their own.
type Company struct {
	*httptest.Server
	Authorizer *rbac.Authorizer
	Roles      map[string]rbac.RoleID // by name
	Faults     *rbactest.Faults       // of the store
	Nameless   atomic.Bool            // the directory fails
}

// Found starts the company, with roles and members, or as an administrator finds it
// on the first day. Close ends it.
func Found(ctx context.Context, firstDay bool) (*Company, error) {
	areas := rbac.DefaultAreas()
	areas[0].OwnWords, areas[2].OwnWords = "they look after", "they lead"
	areas = slices.Insert(areas, 5,
		rbac.AreaInfo{Area: "claims", Label: "Warranty claims", Description: "Repairs and replacements that customers ask for.", Section: "Records", Owned: true, OwnWords: "they handle"},
		rbac.AreaInfo{Area: "approvals", Label: "Deal approvals", Description: "Discounts above the limit.", Section: "Records", Only: rbac.Manage},
	)
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	az, err := rbac.Open(ctx, store, rbac.WithAreas(areas...), rbac.WithTeams(), rbac.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	c := &Company{Authorizer: az, Faults: faults, Roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	if err = az.System("sign-up").Assign(ctx, rbac.Administrator, Mara); err == nil && !firstDay {
		err = c.settle(ctx)
	}
	if err != nil {
		az.Close()
		return nil, err
	}
	ui := rbacui.New(az, identify, rbacui.WithDirectory(staff{c}), rbacui.WithLogger(slog.New(slog.DiscardHandler)),
		rbacui.WithName(func(*http.Request, string) string { return "Ostervik Supply" }))
	mux := http.NewServeMux()
	mux.Handle(Path, ui)
	mux.HandleFunc("/favicon.ico", http.NotFound)
	c.Server = httptest.NewServer(mux)
	return c, nil
}

// Open opens a browser in which somebody is signed in. The function ends it.
func (c *Company) Open(browser context.Context, user string, script bool, fail func(error)) (*Tab, context.CancelFunc) {
	t, leave := Open(browser, c.URL+Path, script, fail)
	t.link = c.Link
	t.SignIn(user)
	return t, leave
}

// Link returns the address of a page, of a role by its name.
func (c *Company) Link(segment string, pairs ...string) string {
	pairs = slices.Clone(pairs)
	for i := 1; i < len(pairs); i += 2 {
		if id, ok := c.Roles[pairs[i]]; ok {
			pairs[i] = string(id)
		}
	}
	return link(c.URL+Path+segment, pairs...)
}

// Close ends the server and the Authorizer.
func (c *Company) Close() {
	c.Server.Close()
	c.Authorizer.Close()
}

func identify(r *http.Request) (rbachttp.Caller, error) {
	return rbachttp.User(r.Header.Get("X-User")), nil
}

// roles are those of the company, each after those that it may assign.
var roles = []struct {
	name, description, permissions string
	assigns                        []string
	people                         string
}{
	{"Operations manager", "Runs the office, and who may do what.", "contacts: read all, manage all; organizations: read all, manage all; deals: read all, manage all; services: read all, manage all; tasks: read all, manage all; claims: read all, manage all; approvals: manage all; users: read all, manage all; audit: read all", nil, "lena.ahlgrund jonas.fehrbach"},
	{"Sales", "Sells, and looks after customers.", "contacts: read all, manage own; organizations: read all, manage own; deals: read team, manage own; services: read all; tasks: read team, manage own; users: read own", nil, "tomas.vikberg aino.kallasto maja.sundvallen u-20418"},
	{"Sales assistant, Nordics and Baltics (seasonal, April to September)", "Helps where the season needs it.", "contacts: read all, manage team; organizations: read all; deals: read team; tasks: read team, manage own; users: read own", nil, "dagny.rosenvold"},
	{"Sales lead", "Leads a sales team.", "contacts: read all, manage all; organizations: read all, manage team; deals: read all, manage team; services: read all; tasks: read team, manage team; users: read own", []string{"Sales"}, "hedda.dorn henrik.dahlmoor idris.okparo"},
	{"Support", "Answers customers, and takes their claims.", "contacts: read all; organizations: read all; services: read all; tasks: read team, manage team; claims: read all, manage team", nil, "nia.tamsworth elif.soydanlar"},
	{"Support, night shift", "As Support, at night.", "contacts: read all; organizations: read all; services: read all; tasks: read team, manage team; claims: read all, manage own", nil, "viktor.hallgreen samir.bassi"},
	{"Integrations", "For the programs that fetch and bring data.", "contacts: read all, manage all; organizations: read all, manage all; api: read all, manage all", nil, "celeste.amundry"},
	{"Data import", "Brings in old data.", "contacts: manage all; organizations: manage all", nil, "greta.moenfeld"},
	{"Intern", "Looks on.", "contacts: read team; tasks: read own, manage own", nil, ""},
}

var teams = map[string]string{
	"north":  "tomas.vikberg aino.kallasto dagny.rosenvold hedda.dorn henrik.dahlmoor",
	"south":  "maja.sundvallen idris.okparo",
	"desk":   "nia.tamsworth elif.soydanlar viktor.hallgreen samir.bassi",
	"office": "mara.lindhagen anton.weissenau lena.ahlgrund jonas.fehrbach celeste.amundry greta.moenfeld",
}

// settle makes roles, members and some history.
func (c *Company) settle(ctx context.Context) error {
	app, mara, lena := c.Authorizer.System("sign-up"), c.Authorizer.As(Mara), c.Authorizer.As(Lena)
	if err := app.Assign(ctx, rbac.Administrator, "anton.weissenau"); err != nil {
		return err
	}
	for _, r := range roles {
		role := rbac.Role{Name: r.name, Description: r.description}
		if err := role.Permissions.UnmarshalText([]byte(r.permissions)); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		for _, other := range r.assigns {
			role.Assigns = append(role.Assigns, c.Roles[other])
		}
		created, err := mara.CreateRole(ctx, role)
		if err != nil {
			return err
		}
		c.Roles[r.name] = created.ID
		if people := strings.Fields(r.people); len(people) > 0 {
			if err := mara.Assign(ctx, created.ID, people...); err != nil {
				return err
			}
		}
	}
	for team, people := range teams {
		if err := app.SetTeam(ctx, team, strings.Fields(people)...); err != nil {
			return err
		}
	}
	return cmp.Or(
		lena.Assign(ctx, c.Roles["Intern"], "aino.kallasto"),
		lena.Assign(ctx, c.Roles["Sales"], "aino.kallasto"),
		lena.Suspend(ctx, "idris.okparo"),
		app.Because("left the company").Suspend(ctx, "maja.sundvallen"),
		c.edit(ctx, Lena, "Sales lead", func(role *rbac.Role) { role.Description = "Leads a regional sales team." }),
	)
}

// edit changes a role as somebody.
func (c *Company) edit(ctx context.Context, user, name string, change func(*rbac.Role)) error {
	role, err := c.Role(ctx, name)
	if err != nil {
		return err
	}
	change(&role)
	_, err = c.Authorizer.As(user).UpdateRole(ctx, role)
	return err
}

// Role returns a role of the company as it is stored, by the name that it began with.
func (c *Company) Role(ctx context.Context, name string) (rbac.Role, error) {
	all, err := c.Authorizer.Roles(ctx)
	if err != nil {
		return rbac.Role{}, err
	}
	i := slices.IndexFunc(all, func(role rbac.Role) bool { return role.ID == c.Roles[name] })
	if i < 0 {
		return rbac.Role{}, fmt.Errorf("no role %q", name)
	}
	return all[i], nil
}

// staff knows everybody but u-20418 by their ids, and three who wait.
type staff struct{ *Company }

func (s staff) err() error {
	if s.Nameless.Load() {
		return errors.New("the directory is down")
	}
	return nil
}

func person(user string) rbacui.Person {
	if strings.HasPrefix(user, "u-") {
		return rbacui.Person{User: user}
	}
	words := strings.Split(user, ".")
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return rbacui.Person{User: user, Name: strings.Join(words, " "), Email: user + "@ostervik.example"}
}

func (s staff) People(_ context.Context, _ string, users []string) (map[string]rbacui.Person, error) {
	known := map[string]rbacui.Person{}
	for _, user := range users {
		if strings.Contains(user, ".") {
			known[user] = person(user)
		}
	}
	return known, s.err()
}

func (s staff) Search(_ context.Context, _, query string, limit int) ([]rbacui.Person, bool, error) {
	var found []rbacui.Person
	for _, people := range []string{teams["north"], teams["south"], teams["desk"], teams["office"], waiting} {
		for _, user := range strings.Fields(people) {
			if strings.Contains(user, strings.ToLower(query)) {
				found = append(found, person(user))
			}
		}
	}
	return found[:min(limit, len(found))], limit < len(found), s.err()
}

const waiting = "piotr.zawalski runa.islebrand oskar.brandellius"

func (s staff) Waiting(_ context.Context, _ string, limit int) ([]rbacui.Person, bool, error) {
	var found []rbacui.Person
	for i, user := range strings.Fields(waiting) {
		p := person(user)
		p.Note = []string{"signed in 2 days ago", "signed in yesterday", "signed in an hour ago"}[i]
		found = append(found, p)
	}
	return found[:min(limit, len(found))], limit < len(found), s.err()
}

// Meanwhile gives a role other permissions, as somebody, behind the back of whoever
// looks at it.
func (c *Company) Meanwhile(ctx context.Context, name, user, permissions string) error {
	return c.edit(ctx, user, name, func(role *rbac.Role) {
		role.Permissions = nil
		if err := role.Permissions.UnmarshalText([]byte(permissions)); err != nil {
			panic(err) // it is written here
		}
	})
}

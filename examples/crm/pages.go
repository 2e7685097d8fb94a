package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbacui"
)

// This file has the pages for a browser. They show what the API answers with, by
// the same queries, in the frame in which the role editor stands, too.

//go:embed templates/pages.html crm.css
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/pages.html"))

// The style sheets by their names, which have a hash of the content in them.
var (
	styles   = map[string]string{}
	crmStyle = addStyle("crm", mustRead("crm.css"))
	uiStyle  = addStyle("ui", rbacui.StyleSheet())
)

func mustRead(name string) string {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(content)
}

func addStyle(name, content string) string {
	sum := sha256.Sum256([]byte(content))
	name += "-" + hex.EncodeToString(sum[:8]) + ".css"
	styles[name] = content
	return name
}

func (s *server) style(w http.ResponseWriter, r *http.Request) error {
	content, ok := styles[r.PathValue("file")]
	if !ok {
		return errNotFound
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = io.WriteString(w, content) // the client has gone
	return nil
}

// frame is what stands around a page.
type frame struct {
	Title, Style string
	Head         template.HTML
	Next         string // where a switch to somebody else leads
	People       []company
	Me           string // the choice of whoever looks
	User         person
	Company      string
	Role         string
	Nav          []place
	Main         template.HTML // a page of the CRM,
	Page         template.HTML // or one of the role editor
}

const (
	accessPath = "/settings/access/" // the role editor
	auditPath  = accessPath + "audit"
)

// place is a link of the navigation.
type place struct {
	Label, Link string
	Current     bool
}

// frame returns the frame of a page for whoever looks.
func (s *server) frame(r *http.Request, title string) (frame, error) {
	f := frame{
		Title: title, Style: crmStyle, Next: here(r),
		Head: template.HTML(`<link rel="stylesheet" href="/assets/` + uiStyle + `">`),
	}
	var err error
	if f.People, err = s.everybody(r.Context()); err != nil {
		return f, err
	}
	who, err := s.viewer(r)
	if err != nil {
		return f, err
	}
	f.Me, f.Role, f.Nav = choice(who.Workspace(), who.User()), who.RoleName(), s.nav(r, who)
	for _, c := range f.People {
		for _, p := range c.Known {
			if p.Value() == f.Me {
				f.Company, f.User = c.Name, p.person
			}
		}
	}
	return f, nil
}

// viewer returns who looks at a page: on one that everybody may see, whoever has a
// session.
func (s *server) viewer(r *http.Request) (rbac.Subject, error) {
	if who := subject(r); who.User() != "" {
		return who, nil
	}
	token, _ := bearer(r)
	company, user, err := s.sessionOf(r.Context(), token)
	if err != nil || user == "" {
		return rbac.Subject{}, err
	}
	return s.az.For(company).Subject(r.Context(), user)
}

// nav returns the pages that somebody may see.
func (s *server) nav(r *http.Request, who rbac.Subject) (places []place) {
	// Permissions, unlike a check, are not taken for a look at the scope of a list.
	may := who.Permissions()
	within := r.URL.Path
	if strings.HasPrefix(within, accessPath) && within != auditPath {
		within = accessPath
	}
	add := func(area rbac.Area, least rbac.Scope, label, link string) {
		if may[area].Read >= least {
			places = append(places, place{label, link, within == link})
		}
	}
	for _, k := range kinds {
		add(k.area, rbac.Own, s.label(k.area), "/app/"+k.table())
	}
	add(rbac.Users, rbac.Own, "Teams", "/app/teams")
	add(rbac.API, rbac.All, "API keys", "/app/api-keys")
	add(rbac.Users, rbac.All, "Access", accessPath)
	if may[rbac.Users].Read < rbac.All { // who may give some roles begins with those who hold them
		if _, err := s.az.For(who.Workspace()).AsSubject(who).Choices(r.Context()); err == nil {
			places = append(places, place{"Access", accessPath + "members", within == accessPath})
		}
	}
	add(rbac.Audit, rbac.All, "Audit", auditPath)
	return places
}

func (s *server) label(area rbac.Area) string {
	for _, info := range s.az.Areas() {
		if info.Area == area {
			return info.Label
		}
	}
	return string(area)
}

// show answers with a page.
func (s *server) show(w http.ResponseWriter, r *http.Request, status int, title, name string, data any) error {
	f, err := s.frame(r, title)
	if err != nil {
		return err
	}
	var main, page bytes.Buffer
	if err := templates.ExecuteTemplate(&main, name, data); err != nil {
		return err
	}
	f.Main = template.HTML(main.String())
	if err := templates.ExecuteTemplate(&page, "frame", f); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client has gone
	return nil
}

// layout puts a page of the role editor into the frame.
func (s *server) layout(w io.Writer, r *http.Request, page rbacui.Page) error {
	f, err := s.frame(r, page.Title)
	if err != nil {
		return err
	}
	f.Head, f.Page = page.Head, page.Body
	return templates.ExecuteTemplate(w, "frame", f)
}

// answer writes what is no success: as a page for a browser that asked for one.
func (s *server) answer(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
	if !isPage(r.URL.Path) {
		rbachttp.WriteProblem(w, r, p)
		return
	}
	var err error
	if p.Status == http.StatusUnauthorized {
		err = s.showSignIn(w, r, p.Status)
	} else {
		data := struct {
			Title, Say string
			Fields     []rbac.FieldError
		}{http.StatusText(p.Status), p.Detail, p.Fields}
		switch p.Status {
		case http.StatusForbidden:
			data.Title, data.Say = "This is not for your role", cmp.Or(p.Detail, "Be somebody else, with the bar at the top, or have somebody who manages access change your role.")
		case http.StatusNotFound:
			data.Title, data.Say = "There is nothing here", "It was deleted, or it is nothing that you may see."
		}
		err = s.show(w, r, p.Status, data.Title, "state", data)
	}
	if err != nil {
		rbachttp.WriteProblem(w, r, p)
	}
}

// isPage reports whether a path is one of those for a browser.
func isPage(path string) bool {
	return path == "/" || strings.HasPrefix(path, "/app/") || strings.HasPrefix(path, "/settings/") || strings.HasPrefix(path, "/demo/beside/")
}

// here is where a request leads again, if it is one for a page.
func here(r *http.Request) string {
	asked, err := url.ParseRequestURI(r.RequestURI)
	if err != nil || r.Method != http.MethodGet || !isPage(asked.Path) || asked.Path == "/" {
		return "/app/"
	}
	return asked.RequestURI()
}

// home tells whoever looks what they may do, and what there is to try.
func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	type row struct{ Label, Read, Manage string }
	type page struct {
		Company, Name, Role string
		Active              bool
		Areas               []row
	}
	f, err := s.frame(r, "")
	if err != nil {
		return err
	}
	who := subject(r)
	data := page{Company: f.Company, Name: f.User.Name, Role: f.Role, Active: who.Active()}
	for _, info := range s.az.Areas() {
		grant, shown := who.Permissions()[info.Area], row{Label: info.Label}
		if info.Only != rbac.Manage {
			shown.Read = grant.Read.String()
		}
		if info.Only != rbac.Read {
			shown.Manage = grant.Manage.String()
		}
		if who.Active() {
			data.Areas = append(data.Areas, shown)
		}
	}
	return s.show(w, r, http.StatusOK, f.Company, "home", data)
}

// shownList is a list as somebody sees it.
type shownList struct {
	Label, Kind, User, Who, Role, Scope, Team string
	Columns                                   []string
	Rows                                      [][]string
	Beside, NextPage, Field                   string
}

// listPage shows what list answers with.
func (s *server) listPage(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, err := pageOf(r)
		if err != nil {
			return err
		}
		who := subject(r)
		list, rows, err := s.shownList(r, who, k, page)
		if err != nil {
			return err
		}
		list.Beside = besideLink(k, who.Workspace(), who.User(), "")
		if len(rows) == page.limit {
			list.NextPage = "?" + url.Values{"after": {rows[len(rows)-1].base().ID}}.Encode()
		}
		return s.show(w, r, http.StatusOK, list.Label, "list", list)
	}
}

// shownList returns a page of records as somebody sees them.
func (s *server) shownList(r *http.Request, who rbac.Subject, k kind, page page) (shownList, []row, error) {
	rows, err := s.records(r.Context(), who, k, page)
	if err != nil {
		return shownList{}, nil, err
	}
	users := []string{who.User()}
	for _, row := range rows {
		users = append(users, row.base().Owner)
	}
	people, err := s.people(r.Context(), who.Workspace(), unique(users)...)
	if err != nil {
		return shownList{}, nil, err
	}
	list := shownList{
		Label: s.label(k.area), Kind: k.table(), User: who.User(), Who: people[who.User()].Name, Role: who.RoleName(),
		Scope: who.Scope(k.area, rbac.Read).String(), Team: who.Reach(k.area, rbac.Read).Team,
	}
	for _, column := range k.columns {
		if column != "organization" { // which would be a look at another area
			list.Columns = append(list.Columns, strings.ToUpper(column[:1])+column[1:])
		}
	}
	list.Columns = append(list.Columns, "Owner")
	for _, row := range rows {
		var cells []string
		for _, value := range row.values() {
			switch value := value.(type) {
			case *string:
				cells = append(cells, *value)
			case *int64:
				cells = append(cells, fmt.Sprintf("%d.%02d", *value/100, *value%100))
			case *bool:
				cells = append(cells, map[bool]string{true: "yes", false: "no"}[*value])
			}
		}
		list.Rows = append(list.Rows, append(cells, cmp.Or(people[row.base().Owner].Name, row.base().Owner)))
	}
	return list, rows, nil
}

func unique(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// teams shows the members whom the caller reaches, by team.
func (s *server) teams(w http.ResponseWriter, r *http.Request) error {
	type team struct {
		Name    string
		Members []member
	}
	members, err := s.reachedMembers(r, page{limit: 1000})
	if err != nil {
		return err
	}
	var teams []team
	for _, m := range members {
		i := slices.IndexFunc(teams, func(t team) bool { return t.Name == m.Team })
		if i < 0 {
			i, teams = len(teams), append(teams, team{Name: m.Team})
		}
		teams[i].Members = append(teams[i].Members, m)
	}
	last := "\uffff" // for who is in none
	slices.SortFunc(teams, func(a, b team) int { return cmp.Compare(cmp.Or(a.Name, last), cmp.Or(b.Name, last)) })
	data := struct {
		Teams []team
		May   bool
	}{teams, subject(r).Permissions()[rbac.Users].Read == rbac.All}
	return s.show(w, r, http.StatusOK, "Teams", "teams", data)
}

// keysPage shows the API keys, and the one that was just made.
func (s *server) keysPage(w http.ResponseWriter, r *http.Request) error {
	return s.showKeys(w, r, nil)
}

func (s *server) showKeys(w http.ResponseWriter, r *http.Request, made *apiKey) error {
	keys, err := s.keys(r)
	if err != nil {
		return err
	}
	data := struct {
		Keys           []apiKey
		Made           *apiKey
		May            bool
		Areas          []rbac.AreaInfo
		Address, Other string
	}{Keys: keys, Made: made, Address: "http://" + r.Host}
	may := subject(r).Permissions()
	data.May = may[rbac.API].Manage == rbac.All
	for _, info := range s.az.Areas() {
		if may[info.Area].Read > rbac.None {
			data.Areas = append(data.Areas, info)
		}
	}
	all, err := s.everybody(r.Context())
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ID != subject(r).Workspace() {
			data.Other = c.ID
		}
	}
	return s.show(w, r, http.StatusOK, "API keys", "keys", data)
}

// makeKeyPage makes a key that reads what was chosen, as far as the caller does.
func (s *server) makeKeyPage(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	most, may := rbac.Permissions{}, subject(r).Permissions()
	for _, area := range r.PostForm["read"] {
		// What they do not read at all is refused when the key is made.
		most[rbac.Area(area)] = rbac.Access{Read: cmp.Or(may[rbac.Area(area)].Read, rbac.All)}
	}
	key, err := s.makeKey(r.Context(), subject(r), r.PostForm.Get("name"), most)
	if err != nil {
		return err
	}
	return s.showKeys(w, r, &key)
}

func (s *server) deleteKeyPage(w http.ResponseWriter, r *http.Request) error {
	if err := s.dropKey(r); err != nil {
		return err
	}
	http.Redirect(w, r, "/app/api-keys", http.StatusSeeOther)
	return nil
}

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return problem{Status: http.StatusBadRequest, Code: "malformed", Detail: "The form could not be read."}
	}
	return nil
}

package rbacui_test

import (
	"context"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
)

var update = flag.Bool("update", false, "write texts.txt")

// texts.txt has every text of the pages, and no other.
func TestTexts(t *testing.T) {
	found := map[string]bool{}
	inGo(t, found)
	inTemplates(t, found)
	var want []string
	for text := range found {
		require.NotContains(t, text, "\n")
		want = append(want, text)
	}
	slices.Sort(want)
	if *update {
		require.NoError(t, os.WriteFile("texts.txt", []byte(strings.Join(want, "\n")+"\n"), 0o644))
		return
	}
	require.Equal(t, want, rbacui.Texts(), "run go test -run TestTexts$ -update")
}

// literals are the arguments of a function that are texts.
var literals = map[string][]int{"t": {0}, "th": {0}, "n": {1, 2}, "join": {0}}

func inGo(t *testing.T, found map[string]bool) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || literals[method.Sel.Name] == nil {
				return true
			}
			for _, i := range literals[method.Sel.Name] {
				if literal, ok := call.Args[i].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(literal.Value)
					require.NoError(t, err)
					found[text] = true
				} else {
					variable(t, name, call.Args[i], found)
				}
			}
			return true
		})
	}
}

// variable allows what texts.go hands on, and the labels of the navigation, which
// are texts themselves.
func variable(t *testing.T, file string, arg ast.Expr, found map[string]bool) {
	if s, ok := arg.(*ast.SelectorExpr); ok && s.Sel.Name == "nav" {
		for _, label := range []string{"Roles", "Members", "Review", "Audit"} {
			found[label] = true
		}
		return
	}
	require.Equal(t, "texts.go", file, "a text that is no literal")
}

func inTemplates(t *testing.T, found map[string]bool) {
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		trees := map[string]*parse.Tree{}
		_, err = tree.Parse(string(content), "", "", trees)
		require.NoError(t, err)
		for _, tree := range trees {
			walk(tree.Root, found)
		}
	}
}

func walk(n parse.Node, found map[string]bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				walk(child, found)
			}
		}
	case *parse.ActionNode:
		walk(n.Pipe, found)
	case *parse.TemplateNode:
		walk(n.Pipe, found)
	case *parse.IfNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.RangeNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.WithNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				walk(cmd, found)
			}
		}
	case *parse.CommandNode:
		if name, ok := n.Args[0].(*parse.IdentifierNode); ok {
			for _, i := range literals[name.Ident] {
				if text, ok := n.Args[i+1].(*parse.StringNode); ok {
					found[text.Text] = true
				}
			}
		}
		for _, arg := range n.Args {
			walk(arg, found)
		}
	}
}

// Every text of these pages can be replaced.
func TestTextsOfReviewAndAuditReplaced(t *testing.T) {
	greek := map[string]string{}
	for _, text := range rbacui.Texts() {
		replaced := strings.ReplaceAll(text, "%s", "\x00")
		greek[text] = strings.ReplaceAll(regexp.MustCompile(`\p{L}`).ReplaceAllString(replaced, "ж"), "\x00", "%s")
	}
	var areas []rbac.AreaInfo
	for i, info := range many(t, 14) {
		info.Label, info.Section, info.Description, info.OwnWords = "Ωωω"+strings.Repeat("ω", i), "Σσσ", "Δδδ", ""
		areas = append(areas, info)
	}
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams())
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify, rbacui.WithTexts("ru", greek), rbacui.WithLogger(slog.New(slog.DiscardHandler)))}
	s.add("Βββ", "contacts: read all, manage own; api: manage all; area-12: read own")
	s.add("Γγγ", "contacts: manage all", "Βββ")
	everyChange(s, "ада", "Βββ", "Γγγ", "α", "β", "γ")
	pages := []answer{
		s.get("ада", "audit"), s.get("ада", "audit?user=0"), s.get("ада", "audit?before=12&role="+string(s.roles["Βββ"])+"&kind=role.updated&actor=1&user=2&from=2026-01-01&until=2026-01-02"),
		s.get("ада", "review"), s.get("ада", "review?by=area&area=contacts&action=manage&person=0"), s.get("ада", "review?area=contacts&action=read&person=β"),
		s.get("ада", "review?area=contacts&action=read&person=α"),
	}
	require.Equal(t, http.StatusSeeOther, s.post("ада", "audit", url.Values{"do": {"verify"}}).StatusCode)
	pages = append(pages, s.get("ада", "audit"), s.get("ада", "review"))
	for i, page := range pages {
		require.Equal(t, http.StatusOK, page.StatusCode, "page %d", i)
		text := strings.ReplaceAll(page.text(), "Administrator", "") // a name
		text = regexp.MustCompile(`May read and manage everything\.|(role|member)\.[a-z]+|\btest\b|20\d\d-\d\d-\d\dT[0-9:.]*Z|\b[0-9a-f]{4,64}…?`).ReplaceAllString(text, "")
		require.Empty(t, regexp.MustCompile(`[A-Za-z]{2,}`).FindAllString(text, -1), "page %d", i)
		for _, attr := range regexp.MustCompile(` (?:aria-label|placeholder|title|alt)="([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(page.body, " UTC\"", "\""), -1) {
			require.NotRegexp(t, `[A-Za-z]{2,}`, attr[1], "page %d", i)
		}
	}
	head, _, _ := strings.Cut(s.get("ада", "audit.csv").body, "\n")
	require.NotRegexp(t, `[A-Za-z]`, head)
	head, _, _ = strings.Cut(s.get("ада", "review.csv").body, "\n")
	require.NotRegexp(t, `[A-Za-z]`, head)
}

// Every text can be replaced: nothing on a page is said in English then.
func TestTextsReplaced(t *testing.T) {
	greek := map[string]string{}
	for _, text := range rbacui.Texts() {
		replaced := regexp.MustCompile(`%s`).ReplaceAllString(text, "\x00")
		replaced = regexp.MustCompile(`\p{L}`).ReplaceAllString(replaced, "ж")
		greek[text] = strings.ReplaceAll(replaced, "\x00", "%s")
	}
	var areas []rbac.AreaInfo
	for i, info := range many(t, 14) {
		info.Label, info.Section, info.Description = "Ωωω"+strings.Repeat("ω", i), "Σσσ", "Δδδ"
		info.OwnWords = ""
		areas = append(areas, info)
	}
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams(),
		rbac.WithSystemRoles(rbac.Role{ID: "α", Name: "Ααα", Permissions: permissions(t, "users: read all")}))
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{}, ui: rbacui.New(az, identify, rbacui.WithTexts("ru", greek), rbacui.WithLogger(slog.New(slog.DiscardHandler)))}
	ctx := context.Background()
	system := az.System("λόγος")
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "ada"))
	role, err := system.CreateRole(ctx, rbac.Role{Name: "Βββ", Permissions: permissions(t, "contacts: read all, manage own; api: manage all")})
	require.NoError(t, err)
	list, err := system.CreateRole(ctx, rbac.Role{Name: "Γγγ", Permissions: permissions(t, "users: read all"), Assigns: []rbac.RoleID{role.ID}})
	require.NoError(t, err)
	require.NoError(t, system.Assign(ctx, role.ID, "β", "γ"))
	require.NoError(t, system.Assign(ctx, list.ID, "δ"))
	s.roles["Βββ"], s.roles["Γγγ"] = role.ID, list.ID
	form := with(s.get("ada", s.path("role", "Βββ")).filled(), "do", "save")
	s.edits("ada", "Βββ", func(r *rbac.Role) { r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.Team} })
	for i, page := range []answer{
		s.get("ada", ""), s.get("ada", "?q=000"), s.get("ada", "?done="+string(role.ID)), s.get("ada", s.path("role", "Βββ")), s.get("δ", s.path("role", "Βββ")),
		s.get("ada", "role-new"), s.get("ada", "role?id=administrator"), s.get("ada", "role?id=0"), s.get("ada", s.path("role-delete", "Βββ")), s.get("ada", s.path("role-delete", "Γγγ")),
		s.get("δ", "role-new"), s.get("0", ""), s.get("", ""), s.get("ada", "0.0"), s.post("", "role-new", url.Values{"name": {"0"}}),
		s.post("ada", s.path("role", "Βββ"), with(form, "contacts.read", "own")),
		s.post("ada", s.path("role", "Βββ"), with(form, "name", "Γγγ", "version", "2")),
		s.post("ada", s.path("role", "Βββ"), with(form, "name", "", "description", strings.Repeat("x", 501))),
		s.post("ada", "role-new", form, "Sec-Fetch-Site", "cross-site"),
		s.get("ada", "members"), s.get("ada", "members?q=000"), s.get("ada", "members?done=β"), s.get("δ", "members"), s.get("ada", "member-new"), s.get("ada", "member-new?q=β"),
		s.get("ada", "member?user=β&area=contacts&action=read&role="+string(list.ID)), s.get("δ", "member?user=ada"), s.get("ada", "member?user=ada"), s.get("ada", "member?user=000"),
		s.get("ada", "members-change"), s.get("ada", "members-change?user=β&remove=1"), s.get("ada", "members-change?user=β&user=000&state=suspended"),
		s.post("ada", "members-change", url.Values{"user": {"β", "γ", "δ"}, "role": {string(list.ID)}, "move": {"to"}, "team": {"τ"}, "state": {"suspended"}}),
		s.post("ada", "members-change", url.Values{"user": {"β", "ada"}, "role": {"administrator"}, "do": {"save"}}), s.post("ada", "members", url.Values{"user": {"000"}}),
	} {
		text := strings.ReplaceAll(page.text(), "Administrator", "") // a name
		text = regexp.MustCompile(`May read and manage everything\.|ada|AD?\b`).ReplaceAllString(text, "")
		require.NotRegexp(t, `[A-Za-z]{2,}`, text, "page %d", i)
		for _, attr := range regexp.MustCompile(` (?:aria-label|placeholder|data-label|title|alt)="([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(page.body, " UTC\"", "\""), -1) {
			require.NotRegexp(t, `[A-Za-z]{2,}`, strings.ReplaceAll(attr[1], "ada", ""), "page %d", i)
		}
		require.Contains(t, page.body, `<html lang="ru">`)
	}
	require.Panics(t, func() {
		rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"nothing here says this": ""}))
	})
	require.Panics(t, func() { rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s people": "Leute"})) })
	for _, bad := range []string{"%[2]s und %[2]s", "%[2]s und %s", "%[1]s und %[9]s", "%[0]s und %[1]s"} {
		require.Panics(t, func() { rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s and %s": bad})) }, bad)
	}
	rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s and %s": "%[2]s und %[1]s"}))
	rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s people": "%s Personen"}))
}

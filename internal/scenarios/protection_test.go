package scenarios_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A system role's row that was forged in the database, quietly or with an
// event, is ignored: the code's definition decides.
func TestScenario37_ForgedInEveryWay(t *testing.T) {
	t.Parallel()
	support := rbac.Role{ID: "support", Name: "Support", Permissions: rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None)}}
	for _, quietly := range []bool{true, false} {
		for name, forged := range map[string]*rbac.Role{
			"Administrator without rights": {ID: rbac.Administrator, Name: "Administrator", Version: 1, Permissions: rbac.Permissions{}},
			"Administrator, renamed":       {ID: rbac.Administrator, Name: "Nobody", Version: 1, System: true, Permissions: rbac.Permissions{}},
			"support with every right": {ID: "support", Name: "Support", Version: 1, System: true, Permissions: rbac.Permissions{
				rbac.Users: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.All, rbac.All), rbac.Audit: access(rbac.All, rbac.All),
			}},
			"support, malformed": {ID: "support", Version: 1},
		} {
			t.Run(strings.Join([]string{name, map[bool]string{true: "quietly", false: "with an event"}[quietly]}, ", "), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, store := t.Context(), rbac.NewMemStore()
					options := rbac.WithSystemRoles(support)
					az := openOn(t, store, options)
					assign(t, az.Workspace, rbac.Administrator, "ann")
					assign(t, az.Workspace, "support", "sue")
					allows(t, az.Workspace, "ann")
					if quietly {
						update(t, store, "", func(tx rbac.Tx) error { return tx.PutRole(*forged) })
						require.NoError(t, az.Sync(ctx))
					} else {
						now := time.Now().UTC()
						forge(t, store, "",
							rbac.Event{Time: now, Kind: rbac.RoleCreated, Reason: "forged", RoleAfter: forged},
							rbac.Event{Time: now, Kind: rbac.RoleDeleted, Reason: "forged", RoleBefore: forged},
							rbac.Event{Time: now, Kind: rbac.RoleCreated, Reason: "forged", RoleAfter: forged},
						)
						synctest.Wait()
					}
					for _, w := range []*rbac.Workspace{az.Workspace, openOn(t, store, options).Workspace} { // followed, and loaded
						s, err := w.Subject(ctx, "ann")
						require.NoError(t, err)
						for _, info := range rbac.DefaultAreas() {
							require.Equal(t, access(rbac.All, rbac.All), s.Permissions()[info.Area], "%s", info.Area)
						}
						s, err = w.Subject(ctx, "sue")
						require.NoError(t, err)
						require.Equal(t, support.Permissions, s.Permissions())
						require.Equal(t, "Support", s.Explain(rbac.Contacts, rbac.Read).RoleName)

						roles, err := w.Roles(ctx)
						require.NoError(t, err)
						require.Len(t, roles, 2)
						require.Equal(t, "Administrator", roles[0].Name)
						require.True(t, roles[0].System)
						require.Equal(t, support.Permissions, roles[1].Permissions)
						for h, err := range w.WhoCan(ctx, rbac.Users, rbac.Manage) {
							require.NoError(t, err)
							require.Equal(t, "ann", h.Member.User)
						}
						findings, err := w.Lint(ctx)
						require.NoError(t, err)
						require.True(t, slices.ContainsFunc(findings, func(f rbac.Finding) bool {
							return f.Code == rbac.FindingShadowedSystemRole && f.Role == forged.ID && f.Severity == rbac.Danger
						}) || forged.Name == "", "%v", findings)

						// In a change as in a check.
						require.ErrorIs(t, w.As("sue").Assign(ctx, "support", "new"), rbac.ErrDenied)
						require.ErrorIs(t, w.As("ann").DeleteRole(ctx, forged.ID), rbac.ErrProtectedRole)
						require.ErrorIs(t, w.System("test").Remove(ctx, "ann"), rbac.ErrLastAdministrator)
						_, err = w.As("ann").UpdateRole(ctx, *forged)
						if forged.Name != "" {
							require.ErrorIs(t, err, rbac.ErrProtectedRole)
						}
					}
				})
			})
		}
	}
}

// api is what a program can call to configure and use the library. There is
// no switch that turns enforcement off. Whoever adds to this list says here
// what makes the addition no such switch.
var api = map[string]string{
	// Options.
	"WithAreas":               "names areas; Users cannot be left out, and what is not named is denied",
	"WithIdleTime":            "when memory is given back",
	"WithLogger":              "where to report",
	"WithMaxStaleness":        "how soon checks fail closed; cannot be without limit but by a very long time, which its name says",
	"WithObserver":            "is told of decisions, and returns nothing",
	"WithPollInterval":        "at most half of the maximum staleness",
	"WithRefusalObserver":     "is told of what was refused, and returns nothing",
	"WithoutDefaultWorkspace": "denies everybody in one workspace",
	"WithTeams":               "gives scope Team its meaning, which is less than All",
	"WithSystemRoles":         "adds roles, which grant what they say to those who are given them",

	// Functions.
	"DefaultAreas": "data",
	"FromContext":  "gives the zero Subject, which is denied everything, when there is none",
	"NewContext":   "carries a Subject that exists",
	"NewMemStore":  "an empty store",
	"Open":         "fails on wrong options",
	"TxStore":      "a store inside the caller's transaction, under the same rules",

	// Methods of Authorizer.
	"Authorizer.Close":      "checks fail closed afterwards",
	"Authorizer.Stats":      "reads",
	"Authorizer.Workspaces": "reads",
	"Authorizer.For":        "a handle",

	// Methods of Workspace.
	"Workspace.Areas":               "a copy",
	"Workspace.As":                  "an Admin under every rule",
	"Workspace.AsSubject":           "an Admin under every rule, and a limit",
	"Workspace.Authorize":           "a check",
	"Workspace.Can":                 "a check",
	"Workspace.CanRecord":           "a check",
	"Workspace.Events":              "reads",
	"Workspace.Explain":             "a check",
	"Workspace.History":             "reads",
	"Workspace.Holders":             "reads",
	"Workspace.ID":                  "reads",
	"Workspace.In":                  "the same in another transaction",
	"Workspace.Lint":                "reads",
	"Workspace.Matrix":              "reads",
	"Workspace.Members":             "reads",
	"Workspace.Roles":               "reads",
	"Workspace.Member":              "reads",
	"Workspace.Role":                "reads",
	"Workspace.RoleByName":          "reads",
	"Workspace.Scope":               "a check",
	"Workspace.Subject":             "a check",
	"Workspace.Sync":                "catches up",
	"Workspace.System":              "the application itself, named in the events by its reason; the invariants hold",
	"Workspace.Transact":            "the same in another transaction",
	"Workspace.ValidatePermissions": "reads",
	"Workspace.VerifyEvents":        "reads",
	"Workspace.WhoCan":              "reads",

	// Methods of Transaction.
	"Transaction.As":         "an Admin under every rule",
	"Transaction.AsSubject":  "an Admin under every rule, and a limit",
	"Transaction.Holders":    "reads",
	"Transaction.Member":     "reads",
	"Transaction.Role":       "reads",
	"Transaction.RoleByName": "reads",
	"Transaction.System":     "the application itself, as Workspace.System",

	// Methods of Admin.
	"Admin.Because":         "is recorded",
	"Admin.Add":             "a change under the rules",
	"Admin.Assign":          "a change under the rules",
	"Admin.CreateRole":      "a change under the rules",
	"Admin.DeleteRole":      "a change under the rules",
	"Admin.Authorize":       "a check under the rules of a change",
	"Admin.Choices":         "reads",
	"Admin.Together":        "changes under the rules, in one transaction",
	"Admin.Preview":         "changes nothing",
	"Admin.EnsureRole":      "a change under the rules",
	"Admin.Reinstate":       "a change under the rules",
	"Admin.Remove":          "a change under the rules",
	"Admin.ReplaceRole":     "a change under the rules",
	"Admin.SetTeam":         "a change under the rules",
	"Admin.SetUp":           "a change under the rules",
	"Admin.Suspend":         "a change under the rules",
	"Admin.Via":             "is recorded",
	"Admin.UpdateRole":      "a change under the rules",
	"Admin.DeleteWorkspace": "ends what there is to decide about, for the application alone",
	"Admin.Rename":          "a change under the rules",

	// Methods of Subject.
	"Subject.Active":      "reads",
	"Subject.Authorize":   "a check",
	"Subject.Can":         "a check",
	"Subject.CanRecord":   "a check",
	"Subject.Explain":     "a check",
	"Subject.Limit":       "takes away, never adds",
	"Subject.Limited":     "reads",
	"Subject.Observe":     "tells a function of decisions, which returns nothing",
	"Subject.Of":          "reads",
	"Subject.Permissions": "a copy",
	"Subject.Reach":       "answers as Scope and CanRecord do",
	"Subject.Role":        "reads",
	"Subject.RoleName":    "reads",
	"Subject.Scope":       "a check",
	"Subject.User":        "reads",
	"Subject.While":       "a check, as long as something goes on",
	"Subject.Workspace":   "reads",
}

// A switch that turns enforcement off does not exist: every function of the
// package, every method of the types that decide, and every variable is one
// that somebody looked at.
func TestScenario38_NoSwitchTurnsEnforcementOff(t *testing.T) {
	t.Parallel()
	deciding := []string{"Authorizer", "Workspace", "Transaction", "Admin", "Subject"}
	found := map[string]bool{}
	for _, file := range rootFiles(t) {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() {
					continue
				}
				name := d.Name.Name
				if d.Recv != nil {
					receiver := receiverName(d)
					if !slices.Contains(deciding, receiver) {
						continue
					}
					name = receiver + "." + name
				}
				found[name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					values, ok := spec.(*ast.ValueSpec)
					if !ok || d.Tok != token.VAR {
						continue
					}
					for _, name := range values.Names {
						require.True(t, !name.IsExported() || strings.HasPrefix(name.Name, "Err"), "variable %s could be assigned", name)
					}
				}
			}
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(api)), slices.Sorted(maps.Keys(found)))

	// Of the types that decide, only Authorizer has a field to assign, which
	// its comment forbids.
	for typ, fields := range map[reflect.Type][]string{
		reflect.TypeFor[rbac.Authorizer]():  {"Workspace"},
		reflect.TypeFor[rbac.Workspace]():   nil,
		reflect.TypeFor[rbac.Transaction](): nil,
		reflect.TypeFor[rbac.Admin]():       nil,
		reflect.TypeFor[rbac.Subject]():     nil,
	} {
		var exported []string
		for i := range typ.NumField() {
			if typ.Field(i).IsExported() {
				exported = append(exported, typ.Field(i).Name)
			}
		}
		require.Equal(t, fields, exported, "%v", typ)
	}
}

func receiverName(d *ast.FuncDecl) string {
	expr := d.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if name, ok := expr.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// rootFiles parses package rbac as it is, without its tests.
func rootFiles(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NotEmpty(t, files)
	return files
}

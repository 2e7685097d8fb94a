package rbachttp

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// openapi.json has the routes of the handler and the parameters of each, and no
// others.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	t.Parallel()
	type parameter struct {
		Ref    string `json:"$ref"`
		In     string
		Name   string
		Schema struct{ Type string }
	}
	var document struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Parameters map[string]parameter }
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	described := map[string]string{}
	for path, item := range document.Paths {
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var op struct{ Parameters []parameter }
			require.NoError(t, json.Unmarshal(text, &op))
			var query []string
			for _, p := range op.Parameters {
				if p.Ref != "" {
					p = document.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]]
				}
				if p.In != "query" {
					continue
				}
				if p.Schema.Type == "array" {
					p.Name += "*"
				}
				query = append(query, p.Name)
			}
			slices.Sort(query)
			described[strings.ToUpper(method)+" "+path] = strings.Join(query, " ")
		}
	}
	az, err := rbac.Open(t.Context(), rbac.NewMemStore())
	require.NoError(t, err)
	defer az.Close()
	served := map[string]string{}
	for _, route := range New(az, func(*http.Request) (Caller, error) { return Caller{}, nil }).adminRoutes() {
		query := strings.Fields(route.query)
		slices.Sort(query)
		served[route.pattern] = strings.Join(query, " ")
	}
	require.Equal(t, served, described)
}

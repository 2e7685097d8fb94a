package rbachttp_test

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// schema is a JSON schema, as much of one as openapi.json has.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Format               string
	Enum                 []string
	Required             []string
	Properties           map[string]schema
	AdditionalProperties *schema
	Items                *schema
	OneOf                []schema
}

// operation is one method of one path.
type operation struct {
	OperationID string
	Parameters  []apiParameter
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema schema }
	}
	Responses map[string]response
}

type apiParameter struct {
	Ref      string `json:"$ref"`
	Name, In string
	Required bool
	Schema   schema
}

type response struct {
	Ref     string `json:"$ref"`
	Headers map[string]any
	Content map[string]struct{ Schema schema }
}

// document is openapi.json.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Parameters map[string]apiParameter
		Responses  map[string]response
		Schemas    map[string]schema
	}
	operations map[string]operation // by method and path, with what they refer to
}

func readDocument(t *testing.T, text string) *document {
	t.Helper()
	d := &document{operations: map[string]operation{}}
	require.NoError(t, json.Unmarshal([]byte(text), d))
	require.Equal(t, "3.1.0", d.OpenAPI)
	ids := map[string]bool{}
	for path, item := range d.Paths {
		var shared []apiParameter
		if of, ok := item["parameters"]; ok {
			require.NoError(t, json.Unmarshal(of, &shared))
		}
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			require.NoError(t, json.Unmarshal(text, &op))
			op.Parameters = append(slices.Clone(shared), op.Parameters...)
			for i, p := range op.Parameters {
				if p.Ref != "" {
					op.Parameters[i] = refer(t, d.Components.Parameters, p.Ref)
				}
			}
			for status, r := range op.Responses {
				if r.Ref != "" {
					op.Responses[status] = refer(t, d.Components.Responses, r.Ref)
				}
			}
			require.NotEmpty(t, op.OperationID, "%s %s", method, path)
			require.False(t, ids[op.OperationID], "%s is there twice", op.OperationID)
			ids[op.OperationID] = true
			d.operations[strings.ToUpper(method)+" "+path] = op
		}
	}
	return d
}

// refer returns what a reference is to.
func refer[T any](t *testing.T, of map[string]T, ref string) T {
	t.Helper()
	found, ok := of[ref[strings.LastIndex(ref, "/")+1:]]
	require.True(t, ok, ref)
	return found
}

// conforms fails the test if a value is not what a schema says, or has a key
// that the schema does not have.
func (d *document) conforms(t *testing.T, at string, s schema, value any) {
	t.Helper()
	if problem := d.problem(s, value); problem != "" {
		t.Errorf("%s: %s", at, problem)
	}
}

func (d *document) problem(s schema, value any) string {
	if s.Ref != "" {
		named, ok := d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
		if !ok {
			return "there is no " + s.Ref
		}
		return d.problem(named, value)
	}
	if len(s.OneOf) > 0 {
		if slices.ContainsFunc(s.OneOf, func(one schema) bool { return d.problem(one, value) == "" }) {
			return ""
		}
		return fmt.Sprintf("%v is none of those it may be", value)
	}
	kind := "null"
	switch value := value.(type) {
	case bool:
		kind = "boolean"
	case float64:
		kind = "integer"
		if value != float64(int64(value)) {
			kind = "number"
		}
	case string:
		kind = "string"
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
			return fmt.Sprintf("%q is none of %q", value, s.Enum)
		}
		if _, err := time.Parse(time.RFC3339Nano, value); s.Format == "date-time" && err != nil {
			return err.Error()
		}
	case []any:
		kind = "array"
		for i, item := range value {
			if s.Items == nil {
				return "items are not described"
			}
			if problem := d.problem(*s.Items, item); problem != "" {
				return fmt.Sprintf("[%d]: %s", i, problem)
			}
		}
	case map[string]any:
		kind = "object"
		for _, key := range s.Required {
			if _, ok := value[key]; !ok {
				return key + " is missing"
			}
		}
		for key, of := range value {
			described, ok := s.Properties[key]
			if !ok && s.AdditionalProperties != nil {
				described, ok = *s.AdditionalProperties, true
			}
			if !ok && s.Properties == nil {
				continue // an object of any kind
			}
			if !ok {
				return key + " is not described"
			}
			if problem := d.problem(described, of); problem != "" {
				return key + ": " + problem
			}
		}
	}
	if kind != s.Type {
		return fmt.Sprintf("is of type %s, want %s", kind, s.Type)
	}
	return ""
}

// described are the Go types of which openapi.json has a schema.
var described = map[reflect.Type]string{
	reflect.TypeFor[rbac.Scope]():       "Scope",
	reflect.TypeFor[rbac.Action]():      "Action",
	reflect.TypeFor[rbac.Access]():      "Access",
	reflect.TypeFor[rbac.Permissions](): "Permissions",
	reflect.TypeFor[rbac.AreaInfo]():    "Area",
	reflect.TypeFor[rbac.Role]():        "Role",
	reflect.TypeFor[rbac.Member]():      "Member",
	reflect.TypeFor[rbac.Decision]():    "Decision",
	reflect.TypeFor[rbac.Holder]():      "Holder",
	reflect.TypeFor[rbac.Matrix]():      "Matrix",
	reflect.TypeFor[rbac.Finding]():     "Finding",
	reflect.TypeFor[rbac.Event]():       "Event",
	reflect.TypeFor[rbac.FieldError]():  "FieldError",
	reflect.TypeFor[rbac.Effect]():      "Effect",
}

// schemaOf returns the schema of a Go type by its tags.
func schemaOf(t *testing.T, of reflect.Type, named bool) schema {
	t.Helper()
	name, known := described[of]
	switch {
	case named && known:
		return schema{Ref: "#/components/schemas/" + name}
	case of == reflect.TypeFor[time.Time]():
		return schema{Type: "string", Format: "date-time"}
	case of.Kind() == reflect.Pointer:
		return schemaOf(t, of.Elem(), true)
	case of.Kind() != reflect.Struct && of.Kind() != reflect.Map && of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return schema{Type: "string"}
	}
	switch of.Kind() {
	case reflect.String:
		return schema{Type: "string"}
	case reflect.Bool:
		return schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return schema{Type: "integer"}
	case reflect.Slice:
		items := schemaOf(t, of.Elem(), true)
		return schema{Type: "array", Items: &items}
	case reflect.Map:
		values := schemaOf(t, of.Elem(), true)
		return schema{Type: "object", AdditionalProperties: &values}
	case reflect.Struct:
		s := schema{Type: "object", Properties: map[string]schema{}}
		for _, field := range reflect.VisibleFields(of) {
			key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.NotEmpty(t, key, "%v.%s", of, field.Name)
			if key == "-" {
				continue
			}
			s.Properties[key] = schemaOf(t, field.Type, true)
			if options == "" {
				s.Required = append(s.Required, key)
			}
		}
		return s
	}
	t.Fatalf("no schema for %v", of)
	return schema{}
}

// bare returns a schema without what a Go type does not say.
func (s schema) bare() schema {
	s.Enum = nil
	if s.Type != "string" {
		s.Format = ""
	}
	slices.Sort(s.Required)
	if s.Items != nil {
		items := s.Items.bare()
		s.Items = &items
	}
	s.Properties = maps.Clone(s.Properties)
	for key, property := range s.Properties {
		s.Properties[key] = property.bare()
	}
	return s
}

// The schemas of openapi.json have the fields of the Go types, and no others.
func TestOpenAPIDescribesTheTypes(t *testing.T) {
	t.Parallel()
	d := readDocument(t, readText(t, "openapi.json"))
	for of, name := range described {
		want := schemaOf(t, of, false)
		if name == "Event" { // which encodes its hash itself
			want.Properties["hash"] = schema{Type: "string"}
		}
		got, ok := d.Components.Schemas[name]
		require.True(t, ok, name)
		require.Equal(t, want.bare(), got.bare(), name)
	}
	for name, words := range map[string][]fmt.Stringer{
		"Scope":  {rbac.None, rbac.Own, rbac.Team, rbac.All},
		"Action": {rbac.Read, rbac.Manage},
	} {
		var enum []string
		for _, word := range words {
			enum = append(enum, word.String())
		}
		require.Equal(t, enum, d.Components.Schemas[name].Enum)
	}
	severities := []string{rbac.Notice.String(), rbac.Warning.String(), rbac.Danger.String()}
	require.Equal(t, severities, d.Components.Schemas["Finding"].Properties["severity"].Enum)

	// Types that encode themselves: what they write at least, and at most.
	some := rbac.Permissions{rbac.Deals: {Read: rbac.All}}
	refused := &rbac.RefusalError{Rule: rbac.ErrConflict, Role: "r", RoleName: "R", Version: 2, Users: []string{"u"}, Roles: []rbac.RoleID{"r"}}
	escalation := &rbac.EscalationError{Missing: some}
	invalid := &rbac.ValidationError{Fields: []rbac.FieldError{{}}}
	refusal := func(err error) any { return encoded(t, rbac.Choice{Refused: err})["refused"] }
	for name, values := range map[string][]any{
		"Problem": {
			rbachttp.Problem{Status: 403},
			rbachttp.Problem{Status: 403, Code: "a", Detail: "b", Fields: []rbac.FieldError{{}}, Missing: []rbac.Permissions{{}}, Roles: []rbac.RoleID{"r"}},
		},
		"Plan": {
			rbac.Plan{},
			rbac.Plan{
				Role: rbac.Role{Name: "R"}, Before: &rbac.Role{}, AssignedBefore: []rbac.RoleID{"r"}, AssignedAfter: []rbac.RoleID{"r"},
				Events: []rbac.Event{{}}, Effects: []rbac.Effect{{Users: []string{"u"}}}, Refused: rbac.ErrSelf,
			},
		},
		"Choice":  {rbac.Choice{}, rbac.Choice{Refused: rbac.ErrSelf}},
		"Refusal": {refusal(rbac.ErrDenied), refusal(refused), refusal(escalation), refusal(invalid)},
	} {
		s, keys := d.Components.Schemas[name], map[string]bool{}
		for i, v := range values {
			value := encoded(t, v)
			d.conforms(t, name, s, value)
			for key := range value {
				keys[key] = true
			}
			if i == 0 { // which is the least
				require.ElementsMatch(t, s.Required, slices.Collect(maps.Keys(keys)), name)
			}
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(s.Properties)), slices.Collect(maps.Keys(keys)), name)
	}
}

func encoded(t *testing.T, v any) (value map[string]any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &value))
	return value
}

// asked is a request to the API and the status of its answer.
type asked struct {
	route  string // of the document
	target string // if it is not the route's
	body   string
	header string // "Name: value"
	status int
}

// answered holds what the API answers against the document.
type answered struct {
	*document
	seen map[string]map[string]bool // statuses by route
}

// ask sends a request as a user, and fails the test if the answer is not one that
// the document has.
func (a *answered) ask(t *testing.T, h http.Handler, user string, q asked) {
	t.Helper()
	method, path, _ := strings.Cut(q.route, " ")
	headers := []string{"Content-Type: application/json"}
	if q.header != "" {
		headers = append(headers, q.header)
	}
	w := recordBody(h, method, cmp.Or(q.target, path), user, q.body, headers...)
	at := fmt.Sprintf("%s %s %s as %q: %d %s", method, cmp.Or(q.target, path), q.body, user, w.Code, w.Body)
	if w.Code != q.status {
		t.Errorf("%s, want %d", at, q.status)
	}
	status := fmt.Sprint(w.Code)
	op, ok := a.operations[q.route]
	require.True(t, ok, q.route)
	response, ok := op.Responses[status]
	if !ok {
		t.Errorf("%s: the document has no such status", at)
		return
	}
	if a.seen[q.route] == nil {
		a.seen[q.route] = map[string]bool{}
	}
	a.seen[q.route][status] = true
	for name := range response.Headers {
		if w.Header().Get(name) == "" {
			t.Errorf("%s: has no header %s", at, name)
		}
	}
	require.LessOrEqual(t, len(response.Content), 1)
	if len(response.Content) == 0 && w.Body.Len() > 0 {
		t.Errorf("%s: the document has no body", at)
	}
	for contentType, content := range response.Content {
		if got := w.Header().Get("Content-Type"); got != contentType {
			t.Errorf("%s: is %s, want %s", at, got, contentType)
		}
		var value any
		if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		a.conforms(t, at, content.Schema, value)
	}
}

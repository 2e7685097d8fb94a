package openapitest_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// want is what testdata/main.go prints.
const want = `role Administrator all
role Sales own
edit 200
edit 412
assign 204
member a/b
member ada
member sal
remove 409 self
events 403 denied
`

// A client that oapi-codegen makes of the document compiles, and does with the API
// what somebody does who has nothing but the document.
func TestGeneratedClient(t *testing.T) {
	az, err := rbac.Open(t.Context(), rbac.NewMemStore())
	if err != nil {
		t.Fatal(err)
	}
	defer az.Close()
	app := az.System("test")
	if _, err := app.CreateRole(t.Context(), rbac.Role{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}}); err != nil {
		t.Fatal(err)
	}
	if err := app.Assign(t.Context(), rbac.Administrator, "ada"); err != nil {
		t.Fatal(err)
	}
	guard := rbachttp.New(az, func(r *http.Request) (rbachttp.Caller, error) {
		return rbachttp.User(r.Header.Get("Test-User")), nil
	}, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))
	server := httptest.NewServer(http.StripPrefix("/admin", guard.Admin()))
	defer server.Close()

	// The program is compiled as a package of this module, in a folder that is not
	// there.
	dir := t.TempDir()
	document, program := copyOf(t, dir, "../../rbachttp/openapi.json"), copyOf(t, dir, "testdata/main.go")
	client, overlay := filepath.Join(dir, "client.go"), filepath.Join(dir, "overlay.json")
	command(t, "tool", "oapi-codegen", "-generate", "types,client", "-package", "main", "-o", client, document)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(here, "generated", "client.go"): client,
		filepath.Join(here, "generated", "main.go"):   program,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, files, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := command(t, "run", "-overlay", overlay, "./generated", server.URL+"/admin"); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// copyOf copies a file for another program. The go command takes note that this
// one read it, and does not keep the result of a test when the file has changed.
func copyOf(t *testing.T, dir, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// command runs the go command and returns what it prints.
func command(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = t.Output()
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %v: %v", args, err)
	}
	return string(out)
}

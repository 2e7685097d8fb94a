package rbacui

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// A router's pattern tells the name of a page from the path on which all are mounted.
// Where it does not, nobody knows.
func TestBelow(t *testing.T) {
	for _, test := range []struct {
		pattern, path string
		below         bool
	}{
		{"/settings/access/", "/settings/access/rolls", true},
		{"/settings/access/", "/settings/access/a/rolls", true},
		{"GET app.example/settings/access/{page...}", "/settings/access/rolls", true},
		{"/company/{id}/access/*", "/company/9/access/rolls", true},
		{"/access/{page}", "/access/rolls", true},
		{"/settings/access", "/settings/access", false},
		{"/company/{id}/access", "/company/9/access", false},
		{"/settings/", "/settings", false},
		{"/", "/access", false}, // of whatever routes below it
		{"", "/settings/access", false},
		{"access", "/access", false},
	} {
		r := httptest.NewRequest(http.MethodGet, test.path, nil)
		r.Pattern = test.pattern
		require.Equal(t, test.below, below(r), "%q %q", test.pattern, test.path)
	}
}

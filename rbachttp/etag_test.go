package rbachttp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/rbachttp"
)

func TestPermissionsNotModified(t *testing.T) {
	t.Parallel()
	guard := rbachttp.New(newTeam(t).Authorizer, identify, rbachttp.WithLogger(quiet))
	server := serve(t, guard.Permissions())
	etag := ask(t, server, "GET", "/", "sal").header.Get("Etag")
	for _, test := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"the tag", []string{etag}, 304},
		{"weak", []string{"W/" + etag}, 304},
		{"any", []string{"*"}, 304},
		{"a list", []string{`"a", ` + etag}, 304},
		{"a list of weak ones", []string{`W/"a",W/` + etag + `,"b"`}, 304},
		{"two headers", []string{`"a"`, etag}, 304},
		{"empty elements", []string{`, ,"a",, ` + etag + ` ,`}, 304},
		{"a comma in a tag", []string{`"a,b", ` + etag}, 304},
		{"another", []string{`"a"`}, 200},
		{"empty", []string{""}, 200},
		{"without quotes", []string{strings.Trim(etag, `"`)}, 200},
		{"half of it", []string{etag[:20] + `"`}, 200},
		{"not closed", []string{strings.TrimSuffix(etag, `"`)}, 200},
		{"more", []string{strings.TrimSuffix(etag, `"`) + `x"`}, 200},
		{"within another tag", []string{`"a` + etag}, 200},
		{"behind what is malformed", []string{`a, ` + etag}, 200},
		{"any among others", []string{`"a", *`}, 200},
		{"lower-case w", []string{"w/" + etag}, 200},
	} {
		var headers []string
		for _, value := range test.headers {
			headers = append(headers, "If-None-Match: "+value)
		}
		for _, method := range []string{"GET", "HEAD"} {
			got := ask(t, server, method, "/", "sal", headers...)
			require.Equal(t, test.want, got.status, test.name)
			require.Equal(t, etag, got.header.Get("Etag"), test.name)
			require.Equal(t, "private, no-cache", got.header.Get("Cache-Control"), test.name)
			require.Equal(t, "Authorization, Cookie", got.header.Get("Vary"), test.name)
			require.Equal(t, test.want == 200 && method == "GET", got.body != "", test.name)
		}
		require.Equal(t, 401, ask(t, server, "GET", "/", "", headers...).status, "a tag is no identity")
	}
	require.Equal(t, 200, ask(t, server, "GET", "/", "gus", "If-None-Match: "+etag).status, "somebody else's tag")
}

package rbacui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strconv"
)

//go:embed assets
var assets embed.FS

// asset is a file that never changes under its name.
type asset struct {
	kind    string
	content []byte
}

// The names of the assets, which have a hash of the content in them.
var styleName, scriptName string

// files are the assets by name.
var files = map[string]asset{}

func init() {
	style := bytes.Join([][]byte{mustRead("assets/tokens.css"), mustRead("assets/ui.css")}, []byte("\n"))
	styleName = addAsset("rbacui-", ".css", "text/css; charset=utf-8", style)
	scriptName = addAsset("rbacui-", ".js", "text/javascript; charset=utf-8", mustRead("assets/ui.js"))
}

func mustRead(name string) []byte {
	content, err := assets.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return content
}

func addAsset(prefix, suffix, kind string, content []byte) string {
	sum := sha256.Sum256(content)
	name := prefix + hex.EncodeToString(sum[:8]) + suffix
	files[name] = asset{kind, content}
	return name
}

// StyleSheet returns the style sheet of the pages, for pages of the application that
// are to look like them: below an element with the class rbac.
func StyleSheet() string { return string(files[styleName].content) }

// serveAsset answers with an asset, to anybody.
func serveAsset(w http.ResponseWriter, r *http.Request, a asset) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.content)))
	_, _ = w.Write(a.content) // the client has gone
}

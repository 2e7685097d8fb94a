package browsertest_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// chromium is the one browser of all tests, if there is one.
var chromium struct {
	sync.Once
	context.Context
	end context.CancelFunc
	err error
}

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "browsertest-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(folder, "crm")
	code := m.Run()
	os.RemoveAll(folder)
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

// found starts a company, for a test that needs a browser.
func found(t *testing.T) *browsertest.Company {
	t.Helper()
	return foundOn(t, false)
}

func foundOn(t *testing.T, firstDay bool) *browsertest.Company {
	t.Helper()
	needsChromium(t)
	company, err := browsertest.Found(t.Context(), firstDay)
	ok(t, err)
	t.Cleanup(company.Close)
	return company
}

func needsChromium(t *testing.T) {
	t.Helper()
	chromium.Do(func() {
		chromium.Context, chromium.end, chromium.err = browsertest.Start(context.Background())
	})
	if errors.Is(chromium.err, browsertest.ErrNoChromium) && os.Getenv("CI") != "true" {
		t.Skip(chromium.err)
	}
	ok(t, chromium.err)
}

// open opens a browser in which somebody is signed in.
func open(t *testing.T, company *browsertest.Company, user string, script bool) *browsertest.Tab {
	t.Helper()
	return listened(t, func(fail func(error)) (*browsertest.Tab, context.CancelFunc) {
		return company.Open(chromium.Context, user, script, fail)
	})
}

// listened opens a browser. The test fails if anything is written to its console, and
// so if the Content-Security-Policy refuses anything.
func listened(t *testing.T, open func(fail func(error)) (*browsertest.Tab, context.CancelFunc)) *browsertest.Tab {
	t.Helper()
	tab, leave := open(func(err error) {
		t.Helper()
		t.Fatal(err)
	})
	t.Cleanup(func() {
		quiet(t, tab)
		leave()
	})
	return tab
}

func quiet(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	for _, complaint := range tab.Complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// bothWays runs a test with script and without.
func bothWays(t *testing.T, test func(t *testing.T, script bool)) {
	for _, script := range []bool{true, false} {
		name := "script"
		if !script {
			name = "no script"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, script)
		})
	}
}

// text returns the text of an element, each run of space as one.
func text(tab *browsertest.Tab, selector string) string {
	return browsertest.Evaluate[string](tab, fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '(nothing)').replace(/\\s+/g, ' ').trim()", selector))
}

// says checks that an element has a text in it.
func says(t *testing.T, tab *browsertest.Tab, selector string, want ...string) {
	t.Helper()
	got := text(tab, selector)
	for _, want := range want {
		if !strings.Contains(got, want) {
			t.Fatalf("%s says %q, want %q", selector, got, want)
		}
	}
}

// has reports whether an element is seen.
func has(tab *browsertest.Tab, selector string) bool {
	return browsertest.Evaluate[bool](tab, fmt.Sprintf("document.querySelector(%q)?.checkVisibility() ?? false", selector))
}

// permitted returns what a role allows.
func permitted(t *testing.T, company *browsertest.Company, role string) rbac.Permissions {
	t.Helper()
	stored, err := company.Role(t.Context(), role)
	ok(t, err)
	return stored.Permissions
}

// holds checks which role somebody holds.
func holds(t *testing.T, company *browsertest.Company, user, role string) {
	t.Helper()
	member, err := company.Authorizer.Member(t.Context(), user)
	ok(t, err)
	equal(t, user, member.Role, company.Roles[role])
}

var axe = sync.OnceValues(func() (string, error) {
	f, err := os.Open("testdata/axe.min.js.gz")
	if err != nil {
		return "", err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	source, err := io.ReadAll(r)
	return string(source), err
})

// sound checks a page at each width: nothing on it is wider than that, but what
// scrolls by itself, no word is squeezed, and it breaks no rule of axe-core, in either
// scheme.
func sound(t *testing.T, tab *browsertest.Tab, script bool) {
	t.Helper()
	tab.Script(true) // axe-core is some; the page has been loaded by now
	defer tab.Script(script)
	source, err := axe()
	ok(t, err)
	browsertest.Evaluate[bool](tab, source+"; true")
	schemes := []string{"light", "dark"}
	if !script {
		schemes = schemes[:1] // colours are the same with script
	}
	for _, width := range []int64{360, 390, 1280} {
		tab.Width(width)
		for _, wide := range browsertest.Evaluate[[]string](tab, `[...document.querySelectorAll('body *')]
			.filter(e => e.checkVisibility() && !e.closest('.vh, .skip, svg') && !e.parentElement.closest('.scroll') && (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1))
			.concat(document.documentElement.scrollWidth > innerWidth ? [document.documentElement] : [])
			.map(e => e.outerHTML.slice(0, 160))`) {
			t.Errorf("wider than %d px: %s", width, wide)
		}
		squeezed(t, tab)
		for _, scheme := range schemes {
			tab.Scheme(scheme)
			for _, violation := range browsertest.Evaluate[[]string](tab, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.flatMap(v =>
				v.nodes.map(n => v.id + ': ' + n.html.slice(0, 200) + ' ' + n.failureSummary)))`) {
				t.Errorf("%d px, %s: %s", width, scheme, violation)
			}
		}
	}
}

// squeezed checks that no words stand letter below letter.
func squeezed(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	for _, narrow := range browsertest.Evaluate[[]string](tab, `[...document.querySelectorAll('body *')]
		.filter(e => e.checkVisibility() && !e.closest('.vh, svg, select, .table-cards thead') && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim().length > 3) && e.getBoundingClientRect().width < 20)
		.map(e => e.outerHTML.slice(0, 160))`) {
		t.Errorf("squeezed: %s", narrow)
	}
}

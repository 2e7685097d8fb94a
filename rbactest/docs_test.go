package rbactest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// The Go in docs/testing.md is that of example_application_test.go,
// example_outage_test.go and example_routes_test.go, which compile and pass, and its
// table is the golden file of a test there.
func TestDocs(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	doc, source := read("../docs/testing.md"), read("example_application_test.go")+read("example_outage_test.go")+read("example_routes_test.go")
	blocks := goBlock.FindAllStringSubmatch(doc, -1)
	if len(blocks) < 5 {
		t.Errorf("docs/testing.md has only %d blocks of Go", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(source, "\n"+block[1]) {
			t.Errorf("the tests do not have this block of docs/testing.md:\n%s", block[1])
		}
	}
	if !strings.Contains(doc, "\n\n"+read("testdata/access.md")+"\n") {
		t.Error("docs/testing.md does not show testdata/access.md as it is")
	}
	for _, name := range []string{"New", "Allowed", "Denied", "AllowedRecord", "DeniedRecord", "HasScope", "Golden", "GoldenRoles", "Mutate", "Faulty", "Unasked", "Closed"} {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("docs/testing.md does not mention %s", name)
		}
	}
}

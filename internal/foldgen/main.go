// Command foldgen writes two files of package fold from the Unicode data of
// golang.org/x/text: table.txt, the table behind fold.Name, and
// testdata/names.txt, names with the keys that fold.Name must give them.
//
// It is a module of its own so that the root module does not depend on x/text.
//
// The keys of the second file come from whole-string normalisation, not from
// the table. Keep it so: it is what makes them a test of the table and of
// fold.Name.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// files maps each generated file, by its path in package fold, to what makes it.
var files = map[string]func() []byte{
	"table.txt":          generateTable,
	"testdata/names.txt": generateGolden,
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("foldgen: ")
	dir := flag.String("dir", "../fold", "`directory` of package fold")
	flag.Parse()

	if versions := [...]string{norm.Version, cases.UnicodeVersion, unicode.Version}; versions[0] != versions[1] || versions[0] != versions[2] {
		log.Fatalf("norm, cases and unicode have different versions of Unicode: %q", versions)
	}
	for path, generate := range files {
		if err := os.WriteFile(filepath.Join(*dir, path), generate(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// Command foldgen writes two files of package rbac from the Unicode data of
// golang.org/x/text: name_fold.txt, the table behind foldName, and
// testdata/foldnames.txt, names with the keys that foldName must give them.
//
// It is a module of its own so that package rbac does not depend on x/text.
//
// The keys of the second file come from whole-string normalisation, not from
// the table. Keep it so: it is what makes them a test of the table and of
// foldName.
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

// files maps each generated file, by its path in package rbac, to what makes it.
var files = map[string]func() []byte{
	"name_fold.txt":          generateTable,
	"testdata/foldnames.txt": generateGolden,
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("foldgen: ")
	root := flag.String("root", "../..", "directory of package rbac")
	flag.Parse()

	if versions := [...]string{norm.Version, cases.UnicodeVersion, unicode.Version}; versions[0] != versions[1] || versions[0] != versions[2] {
		log.Fatalf("norm, cases and unicode have different versions of Unicode: %q", versions)
	}
	for path, generate := range files {
		if err := os.WriteFile(filepath.Join(*root, path), generate(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

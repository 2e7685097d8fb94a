// Command quickstart gives the people of a company their roles, and shows
// what the library then answers, refuses and records. It needs no database
// and no module but this repository's:
//
//	go run ./examples/quickstart
//
// The company is in tour/company.json; -file reads another. Start reading with
// tour/tour.go, then setup.go, checks.go, refusals.go and reviews.go beside it.
// The same on a database is in the folder database.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/quickstart/tour"
)

func main() {
	file := flag.String("file", "", "read the company from this `file` instead of the built-in one")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	company, err := tour.Load(*file)
	if err == nil {
		err = tour.Run(context.Background(), company, rbac.NewMemStore(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

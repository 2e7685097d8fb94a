// Command database is the quickstart on a database: it shows the same, and the
// next run goes on from what is there. Take a database that is there to try
// things out:
//
//	go run ./examples/quickstart/database -store sqlite:quickstart.db
//	go run ./examples/quickstart/database -store postgres://user:password@host/database
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/areagate/rbac/examples/quickstart/tour"
)

func main() {
	file := flag.String("file", "", "read the company from this `file` instead of the built-in one")
	name := flag.String("store", "", "keep the company in this `store`: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	open, err := storeNamed(*name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := run(context.Background(), *file, open, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the tour of the company in a file on a store.
func run(ctx context.Context, file string, open opener, out io.Writer) error {
	company, err := tour.Load(file)
	if err != nil {
		return err
	}
	store, closeStore, err := open(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	return tour.Run(ctx, company, store, out)
}

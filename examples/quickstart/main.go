// Command quickstart gives the people of a company their roles, and shows
// what the library then answers, refuses and records. It needs no database:
//
//	go run ./examples/quickstart
//
// With one, it shows the same, and the next run goes on from what is there.
// Take a database that is there to try things out:
//
//	go run ./examples/quickstart -store sqlite:quickstart.db
//	go run ./examples/quickstart -store postgres://user:password@host/database
//
// The company is in company.json, beside this file; -file reads another.
// Start reading with run, then store.go, setup.go, checks.go, refusals.go and
// reviews.go.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/areagate/rbac"
)

//go:embed company.json
var embedded []byte

func main() {
	file := flag.String("file", "", "read the company from this file instead of the built-in one")
	name := flag.String("store", "mem", "keep the company in this `store`: mem, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
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

// run shows the company in a file, or the embedded one if path is empty.
func run(ctx context.Context, path string, open opener, out io.Writer) error {
	name, data, err := load(path)
	if err != nil {
		return err
	}
	company, err := readCompany(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	store, closeStore, err := open(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		return err
	}
	defer az.Close()
	if err := setUp(ctx, az, company); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%q: %d roles of its own, %d administrators, %d other people\n",
		company.Name, len(company.Roles), len(company.Administrators), len(company.People))
	return errors.Join(showAll(ctx, az, w), w.Flush())
}

// load returns a file and the name by which errors call it.
func load(path string) (name string, data []byte, err error) {
	if path == "" {
		return "company.json", embedded, nil
	}
	data, err = os.ReadFile(path)
	return path, data, err
}

// Package tour gives the people of a company their roles, and shows what the
// library then answers, refuses and records.
package tour

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/areagate/rbac"
)

//go:embed company.json
var embedded []byte

// Load reads the company in a file, or the built-in one if path is empty.
func Load(path string) (Company, error) {
	file, data := "company.json", embedded
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return Company{}, err
		}
		file = path
	}
	c, err := readCompany(data)
	if err != nil {
		return Company{}, fmt.Errorf("%s: %w", file, err)
	}
	c.file = file
	return c, nil
}

// Run brings a company into a store, shows it section by section, and leaves
// it there. A store of an earlier run is brought in line with the company.
func Run(ctx context.Context, c Company, store rbac.Store, out io.Writer) error {
	az, err := rbac.Open(ctx, store)
	if err != nil {
		return err
	}
	defer az.Close()
	if err := setUp(ctx, az, c); err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}

	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%q: %d roles of its own, %d administrators, %d other people\n",
		c.Name, len(c.Roles), len(c.Administrators), len(c.People))
	return errors.Join(showAll(ctx, az, w), w.Flush())
}

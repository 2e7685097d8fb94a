package tour

import (
	"context"
	"fmt"
	"io"
	"iter"
	"text/tabwriter"

	"github.com/areagate/rbac"
)

// sections is the tour, in order.
var sections = []struct {
	title, sentence string
	show            func(context.Context, *rbac.Authorizer, io.Writer) error
}{
	{"The roles", "What each role may read, and what it may manage: everything, own records only, or nothing.", showMatrix},
	{"Checks", "Explain answers like Can, and says why; Can is true only for everything in an area.", showChecks},
	{"One record", "CanRecord asks about a record and its owners, for roles that reach own records only.", showRecords},
	{"Lists", "Reach says which rows to show, so that a list is filtered by the database.", showReach},
	{"No escalation", "Whoever manages users gives out only what they hold themselves.", showEscalation},
	{"No lock-out", "The last active administrator stays, even when the application itself would remove them.", showLastAdministrator},
	{"No lost edits", "Whoever saves a role that somebody else has saved meanwhile is told so.", showConflict},
	{"Who can manage users", "WhoCan answers a reviewer's question, suspended members left out.", showUserManagers},
	{"Advice", "Lint finds what tends to go wrong in an access model.", showLint},
	{"The record", "Every change left one event; the refused ones left none.", showEvents},
}

func showAll(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	for i, s := range sections {
		fmt.Fprintf(out, "\n%d. %s\n%s\n\n", i+1, s.title, s.sentence)
		if err := s.show(ctx, az, out); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

// collect returns all that an iterator of the library yields, or its error.
func collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// newTable aligns columns that are separated by tabs. Flush writes it.
func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
}

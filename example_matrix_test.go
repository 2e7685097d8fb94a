package rbac_test

import (
	"context"
	"os"
)

// The matrix is the whole access model on one page.
func ExampleMatrix_WriteText() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	if err := matrix.WriteText(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Role (read/manage)  Contacts  Deals    Users    Audit
	// ------------------  --------  -------  -------  -------
	// Administrator       all/all   all/all  all/all  all/all
	// Auditor             -         -        all/-    all/-
	// Sales               all/own   own/own  -        -
	// Sales lead          all/all   all/all  all/-    -
}

// The same for a wiki or a ticket. This is the table of docs/concepts.md.
func ExampleMatrix_WriteMarkdown() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	if err := matrix.WriteMarkdown(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// | Role | Contacts | Deals | Users | Audit |
	// | --- | --- | --- | --- | --- |
	// | Administrator | read all, manage all | read all, manage all | read all, manage all | read all, manage all |
	// | Auditor | no access | no access | read all | read all |
	// | Sales | read all, manage own | read own, manage own | no access | no access |
	// | Sales lead | read all, manage all | read all, manage all | read all | no access |
}

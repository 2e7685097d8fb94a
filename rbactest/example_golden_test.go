package rbactest_test

import (
	"fmt"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// A change of access shows: in the failure, and once it is accepted in the
// diff of the pull request.
func ExampleGolden() {
	t := &printer{}
	defer t.end()

	w := rbactest.New(t,
		rbactest.Options(rbac.WithAreas(rbac.AreaInfo{Area: rbac.Deals, Owned: true}, rbac.AreaInfo{Area: rbac.Users})),
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.All}}), // was own
	)
	matrix, err := w.Matrix(t.Context())
	if err != nil {
		fmt.Println(err)
	}
	rbactest.Golden(t, "testdata/example.md", matrix.WriteMarkdown) // GoldenRoles does the same
	// Output:
	// golden file testdata/example.md differs (- is the file, + is what the test got):
	//   … line 2
	//   | --- | --- | --- |
	//   | Administrator | read all, manage all | read all, manage all |
	// - | Sales | read all, manage own | no access |
	// + | Sales | read all, manage all | no access |
	// If the change is right, accept it: go test github.com/areagate/rbac/rbactest -run "^TestSales$" -rbac.update
}

package rbac_test

import (
	"os"

	"github.com/areagate/rbac"
)

// An export of an application's own. What a spreadsheet would run is
// neutralised.
func ExampleTable() {
	contacts := rbac.Table{
		{"Name", "Telephone"},
		{"Ada", "+44 20 7946 0000"},
		{`=HYPERLINK("https://evil.example")`, "-"},
	}
	if err := contacts.WriteCSV(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Name,Telephone
	// Ada,'+44 20 7946 0000
	// "'=HYPERLINK(""https://evil.example"")",'-
}

package repotest_test

import (
	"log"
	"os"
	"testing"
)

// The tests run in the folder of the root module, as if they stood there.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

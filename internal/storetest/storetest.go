// Package storetest has the scenarios that every database goes through, and
// what the tests of the stores share. It is for the modules of this repository:
// rbactest.TestStore is for everybody.
package storetest

import (
	"context"
	"testing"

	"github.com/areagate/rbac"
)

// Database is a database in which there is no workspace yet. What it opens is
// closed when the test ends.
type Database interface {
	// Store opens the database as another instance of the application does,
	// on connections of its own.
	Store() rbac.Store

	// Transaction calls fn with a Store in a transaction of the application's
	// own. It commits, or rolls back and returns the error if fn returns one.
	Transaction(ctx context.Context, fn func(in rbac.Store) error) error
}

// Scenarios runs the numbered faults, races and attacks that are the same on
// every database, each as a subtest on a database of its own. The others, which
// need hand-written SQL, a network or a file, are beside the stores.
func Scenarios(t *testing.T, newDatabase func(t testing.TB) Database) {
	t.Helper()
	for _, scenario := range scenarios {
		t.Run(scenario.name, func(t *testing.T) { scenario.run(t, newDatabase(t)) })
	}
}

var scenarios = []struct {
	name string
	run  func(*testing.T, Database)
}{
	{"Scenario01_TwoAdministratorsDemoteEachOther", twoAdministratorsDemoteEachOther},
	{"Scenario02_LastAdministratorStays", lastAdministratorStays},
	{"Scenario03_RoleIsDeletedWhileItIsAssigned", roleIsDeletedWhileItIsAssigned},
	{"Scenario04_TwoEditsOfOneVersion", twoEditsOfOneVersion},
	{"Scenario05_ChecksDuringChanges", checksDuringChanges},
	{"Scenario06_SlowReloadIsThrownAway", slowReloadIsThrownAway},
	{"Scenario08_InstancesSetUpOneWorkspaceAtOnce", instancesSetUpOneWorkspaceAtOnce},
	{"Scenario15_RolledBackChange", rolledBackChange},
	{"Scenario16_ReadYourOwnChange", readYourOwnChange},
	{"Scenario19_InstancesAYearOff", instancesAYearOff},
	{"Scenario21_ManyFirstChecks", manyFirstChecks},
	{"Scenario22_FloodOfUnknownUsers", floodOfUnknownUsers},
	{"Scenario25_UnknownAreaOrAction", unknownAreaOrAction},
	{"Scenario27_BadIDsAreRefused", badIDsAreRefused},
	{"Scenario28_UsersAreComparedByteForByte", usersAreComparedByteForByte},
	{"Scenario29_NamesThatAreTheSame", namesThatAreTheSame},
	{"Scenario30_IDsUsedAgain", idsUsedAgain},
	{"Scenario33_RolesBeyondOnesOwn", rolesBeyondOnesOwn},
	{"Scenario34_AssignBeyondOnesOwn", assignBeyondOnesOwn},
	{"Scenario35_MembersWhoHoldMore", membersWhoHoldMore},
	{"Scenario36_ActorDemotedElsewhere", actorDemotedElsewhere},
	{"Scenario37_ForgedSystemRole", forgedSystemRole},
	{"Scenario44_WorkspacesAreApart", workspacesAreApart},
	{"Scenario45_UserNamedLikeARole", userNamedLikeARole},
	{"Scenario46_MemoryIsBounded", memoryIsBounded},
}

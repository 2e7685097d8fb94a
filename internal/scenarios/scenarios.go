// Package scenarios has the numbered faults, races and attacks that every store
// goes through. Beside them, in its tests, are those that need fake time or a
// store that fails on demand: they run on MemStore. Those that need hand-written
// SQL, a network or a file are beside the stores.
//
// It is for the modules of this repository: storetest.Run is for everybody.
package scenarios

import (
	"context"
	"slices"
	"testing"

	"github.com/areagate/rbac"
)

// Database is a database in which there is no workspace yet. What it opens is
// closed when the test ends.
type Database interface {
	// Store opens the database as another instance of the application does,
	// on connections of its own.
	Store() rbac.Store

	// Transaction calls fn with a Store of a workspace in a transaction of the
	// application's own. It commits, or rolls back and returns the error if fn
	// returns one.
	Transaction(ctx context.Context, workspace string, fn func(in rbac.Store) error) error
}

// Run runs the scenarios, each as a subtest on a database of its own: first
// those that measure the heap, then the others side by side.
func Run(t *testing.T, newDatabase func(t testing.TB) Database) {
	t.Helper()
	for _, alone := range []bool{true, false} {
		for _, scenario := range suite {
			if measures := slices.Contains(measuring, scenario.name); measures != alone {
				continue
			}
			t.Run(scenario.name, func(t *testing.T) {
				if !alone {
					t.Parallel()
				}
				scenario.run(t, newDatabase(t))
			})
		}
	}
}

// measuring are the scenarios that measure the heap.
var measuring = []string{"Scenario22_FloodOfUnknownUsers", "Scenario46_MemoryIsBounded"}

// RunOne runs the scenario of a name on a database of its own.
func RunOne(t *testing.T, name string, db Database) {
	t.Helper()
	for _, scenario := range suite {
		if scenario.name == name {
			scenario.run(t, db)
			return
		}
	}
	t.Fatalf("there is no scenario %q", name)
}

var suite = []struct {
	name string
	run  func(*testing.T, Database)
}{
	{"Scenario01_TwoAdministratorsDemoteEachOther", twoAdministratorsDemoteEachOther},
	{"Scenario02_LastAdministratorStays", lastAdministratorStays},
	{"Scenario03_RoleIsDeletedWhileItIsAssigned", roleIsDeletedWhileItIsAssigned},
	{"Scenario04_TwoEditsFromOneVersion", twoEditsFromOneVersion},
	{"Scenario05_ChecksDuringChanges", checksDuringChanges},
	{"Scenario06_SlowReloadIsThrownAway", slowReloadIsThrownAway},
	{"Scenario08_InstancesSetUpOneWorkspaceAtOnce", instancesSetUpOneWorkspaceAtOnce},
	{"Scenario08_InstancesSetUpCallByCall", instancesSetUpCallByCall},
	{"Scenario15_RolledBackChange", rolledBackChange},
	{"Scenario16_ReadYourOwnChange", readYourOwnChange},
	{"Scenario19_InstancesAYearOff", instancesAYearOff},
	{"Scenario21_ManyFirstChecks", manyFirstChecks},
	{"Scenario22_FloodOfUnknownUsers", floodOfUnknownUsers},
	{"Scenario25_AreaOfANewerProgram", areaOfANewerProgram},
	{"Scenario27_BadIDsAreRefused", badIDsAreRefused},
	{"Scenario27_GoodIDs", goodIDs},
	{"Scenario28_IDsAreComparedByteForByte", idsAreComparedByteForByte},
	{"Scenario29_RoleNames", roleNames},
	{"Scenario29_OneNameAtOnce", oneNameAtOnce},
	{"Scenario30_IDsUsedAgain", idsUsedAgain},
	{"Scenario31_Metacharacters", metacharacters},
	{"Scenario33_RolesBeyondOnesOwn", rolesBeyondOnesOwn},
	{"Scenario34_AssignBeyondOnesOwn", assignBeyondOnesOwn},
	{"Scenario34_OnesOwnMembership", onesOwnMembership},
	{"Scenario35_MembersWhoHoldMore", membersWhoHoldMore},
	{"Scenario36_ActorDemotedElsewhere", actorDemotedElsewhere},
	{"Scenario37_ForgedSystemRole", forgedSystemRole},
	{"Scenario44_WorkspacesAreApart", workspacesAreApart},
	{"Scenario45_IDsOfUsersAndRolesAreApart", idsOfUsersAndRolesAreApart},
	{"Scenario46_MemoryIsBounded", memoryIsBounded},
	{"Scenario62_EditWithoutPermissions", editWithoutPermissions},
	{"Scenario62_EmptyTablesAreSentBack", emptyTablesAreSentBack},
	{"Scenario63_OwnersArePulledIntoATeam", ownersArePulledIntoATeam},
	{"Scenario63_DelegatesAndTheirTeams", delegatesAndTheirTeams},
	{"Scenario64_ListsOfWhoAdministers", listsOfWhoAdministers},
	{"Scenario65_WeakRolesAreListed", weakRolesAreListed},
	{"Scenario66_DelegatesTouchTheirListOnly", delegatesTouchTheirListOnly},
	{"Scenario67_KeysOfDelegates", keysOfDelegates},
	{"Scenario68_MembersAreMovedAtOnce", membersAreMovedAtOnce},
	{"Scenario69_ListIsTakenAwayElsewhere", listIsTakenAwayElsewhere},
	{"Scenario69_LeavingATeamShowsElsewhere", leavingATeamShowsElsewhere},
	{"Scenario70_DelegateDemotesWhoWatchesThem", delegateDemotesWhoWatchesThem},
	{"Scenario71_ListedRoleIsStrengthened", listedRoleIsStrengthened},
	{"Scenario72_SuspensionDoesNotHoldAgainstADelegate", suspensionDoesNotHoldAgainstADelegate},
	{"Scenario73_DelegatesDoItForEachOther", delegatesDoItForEachOther},
	{"Scenario74_TakenListTakesBackNothing", takenListTakesBackNothing},
	{"Scenario75_MovedMemberTakesRecordsAlong", movedMemberTakesRecordsAlong},
	{"Scenario76_ProgramsDisagreeAboutASystemRole", programsDisagreeAboutASystemRole},
	{"Scenario77_SystemRoleIsDropped", systemRoleIsDropped},
	{"Scenario78_WithAndWithoutTeams", withAndWithoutTeams},
	{"Scenario79_AreaIsRenamed", areaIsRenamed},
	{"Scenario80_AreaWithOneAction", areaWithOneAction},
	{"Scenario81_EventsOfTheFirstForm", eventsOfTheFirstForm},
	{"Scenario82_MemberIsRenamed", memberIsRenamed},
	{"Scenario83_RenameIntoATeam", renameIntoATeam},
	{"Scenario84_RenamesAtOnce", renamesAtOnce},
	{"Scenario85_WorkspaceIsDeleted", workspaceIsDeleted},
	{"Scenario86_DeletedDuringChanges", deletedDuringChanges},
	{"Scenario87_WorkspacesOfAUser", workspacesOfAUser},
	{"Scenario88_DefaultWorkspaceIsNobodys", defaultWorkspaceIsNobodys},
	{"Scenario90_TransactionShowsAtOnce", transactionShowsAtOnce},
	{"Scenario91_LookUpsSeeWhatCounts", lookUpsSeeWhatCounts},
	{"Scenario92_ProvisioningDemotesNobody", provisioningDemotesNobody},
	{"Scenario93_ImportDemotesNobody", importDemotesNobody},
	{"Scenario94_WorkspaceIsSetUpOnce", workspaceIsSetUpOnce},
	{"Scenario95_PreviewAndChange", previewAndChange},
	{"Scenario96_ChangesInBetween", changesInBetween},
	{"Scenario97_AccountActions", accountActions},
	{"Scenario102_RightOfAStreamIsTakenElsewhere", rightOfAStreamIsTakenElsewhere},
}

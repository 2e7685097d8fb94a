package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/scenarios"
)

// memory is a Database in memory.
type memory struct{ store *rbac.MemStore }

func (m memory) Store() rbac.Store { return m.store }

func (m memory) Transaction(ctx context.Context, workspace string, fn func(in rbac.Store) error) error {
	return m.store.Update(ctx, workspace, func(tx rbac.Tx) error { return fn(rbac.TxStore(workspace, tx)) })
}

// onMemStore runs the scenario of the suite that a test is named after.
func onMemStore(t *testing.T) {
	t.Helper()
	scenarios.RunOne(t, strings.TrimPrefix(t.Name(), "Test"), memory{rbac.NewMemStore()})
}

func TestScenario01_TwoAdministratorsDemoteEachOther(t *testing.T)      { t.Parallel(); onMemStore(t) }
func TestScenario02_LastAdministratorStays(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario03_RoleIsDeletedWhileItIsAssigned(t *testing.T)        { t.Parallel(); onMemStore(t) }
func TestScenario04_TwoEditsFromOneVersion(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario05_ChecksDuringChanges(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario06_SlowReloadIsThrownAway(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario08_InstancesSetUpOneWorkspaceAtOnce(t *testing.T)      { t.Parallel(); onMemStore(t) }
func TestScenario08_InstancesSetUpCallByCall(t *testing.T)              { t.Parallel(); onMemStore(t) }
func TestScenario15_RolledBackChange(t *testing.T)                      { t.Parallel(); onMemStore(t) }
func TestScenario16_ReadYourOwnChange(t *testing.T)                     { t.Parallel(); onMemStore(t) }
func TestScenario19_InstancesAYearOff(t *testing.T)                     { t.Parallel(); onMemStore(t) }
func TestScenario21_ManyFirstChecks(t *testing.T)                       { t.Parallel(); onMemStore(t) }
func TestScenario25_AreaOfANewerProgram(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario27_BadIDsAreRefused(t *testing.T)                      { t.Parallel(); onMemStore(t) }
func TestScenario27_GoodIDs(t *testing.T)                               { t.Parallel(); onMemStore(t) }
func TestScenario28_IDsAreComparedByteForByte(t *testing.T)             { t.Parallel(); onMemStore(t) }
func TestScenario29_RoleNames(t *testing.T)                             { t.Parallel(); onMemStore(t) }
func TestScenario29_OneNameAtOnce(t *testing.T)                         { t.Parallel(); onMemStore(t) }
func TestScenario30_IDsUsedAgain(t *testing.T)                          { t.Parallel(); onMemStore(t) }
func TestScenario31_Metacharacters(t *testing.T)                        { t.Parallel(); onMemStore(t) }
func TestScenario33_RolesBeyondOnesOwn(t *testing.T)                    { t.Parallel(); onMemStore(t) }
func TestScenario34_AssignBeyondOnesOwn(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario34_OnesOwnMembership(t *testing.T)                     { t.Parallel(); onMemStore(t) }
func TestScenario35_MembersWhoHoldMore(t *testing.T)                    { t.Parallel(); onMemStore(t) }
func TestScenario36_ActorDemotedElsewhere(t *testing.T)                 { t.Parallel(); onMemStore(t) }
func TestScenario37_ForgedSystemRole(t *testing.T)                      { t.Parallel(); onMemStore(t) }
func TestScenario44_WorkspacesAreApart(t *testing.T)                    { t.Parallel(); onMemStore(t) }
func TestScenario45_IDsOfUsersAndRolesAreApart(t *testing.T)            { t.Parallel(); onMemStore(t) }
func TestScenario62_EditWithoutPermissions(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario62_EmptyTablesAreSentBack(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario63_OwnersArePulledIntoATeam(t *testing.T)              { t.Parallel(); onMemStore(t) }
func TestScenario63_DelegatesAndTheirTeams(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario64_ListsOfWhoAdministers(t *testing.T)                 { t.Parallel(); onMemStore(t) }
func TestScenario65_WeakRolesAreListed(t *testing.T)                    { t.Parallel(); onMemStore(t) }
func TestScenario66_DelegatesTouchTheirListOnly(t *testing.T)           { t.Parallel(); onMemStore(t) }
func TestScenario67_KeysOfDelegates(t *testing.T)                       { t.Parallel(); onMemStore(t) }
func TestScenario68_MembersAreMovedAtOnce(t *testing.T)                 { t.Parallel(); onMemStore(t) }
func TestScenario69_ListIsTakenAwayElsewhere(t *testing.T)              { t.Parallel(); onMemStore(t) }
func TestScenario69_LeavingATeamShowsElsewhere(t *testing.T)            { t.Parallel(); onMemStore(t) }
func TestScenario70_DelegateDemotesWhoWatchesThem(t *testing.T)         { t.Parallel(); onMemStore(t) }
func TestScenario71_ListedRoleIsStrengthened(t *testing.T)              { t.Parallel(); onMemStore(t) }
func TestScenario72_SuspensionDoesNotHoldAgainstADelegate(t *testing.T) { t.Parallel(); onMemStore(t) }
func TestScenario73_DelegatesDoItForEachOther(t *testing.T)             { t.Parallel(); onMemStore(t) }
func TestScenario74_TakenListTakesBackNothing(t *testing.T)             { t.Parallel(); onMemStore(t) }
func TestScenario75_MovedMemberTakesRecordsAlong(t *testing.T)          { t.Parallel(); onMemStore(t) }
func TestScenario76_ProgramsDisagreeAboutASystemRole(t *testing.T)      { t.Parallel(); onMemStore(t) }
func TestScenario77_SystemRoleIsDropped(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario78_WithAndWithoutTeams(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario79_AreaIsRenamed(t *testing.T)                         { t.Parallel(); onMemStore(t) }
func TestScenario80_AreaWithOneAction(t *testing.T)                     { t.Parallel(); onMemStore(t) }
func TestScenario81_EventsOfTheFirstForm(t *testing.T)                  { t.Parallel(); onMemStore(t) }
func TestScenario82_MemberIsRenamed(t *testing.T)                       { t.Parallel(); onMemStore(t) }
func TestScenario83_RenameIntoATeam(t *testing.T)                       { t.Parallel(); onMemStore(t) }
func TestScenario84_RenamesAtOnce(t *testing.T)                         { t.Parallel(); onMemStore(t) }
func TestScenario85_WorkspaceIsDeleted(t *testing.T)                    { t.Parallel(); onMemStore(t) }
func TestScenario86_DeletedDuringChanges(t *testing.T)                  { t.Parallel(); onMemStore(t) }
func TestScenario87_WorkspacesOfAUser(t *testing.T)                     { t.Parallel(); onMemStore(t) }
func TestScenario88_DefaultWorkspaceIsNobodys(t *testing.T)             { t.Parallel(); onMemStore(t) }
func TestScenario90_TransactionShowsAtOnce(t *testing.T)                { t.Parallel(); onMemStore(t) }
func TestScenario91_LookUpsSeeWhatCounts(t *testing.T)                  { t.Parallel(); onMemStore(t) }
func TestScenario92_ProvisioningDemotesNobody(t *testing.T)             { t.Parallel(); onMemStore(t) }
func TestScenario93_ImportDemotesNobody(t *testing.T)                   { t.Parallel(); onMemStore(t) }
func TestScenario94_WorkspaceIsSetUpOnce(t *testing.T)                  { t.Parallel(); onMemStore(t) }
func TestScenario95_PreviewAndChange(t *testing.T)                      { t.Parallel(); onMemStore(t) }
func TestScenario96_ChangesInBetween(t *testing.T)                      { t.Parallel(); onMemStore(t) }
func TestScenario97_AccountActions(t *testing.T)                        { t.Parallel(); onMemStore(t) }
func TestScenario102_RightOfAStreamIsTakenElsewhere(t *testing.T)       { t.Parallel(); onMemStore(t) }

// These measure memory.

func TestScenario22_FloodOfUnknownUsers(t *testing.T) { onMemStore(t) }
func TestScenario46_MemoryIsBounded(t *testing.T)     { onMemStore(t) }

// TestEveryScenarioIsShown looks for the suite in the tests of MemStore, and for
// the numbers of all scenarios in the names of the tests of both databases.
func TestEveryScenarioIsShown(t *testing.T) {
	suite, here := read(t, "scenarios.go"), read(t, "scenarios_test.go")
	for _, name := range regexp.MustCompile(`"(Scenario\w+)"`).FindAllStringSubmatch(suite, -1) {
		if !strings.Contains(here, "func Test"+name[1]+"(") {
			t.Errorf("MemStore does not go through %s", name[1])
		}
	}
	for folder, inapplicable := range map[string][]int{
		"pgstore":     {18},         // is about SQLite
		"sqlitestore": {11, 12, 14}, // need a network
	} {
		names := suite // TestScenarios of both
		files, err := filepath.Glob("../../" + folder + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			names += read(t, file)
		}
		for n := 1; n <= 46; n++ {
			inList := n <= 24 || n >= 26 && n <= 37 || n >= 43
			shown := regexp.MustCompile(fmt.Sprintf(`(func Test|")Scenario%02d_`, n)).MatchString(names)
			if want := inList && !slices.Contains(inapplicable, n); want && !shown {
				t.Errorf("%s: no test has scenario %02d in its name", folder, n)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Package rbac is an embeddable role-based access control library. The people
// of a workspace each hold one role; a role says, area by area, what they may
// read and what they may manage, as nothing, their own records, those of their
// team, or everything; a request handler asks Can(user, area, action).
//
//	az, err := rbac.Open(ctx, rbac.NewMemStore())
//	…
//	err = az.System("sign-up").Assign(ctx, rbac.Administrator, "ada")
//	…
//	if !az.Can(ctx, user, rbac.Deals, rbac.Manage) {
//		http.Error(w, "Forbidden", http.StatusForbidden)
//		return
//	}
//
// Checks: [Workspace.Can] and [Workspace.Authorize] ask about everything in an
// area, [Workspace.CanRecord] about one record, [Workspace.Explain] about the
// reason. [Workspace.Subject] resolves a user once for the many checks of a
// request, and [Subject.Reach] filters lists. Checks answer from an
// immutable snapshot in memory, without locks. [Workspace.Can],
// [Workspace.CanRecord] and those of a Subject do not allocate.
//
// Changes: [Workspace.As] acts as a member and applies every rule, such as
// that nobody grants what they do not hold and that the last administrator
// stays; [Workspace.System] acts as the application. Every change is one
// transaction and leaves one [Event] for each role or member it touches. In a
// transaction of the application's own, a workspace is a [Transaction].
//
// Review: [Workspace.Matrix], [Workspace.WhoCan], [Workspace.Lint],
// [Workspace.LintRoles], [Workspace.Events] and [Workspace.VerifyEvents].
//
// A [Store] persists workspaces; [MemStore] is the one in this package. What
// other instances change reaches checks within the maximum staleness, see
// [WithMaxStaleness], or checks fail closed with [ErrUnavailable].
//
// Beside this package, below its path: rbachttp guards handlers of net/http,
// rbactest serves an application's tests, and storetest is the contract for
// whoever writes a store. Modules of their own are pgstore and sqlitestore, the
// stores for PostgreSQL and SQLite, and rbacui, the pages on which people set up
// roles and give them to members.
package rbac

package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// newColleague is nobody in the company yet.
const newColleague = "new.colleague"

// showEscalation lets somebody who manages users, but is no administrator,
// bring in a colleague, and then try to give out more than they hold.
func showEscalation(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	manager, err := userManager(ctx, az)
	if err != nil {
		return err
	}
	if manager.Member.User == "" {
		fmt.Fprintln(out, "Only administrators manage users here, and they hold everything.")
		return nil
	}
	user, as := manager.Member.User, az.As(manager.Member.User)
	within, beyond, err := compareRoles(ctx, az, user)
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "%s (%s) gives %s the role %s", user, manager.RoleName, newColleague, within.Name)
	if err := as.Assign(ctx, within.ID, newColleague); err != nil {
		return err
	}
	fmt.Fprintln(out, ": done.")

	fmt.Fprintf(out, "%s gives %s the role %s", user, newColleague, beyond.Name)
	if err := reportEscalation(out, as.Assign(ctx, beyond.ID, newColleague)); err != nil {
		return err
	}

	fmt.Fprintf(out, "%s creates the role Deputy, with all that an administrator may do", user)
	_, err = as.CreateRole(ctx, rbac.Role{Name: "Deputy", Permissions: everything()})
	return reportEscalation(out, err)
}

// userManager returns the first who manages users without holding everything;
// the zero Holder if there is nobody.
func userManager(ctx context.Context, az *rbac.Authorizer) (rbac.Holder, error) {
	for holder, err := range az.WhoCan(ctx, rbac.Users, rbac.Manage) {
		if err != nil {
			return rbac.Holder{}, err
		}
		subject, err := az.Subject(ctx, holder.Member.User)
		if err != nil {
			return rbac.Holder{}, err
		}
		if holder.Scope == rbac.All && !subject.Permissions().Covers(everything()) {
			return holder, nil
		}
	}
	return rbac.Holder{}, nil
}

// compareRoles returns the first role within what a user holds, and the last
// one beyond it.
func compareRoles(ctx context.Context, az *rbac.Authorizer, user string) (within, beyond rbac.Role, err error) {
	subject, err := az.Subject(ctx, user)
	if err != nil {
		return within, beyond, err
	}
	roles, err := az.Roles(ctx)
	if err != nil {
		return within, beyond, err
	}
	for _, role := range slices.Backward(roles) {
		switch {
		case subject.Permissions().Covers(role.Permissions):
			within = role
		case beyond.ID == "":
			beyond = role
		}
	}
	return within, beyond, nil
}

// everything is what Administrator holds.
func everything() rbac.Permissions {
	all := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		all[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	return all
}

// reportEscalation writes exactly what the refused actor does not hold.
func reportEscalation(out io.Writer, err error) error {
	var escalation *rbac.EscalationError
	if !errors.As(err, &escalation) {
		return notRefused(rbac.ErrEscalation, err)
	}
	fmt.Fprintln(out, ": refused. Missing:")
	for _, area := range slices.Sorted(maps.Keys(escalation.Missing)) {
		fmt.Fprintf(out, "  %s: %v\n", area, escalation.Missing[area])
	}
	return nil
}

// showLastAdministrator tries to remove all administrators in one change.
func showLastAdministrator(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	users, err := administrators(ctx, az)
	if err != nil {
		return err
	}
	fmt.Fprint(out, "The application removes every administrator at once")
	return reportRefusal(out, rbac.ErrLastAdministrator, az.System("quickstart").Remove(ctx, users...))
}

// showConflict lets two administrators save a role that both read before.
func showConflict(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	users, err := administrators(ctx, az)
	if err != nil {
		return err
	}
	roles, err := az.Roles(ctx)
	if err != nil {
		return err
	}
	role := roles[len(roles)-1]
	if role.System {
		fmt.Fprintln(out, "This company has no roles of its own to edit.")
		return nil
	}
	first, second := users[0], users[len(users)-1]
	fmt.Fprintf(out, "%s and %s open the role %s, version %d.\n", first, second, role.Name, role.Version)

	// What is there already would change nothing, and conflict with nobody. So
	// the descriptions name the version, which is another in every run.
	edit := role
	edit.Description = fmt.Sprintf("Version %d was reviewed.", role.Version)
	saved, err := az.As(first).UpdateRole(ctx, edit)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s saves a new description: done, version %d.\n", first, saved.Version)

	edit.Description = fmt.Sprintf("Version %d is to be reviewed.", role.Version)
	fmt.Fprintf(out, "%s, who still has version %d, saves another", second, edit.Version)
	_, err = az.As(second).UpdateRole(ctx, edit)
	return reportRefusal(out, rbac.ErrConflict, err)
}

func administrators(ctx context.Context, az *rbac.Authorizer) ([]string, error) {
	query := rbac.MemberQuery{Role: rbac.Administrator, State: rbac.ActiveOnly}
	members, err := collect(az.Members(ctx, query))
	users := make([]string, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	return users, err
}

// reportRefusal writes which rule refused, and what was in the way.
func reportRefusal(out io.Writer, rule, err error) error {
	var refusal *rbac.RefusalError
	if !errors.As(err, &refusal) || !errors.Is(err, rule) {
		return notRefused(rule, err)
	}
	fmt.Fprintf(out, ": refused.\n  %v\n", refusal)
	return nil
}

// notRefused ends the tour: a rule that it shows did not hold.
func notRefused(rule, got error) error {
	if got == nil {
		return fmt.Errorf("not refused, want %q", rule)
	}
	return fmt.Errorf("want %q, got: %w", rule, got)
}

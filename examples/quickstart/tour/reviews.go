package tour

import (
	"context"
	"fmt"
	"io"

	"github.com/areagate/rbac"
)

func showMatrix(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	matrix, err := az.Matrix(ctx)
	if err != nil {
		return err
	}
	return matrix.WriteText(out)
}

func showUserManagers(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	table := newTable(out)
	for holder, err := range az.WhoCan(ctx, rbac.Users, rbac.Manage) {
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%v\n", holder.Member.User, holder.RoleName, holder.Scope)
	}
	return table.Flush()
}

func showLint(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	findings, err := az.Lint(ctx)
	if err != nil {
		return err
	}
	for _, finding := range findings {
		fmt.Fprintln(out, finding)
	}
	if len(findings) == 0 {
		fmt.Fprintln(out, "Nothing found.")
	}
	return nil
}

// showEvents writes the newest events and verifies all of them.
func showEvents(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	roles, err := az.Roles(ctx)
	if err != nil {
		return err
	}
	names := map[rbac.RoleID]string{}
	for _, role := range roles {
		names[role.ID] = role.Name
	}
	events, err := collect(az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 8}))
	if err != nil {
		return err
	}
	table := newTable(out)
	for _, e := range events {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", e.Seq, e.Time.Format("15:04:05"), author(e), e.Kind, object(e, names))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := az.VerifyEvents(ctx); err != nil {
		return err
	}
	newest := events[0]
	fmt.Fprintf(out, "\nVerified: the hash chain of all %d events is intact. It ends in %x…\n", newest.Seq, newest.Hash[:8])
	return nil
}

func author(e rbac.Event) string {
	if e.Actor == "" {
		return "the application (" + e.Reason + ")"
	}
	return e.Actor
}

// object says what an event changed, from whichever side of it there is.
func object(e rbac.Event, names map[rbac.RoleID]string) string {
	switch {
	case e.RoleAfter != nil:
		return fmt.Sprintf("%s, version %d", e.RoleAfter.Name, e.RoleAfter.Version)
	case e.MemberAfter != nil:
		return fmt.Sprintf("%s, %s", e.MemberAfter.User, names[e.MemberAfter.Role])
	case e.RoleBefore != nil:
		return e.RoleBefore.Name
	default:
		return e.MemberBefore.User
	}
}

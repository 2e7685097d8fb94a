package tour

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/areagate/rbac"
)

// showChecks asks one question about a member of each role, and then about
// those whom no role helps.
func showChecks(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	members, err := oneOfEachRole(ctx, az)
	if err != nil {
		return err
	}
	suspended, err := collect(az.Members(ctx, rbac.MemberQuery{State: rbac.SuspendedOnly, Limit: 1}))
	if err != nil {
		return err
	}
	for _, m := range append(members, suspended...) {
		if err := explain(ctx, az, out, m.User, rbac.Deals); err != nil {
			return err
		}
	}
	return explain(ctx, az, out, "a.stranger", rbac.Deals)
}

func explain(ctx context.Context, az *rbac.Authorizer, out io.Writer, user string, area rbac.Area) error {
	decision, err := az.Explain(ctx, user, area, rbac.Manage)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-3s  %v\n", yesNo(decision.Allowed), decision)
	return nil
}

func yesNo(allowed bool) string {
	if allowed {
		return "yes"
	}
	return "no"
}

// showRecords asks about the deals of two people who see only their own.
func showRecords(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	sellers, err := ownDealsOnly(ctx, az)
	if err != nil {
		return err
	}
	if len(sellers) < 2 {
		fmt.Fprintln(out, "No two people here see only their own deals.")
		return nil
	}
	user := sellers[0]
	for _, owner := range sellers[:2] {
		allowed := az.CanRecord(ctx, user, rbac.Deals, rbac.Read, owner)
		fmt.Fprintf(out, "%-3s  %s sees a deal of %s\n", yesNo(allowed), user, owner)
	}
	return nil
}

func ownDealsOnly(ctx context.Context, az *rbac.Authorizer) ([]string, error) {
	var users []string
	for holder, err := range az.WhoCan(ctx, rbac.Deals, rbac.Read) {
		if err != nil {
			return nil, err
		}
		if holder.Scope == rbac.Own {
			users = append(users, holder.Member.User)
		}
	}
	return users, nil
}

func showReach(ctx context.Context, az *rbac.Authorizer, out io.Writer) error {
	members, err := oneOfEachRole(ctx, az)
	if err != nil {
		return err
	}
	table := newTable(out)
	for _, m := range members {
		s, err := az.Subject(ctx, m.User)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%v\t%s\n", m.User, s.Scope(rbac.Deals, rbac.Read), rows(s.Reach(rbac.Deals, rbac.Read)))
	}
	return table.Flush()
}

// rows says which deals a list shows, where an application would make a query
// with [rbac.Reach.Where].
func rows(reach rbac.Reach) string {
	switch {
	case reach.All:
		return "every deal"
	case len(reach.Owners) == 0:
		return "no deals"
	}
	return "the deals of " + strings.Join(reach.Owners, ", ")
}

// oneOfEachRole returns the first active member of each role that has one.
func oneOfEachRole(ctx context.Context, az *rbac.Authorizer) ([]rbac.Member, error) {
	roles, err := az.Roles(ctx)
	if err != nil {
		return nil, err
	}
	var members []rbac.Member
	for _, role := range roles {
		query := rbac.MemberQuery{Role: role.ID, State: rbac.ActiveOnly, Limit: 1}
		first, err := collect(az.Members(ctx, query))
		if err != nil {
			return nil, err
		}
		members = append(members, first...)
	}
	return members, nil
}

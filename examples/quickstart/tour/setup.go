package tour

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// setUp fills a workspace. Only the first step needs the application's own
// authority: from then on an administrator does it all, under every rule.
//
// In a workspace of an earlier run it brings in line what is in the file, and
// takes back what the tour did; what is as it should be leaves no event. Roles
// and people that are not in the file stay as they are.
func setUp(ctx context.Context, az *rbac.Authorizer, c Company) error {
	if err := az.System("quickstart").Assign(ctx, rbac.Administrator, c.Administrators...); err != nil {
		return &defect{"", rename(err, "users", "administrators")}
	}
	admin := az.As(c.Administrators[0])
	if err := saveRoles(ctx, az, admin, c.Roles); err != nil {
		return err
	}
	if err := removeColleague(ctx, admin, c); err != nil {
		return err
	}
	ids, err := roleIDs(ctx, az)
	if err != nil {
		return err
	}
	if err := addPeople(ctx, admin, ids, c.People); err != nil {
		return err
	}
	if err := admin.Suspend(ctx, c.inState(true)...); err != nil {
		return err
	}
	return admin.Reinstate(ctx, c.inState(false)...)
}

func saveRoles(ctx context.Context, az *rbac.Authorizer, admin *rbac.Admin, roles []rbac.Role) error {
	stored, err := az.Roles(ctx)
	if err != nil {
		return err
	}
	earlier := map[rbac.RoleID]int64{} // the version of each
	for _, role := range stored {
		earlier[role.ID] = role.Version
	}
	for i, role := range roles {
		if err := saveRole(ctx, admin, role, earlier); err != nil {
			return &defect{label("role", role.Name, i), err}
		}
	}
	return nil
}

// saveRole creates a role, or edits the one of an earlier run that has its
// name. It takes that from earlier: a name that the file has twice is refused.
func saveRole(ctx context.Context, admin *rbac.Admin, role rbac.Role, earlier map[rbac.RoleID]int64) error {
	_, err := admin.CreateRole(ctx, role)
	var refusal *rbac.RefusalError
	if !errors.Is(err, rbac.ErrNameTaken) || !errors.As(err, &refusal) {
		return err
	}
	version, ok := earlier[refusal.Role]
	if !ok {
		return err
	}
	delete(earlier, refusal.Role)
	role.ID, role.Version = refusal.Role, version
	_, err = admin.UpdateRole(ctx, role)
	return err
}

// removeColleague removes whom an earlier tour brought in, so that this one
// can do it again.
func removeColleague(ctx context.Context, admin *rbac.Admin, c Company) error {
	if slices.Contains(c.users(), newColleague) {
		return nil
	}
	err := admin.Remove(ctx, newColleague)
	if errors.Is(err, rbac.ErrMemberNotFound) {
		return nil
	}
	return err
}

// roleIDs maps the name of each role to its id. The library made the ids.
func roleIDs(ctx context.Context, az *rbac.Authorizer) (map[string]rbac.RoleID, error) {
	roles, err := az.Roles(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string]rbac.RoleID{}
	for _, role := range roles {
		ids[role.Name] = role.ID
	}
	return ids, nil
}

func addPeople(ctx context.Context, admin *rbac.Admin, ids map[string]rbac.RoleID, people []Person) error {
	for i, p := range people {
		id, ok := ids[p.Role]
		if !ok {
			return &defect{label("person", p.User, i), fmt.Errorf("role: %q is not a role of this company", p.Role)}
		}
		if err := admin.Assign(ctx, id, p.User); err != nil {
			return &defect{label("person", p.User, i), rename(err, "users[0]", "user")}
		}
	}
	return nil
}

// rename calls the fields that the library found wrong by their name in the
// file.
func rename(err error, library, file string) error {
	var invalid *rbac.ValidationError
	if errors.As(err, &invalid) {
		for i, field := range invalid.Fields {
			invalid.Fields[i].Field = strings.Replace(field.Field, library, file, 1)
		}
	}
	return err
}

package rbachttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/areagate/rbac"
)

// reason is the parameter that says why.
const reason = "reason"

// admin returns what carries a change out: as the caller, by the rules.
func (c *adminCall) admin() *rbac.Admin {
	return c.workspace.AsSubject(c.subject).Because(c.query.text(reason))
}

// done answers that a change was made, or with why it was not.
func (c *adminCall) done(err error) error {
	if err == nil {
		c.w.Header().Set("Cache-Control", "no-store")
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// changer is the body of a change.
type changer interface {
	change(context.Context, *rbac.Admin) error
}

type (
	assignment struct {
		Role  rbac.RoleID `json:"role"`
		Users userIDs     `json:"users"`
	}
	addition   assignment
	suspension struct {
		Users userIDs `json:"users"`
	}
	reinstatement suspension
	removal       suspension
	move          struct {
		Team  string  `json:"team"`
		Users userIDs `json:"users"`
	}

	renaming struct {
		From string `json:"from"`
		To   string `json:"to"`
	}

	// Changes of roles, as they stand in a preview.
	creation struct{ rbac.Role }
	edit     struct{ rbac.Role }
	deletion struct {
		Role rbac.RoleID `json:"role"`
	}
	replacement struct {
		Role rbac.RoleID `json:"role"`
		With rbac.RoleID `json:"with"`
	}
)

// userIDs are the users of one change.
type userIDs []string

// mostUsers bounds what is wrong with one body, and said of it.
const mostUsers = 1000

func (u *userIDs) UnmarshalJSON(data []byte) error {
	var ids []string
	if err := json.Unmarshal(data, &ids); err != nil {
		return err
	}
	if len(ids) > mostUsers {
		return invalid("", fmt.Sprintf("has %d users, more than %d", len(ids), mostUsers))
	}
	*u = ids
	return nil
}

func (b assignment) change(ctx context.Context, a *rbac.Admin) error {
	return a.Assign(ctx, b.Role, b.Users...)
}

func (b addition) change(ctx context.Context, a *rbac.Admin) error {
	return a.Add(ctx, b.Role, b.Users...)
}

func (b suspension) change(ctx context.Context, a *rbac.Admin) error {
	return a.Suspend(ctx, b.Users...)
}

func (b reinstatement) change(ctx context.Context, a *rbac.Admin) error {
	return a.Reinstate(ctx, b.Users...)
}

func (b removal) change(ctx context.Context, a *rbac.Admin) error {
	return a.Remove(ctx, b.Users...)
}

func (b move) change(ctx context.Context, a *rbac.Admin) error {
	return a.SetTeam(ctx, b.Team, b.Users...)
}

func (b renaming) change(ctx context.Context, a *rbac.Admin) error {
	return a.Rename(ctx, b.From, b.To)
}

func (b creation) change(ctx context.Context, a *rbac.Admin) error {
	_, err := a.CreateRole(ctx, b.Role)
	return err
}

func (b edit) change(ctx context.Context, a *rbac.Admin) error {
	_, err := a.UpdateRole(ctx, b.Role)
	return err
}

func (b deletion) change(ctx context.Context, a *rbac.Admin) error {
	return a.DeleteRole(ctx, b.Role)
}

func (b replacement) change(ctx context.Context, a *rbac.Admin) error {
	return a.ReplaceRole(ctx, b.Role, b.With)
}

// change carries out the change that is the body.
func change[Body changer](c *adminCall) error {
	var body Body
	if err := c.read(&body); err != nil {
		return err
	}
	return c.done(body.change(c.r.Context(), c.admin()))
}

func (c *adminCall) role() rbac.RoleID { return rbac.RoleID(c.r.PathValue("role")) }

func (c *adminCall) createRole() error {
	var role rbac.Role
	if err := c.read(&role); err != nil {
		return err
	}
	role, err := c.admin().CreateRole(c.r.Context(), role)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "roles/"+url.PathEscape(string(role.ID))) // wherever this is mounted
	return c.writeRole(http.StatusCreated, role)
}

func (c *adminCall) updateRole() error {
	header := c.r.Header.Values("If-Match")
	if len(header) == 0 || header[0] == "*" {
		return problemError(problemUnread)
	}
	var role rbac.Role
	if err := c.read(&role); err != nil {
		return err
	}
	if role.ID != "" && role.ID != c.role() {
		return invalid("id", "is not that of the path")
	}
	version := versionOf(header)
	if role.Version != 0 && role.Version != version {
		version = noVersion
	}
	role.ID, role.Version = c.role(), version
	role, err := c.admin().UpdateRole(c.r.Context(), role)
	if errors.Is(err, rbac.ErrConflict) {
		return problemError(problemChangedSince)
	}
	if err != nil {
		return err
	}
	return c.writeRole(http.StatusOK, role)
}

func (c *adminCall) deleteRole() error {
	return c.done(c.admin().DeleteRole(c.r.Context(), c.role()))
}

func (c *adminCall) replaceRole() error {
	var body struct {
		With rbac.RoleID `json:"with"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	return c.done(replacement{c.role(), body.With}.change(c.r.Context(), c.admin()))
}

// writeRole answers with a role and its ETag.
func (c *adminCall) writeRole(status int, role rbac.Role) error {
	c.w.Header().Set("Etag", `"`+strconv.FormatInt(role.Version, 10)+`"`)
	return c.write(status, role)
}

// noVersion is the version of no role: who gives it is in conflict.
const noVersion = -1

// versionOf returns the version of the ETag in If-Match, and noVersion for what
// is not one ETag of a role.
func versionOf(header []string) int64 {
	tag, opened := strings.CutPrefix(strings.Join(header, ","), `"`)
	tag, closed := strings.CutSuffix(tag, `"`)
	version, err := strconv.ParseInt(tag, 10, 64)
	if !opened || !closed || err != nil || strconv.FormatInt(version, 10) != tag {
		return noVersion
	}
	return version
}

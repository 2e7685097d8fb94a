package rbachttp

import (
	"encoding/base64"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/areagate/rbac"
)

func (c *adminCall) listAreas() error {
	return c.write(http.StatusOK, page[rbac.AreaInfo]{Items: c.workspace.Areas()})
}

func (c *adminCall) listRoles() error {
	roles, err := c.workspace.Roles(c.r.Context())
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, page[rbac.Role]{Items: roles})
}

func (c *adminCall) getRole() error {
	role, err := c.workspace.Role(c.r.Context(), c.role())
	if err != nil {
		return err
	}
	return c.writeRole(http.StatusOK, role)
}

var states = map[string]rbac.MemberState{"": rbac.AnyState, "active": rbac.ActiveOnly, "suspended": rbac.SuspendedOnly}

func (c *adminCall) listMembers() error {
	limit := c.query.limit()
	q := rbac.MemberQuery{
		Users: c.query.texts("user"), Role: rbac.RoleID(c.query.text("role")), Team: c.query.text("team"),
		State: word(&c.query, "state", states), After: c.query.text("after"), Limit: limit + 1,
	}
	if err := c.query.err(); err != nil {
		return err
	}
	members, err := c.members(q)
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, pageOf(members, limit, func(m rbac.Member) string { return m.User }))
}

func (c *adminCall) getMember() error {
	user := c.r.PathValue("user")
	if !c.everybody() && !c.subject.CanRecord(rbac.Users, rbac.Read, user) {
		return rbac.ErrMemberNotFound
	}
	member, err := c.workspace.Member(c.r.Context(), user)
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, member)
}

// everybody reports whether the caller sees all members: in a catalogue in which
// Users cannot be read, who got here manages them.
func (c *adminCall) everybody() bool {
	return c.guard.areas[rbac.Users].Only == rbac.Manage || c.subject.Can(rbac.Users, rbac.Read)
}

// members returns the members within the caller's reach that a query selects,
// with the names of their roles.
func (c *adminCall) members(q rbac.MemberQuery) ([]rbac.Member, error) {
	if !c.everybody() {
		within := []string{} // and not nil, which is everybody
		for _, user := range c.subject.Reach(rbac.Users, rbac.Read).Owners {
			if q.Users == nil || slices.Contains(q.Users, user) {
				within = append(within, user)
			}
		}
		q.Users = within
	}
	roles, err := c.workspace.Roles(c.r.Context())
	if err != nil {
		return nil, err
	}
	names := map[rbac.RoleID]string{}
	for _, role := range roles {
		names[role.ID] = role.Name
	}
	members := []rbac.Member{}
	for member, err := range c.workspace.Members(c.r.Context(), q) {
		if err != nil {
			return nil, err
		}
		member.RoleName = names[member.Role]
		members = append(members, member)
	}
	return members, nil
}

func (c *adminCall) matrix() error {
	matrix, err := c.workspace.Matrix(c.r.Context())
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, matrix)
}

// whoCan finds the place of a page by reading the list from its beginning: there
// is no order of all members by what they may do in which to look it up.
func (c *adminCall) whoCan() error {
	limit, area, action := c.query.limit(), rbac.Area(c.query.needed("area")), c.query.action()
	after, wellFormed := parsePlace(c.query.text("after"))
	if !wellFormed {
		c.query.refuse("after", "is not what next was")
	}
	if err := c.query.err(); err != nil {
		return err
	}
	holders := []rbac.Holder{}
	found, passed := false, after == place{}
	for holder, err := range c.workspace.WhoCan(c.r.Context(), area, action) {
		if err != nil {
			return err
		}
		if !passed {
			same := holder.Member.Role == after.role
			found = found || same
			if passed = found && (!same || holder.Member.User > after.user); !passed {
				continue
			}
		}
		if holders = append(holders, holder); len(holders) > limit {
			break
		}
	}
	if !passed && !found {
		return invalid("after", "is no place in this list any more: begin anew")
	}
	return c.write(http.StatusOK, pageOf(holders, limit, func(h rbac.Holder) string {
		return place{h.Member.Role, h.Member.User}.String()
	}))
}

// place is where a holder is among those who can do something.
type place struct {
	role rbac.RoleID
	user string
}

// String returns a place as it stands in a page, where nobody should read more
// into it.
func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(p.role) + "\x00" + p.user))
}

func parsePlace(s string) (p place, ok bool) {
	if s == "" {
		return p, true
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	role, user, ok := strings.Cut(string(text), "\x00")
	return place{rbac.RoleID(role), user}, ok && err == nil
}

func (c *adminCall) explain() error {
	user, area, action := c.query.needed("user"), rbac.Area(c.query.needed("area")), c.query.action()
	if _, known := c.guard.areas[area]; !known {
		c.query.refuse("area", "is not an area of this program") // a check would log it for the program's mistake
	}
	if err := c.query.err(); err != nil {
		return err
	}
	decision, err := c.workspace.Explain(c.r.Context(), user, area, action)
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, decision)
}

func (c *adminCall) findings() error {
	findings, err := c.workspace.Lint(c.r.Context())
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, page[rbac.Finding]{Items: append([]rbac.Finding{}, findings...)})
}

var orders = map[string]bool{"": true, "newest": true, "oldest": false}

func (c *adminCall) events() error {
	limit, after := c.query.limit(), c.query.number("after", 0, math.MaxInt64)
	q := rbac.EventQuery{
		Newest: word(&c.query, "order", orders), Limit: limit + 1,
		Role: rbac.RoleID(c.query.text("role")), User: c.query.text("user"), Actor: c.query.text("actor"),
		Since: c.query.time("since"), Until: c.query.time("until"),
	}
	for _, kind := range c.query.texts("kind") {
		q.Kinds = append(q.Kinds, rbac.EventKind(kind))
	}
	if q.Newest {
		q.Before = after
	} else {
		q.After = after
	}
	if err := c.query.err(); err != nil {
		return err
	}
	events := []rbac.Event{}
	for event, err := range c.workspace.Events(c.r.Context(), q) {
		if err != nil {
			return err
		}
		events = append(events, event)
	}
	return c.write(http.StatusOK, pageOf(events, limit, func(e rbac.Event) string { return strconv.FormatInt(e.Seq, 10) }))
}

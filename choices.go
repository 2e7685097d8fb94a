package rbac

import (
	"context"
	"encoding/json"
)

// Choice is a role that somebody might give, and why they may not.
type Choice struct {
	Role    Role
	Refused error // the error of Assign; nil if they may
}

// MarshalJSON encodes a choice as {"role":{…},"refused":{…}}, without the latter
// if nothing refuses. [Plan.MarshalJSON] has its form.
func (c Choice) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Role    Role         `json:"role"`
		Refused *refusalJSON `json:"refused,omitempty"`
	}{c.Role, refusalOf(c.Refused)})
}

// Choices returns every role, in the order of [Workspace.Roles], with why the
// actor may not give it to the users: what [Admin.Assign] would return. The users
// need not be members yet. Without any, the choices are those for somebody who is no
// member. Somebody who may give no role to anybody is [ErrDenied].
//
// Errors: none but those that every method of Admin has.
func (a *Admin) Choices(ctx context.Context, users ...string) ([]Choice, error) {
	var choices []Choice
	err := a.judge(ctx, a.in, userProblems("users", users), func(c *change) error {
		users := distinct(users)
		found, err := c.findMembers(users)
		if err != nil {
			return err
		}
		members := inOrder(users, found)
		roles, err := shownRoles(c.reading)
		if err != nil {
			return err
		}
		stored, err := c.stored()
		if err != nil {
			return err
		}
		choices = make([]Choice, len(roles))
		for i, role := range roles {
			err := c.refuseAssigning(users, members, stored[role.ID])
			if err != nil && ruleOf(err) == nil {
				return err
			}
			choices[i] = Choice{role, err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return choices, nil
}

// Authorize returns nil if the actor may act on members at all: if the rules let
// them suspend, reinstate and remove each, but for what would befall the last
// Administrator. Ask it before an action of the application's own on somebody's
// account, such as to set their password or address, or to sign in as them; in one
// transaction with it, as [Workspace.In] makes possible, if it must not be done to
// somebody who was promoted meanwhile: there Authorize is serial with all changes
// of the workspace, which then wait for the transaction to end. A delegate may act on those whose role is in
// their list. No users at all are [ErrInvalid].
//
// Errors: [ErrMemberNotFound], [ErrSelf], [ErrEscalation].
func (a *Admin) Authorize(ctx context.Context, users ...string) error {
	bad := userProblems("users", users)
	if len(users) == 0 {
		bad.add("users", "missing")
	}
	in := a.in
	if in != nil && a.preview == nil {
		in = &Transaction{workspace: in.workspace, store: serialStore{in.store}}
	}
	err := a.judge(ctx, in, bad, func(c *change) error {
		_, err := c.touch(users, nil)
		return err
	})
	a.tellRefusal(ctx, attempt{method: "Authorize", users: users}, err)
	return err
}

// judge applies the rules of a change of members, which a delegate may make, too,
// to one state of the workspace: that of a transaction, if there is one.
func (a *Admin) judge(ctx context.Context, in *Transaction, bad problems, rules func(*change) error) error {
	if err := a.validate(bad); err != nil {
		return err
	}
	return a.workspace.reviewIn(ctx, in, nil, func(r reading) error {
		c := a.begin(r.Reader)
		c.delegable = true
		if err := c.authorize(); err != nil {
			return err
		}
		return rules(c)
	})
}

package rbachttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/areagate/rbac"
)

// step is one change of a preview.
type step struct {
	CreateRole  *creation      `json:"createRole,omitempty"`
	UpdateRole  *edit          `json:"updateRole,omitempty"`
	DeleteRole  *deletion      `json:"deleteRole,omitempty"`
	ReplaceRole *replacement   `json:"replaceRole,omitempty"`
	Add         *addition      `json:"add,omitempty"`
	Assign      *assignment    `json:"assign,omitempty"`
	Suspend     *suspension    `json:"suspend,omitempty"`
	Reinstate   *reinstatement `json:"reinstate,omitempty"`
	Remove      *removal       `json:"remove,omitempty"`
	Team        *move          `json:"team,omitempty"`
	Rename      *renaming      `json:"rename,omitempty"`
}

// changers returns the changes that are in a step, of which there should be one.
func (s step) changers() (all []changer) {
	fields := reflect.ValueOf(s)
	for i := range fields.NumField() {
		if !fields.Field(i).IsNil() {
			all = append(all, fields.Field(i).Interface().(changer))
		}
	}
	return all
}

// steps are the changes of a preview, one after the other.
type steps []changer

// mostSteps bounds what one preview costs.
const mostSteps = 20

func (all *steps) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) == 0 || len(list) > mostSteps {
		return invalid("", fmt.Sprintf("has %d changes: want 1 to %d", len(list), mostSteps))
	}
	for i, text := range list {
		var one step
		err := decode(text, &one)
		changers := one.changers()
		if err == nil && len(changers) != 1 {
			err = invalid("", "must have one change")
		}
		if err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
		*all = append(*all, changers...)
	}
	return nil
}

func (all steps) change(ctx context.Context, a *rbac.Admin) error {
	for _, one := range all {
		if err := one.change(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (c *adminCall) preview() error {
	var body struct {
		Changes steps `json:"changes"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	plan, err := c.admin().Preview(c.r.Context(), func(a *rbac.Admin) error {
		return body.Changes.change(c.r.Context(), a)
	})
	if err == nil && errors.Is(plan.Refused, rbac.ErrDenied) {
		err = plan.Refused // who may change nothing gets no plan either
	}
	if err != nil {
		return err
	}
	plan.Refused = c.guard.told(plan.Refused)
	plan.Events = plan.Events[:min(len(plan.Events), mostItems)] // a role may have a million holders; the effects count them
	return c.write(http.StatusOK, plan)
}

// choices shows all roles to those who read them, and to others those that they
// may give.
func (c *adminCall) choices() error {
	choices, err := c.admin().Choices(c.r.Context(), c.query.texts("user")...)
	if err != nil {
		return err
	}
	if !c.guard.reads(rbac.Users).Allows(c.subject) {
		choices = slices.DeleteFunc(choices, func(choice rbac.Choice) bool { return choice.Refused != nil })
	}
	for i := range choices {
		choices[i].Refused = c.guard.told(choices[i].Refused)
	}
	return c.write(http.StatusOK, page[rbac.Choice]{Items: choices})
}

// told returns as much of a refusal as a client is told: the rule, and what was
// wrong with the input; all of it with WithMissingPermissionsInBody.
func (g *Guard) told(refused error) error {
	if refused == nil || g.options.missing || errors.Is(refused, rbac.ErrInvalid) {
		return refused
	}
	for _, refusal := range refusals {
		if errors.Is(refused, refusal.err) {
			return refusal.err
		}
	}
	return rbac.ErrEscalation // what is left of the rules
}

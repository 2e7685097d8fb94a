package rbac

import (
	"fmt"
	"slices"
)

// Reason is why a decision was made as it was.
type Reason uint8

const (
	ReasonUnavailable   Reason = iota // no safe answer exists: see ErrUnavailable
	ReasonGranted                     // the role reaches everything in the area
	ReasonOwnRecord                   // the role reaches own records, and the record is the user's
	ReasonTeamRecord                  // the role reaches the team's records, and the record is somebody's of the team
	ReasonOwnOnly                     // the role reaches own records only, and the question was about all
	ReasonTeamOnly                    // the role reaches the team's records only, and the question was about all
	ReasonNotOwner                    // the role reaches own records only, and the record is somebody else's
	ReasonNotTeam                     // the role reaches the team's records only, and the record is nobody's of the team
	ReasonNotGranted                  // the role does not allow the action in the area
	ReasonLimited                     // the role would allow it, but the subject was limited
	ReasonNotMember                   // the user is not a member of the workspace
	ReasonSuspended                   // the member is suspended
	ReasonRoleGone                    // the member's role does not exist, or cannot be read
	ReasonUnknownArea                 // the program does not know the area
	ReasonInvalidAction               // the action is neither Read nor Manage
	ReasonNoSuchAction                // the area has the other action only
	ReasonNoWorkspace                 // the default workspace is nobody's: see WithoutDefaultWorkspace
)

var reasonTexts = [...]string{
	ReasonUnavailable:   "no safe answer is available",
	ReasonGranted:       "the role reaches everything in the area",
	ReasonOwnRecord:     "the role reaches own records, and this is one",
	ReasonTeamRecord:    "the role reaches the team's records, and this is one",
	ReasonOwnOnly:       "the role reaches own records only",
	ReasonTeamOnly:      "the role reaches the team's records only",
	ReasonNotOwner:      "the role reaches own records only, and this one is somebody else's",
	ReasonNotTeam:       "the role reaches the team's records only, and this one is nobody's of the team",
	ReasonNotGranted:    "the role does not allow it",
	ReasonLimited:       "the role would allow it, but the key or token in use is limited",
	ReasonNotMember:     "not a member of the workspace",
	ReasonSuspended:     "the member is suspended",
	ReasonRoleGone:      "the member's role does not exist",
	ReasonUnknownArea:   "the area is not known",
	ReasonInvalidAction: "the action is neither read nor manage",
	ReasonNoSuchAction:  "the area has no such action",
	ReasonNoWorkspace:   "the default workspace is nobody's",
}

// reasonNames are for programs. They do not change between versions.
var reasonNames = [...]string{
	ReasonUnavailable:   "unavailable",
	ReasonGranted:       "granted",
	ReasonOwnRecord:     "own-record",
	ReasonTeamRecord:    "team-record",
	ReasonOwnOnly:       "own-only",
	ReasonTeamOnly:      "team-only",
	ReasonNotOwner:      "not-owner",
	ReasonNotTeam:       "not-team",
	ReasonNotGranted:    "not-granted",
	ReasonLimited:       "limited",
	ReasonNotMember:     "not-member",
	ReasonSuspended:     "suspended",
	ReasonRoleGone:      "role-gone",
	ReasonUnknownArea:   "unknown-area",
	ReasonInvalidAction: "invalid-action",
	ReasonNoSuchAction:  "no-such-action",
	ReasonNoWorkspace:   "no-workspace",
}

// MarshalText encodes r as its name: "own-only" for [ReasonOwnOnly].
func (r Reason) MarshalText() ([]byte, error) {
	if int(r) < len(reasonNames) {
		return []byte(reasonNames[r]), nil
	}
	return nil, invalid("reason", fmt.Sprintf("%d is not a reason", uint8(r)))
}

// UnmarshalText decodes what MarshalText encodes.
func (r *Reason) UnmarshalText(text []byte) error {
	i := slices.Index(reasonNames[:], string(text))
	if i < 0 {
		return invalid("reason", quote(string(text))+" is not a reason")
	}
	*r = Reason(i)
	return nil
}

// String returns the reason as a clause for people.
func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Decision is the answer to one check, with all that explains it. The zero
// Decision denies.
type Decision struct {
	Allowed   bool   `json:"allowed"`
	Workspace string `json:"workspace"`
	User      string `json:"user"`
	Area      Area   `json:"area"`
	Action    Action `json:"action,omitzero"`
	Scope     Scope  `json:"scope"` // how far the action reaches for this user
	Role      RoleID `json:"role,omitempty"`
	RoleName  string `json:"roleName,omitempty"` // empty when the role does not exist
	Reason    Reason `json:"reason"`
	Revision  int64  `json:"revision"` // the sequence number of the newest event that the decision rests on
}

// String returns a sentence for people: `"ada" may not manage deals: the role
// "Sales representative" reaches own records only`. Whatever comes from
// outside is quoted.
func (d Decision) String() string {
	may := "may not"
	if d.Allowed {
		may = "may"
	}
	why := d.Reason.String()
	if d.RoleName != "" {
		switch d.Reason {
		case ReasonGranted, ReasonOwnRecord, ReasonTeamRecord, ReasonOwnOnly, ReasonTeamOnly,
			ReasonNotOwner, ReasonNotTeam, ReasonNotGranted, ReasonLimited:
			why = "the role " + quote(d.RoleName) + why[len("the role"):]
		}
	}
	return fmt.Sprintf("%s %s %s %s: %s", quote(d.User), may, d.Action, quoteField(string(d.Area)), why)
}

// settle fills in the outcome for a scope that the role grants: allowed only
// if it reaches everything (E2).
func (d *Decision) settle(scope Scope) {
	d.Scope = scope
	switch scope {
	case All:
		d.Allowed, d.Reason = true, ReasonGranted
	case Team:
		d.Allowed, d.Reason = false, ReasonTeamOnly
	case Own:
		d.Allowed, d.Reason = false, ReasonOwnOnly
	default:
		d.Allowed, d.Reason = false, ReasonNotGranted
	}
}

// settleRecord turns a decision about everything into one about a record
// (E3, T2). teamed says that an owner is in the user's team.
func (d *Decision) settleRecord(owners []string, teamed bool) {
	switch {
	case d.Scope != Own && d.Scope != Team:
	case owns(d.User, owners):
		d.Allowed, d.Reason = true, ReasonOwnRecord
	case d.Scope == Own:
		d.Allowed, d.Reason = false, ReasonNotOwner
	case teamed:
		d.Allowed, d.Reason = true, ReasonTeamRecord
	default:
		d.Allowed, d.Reason = false, ReasonNotTeam
	}
}

// owns reports whether a user is among the owners of a record. The empty user
// owns nothing, so that a record without an owner belongs to nobody.
func owns(user string, owners []string) bool {
	if user == "" {
		return false
	}
	for _, owner := range owners {
		if owner == user {
			return true
		}
	}
	return false
}

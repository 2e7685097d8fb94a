package rbac

import "context"

// Subject is a user of a workspace, resolved once for the many checks of one
// request: its answers are those of the moment in which it was resolved.
// Resolve a new one for each request; do not keep it.
//
// A Subject is a small value, safe for concurrent use. The zero Subject is
// denied everything.
type Subject struct {
	s *subject
}

type subject struct {
	home     *Workspace
	snapshot *snapshot // knows who is in the user's team; nil for a user who is in none
	team     uint32    // the number of the user's team in it

	model *model
	areas *catalogue
	cells []Scope // the cells of the user's role, or of what Limit left of them
	limit limit
	full  []Scope // the cells of the role, when limited

	user     string
	standing Reason // ReasonGranted, or why the user is denied everything
	role     RoleID
	roleName string
	revision int64
	observe  func(Decision) // nil if nobody is to be told
}

// nobody is what the zero Subject is: denied everything, and limited, because
// nothing is known of it.
var nobody = &subject{areas: &catalogue{}, model: &model{catalogue: &catalogue{}}, limit: limit{set: true}, standing: ReasonNotMember}

func (s Subject) get() *subject {
	if s.s == nil {
		return nobody
	}
	return s.s
}

// User returns the user's id.
func (s Subject) User() string { return s.get().user }

// Workspace returns the workspace's id.
func (s Subject) Workspace() string { return s.get().workspace() }

func (p *subject) workspace() string {
	if p.home == nil {
		return ""
	}
	return p.home.ID()
}

// Of reports whether the subject was resolved in a workspace, by its
// Authorizer. It is false for the zero Subject, and for one of another
// Authorizer, whatever its ids are.
func (s Subject) Of(w *Workspace) bool {
	return s.s != nil && s.s.home == w
}

// Role returns the id of the member's role, empty for a user who is not a
// member.
func (s Subject) Role() RoleID { return s.get().role }

// RoleName returns the name of the member's role, empty for a user who is not
// a member and for a role that does not exist.
func (s Subject) RoleName() string { return s.get().roleName }

// Active reports whether the user is a member who is not suspended and whose
// role exists. It says nothing about what the role allows.
func (s Subject) Active() bool { return s.get().standing == ReasonGranted }

// Can reports whether the user may act on everything in an area. Like
// [Workspace.Can] it is false for a user who reaches own records only.
func (s Subject) Can(area Area, action Action) bool {
	p := s.get()
	if p.observe != nil {
		return s.Explain(area, action).Allowed
	}
	return p.scope(area, action) == All
}

// CanRecord reports whether the user may act on a record with these owners.
func (s Subject) CanRecord(area Area, action Action, owners ...string) bool {
	p := s.get()
	if p.observe != nil {
		d := p.decide(area, action)
		d.settleRecord(owners, p.teamed(owners))
		p.observe(d)
		return d.Allowed
	}
	switch p.scope(area, action) {
	case All:
		return true
	case Team:
		return owns(p.user, owners) || p.teamed(owners)
	case Own:
		return owns(p.user, owners)
	}
	return false
}

// Scope returns how far an action reaches for the user. Filter rows by
// [Subject.Reach].
func (s Subject) Scope(area Area, action Action) Scope {
	p := s.get()
	if p.observe != nil {
		return s.Explain(area, action).Scope
	}
	return p.scope(area, action)
}

// teamed reports whether one of the owners is in the user's team.
func (p *subject) teamed(owners []string) bool {
	return p.team != 0 && p.snapshot.teamed(p.team, owners)
}

func (p *subject) scope(area Area, action Action) Scope {
	cell := p.areas.cell(area) + uint32(action) - 1
	if cell < 2 { // those of no area, or no action of the first
		p.areas.noteUnknown(area)
	}
	if !action.valid() || cell >= uint32(len(p.cells)) {
		return None
	}
	return p.cells[cell]
}

// Authorize returns nil if the user may act on everything in an area, else a
// *[DeniedError].
func (s Subject) Authorize(area Area, action Action) error {
	if d := s.Explain(area, action); !d.Allowed {
		return &DeniedError{d}
	}
	return nil
}

// Explain returns the decision behind Can, with its reason.
func (s Subject) Explain(area Area, action Action) Decision {
	p := s.get()
	d := p.decide(area, action)
	if p.observe != nil {
		p.observe(d)
	}
	return d
}

// decide is Explain without the observer. It is the one place that gives
// reasons (E1).
func (p *subject) decide(area Area, action Action) Decision {
	d := Decision{
		Workspace: p.workspace(), User: p.user, Area: area, Action: action,
		Role: p.role, RoleName: p.roleName, Revision: p.revision,
	}
	switch {
	case p == nobody:
		d.Reason = ReasonNotMember // whatever the area: there is no catalogue
	case p.areas.cell(area) == 0:
		d.Reason = ReasonUnknownArea
		p.areas.noteUnknown(area)
	case !action.valid():
		d.Reason = ReasonInvalidAction
	case !p.areas.hasAction(area, action):
		d.Reason = ReasonNoSuchAction
	case p.standing != ReasonGranted:
		d.Reason = p.standing
	default:
		d.settle(p.scope(area, action))
		if p.limit.set && d.Scope < p.full[p.areas.cell(area)+uint32(action)-1] {
			d.Reason = ReasonLimited
		}
	}
	return d
}

// Permissions returns what the user may do: a copy, empty for a user who is
// denied everything. So it does not say how much somebody's role holds: that
// of a suspended Administrator is empty, and every table covers it.
func (s Subject) Permissions() Permissions {
	p, granted := s.get(), Permissions{}
	for _, info := range p.model.areas {
		if a := (Access{p.scope(info.Area, Read), p.scope(info.Area, Manage)}); a != (Access{}) {
			granted[info.Area] = a
		}
	}
	return granted
}

// Limit returns a subject that may do what both s and most allow: an API key
// or a token that is less than its owner. It can never be more, whatever most
// says, and it loses what its owner loses as soon as it is resolved again. A
// nil or empty table limits to nothing. Each call limits further.
//
// The limit is most and nothing else, whatever the user may do at the moment:
// the subject of somebody who is suspended is limited all the same, and
// [Workspace.AsSubject] keeps the limit when they are reinstated meanwhile.
func (s Subject) Limit(most Permissions) Subject {
	if s.s == nil {
		return s
	}
	limited := *s.s
	if !s.s.limit.set {
		limited.full = s.s.cells
	}
	limited.limit = s.s.limit.and(s.s.model.effective(most))
	limited.cells = s.s.model.compile(limited.limit.of(s.Permissions()))
	return Subject{&limited}
}

// Limited reports whether [Subject.Limit] was called, whatever it took: whether
// this is a key or a token and not the user in person. The zero Subject, of
// which nothing is known, is limited.
func (s Subject) Limited() bool { return s.get().limit.set }

// limit is what every call of [Subject.Limit] allows. The zero limit is that
// of a subject on which it was not called.
type limit struct {
	set  bool
	most Permissions
}

// and returns the limit that allows what both l and most allow.
func (l limit) and(most Permissions) limit {
	if l.set {
		most = l.most.Intersect(most)
	}
	return limit{true, most}
}

// of returns what a limit leaves of permissions.
func (l limit) of(held Permissions) Permissions {
	if !l.set {
		return held
	}
	return held.Intersect(l.most)
}

// Observe returns a subject with the same answers that also reports each
// decision to fn, before the check returns: to find out what a handler asked.
// Functions of earlier calls and the observer of [WithObserver] are told
// first. Subjects that [Subject.Limit] makes of it report too. Permissions
// decides nothing, so it reports nothing, and neither does the zero Subject.
//
// fn must be safe for concurrent use. A nil fn changes nothing.
func (s Subject) Observe(fn func(Decision)) Subject {
	if s.s == nil || fn == nil {
		return s
	}
	observed := *s.s
	earlier := s.s.observe
	observed.observe = func(d Decision) {
		if earlier != nil {
			earlier(d)
		}
		fn(d)
	}
	return Subject{&observed}
}

type subjectKey struct{}

// NewContext returns a copy of ctx that carries a subject.
func NewContext(ctx context.Context, s Subject) context.Context {
	return context.WithValue(ctx, subjectKey{}, s)
}

// FromContext returns the subject that ctx carries. Without one it returns
// the zero Subject, which is denied everything, and false.
func FromContext(ctx context.Context) (Subject, bool) {
	s, ok := ctx.Value(subjectKey{}).(Subject)
	return s, ok
}

package rbac

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// EventKind says what an event records.
type EventKind string

const (
	RoleCreated      EventKind = "role.created"
	RoleUpdated      EventKind = "role.updated"
	RoleDeleted      EventKind = "role.deleted"
	MemberAssigned   EventKind = "member.assigned" // a new member, or a change of role
	MemberRemoved    EventKind = "member.removed"
	MemberSuspended  EventKind = "member.suspended"
	MemberReinstated EventKind = "member.reinstated"
	MemberMoved      EventKind = "member.moved"   // into a team, or out of one
	MemberRenamed    EventKind = "member.renamed" // MemberBefore has the old id, MemberAfter the new
)

// Event records the change of one role or one member: the audit entry, the
// change feed between instances and the source of webhooks in one.
//
// Events of a workspace form a hash chain. Hash is the SHA-256 of the previous
// event's hash followed by the event's canonical form: its JSON form without
// "hash", in the JSON Canonicalization Scheme (RFC 8785). Before the first
// event stands the SHA-256 of the text "rbac events v1\n" followed by the
// workspace's id, so that no chain can pose as another workspace's. Whoever
// may write the store can also write a whole new chain: to notice that, keep
// a recent Seq and Hash elsewhere.
//
// Roles in events are as they were stored, with areas that this program does
// not know.
type Event struct {
	Seq    int64     `json:"seq"`  // 1, 2, 3, … without gaps in a workspace
	Time   time.Time `json:"time"` // UTC, in whole microseconds, by the clock of the instance; Seq is the order
	Kind   EventKind `json:"kind"`
	Actor  string    `json:"actor,omitempty"`  // the user behind As; empty for System
	Reason string    `json:"reason,omitempty"` // what System or Because was given

	// Form is the number of the form in which the event was written: 2, or 0
	// for those of the first form, which had no number. In form 2 members
	// carry their teams and the names of their roles.
	Form    int64  `json:"form,omitempty"`
	Via     string `json:"via,omitempty"`     // what Via was given
	Limited bool   `json:"limited,omitempty"` // the actor was a Subject on which Limit was called

	// Nil where there was, or is, none.
	RoleBefore   *Role   `json:"roleBefore,omitempty"`
	RoleAfter    *Role   `json:"roleAfter,omitempty"`
	MemberBefore *Member `json:"memberBefore,omitempty"`
	MemberAfter  *Member `json:"memberAfter,omitempty"`

	Hash [32]byte `json:"-"` // in JSON as hexadecimal digits
}

// Revision returns the revision of the workspace that e made.
func (e Event) Revision() Revision { return Revision{e.Seq, e.Hash} }

// clone returns a copy that shares nothing with e.
func (e Event) clone() Event {
	for _, r := range []**Role{&e.RoleBefore, &e.RoleAfter} {
		if *r != nil {
			c := (*r).clone()
			*r = &c
		}
	}
	for _, m := range []**Member{&e.MemberBefore, &e.MemberAfter} {
		if *m != nil {
			c := **m
			*m = &c
		}
	}
	return e
}

// eventJSON is the JSON form of an Event.
type eventJSON struct {
	plainEvent
	Hash string `json:"hash,omitempty"` // 64 hexadecimal digits
}

type plainEvent Event // without methods

// MarshalJSON encodes an event as {"seq":1,"time":"…","kind":"role.created",
// "actor":"…","reason":"…","form":2,"via":"…","limited":true,"roleBefore":{…},"roleAfter":{…},
// "memberBefore":{…},"memberAfter":{…},"hash":"…"}. What does not apply is
// left out; the hash is in lower-case hexadecimal digits. Text that is not
// valid UTF-8 is an error: it would come back as something else.
func (e Event) MarshalJSON() ([]byte, error) {
	if err := e.textProblems().err(); err != nil {
		return nil, err
	}
	j := eventJSON{plainEvent: plainEvent(e)}
	if e.Hash != [32]byte{} {
		j.Hash = hex.EncodeToString(e.Hash[:])
	}
	return json.Marshal(j)
}

// UnmarshalJSON decodes what MarshalJSON encodes, as strictly as
// [Role.UnmarshalJSON].
func (e *Event) UnmarshalJSON(data []byte) error {
	var j eventJSON
	if err := decodeStruct(data, &j); err != nil {
		return err
	}
	if j.Hash != "" {
		hash, err := hex.DecodeString(j.Hash)
		if err != nil || len(hash) != len(e.Hash) {
			return invalid("hash", "must be 64 hexadecimal digits")
		}
		j.plainEvent.Hash = [32]byte(hash)
	}
	*e = Event(j.plainEvent)
	return nil
}

// textProblems judges all text of an event. The library writes none that is
// not valid UTF-8; JSON, and so the hash, would take it for other text.
func (e Event) textProblems() problems {
	var bad problems
	text := func(field, value string) {
		if !utf8.ValidString(value) {
			bad.add(field, notUTF8)
		}
	}
	role := func(field string, r *Role) {
		if r == nil {
			return
		}
		text(field+".id", string(r.ID))
		text(field+".name", r.Name)
		text(field+".description", r.Description)
		for _, area := range r.Permissions.sorted() {
			text(field+"."+permissionField(area), string(area))
		}
		for i, id := range r.Assigns {
			text(indexed(field+".assigns", i), string(id))
		}
	}
	member := func(field string, m *Member) {
		if m != nil {
			text(field+".user", m.User)
			text(field+".role", string(m.Role))
			text(field+".roleName", m.RoleName)
			text(field+".team", m.Team)
		}
	}
	text("kind", string(e.Kind))
	text("actor", e.Actor)
	text("reason", e.Reason)
	text("via", e.Via)
	role("roleBefore", e.RoleBefore)
	role("roleAfter", e.RoleAfter)
	member("memberBefore", e.MemberBefore)
	member("memberAfter", e.MemberAfter)
	return bad
}

// sealAfter returns e with the number and hash that continue the chain of a
// workspace whose newest event is at previous.
func (e Event) sealAfter(workspace string, previous Revision) Event {
	e.Seq = previous.Seq + 1
	e.Hash = e.chained(workspace, previous)
	return e
}

// follows reports whether e is intact and continues the chain.
func (e Event) follows(workspace string, previous Revision) bool {
	return e.Seq == previous.Seq+1 && e.Hash == e.chained(workspace, previous)
}

func (e Event) chained(workspace string, previous Revision) [32]byte {
	if previous.Seq == 0 {
		previous.Hash = sha256.Sum256([]byte("rbac events v1\n" + workspace))
	}
	b := canonicals.Get().(*[]byte)
	defer canonicals.Put(b)
	*b = e.appendCanonical(append((*b)[:0], previous.Hash[:]...))
	return sha256.Sum256(*b)
}

// canonicals has the buffers of chained, which most events fit: one call may
// make a million events.
var canonicals = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// appendCanonical appends the canonical form of e to b: keys in alphabetical
// order, no white space, the shortest escapes.
func (e Event) appendCanonical(b []byte) []byte {
	o := canonical{b: b}
	o.open()
	o.text("actor", e.Actor)
	o.number("form", e.Form)
	o.text("kind", string(e.Kind))
	o.flag("limited", e.Limited)
	o.member("memberAfter", e.MemberAfter)
	o.member("memberBefore", e.MemberBefore)
	o.text("reason", e.Reason)
	o.role("roleAfter", e.RoleAfter)
	o.role("roleBefore", e.RoleBefore)
	o.number("seq", e.Seq)
	o.key("time")
	o.instant(e.Time)
	o.text("via", e.Via)
	o.close()
	return o.b
}

// canonical writes RFC 8785 objects. Its methods leave out what is zero, as
// the JSON form does.
type canonical struct {
	b     []byte
	comma bool
}

func (o *canonical) open()  { o.b, o.comma = append(o.b, '{'), false }
func (o *canonical) close() { o.b, o.comma = append(o.b, '}'), true }

func (o *canonical) key(key string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.quoted(key)
	o.b = append(o.b, ':')
}

func (o *canonical) text(key, value string) {
	if value != "" {
		o.key(key)
		o.quoted(value)
	}
}

func (o *canonical) number(key string, value int64) {
	if value != 0 {
		o.key(key)
		o.b = strconv.AppendInt(o.b, value, 10)
	}
}

func (o *canonical) flag(key string, value bool) {
	if value {
		o.key(key)
		o.b = append(o.b, "true"...)
	}
}

func (o *canonical) time(key string, value time.Time) {
	if !value.IsZero() {
		o.key(key)
		o.instant(value)
	}
}

// instant writes a time as encoding/json does: RFC 3339, with as many digits
// of the second's fraction as it has.
func (o *canonical) instant(t time.Time) {
	o.b = append(o.b, '"')
	o.b = t.UTC().AppendFormat(o.b, time.RFC3339Nano)
	o.b = append(o.b, '"')
}

func (o *canonical) member(key string, m *Member) {
	if m == nil {
		return
	}
	o.key(key)
	o.open()
	o.always("role", string(m.Role))
	o.text("roleName", m.RoleName)
	o.flag("suspended", m.Suspended)
	o.text("team", m.Team)
	o.time("updatedAt", m.UpdatedAt)
	o.always("user", m.User)
	o.close()
}

func (o *canonical) role(key string, r *Role) {
	if r == nil {
		return
	}
	o.key(key)
	o.open()
	o.list("assigns", r.Assigns)
	o.time("createdAt", r.CreatedAt)
	o.text("description", r.Description)
	o.text("id", string(r.ID))
	o.always("name", r.Name)
	o.key("permissions")
	o.permissions(r.Permissions)
	o.flag("system", r.System)
	o.time("updatedAt", r.UpdatedAt)
	o.number("version", r.Version)
	o.close()
}

func (o *canonical) list(key string, ids []RoleID) {
	if len(ids) == 0 {
		return
	}
	o.key(key)
	o.b = append(o.b, '[')
	for i, id := range ids {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.quoted(string(id))
	}
	o.b = append(o.b, ']')
}

func (o *canonical) always(key, value string) {
	o.key(key)
	o.quoted(value)
}

func (o *canonical) permissions(p Permissions) {
	areas := p.sorted()
	if slices.ContainsFunc(areas, func(a Area) bool { return areaProblem(a) != "" }) {
		// RFC 8785 orders keys by UTF-16 code units, which differs from the
		// order of bytes only for names that the library does not write.
		slices.SortFunc(areas, func(a, b Area) int {
			return slices.Compare(utf16.Encode([]rune(string(a))), utf16.Encode([]rune(string(b))))
		})
	}
	o.open()
	for _, area := range areas {
		access := p[area]
		if access == (Access{}) {
			continue
		}
		o.key(string(area))
		o.open()
		o.always("manage", access.Manage.String())
		o.always("read", access.Read.String())
		o.close()
	}
	o.close()
}

// quoted writes a string as RFC 8785, section 3.2.2.2, demands. It is valid
// UTF-8; see textProblems.
func (o *canonical) quoted(s string) {
	const hexDigits = "0123456789abcdef"
	o.b = append(o.b, '"')
	plain := 0 // the bytes that stand for themselves, which is nearly all
	for plain < len(s) && s[plain] >= ' ' && s[plain] < utf8.RuneSelf && s[plain] != '"' && s[plain] != '\\' {
		plain++
	}
	o.b = append(o.b, s[:plain]...)
	for _, r := range s[plain:] {
		switch {
		case r == '"' || r == '\\':
			o.b = append(o.b, '\\', byte(r))
		case r == '\b':
			o.b = append(o.b, '\\', 'b')
		case r == '\t':
			o.b = append(o.b, '\\', 't')
		case r == '\n':
			o.b = append(o.b, '\\', 'n')
		case r == '\f':
			o.b = append(o.b, '\\', 'f')
		case r == '\r':
			o.b = append(o.b, '\\', 'r')
		case r < ' ':
			o.b = append(o.b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&0xf])
		default:
			o.b = utf8.AppendRune(o.b, r)
		}
	}
	o.b = append(o.b, '"')
}

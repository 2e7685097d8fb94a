package histories_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// tamperedStore shows events other than those that it holds.
type tamperedStore struct {
	rbac.Store
	events   []rbac.Event
	revision rbac.Revision
}

func (s *tamperedStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(tamperedReader{r, s}) })
}

type tamperedReader struct {
	rbac.Reader
	store *tamperedStore
}

func (r tamperedReader) Revision() (rbac.Revision, error) { return r.store.revision, nil }

func (r tamperedReader) Events(rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) {
		for _, e := range r.store.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// tamperTest is a workspace whose history has every kind of event, in a store
// that can show another history.
type tamperTest struct {
	*tamperedStore
	w        *rbac.Workspace
	original []rbac.Event
	newest   rbac.Revision
}

func newTamperTest(t testing.TB) *tamperTest {
	t.Helper()
	store, original, newest := fuzzChain(t)
	s := &tamperedStore{Store: store}
	az, err := rbac.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = az.Close() })
	return &tamperTest{s, az.For("acme"), original, newest}
}

// run tampers as a program of four bytes a time says. VerifyEvents must be nil
// if and only if the chain is then as it was recorded, and else name the first
// number at which it is not.
func (v *tamperTest) run(t testing.TB, program []byte, text string) {
	t.Helper()
	v.events, v.revision = slices.Clone(v.original), v.newest
	var did []string
	for ; len(program) >= 4 && len(did) < 3; program = program[4:] {
		did = append(did, v.tamper(program[0]%tamperings, int(program[1]), int(program[2]), int(program[3]), text))
	}
	err := v.w.VerifyEvents(context.Background())
	want, broken := firstBroken(v.original, v.events, v.revision)
	var tampered *rbac.TamperedError
	switch {
	case !broken && err != nil:
		t.Fatalf("%v: VerifyEvents = %v, but nothing is different", did, err)
	case !broken:
	case !errors.Is(err, rbac.ErrTampered) || !errors.As(err, &tampered):
		t.Fatalf("%v: VerifyEvents = %v, want ErrTampered at %d", did, err, want)
	case tampered.Seq != want:
		t.Fatalf("%v: VerifyEvents = %v, want it at %d", did, err, want)
	}
}

func TestVerifyEventsFindsEveryTampering(t *testing.T) {
	t.Parallel()
	v := newTamperTest(t)
	for how := range byte(tamperings) {
		for at := range byte(len(v.original)) {
			for other := range byte(12) {
				for _, value := range []byte{0, 1, 2, 3, 4, 127, 128, 129, 130, 255} {
					v.run(t, []byte{how, at, other, value}, "x")
				}
			}
		}
	}
}

func FuzzVerifyEvents(f *testing.F) {
	for how := range byte(tamperings) {
		f.Add([]byte{how, 3, 2, 1}, "x")
	}
	f.Add([]byte{}, "")
	f.Add([]byte{2, 4, 7, 0, 2, 4, 7, 0}, "there and back")
	f.Add([]byte{0, 11, 0, 0, 3, 11, 0, 0}, "ada")
	f.Add([]byte{7, 11, 0, 0, 6, 0, 0, 116, 0, 0, 0, 0}, "nothing is left")
	v := newTamperTest(f)
	f.Fuzz(func(t *testing.T, program []byte, text string) {
		v.run(t, program, text)
	})
}

// fuzzChain makes a workspace whose history has every kind of event.
func fuzzChain(f testing.TB) (rbac.Store, []rbac.Event, rbac.Revision) {
	f.Helper()
	ctx, store := context.Background(), rbac.NewMemStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		f.Fatal(err)
	}
	defer az.Close()
	w := az.For("acme")
	check := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	check(w.System("sign-up").Assign(ctx, rbac.Administrator, "ada", "bob"))
	ada := w.As("ada")
	role, err := ada.CreateRole(ctx, rbac.Role{Name: "Sales \"lead\" & <co>", Description: "x", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}, rbac.API: {Read: rbac.All},
	}})
	check(err)
	check(ada.Assign(ctx, role.ID, "bob")) // an administrator, alone
	check(ada.Assign(ctx, role.ID, "cem", "dee"))
	check(ada.Suspend(ctx, "cem"))
	role.Name, role.Permissions = "Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own}}
	_, err = ada.UpdateRole(ctx, role)
	check(err)
	check(ada.Reinstate(ctx, "cem"))
	check(w.System("clean up").Remove(ctx, "cem", "dee", "bob"))
	check(ada.DeleteRole(ctx, role.ID))
	var events []rbac.Event
	for e, err := range w.Events(ctx, rbac.EventQuery{}) {
		check(err)
		events = append(events, e)
	}
	return store, events, events[len(events)-1].Revision()
}

const tamperings = 12

// tamper changes something and says what.
func (s *tamperedStore) tamper(how byte, at, other, value int, text string) string {
	if len(s.events) == 0 {
		return "nothing is left"
	}
	i, j := at%len(s.events), other%len(s.events)
	switch how {
	case 0:
		s.events = slices.Delete(s.events, i, i+1)
		return fmt.Sprintf("removed the event at %d", i)
	case 1:
		s.events = s.events[:i]
		return fmt.Sprintf("removed all from %d on", i)
	case 2:
		s.events[i], s.events[j] = s.events[j], s.events[i]
		return fmt.Sprintf("swapped %d and %d", i, j)
	case 3:
		if i > 0 {
			s.revision = s.events[i-1].Revision()
		} else {
			s.revision = rbac.Revision{}
		}
		return fmt.Sprintf("set the revision back to %d", i)
	case 4:
		s.events = slices.Insert(s.events, j, s.events[i])
		return fmt.Sprintf("copied %d to %d", i, j)
	case 5:
		s.revision.Hash[at%32] ^= byte(value)
		return "changed the revision's hash"
	case 6:
		s.revision.Seq += int64(value) - 128
		return "changed the revision's number"
	case 7:
		s.events = s.events[i:]
		return fmt.Sprintf("removed all before %d", i)
	}
	return s.edit(how, i, other, value, text)
}

// edit changes a part of one event.
func (s *tamperedStore) edit(how byte, i, other, value int, text string) string {
	e := s.events[i]
	switch how {
	case 8:
		e.Hash[other%32] ^= byte(value)
	case 9:
		e.Seq = int64(value) - 128
	case 10:
		e.Time = e.Time.Add(time.Duration(value-128) * time.Microsecond)
	default:
		fuzzEditText(&e, other, value, text)
	}
	s.events[i] = e
	return fmt.Sprintf("edited %d in way %d", i, how)
}

// fuzzEditText changes what an event says.
func fuzzEditText(e *rbac.Event, other, value int, text string) {
	role := func(r *rbac.Role) *rbac.Role {
		if r == nil {
			return &rbac.Role{Name: text}
		}
		c := *r
		switch value % 5 {
		case 0:
			c.Name = text
		case 1:
			c.Description = text
		case 2:
			c.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.Scope(value % 3)}}
		case 3:
			c.Version += int64(value)
		case 4:
			c.ID = rbac.RoleID(text)
		}
		return &c
	}
	member := func(m *rbac.Member) *rbac.Member {
		if m == nil {
			return &rbac.Member{User: text, Role: "x"}
		}
		c := *m
		switch value % 4 {
		case 0:
			c.User = text
		case 1:
			c.Role = rbac.RoleID(text)
		case 2:
			c.Suspended = !c.Suspended
		case 3:
			c.UpdatedAt = c.UpdatedAt.Add(time.Duration(value) * time.Microsecond)
		}
		return &c
	}
	switch other % 11 {
	case 0:
		e.Actor = text
	case 1:
		e.Reason = text
	case 2:
		e.Kind = rbac.EventKind(text)
	case 3:
		e.RoleBefore = role(e.RoleBefore)
	case 4:
		e.RoleAfter = role(e.RoleAfter)
	case 5:
		e.MemberBefore = member(e.MemberBefore)
	case 6:
		e.MemberAfter = member(e.MemberAfter)
	case 7:
		e.RoleBefore, e.RoleAfter = e.RoleAfter, e.RoleBefore
	case 8:
		e.MemberBefore, e.MemberAfter = e.MemberAfter, e.MemberBefore
	case 9:
		e.RoleBefore, e.RoleAfter = nil, nil
	case 10:
		e.Actor, e.Reason = e.Reason, e.Actor
	}
}

// firstBroken compares events with those recorded, and returns the first number
// that is not as it was. A history that was cut together with its revision is
// whole: only who knows a later one can tell.
func firstBroken(original, events []rbac.Event, claimed rbac.Revision) (seq int64, broken bool) {
	for i, e := range events {
		position := int64(i + 1)
		if i < len(original) && reflect.DeepEqual(e, original[i]) {
			continue
		}
		if 0 < e.Seq && e.Seq < position {
			return e.Seq, true // it is there a second time
		}
		return position, true
	}
	last := rbac.Revision{}
	if len(events) > 0 {
		last = events[len(events)-1].Revision()
	}
	switch {
	case claimed.Seq < last.Seq:
		return max(claimed.Seq, 0) + 1, true
	case claimed.Seq > last.Seq:
		return last.Seq + 1, true
	}
	return last.Seq, claimed != last
}

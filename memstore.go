package rbac

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/areagate/rbac/internal/cow"
)

// MemStore is a [Store] and a [Notifier] in memory: for tests, for
// development, and the reference for other stores. Nothing of it survives the
// process.
//
// A View holds no lock: it reads the newest committed state, which never
// changes, so Views and Updates do not wait for each other and an Update may
// run inside a View. Updates of one workspace run one after the other. An
// Update inside an Update of the same workspace waits for itself, until its
// context is done.
type MemStore struct {
	mu        sync.Mutex // held for moments, never while code of others runs
	states    map[string]*memState
	turns     map[string]*memTurn // of workspaces with an Update that runs or waits
	listeners map[*memListener]struct{}
}

// NewMemStore returns an empty MemStore.
func NewMemStore() *MemStore {
	return &MemStore{
		states:    map[string]*memState{},
		turns:     map[string]*memTurn{},
		listeners: map[*memListener]struct{}{},
	}
}

// memState is a committed state of one workspace. It is immutable.
type memState struct {
	roles   cow.List[RoleID, Role]
	members cow.List[string, Member]

	// events holds the event with number n at index n-1. States share the
	// array behind it: an Update writes only beyond the newest committed
	// length, which no other state can see.
	events []*Event
}

// memEmpty is the state of a workspace that was never written.
var memEmpty = &memState{}

func (s *memState) empty() bool {
	return s.roles.Empty() && s.members.Empty() && len(s.events) == 0
}

func (s *memState) revision() Revision {
	if len(s.events) == 0 {
		return Revision{}
	}
	return s.events[len(s.events)-1].Revision()
}

// View implements [Store].
func (s *MemStore) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &memReader{ctx: ctx, state: s.newest(workspace)}
	defer r.ended.Store(true)
	if err := fn(r); err != nil {
		return err
	}
	return ctx.Err()
}

// Update implements [Store]. A panic in fn reaches the caller. Update never
// returns ErrContention or ErrOutcomeUnknown of its own.
func (s *MemStore) Update(ctx context.Context, workspace string, fn func(Tx) error) error {
	listeners, err := s.update(ctx, workspace, fn)
	for _, l := range listeners {
		l.hint(workspace)
	}
	return err
}

// update is Update without the hints; it returns who is to get them.
func (s *MemStore) update(ctx context.Context, workspace string, fn func(Tx) error) ([]*memListener, error) {
	leave, err := s.enter(ctx, workspace)
	if err != nil {
		return nil, err
	}
	defer leave() // also when fn panics or ends its goroutine
	state := *s.newest(workspace)
	tx := &memTx{memReader: memReader{ctx: ctx, state: &state}}
	defer tx.ended.Store(true)
	if err := fn(tx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !tx.wrote {
		return nil, nil
	}
	return s.commit(workspace, tx.tells, state), nil
}

// commit makes a state the newest, and returns who is to be told, if anybody.
func (s *MemStore) commit(workspace string, tells bool, after memState) []*memListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if after.empty() {
		delete(s.states, workspace)
	} else {
		s.states[workspace] = &after
	}
	if !tells {
		return nil
	}
	listeners := make([]*memListener, 0, len(s.listeners))
	for l := range s.listeners {
		listeners = append(listeners, l)
	}
	return listeners
}

// Revisions implements [Store].
func (s *MemStore) Revisions(ctx context.Context, workspaces []string) (map[string]Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := map[string]Revision{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, workspace := range workspaces {
		if state, ok := s.states[workspace]; ok {
			found[workspace] = state.revision()
		}
	}
	return found, nil
}

// Workspaces implements [Store]. It looks into each workspace: an index of
// users would be written by Updates of different workspaces, which do not wait
// for each other.
func (s *MemStore) Workspaces(ctx context.Context, q WorkspaceQuery) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := []string{}
	for id, state := range s.all() {
		if (q.After == nil || id > *q.After) && (q.User == "" || state.members.Get(q.User) != nil) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Clone(found[:min(len(found), q.limit())]), ctx.Err()
}

// all returns the newest states.
func (s *MemStore) all() map[string]*memState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.states)
}

func (s *MemStore) newest(workspace string) *memState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state, ok := s.states[workspace]; ok {
		return state
	}
	return memEmpty
}

// memTurn lets one Update of a workspace run at a time. It exists while
// somebody uses it. A channel and not a mutex: who waits can be cancelled.
type memTurn struct {
	taken chan struct{} // holds an element while an Update runs
	users int           // Updates that run or wait; guarded by MemStore.mu
}

// enter waits for the workspace's turn and returns the function that ends it.
func (s *MemStore) enter(ctx context.Context, workspace string) (leave func(), err error) {
	s.mu.Lock()
	turn := s.turns[workspace]
	if turn == nil {
		turn = &memTurn{taken: make(chan struct{}, 1)}
		s.turns[workspace] = turn
	}
	turn.users++
	s.mu.Unlock()

	forget := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if turn.users--; turn.users == 0 {
			delete(s.turns, workspace)
		}
	}
	leave = func() {
		<-turn.taken
		forget()
	}
	select {
	case turn.taken <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select chooses at random when both are ready
		leave()
		return nil, err
	}
	return leave, nil
}

// memListener is somebody who waits in Notify.
type memListener struct {
	hint func(workspaces ...string)
}

// Notify implements [Notifier]. Update calls hint after its commit and before
// it returns, if it appended events or cleared. A hint of an Update that is just ending
// may still come after Notify has returned.
func (s *MemStore) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := &memListener{hint}
	s.mu.Lock()
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, l)
	}()
	hint()
	<-ctx.Done()
	return ctx.Err()
}

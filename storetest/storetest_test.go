package storetest_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/trial"
	"github.com/areagate/rbac/storetest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) rbac.Store { return rbac.NewMemStore() })
}

// TestBrokenStores shows of each check that it can fail: some broken store is
// caught by it, and by the sentence of the contract that the store breaks.
func TestBrokenStores(t *testing.T) {
	caught := map[string]bool{}
	for _, broken := range brokenStores() {
		for _, name := range broken.caughtBy {
			caught[name] = true
		}
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range broken.caughtBy {
				f := broken.faults()
				f.MemStore = rbac.NewMemStore()
				got := runCheck(t, name, f)
				if !got.Failed() {
					t.Errorf("check %q did not catch it", name)
				} else if !strings.Contains(got.Said(), "\ncontract: ") {
					t.Errorf("check %q failed without a word about the contract:\n%s", name, got.Said())
				}
			}
		})
	}
	for _, name := range storetest.CheckNames() {
		if !caught[name] {
			t.Errorf("no broken store shows that check %q can fail", name)
		}
	}
}

// TestLockingStore shows that the suite asks no more than the contract: a
// store may have one lock that Views share and Updates fight for, and need
// not be a Notifier.
func TestLockingStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) rbac.Store { return &lockingStore{store: rbac.NewMemStore()} })
}

// TestSlowStore shows that a check may take long with a store that is slow, and
// that it ends with one that gets no further.
func TestSlowStore(t *testing.T) {
	const stalled = "a step of this check did not end within 3s"
	for name, tt := range map[string]struct {
		faults faults
		want   string
	}{
		"slow transactions": {faults{update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			time.Sleep(2 * time.Second)
			return s.Update(ctx, workspace, fn)
		}}, ""},
		"slow writes": {faults{putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
			time.Sleep(time.Duration(len(members)) * 2 * time.Millisecond)
			return tx.PutMembers(members...)
		}}, ""},
		"stuck": {faults{update: func(_ *rbac.MemStore, ctx context.Context, _ string, _ func(rbac.Tx) error) error {
			<-ctx.Done()
			return ctx.Err()
		}}, stalled},
		"always busy": {faults{update: func(*rbac.MemStore, context.Context, string, func(rbac.Tx) error) error {
			return rbac.ErrContention
		}}, stalled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.faults.MemStore = rbac.NewMemStore()
				got := runCheck(t, "an Update holds ten thousand writes", &tt.faults)
				if got.Failed() != (tt.want != "") || !strings.Contains(got.Said(), tt.want) {
					t.Errorf("failed: %v, want %q:\n%s", got.Failed(), tt.want, got.Said())
				}
			})
		})
	}
}

// runCheck runs one check of the suite, which may fail.
func runCheck(t *testing.T, name string, store rbac.Store) *trial.T {
	t.Helper()
	return trial.Run(t, name, func(t testing.TB) {
		storetest.RunCheck(t, name, store, time.Second/2, time.Second/2)
	})
}

type lockingStore struct {
	store *rbac.MemStore
	lock  sync.RWMutex
}

func (s *lockingStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.store.View(ctx, workspace, fn)
}

func (s *lockingStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if !s.lock.TryLock() {
		return rbac.ErrContention
	}
	defer s.lock.Unlock()
	return s.store.Update(ctx, workspace, fn)
}

func (s *lockingStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.store.Revisions(ctx, workspaces)
}

func (s *lockingStore) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.store.Workspaces(ctx, q)
}

// unchecked are the sentences of the contract that no test can check, or that
// bind others than the store.
var unchecked = []string{
	"Store persists workspaces.",
	"The library ships MemStore; other modules bring PostgreSQL and SQLite.",
	"docs/writing-a-store.md guides whoever writes a fourth, and storetest.Run checks every sentence below.",
	"A Store is dumb: it persists and isolates.",
	"The Reader is invalid once fn has returned.",
	"If it cannot be known whether the commit took place, because contact was lost or the context ended while it was under way, the error is ErrOutcomeUnknown.",
	"Any other error means that nothing was written.",
	"One that cannot be read is a *MalformedError, and does end the iteration.",
	"The library never calls Update for a workspace from inside an Update of the same one.",
	"The library calls no other method of the Reader while it ranges over an iterator, so that a Store may stream.",
	"When a write fails, the library returns its error from fn and calls no other method.",
	"Reader reads one workspace inside a View or an Update.",
	"It is used by one goroutine at a time.",
	"Tx is a Reader that can write.",
	"Notifier is implemented by a Store that can tell about changes made through other instances.",
	"Notifications are hints: they make propagation fast, while polling guarantees it, so a Notifier may lose and repeat them.",
	"hint returns at once and is safe for concurrent use.",
	"The library calls Notify again, after a pause, when it returns.",
	"WorkspaceQuery selects workspaces, a page at a time.",
	"The zero query selects the first of all.",
	"Revision is the state of a workspace: the number and hash of its newest event.",
	"The zero Revision is a workspace that was never written.",
}

// TestContract holds the suite and the text of the contract together: every
// sentence that a check quotes is in store.go, and every sentence there is
// quoted by a check or listed above.
func TestContract(t *testing.T) {
	blocks := contractBlocks(t)
	quoted := storetest.Contract()
	for _, quote := range quoted {
		if !slices.ContainsFunc(blocks, func(block string) bool { return strings.Contains(block, quote) }) {
			t.Errorf("a check quotes what store.go does not say: %s", quote)
		}
	}
	for _, block := range blocks {
		for sentence := range strings.SplitAfterSeq(block, ". ") {
			sentence = strings.TrimSpace(sentence)
			checked := slices.ContainsFunc(quoted, func(quote string) bool { return strings.Contains(quote, sentence) })
			if checked == slices.Contains(unchecked, sentence) {
				t.Errorf("want either a check of this sentence or an entry in unchecked: %s", sentence)
			}
		}
	}
}

// contractBlocks returns the comments of store.go that are the contract, each
// in one line.
func contractBlocks(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../store.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	add := func(comments ...*ast.CommentGroup) {
		for _, c := range comments {
			if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
				blocks = append(blocks, text)
			}
		}
	}
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		name := types.Specs[0].(*ast.TypeSpec).Name.Name
		if !slices.Contains([]string{"Store", "Reader", "Tx", "Notifier", "Revision", "MemberQuery", "WorkspaceQuery", "EventQuery"}, name) {
			continue
		}
		add(types.Doc)
		ast.Inspect(types, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				add(field.Doc, field.Comment)
			}
			return true
		})
	}
	if len(blocks) < 20 {
		t.Fatalf("store.go has only %d comments of the contract", len(blocks))
	}
	return blocks
}

package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

const hintSentence = `For each Update that appended events or cleared, by whomever, and never for one rolled back, it calls hint with the workspace's id.`

// notifierChecks are skipped if the store is no Notifier.
var notifierChecks = []check{
	{
		"Notify says when it listens",
		`It calls hint without ids whenever hints may have been lost, which is also once it has begun to listen.`,
		func(t *checkT) {
			t.listen().stop()
		},
	},
	{
		"Notify tells every listener of every commit",
		hintSentence,
		func(t *checkT) {
			listeners := []*listener{t.listen(), t.listen()}
			ids := append(strangeIDs(), "")
			missing := ids
			// Hints may be lost: what was not told is changed again.
			for deadline := time.Now().Add(t.patience); len(missing) > 0 && time.Now().Before(deadline); {
				for _, id := range missing {
					t.update(id, func(tx rbac.Tx) error { return appendSome(tx, 1) })
				}
				told := func(id string) bool { return listeners[0].told(id) && listeners[1].told(id) }
				for wait := time.Now().Add(t.patience / 10); time.Now().Before(wait) && !told(missing[len(missing)-1]); {
					time.Sleep(time.Millisecond)
				}
				missing = slices.DeleteFunc(slices.Clone(missing), told)
			}
			if len(missing) > 0 {
				t.Errorf("Notify did not tell within %v that these workspaces changed: %q", t.patience, missing)
			}
			for _, l := range listeners {
				l.stop()
				for _, id := range l.others(ids) {
					t.Errorf("Notify told that workspace %q changed, which was never written", id)
				}
			}
		},
	},
	{
		"Notify tells of workspaces that are cleared",
		hintSentence,
		func(t *checkT) {
			t.fill("w")
			t.fill("other")
			l := t.listen()
			before := l.blanks()
			// Hints may be lost: what was not told is done again. One without
			// ids tells as much.
			for deadline := time.Now().Add(t.patience); !l.told("w") && l.blanks() == before; time.Sleep(t.patience / 500) {
				if time.Now().After(deadline) {
					t.Errorf("Notify did not tell within %v that a workspace was cleared", t.patience)
					break
				}
				t.update("w", rbac.Tx.Clear)
			}
			l.stop()
		},
	},
	{
		"Notify tells nothing of what was rolled back",
		hintSentence,
		func(t *checkT) {
			l := t.listen()
			t.is(t.try(t.ctx, "failed", func(tx rbac.Tx) error { return errors.Join(fillTx(tx), errTest) }), errTest, "Update")
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			t.is(t.try(ctx, "cancelled", func(tx rbac.Tx) error {
				defer cancel()
				return fillTx(tx)
			}), context.Canceled, "Update")
			// A hint of the above would come before one of a later commit.
			for deadline := time.Now().Add(t.patience); !l.told("committed") && time.Now().Before(deadline); {
				t.update("committed", func(tx rbac.Tx) error { return appendSome(tx, 1) })
				time.Sleep(t.patience / 500)
			}
			l.stop()
			for _, id := range l.others([]string{"committed"}) {
				t.Errorf("Notify told that workspace %q changed, where nothing was committed", id)
			}
		},
	},
	{
		"Notify returns why it ended",
		`Notify listens until ctx is done or it can listen no longer, and returns why.`,
		func(t *checkT) {
			t.listen().stop()
			ctx, cancel := context.WithTimeout(t.ctx, t.patience/100)
			defer cancel()
			notifier := t.notifier()
			ended := start(func() error { return notifier.Notify(ctx, func(...string) {}) })
			t.is(t.end(ended, "Notify"), context.DeadlineExceeded, "Notify, after its deadline")
			ended = start(func() error { return notifier.Notify(ctx, func(...string) {}) })
			t.is(t.end(ended, "Notify"), context.DeadlineExceeded, "Notify, called after its deadline")
			t.listen().stop() // it can be called again
		},
	},
}

func (t *checkT) notifier() rbac.Notifier {
	t.Helper()
	notifier, ok := t.store.(rbac.Notifier)
	if !ok {
		t.Skip("the store is no rbac.Notifier")
	}
	return notifier
}

// listener collects the hints of one call of Notify.
type listener struct {
	t      *checkT
	cancel context.CancelFunc
	ended  *job

	mu    sync.Mutex
	blank int             // hints without ids that came
	ids   map[string]bool // those that came
}

// listen starts Notify and waits until it listens.
func (t *checkT) listen() *listener {
	t.Helper()
	notifier := t.notifier()
	ctx, cancel := context.WithCancel(t.ctx)
	l := &listener{t: t, cancel: cancel, ids: map[string]bool{}}
	l.ended = start(func() error { return notifier.Notify(ctx, l.hint) })
	for deadline := time.Now().Add(t.patience); l.blanks() == 0; time.Sleep(time.Millisecond) {
		select {
		case <-l.ended.done:
			t.Fatalf("Notify ended at once: %v", l.ended.err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("Notify did not call hint() within %v", t.patience)
		}
	}
	return l
}

func (l *listener) hint(workspaces ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(workspaces) == 0 {
		l.blank++
	}
	for _, id := range workspaces {
		l.ids[id] = true
	}
}

func (l *listener) blanks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blank
}

func (l *listener) told(workspace string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[workspace]
}

// others returns the ids that came and are not among these.
func (l *listener) others(than []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var others []string
	for id := range l.ids {
		if !slices.Contains(than, id) {
			others = append(others, id)
		}
	}
	return others
}

// stop ends Notify and checks what it returns.
func (l *listener) stop() {
	l.t.Helper()
	l.cancel()
	l.t.is(l.t.end(l.ended, "Notify, after its context was cancelled,"), context.Canceled, "Notify")
}

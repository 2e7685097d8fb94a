package rbac

import (
	"context"
	"errors"
	"sync/atomic"
)

// Preview tells what a change would do, with nothing written. It calls change once,
// with an Admin for the same actor, whose methods apply the same rules in the
// same code to the workspace as it is, and keep to themselves what they would
// write. Later ones see what earlier ones would have done, so that several are
// one plan: to create a role and assign it, for instance.
//
// If change returns the error of a rule, such as ErrEscalation or ErrInvalid, the
// plan has it in Refused. Any other error is returned, as is ErrInvalid for a
// malformed workspace id, ErrClosed and what a store returns. Neither the observer
// of refusals nor the log hears of a preview.
//
// The Admin that change is given works until change returns, for one goroutine at a
// time. What change does by any other means is done. The store's transaction, which
// only reads, stays open meanwhile, as it does in the loops of [Workspace.Members].
func (a *Admin) Preview(ctx context.Context, change func(*Admin) error) (Plan, error) {
	var result Plan
	var theirs theirCode
	var begun bool
	var err error // of change
	failed := a.workspace.reviewIn(ctx, a.in, &theirs, func(r reading) error {
		if begun {
			return errAgain
		}
		begun = true
		d := &draft{Reader: r.Reader}
		p := &preview{Store: TxStore(a.workspace.replica.id, d)}
		defer p.state.Store(previewEnded)
		in := *a
		in.in, in.preview = &Transaction{workspace: a.workspace, store: p}, p
		theirs.running = true
		err = change(&in)
		theirs.running = false
		result = p.plan
		if err != nil {
			return nil // which nobody mistakes for one of the store's
		}
		effects, err := d.effects(r.model)
		result.Events, result.Effects = d.events, effects
		return err
	})
	switch {
	case failed != nil:
		return Plan{}, failed
	case err != nil && ruleOf(err) == nil:
		return Plan{}, err
	}
	result.Refused = err
	return result, nil
}

// preview is the Store in which the Admin of a Preview works: a draft, for as
// long as the Preview lasts.
type preview struct {
	Store
	plan  Plan         // of the role that was saved last
	state atomic.Int32 // idle at first
}

const (
	previewIdle = iota
	previewBusy
	previewEnded
)

var (
	errPreviewBusy  = errors.New("rbac: the Admin of a Preview was used while one of its methods ran")
	errPreviewEnded = errors.New("rbac: the Admin of a Preview was used after its function had returned")
)

func (p *preview) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	return p.alone(func() error { return p.Store.View(ctx, workspace, fn) })
}

func (p *preview) Update(ctx context.Context, workspace string, fn func(Tx) error) error {
	return p.alone(func() error { return p.Store.Update(ctx, workspace, fn) })
}

// alone calls fn unless another call is under way: a Reader is for one goroutine
// at a time. It never waits, as it may be called from inside fn.
func (p *preview) alone(fn func() error) error {
	if !p.state.CompareAndSwap(previewIdle, previewBusy) {
		if p.state.Load() == previewEnded {
			return errPreviewEnded
		}
		return errPreviewBusy
	}
	defer p.state.CompareAndSwap(previewBusy, previewIdle)
	return fn()
}

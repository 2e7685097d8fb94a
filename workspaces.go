package rbac

import (
	"context"
	"fmt"
	"iter"
)

// Workspaces returns the ids of workspaces in byte order: all that were ever
// written and not deleted or, with a user, those in which the user is a member,
// suspended or not. The default workspace, whose id is empty, is among them,
// but with [WithoutDefaultWorkspace]. It asks the store for a page at a time,
// and no transaction is open meanwhile: the loop may ask and change what it
// likes, and what others change behind the last id may show or not. Limit bounds the whole, if it is greater than 0. It
// ends with the first error. A malformed id in the query is [ErrInvalid].
//
// Who may see the list is the application's to decide: it is beyond the rights
// of any one workspace.
func (a *Authorizer) Workspaces(ctx context.Context, q WorkspaceQuery) iter.Seq2[string, error] {
	switch {
	case q.After != nil:
		after := *q.After
		q.After = &after
	case a.engine.nowhere:
		q.After = new(string) // behind the default workspace
	}
	return func(yield func(string, error) bool) {
		q := q
		for left := q.Limit; ; {
			page, err := a.engine.workspaces(ctx, q)
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range page {
				if !yield(id, nil) {
					return
				}
			}
			asked := q.limit()
			if left -= len(page); len(page) < asked || q.Limit > 0 && left <= 0 {
				return
			}
			if q.Limit > 0 {
				q.Limit = left
			}
			q.After = &page[len(page)-1]
		}
	}
}

// workspaces returns one page of workspaces.
func (e *engine) workspaces(ctx context.Context, q WorkspaceQuery) (page []string, err error) {
	var bad problems
	bad.check("user", bytesProblem(q.User))
	if q.After != nil {
		bad.check("after", bytesProblem(*q.After))
	}
	switch {
	case len(bad) > 0:
		return nil, bad.err()
	case e.ctx.Err() != nil:
		return nil, ErrClosed
	}
	err = safely(func() error {
		return retry(ctx, func() (err error) {
			page, err = e.store.Workspaces(ctx, q)
			return err
		})
	})
	if err == nil && len(page) > 0 && q.After != nil && page[len(page)-1] <= *q.After {
		err = fmt.Errorf("rbac: the store returned workspace %s behind %s", quote(page[len(page)-1]), quote(*q.After))
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

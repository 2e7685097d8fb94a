package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/areagate/rbac"
)

// mostHints is how many workspaces Notify tells one by one; about more it
// tells at once.
const mostHints = 1000

// Notify implements [rbac.Notifier]. It tells of commits of this Store at
// once, and looks for those of others every notify interval.
func (s *Store) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	next := s.nextCommit()
	last, err := s.newest(ctx)
	if err != nil {
		return err
	}
	hint()
	tick := time.NewTicker(s.options.notifyInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
			next = s.nextCommit()
		case <-tick.C:
		}
		newest, err := s.newest(ctx)
		if errors.Is(err, rbac.ErrContention) || err == nil && newest == last {
			continue
		}
		if err != nil {
			return err
		}
		var changed []string
		if newest.cleared == last.cleared && newest.event > last.event {
			if changed, err = s.changedBehind(ctx, last.event, newest.event); err != nil {
				return err
			}
		}
		if len(changed) > mostHints {
			changed = nil
		}
		hint(changed...) // of none when the history went back, or a workspace was cleared
		last = newest
	}
}

// newest is by what changes show: the id of the newest event of the file, 0 if
// there is none, and how often a workspace was cleared.
type newest struct{ event, cleared int64 }

func (s *Store) newest(ctx context.Context) (at newest, err error) {
	err = s.ask(ctx, selectNewest, nil, func(rows *sql.Rows) error {
		return rows.Scan(&at.event, &at.cleared)
	})
	return at, err
}

// changedBehind returns the workspaces of the events behind an id.
func (s *Store) changedBehind(ctx context.Context, last, newest int64) (changed []string, err error) {
	err = s.ask(ctx, selectChanged, []any{last, newest, mostHints + 1},
		func(rows *sql.Rows) error {
			var workspace string
			err := rows.Scan(&workspace)
			changed = append(changed, workspace)
			return err
		})
	return changed, err
}

// ask reads outside of a transaction.
func (s *Store) ask(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return err
	}
	defer c.Close()
	return s.place.failed("look for changes in", s.patiently(ctx, func() error { return query(ctx, c.Conn, text, args, scan) }))
}

// nextCommit returns a channel that is closed by the next commit of s.
func (s *Store) nextCommit() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed
}

// tell wakes those who wait for a commit.
func (s *Store) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.committed)
	s.committed = make(chan struct{})
}

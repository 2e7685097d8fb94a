package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac"
)

// spare is a connection of a Store's own, beside the pool. It is made when it
// is needed, and closed when it was not needed for a while, so that nobody has
// to close the Store.
type spare struct {
	keep time.Duration // how long it stays unused
	turn chan struct{} // has room for the one who uses what follows
	conn *pgx.Conn     // nil if there is none
	idle *time.Timer   // closes it
}

func newSpare() spare { return spare{keep: time.Minute, turn: make(chan struct{}, 1)} }

// Why Revisions asks beside the pool.
var (
	errUsedUp = errors.New("all connections of the pool were in use")
	errLate   = errors.New("the pool gave no connection in time")
)

// acquireSoon returns a connection of the pool. If there is none it returns
// errUsedUp at once, or errLate after a quarter of the time, which passes if
// others are quicker to take what was left.
func (s *Store) acquireSoon(ctx context.Context) (*pgxpool.Conn, error) {
	if stat := s.pool.Stat(); stat.IdleConns() == 0 && stat.TotalConns() >= stat.MaxConns() {
		return nil, errUsedUp
	}
	waiting, cancel := context.WithTimeout(ctx, share(ctx, 4))
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, errLate
	}
	return conn, err
}

// share returns a part of the time that a context has left, and at most the
// time to connect.
func share(ctx context.Context, part time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(connecting, time.Until(deadline)/part)
	}
	return connecting
}

// revisionsBeside is Revisions on the spare connection. Half of the time is
// left to wait for the pool if it cannot be had.
func (s *Store) revisionsBeside(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	getting, cancel := context.WithTimeout(ctx, share(ctx, 2))
	defer cancel()
	p := &s.spare
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-getting.Done():
		return nil, fmt.Errorf("the connection beside the pool is in use: %w", getting.Err())
	}
	for {
		made := p.conn == nil
		if made {
			conn, err := s.connectSpare(getting)
			if err != nil {
				return nil, fmt.Errorf("connect beside the pool: %w", err)
			}
			p.conn = conn
		}
		found, err := s.revisions(ctx, p.conn, workspaces)
		if err == nil {
			p.closeLater()
			return found, nil
		}
		p.discard()
		if made || ctx.Err() != nil {
			return nil, err
		}
		// It may have broken while nobody used it.
	}
}

// connectSpare makes a connection as the pool would, and sees that it answers:
// a pooler may take a client long before it has a session for it.
func (s *Store) connectSpare(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	if afterConnect := s.pool.Config().AfterConnect; afterConnect != nil {
		err = afterConnect(ctx, conn)
	}
	if err == nil {
		err = conn.Ping(ctx)
	}
	if err != nil {
		closeConn(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// closeLater closes the connection unless it is used before. It is called by
// whose turn it is.
func (p *spare) closeLater() {
	if p.idle != nil {
		p.idle.Reset(p.keep)
		return
	}
	p.idle = time.AfterFunc(p.keep, func() {
		select {
		case p.turn <- struct{}{}:
			p.discard()
			<-p.turn
		default: // whoever uses it calls closeLater
		}
	})
}

// discard closes the connection, if there is one. It is called by whose turn
// it is.
func (p *spare) discard() {
	if p.conn != nil {
		closeConn(context.Background(), p.conn)
		p.conn = nil
	}
}

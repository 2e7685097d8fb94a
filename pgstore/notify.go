package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotListening is returned by [Store.Notify] when what the pool announces
// does not arrive at the connection that listens, or the server does not know
// any more that it does: the connection goes through a pooler in transaction
// mode, or to another database. See [WithListenConn].
var ErrNotListening = errors.New("pgstore: the connection does not listen: is there a pooler in transaction mode?")

// echo begins the payload of a notification that only shows that
// notifications arrive. No workspace's id has control characters.
const echo = "\x01"

// Notify implements [rbac.Notifier] with LISTEN, on one connection for all
// workspaces, beside the pool. It begins by announcing something through the
// pool, and returns [ErrNotListening] if it does not hear that within the
// listen timeout.
func (s *Store) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := s.listen(ctx)
	if err != nil {
		return failed(ctx, "listen", err)
	}
	defer closeConn(ctx, conn)
	if err := s.hearEcho(ctx, conn); err != nil {
		return err
	}
	hint()
	for {
		silence, cancel := context.WithTimeout(ctx, s.options.listenTimeout)
		notification, err := conn.WaitForNotification(silence)
		cancel()
		switch {
		case err == nil:
			if notification.Channel == s.options.channel() && !strings.HasPrefix(notification.Payload, echo) {
				hint(notification.Payload)
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case pgconn.Timeout(err):
			// Half of a connection is silent too: ask.
			if err := s.stillListening(ctx, conn); err != nil {
				return err
			}
		default:
			return failed(ctx, "wait for notifications", err)
		}
	}
}

// connecting is how long it may take at least to connect. The listen timeout
// may be shorter: it is about connections that were made.
const connecting = 5 * time.Second

// listen connects and begins to listen.
func (s *Store) listen(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, max(connecting, s.options.listenTimeout))
	defer cancel()
	connect := s.options.listenConn
	if connect == nil {
		connect = s.connect
	}
	conn, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	if conn == nil {
		return nil, errors.New("the function given to WithListenConn returned no connection")
	}
	if _, err := conn.Exec(ctx, "LISTEN "+s.quotedChannel()); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func (s *Store) quotedChannel() string { return pgx.Identifier{s.options.channel()}.Sanitize() }

// hearEcho makes sure that what the pool announces arrives at conn. A pooler in
// transaction mode takes LISTEN without an error, for whichever session of the
// server runs it, and passes nothing on.
func (s *Store) hearEcho(ctx context.Context, conn *pgx.Conn) error {
	token := echo + rand.Text()
	if err := s.announce(ctx, token); err != nil {
		return failed(ctx, "announce through the pool", err)
	}
	waiting, cancel := context.WithTimeout(ctx, s.options.listenTimeout)
	defer cancel()
	for {
		notification, err := conn.WaitForNotification(waiting)
		switch {
		case err == nil:
			if notification.Payload == token {
				return nil
			}
		case ctx.Err() == nil && pgconn.Timeout(err):
			// The session would go on to listen, for the pool's connections.
			unlisten, cancel := context.WithTimeout(ctx, afterwards)
			defer cancel()
			_, _ = conn.Exec(unlisten, "UNLISTEN "+s.quotedChannel())
			return ErrNotListening
		default:
			return failed(ctx, "wait for what the pool announced", err)
		}
	}
}

// announce sends a notification through the pool, which may have to connect.
func (s *Store) announce(ctx context.Context, payload string) error {
	ctx, cancel := context.WithTimeout(ctx, max(connecting, s.options.listenTimeout))
	defer cancel()
	_, err := s.pool.Exec(ctx, s.sql.notify, s.sql.channel, payload)
	return err
}

// connect makes a connection with the pool's configuration. It is not one of
// the pool, which would be short of it.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	pool := s.pool.Config()
	config := pool.ConnConfig
	if pool.BeforeConnect != nil {
		if err := pool.BeforeConnect(ctx, config); err != nil {
			return nil, err
		}
	}
	config.OnNotification = nil // the application's own, which would take ours
	return pgx.ConnectConfig(ctx, config)
}

// stillListening asks the server, within the timeout, whether it knows that
// this connection listens.
func (s *Store) stillListening(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.listenTimeout)
	defer cancel()
	var listening bool
	const ask = "SELECT $1::text IN (SELECT pg_listening_channels())"
	if err := conn.QueryRow(ctx, ask, s.options.channel()).Scan(&listening); err != nil {
		return failed(ctx, fmt.Sprintf("ask the listening connection: no answer within %v", s.options.listenTimeout), err)
	}
	if !listening {
		return ErrNotListening
	}
	return nil
}

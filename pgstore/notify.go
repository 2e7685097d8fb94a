package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotListening is returned by [Store.Notify] when the server does not know
// any more that it listens: the connection goes through a pooler in
// transaction mode. See [WithListenConn].
var ErrNotListening = errors.New("pgstore: the connection does not listen: is there a pooler in transaction mode?")

// Notify implements [rbac.Notifier] with LISTEN, on one connection for all
// workspaces, beside the pool.
func (s *Store) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := s.listen(ctx)
	if err != nil {
		return failed(ctx, "listen", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	hint()
	for {
		silence, cancel := context.WithTimeout(ctx, s.options.listenTimeout)
		notification, err := conn.WaitForNotification(silence)
		cancel()
		switch {
		case err == nil:
			if notification.Channel == s.options.channel() {
				hint(notification.Payload)
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case pgconn.Timeout(err):
			// Half of a connection is silent too: ask.
			if err := s.stillListening(ctx, conn); err != nil {
				return failed(ctx, "ask the listening connection", err)
			}
		default:
			return failed(ctx, "wait for notifications", err)
		}
	}
}

// listen connects and begins to listen.
func (s *Store) listen(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.listenTimeout)
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
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.options.channel()}.Sanitize()); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
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
		return fmt.Errorf("no answer within %v: %w", s.options.listenTimeout, err)
	}
	if !listening {
		return ErrNotListening
	}
	return nil
}

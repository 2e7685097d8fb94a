package pgstore_test

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// proxy stands between the library and PostgreSQL. It can cut, stall and
// delay.
type proxy struct {
	t               testing.TB
	network, server string
	listener        net.Listener
	dir             string

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[net.Conn]bool
	closed  bool                               // no connection passes
	stalled bool                               // no byte passes
	delay   time.Duration                      // each packet takes so long
	inspect func(fromClient []byte) (cut bool) // cut the connection once the server has answered this
}

// newProxy starts a proxy to the server of a connection string.
func newProxy(t testing.TB, url string) *proxy {
	t.Helper()
	config, err := pgconn.ParseConfig(url)
	require.NoError(t, err)
	network, server := pgconn.NetworkAddress(config.Host, config.Port)
	dir, err := os.MkdirTemp("", "rbac-proxy-")
	require.NoError(t, err)
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	require.NoError(t, err)
	p := &proxy{t: t, network: network, server: server, listener: listener, dir: dir, conns: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	go p.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.set(func() { p.stalled = false })
		_ = os.RemoveAll(dir)
	})
	return p
}

// url returns the connection string of the server, by way of the proxy.
func (p *proxy) url(server string) string {
	config, err := pgconn.ParseConfig(server)
	require.NoError(p.t, err)
	url := "host=" + p.dir + " port=5432 sslmode=disable user='" + config.User + "' dbname='" + config.Database + "'"
	if config.Password != "" {
		url += " password='" + config.Password + "'"
	}
	return url
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

// cut breaks all connections and refuses new ones.
func (p *proxy) cut() { p.set(func() { p.closed = true; p.closeAll() }) }

// breakAll breaks all connections; new ones pass.
func (p *proxy) breakAll() { p.set(p.closeAll) }

// restore lets everything pass again.
func (p *proxy) restore() {
	p.set(func() { p.closed, p.stalled, p.delay, p.inspect = false, false, 0, nil })
}

// stall stops all bytes, in both directions, without a word.
func (p *proxy) stall() { p.set(func() { p.stalled = true }) }

func (p *proxy) closeAll() {
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := net.Dial(p.network, p.server)
			if err != nil {
				_ = client.Close()
				return
			}
			admitted := true
			p.set(func() {
				if admitted = !p.closed; admitted {
					p.conns[client], p.conns[server] = true, true
				}
			})
			if !admitted {
				_, _ = client.Close(), server.Close()
				return
			}
			var mute atomic.Bool
			go p.pipe(client, server, true, &mute)
			p.pipe(server, client, false, &mute)
		}()
	}
}

// pipe passes on what comes from one side. Once mute is set, the client gets
// no more answers.
func (p *proxy) pipe(from, to net.Conn, fromClient bool, mute *atomic.Bool) {
	defer func() {
		_, _ = from.Close(), to.Close()
		p.set(func() { delete(p.conns, from); delete(p.conns, to) })
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		for p.stalled {
			p.changed.Wait()
		}
		delay, inspect := p.delay, p.inspect
		p.mu.Unlock()
		time.Sleep(delay)
		cut := fromClient && inspect != nil && inspect(buffer[:n])
		if cut {
			mute.Store(true)
		}
		if !fromClient && mute.Load() {
			return // the server got it, and its answer does not arrive
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

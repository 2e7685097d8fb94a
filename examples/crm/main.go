// Command crm is a whole product behind the guard of rbachttp: contacts,
// organizations, deals, services and tasks that have owners, members, teams and
// roles, API keys and the record of every change, with an API, pages for a browser,
// and the role editor of rbacui among them. It needs no database server, and says
// what to open:
//
//	go run ./examples/crm
//
// It keeps everything in a temporary folder that it removes at the end, or in
// one that stays, or in PostgreSQL:
//
//	go run ./examples/crm -data crm-data
//	go run ./examples/crm -postgres postgres://user:password@host/database
//
// What a CRM of one company left there is refused, and not changed.
//
// The routes and what each asks of its caller, as one table:
//
//	go run ./examples/crm -routes
//
// The two companies in it are invented, and anybody who reaches the address may sign
// in as any of their people: it is a demo. Start reading with areas.go and
// routes.go, then records.go, filter.go, views.go, users.go, apikeys.go and pages.go;
// what a product would not have is in demo.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/areagate/rbac"
)

// defaultAddr is where the CRM listens, if nothing else listens there.
const defaultAddr = "localhost:8080"

type config struct {
	addr, data, postgres string
}

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "", "listen on this `address` (default "+defaultAddr+", or another port if that is taken)")
	flag.StringVar(&c.data, "data", "", "keep everything in this `folder` (default a temporary one, removed at the end)")
	flag.StringVar(&c.postgres, "postgres", "", "keep everything in the PostgreSQL database of this `URL`")
	routes := flag.Bool("routes", false, "write the table of routes and end")
	flag.Parse()
	if flag.NArg() > 0 || c.data != "" && c.postgres != "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	run := func() error { return serve(ctx, c, os.Stdout) }
	if *routes {
		run = func() error { return writeRoutes(ctx, os.Stdout) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "crm:", err)
		os.Exit(1)
	}
}

// serve runs the CRM until the context ends.
func serve(ctx context.Context, c config, out io.Writer) (err error) {
	// What has begun when the context ends is still carried out.
	work := context.WithoutCancel(ctx)

	db, err := c.open(work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	az, err := rbac.Open(work, db.store, options()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, az.Close()) }()
	if err := setUp(work, db, az); err != nil {
		return err
	}

	s := newServer(db, az)
	listener, err := listen(c.addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	if err := greet(out, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(out, "Stopping.")
	// Requests that are under way get their answers.
	deadline, cancel := context.WithTimeout(work, 10*time.Second)
	defer cancel()
	return server.Shutdown(deadline)
}

// open opens the database that was asked for.
func (c config) open(ctx context.Context) (*database, error) {
	if c.postgres != "" {
		return openPostgres(ctx, c.postgres)
	}
	if c.data != "" {
		if err := os.MkdirAll(c.data, 0o700); err != nil {
			return nil, err
		}
		return openSQLite(ctx, c.data)
	}
	dir, err := os.MkdirTemp("", "crm-")
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	closeFile := db.close
	db.close = func() error { return errors.Join(closeFile(), os.RemoveAll(dir)) }
	return db, nil
}

// listen listens on an address, or on the default one or any that is free.
func listen(addr string) (net.Listener, error) {
	if addr != "" {
		return net.Listen("tcp", addr)
	}
	listener, err := net.Listen("tcp", defaultAddr)
	if err == nil {
		return listener, nil
	}
	return net.Listen("tcp", "localhost:0")
}

// greet writes where the CRM is, and what to try.
func greet(out io.Writer, address string) error {
	_, err := fmt.Fprintf(out, `The CRM is at %[1]s

Open it in a browser. Everybody may be anybody, in either of two companies: this is a demo. Try this first:

1. See one list as two people: %[1]s/demo/beside/deals?company=brightwell&one=aisha.rahman&two=carla.mendes
2. Be Grace Okafor and open Access: let Sales representative read the deals of their team, see the plan, save. See 1 again.
3. Be Chloe Martin, who works for Brightwell and runs Oakline.

Programs get the same. Here is what the sales representative sees, and may not see:

  TOKEN=$(curl -s %[1]s/demo/sign-in -d '{"user": "aisha.rahman"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
  curl -s %[1]s/deals -H "Authorization: Bearer $TOKEN"
  curl -s %[1]s/admin/events -H "Authorization: Bearer $TOKEN"

Ctrl-C stops it.
`, address)
	return err
}

// writeRoutes writes the table of routes, for which it needs no database.
func writeRoutes(ctx context.Context, out io.Writer) error {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), options()...)
	if err != nil {
		return err
	}
	defer az.Close()
	return newServer(nil, az).surface().Table().WriteText(out)
}

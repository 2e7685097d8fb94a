// Command tutorial is the service that docs/tutorial.md builds: a help desk for
// many workspaces, on SQLite or PostgreSQL.
//
//	go run ./examples/tutorial -store sqlite:tutorial.db
//
// What it would send by e-mail it prints. With -check it opens the database,
// prints its routes and ends. Start reading with service.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/areagate/rbac"
)

func main() {
	store := flag.String("store", "sqlite:tutorial.db", "keep everything in this `store`: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
	address := flag.String("listen", "localhost:8080", "serve on this `address`")
	check := flag.Bool("check", false, "open the store, print the routes and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *store, *address, *check, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, store, address string, check bool, out io.Writer) error {
	db, err := open(ctx, store)
	if err != nil {
		return err
	}
	defer db.close()
	az, err := rbac.Open(ctx, db.store, options...)
	if err != nil {
		return err
	}
	defer az.Close()
	s := newService(db, az, func(email, token string) { fmt.Fprintln(out, "to", email, "- your token is", token) })
	defer s.stop()
	if check {
		return s.mux.Routes().Table().WriteText(out)
	}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", listener.Addr())
	server := &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(s.stop) // Shutdown waits for handlers, and streams last
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		done <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

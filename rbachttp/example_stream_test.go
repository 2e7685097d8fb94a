package rbachttp_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Server-sent events end when the caller may not see them any more.
func ExampleStream() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	news := make(chan string) // yours: what one client is told
	live := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := rbachttp.Stream(r.Context())
		defer cancel()
		w.Header().Set("Content-Type", "text/event-stream")
		flush := http.NewResponseController(w).Flush
		for {
			select {
			case <-ctx.Done(): // the client has gone, or may not see them any more
				return
			case line := <-news:
				if _, err := fmt.Fprintf(w, "data: %s\n\n", line); err != nil || flush() != nil {
					return
				}
			}
		}
	}
	mux := rbachttp.New(az, bySession, rbachttp.WithLogger(slog.New(slog.DiscardHandler))).Mux()
	mux.HandleFunc("GET /contacts/live", rbachttp.Needs(rbac.Contacts, rbac.Read), live)
	server := httptest.NewServer(mux)
	defer server.Close()

	connect := func() *http.Response {
		r, _ := http.NewRequest(http.MethodGet, server.URL+"/contacts/live", nil)
		r.Header.Set("Session", "bob")
		response, err := server.Client().Do(r)
		if err != nil {
			panic(err)
		}
		return response
	}
	go func() {
		news <- "a new contact"
		if err := az.As("ada").Suspend(ctx, "bob"); err != nil {
			panic(err)
		}
	}()
	first := connect()
	defer first.Body.Close()
	for lines := bufio.NewScanner(first.Body); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	fmt.Println("it ended; coming back:")
	second := connect()
	defer second.Body.Close()
	fmt.Println(second.StatusCode)
	// Output:
	// data: a new contact
	//
	// it ended; coming back:
	// 403
}

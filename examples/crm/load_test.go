package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

var loadTime = flag.Duration("crm.load", 0, "measure for so long in TestLoad, instead of trying it out")

// TestLoad puts load on a CRM in another process, by turns on its handlers
// behind the guard and on the same handlers without it, while roles change.
// It fails for each answer that is wrong, and reports the throughput:
//
//	go test ./examples/crm -run TestLoad -v -crm.load 60s
func TestLoad(t *testing.T) {
	const clients = 8
	length, pairs := 50*time.Millisecond, 4 // pairs of rounds, one with and one without
	if *loadTime > 0 {
		// Short rounds: what else the machine does falls on both alike.
		length = 250 * time.Millisecond
		pairs = max(1, int(*loadTime/(2*length)))
	}
	p := startLoaded(t)
	guarded, twin := p.addresses[0], p.addresses[1]
	requests := p.requests(t, guarded)

	stop := p.changeRoles(t, guarded)
	var ratios []float64
	total := map[string]round{}
	run := func(address string) round {
		before := p.cpu(t)
		n := loadFor(t, length, clients, address, requests)
		r := round{n, p.cpu(t) - before}
		sum := total[address]
		total[address] = round{sum.answers + r.answers, sum.cpu + r.cpu}
		return r
	}
	loadFor(t, length, clients, guarded, requests) // connections and caches are warm then
	loadFor(t, length, clients, twin, requests)
	for i := range pairs {
		order := []string{guarded, twin}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		rounds := map[string]round{}
		for _, address := range order {
			rounds[address] = run(address)
		}
		ratios = append(ratios, float64(rounds[guarded].answers)/float64(rounds[twin].answers))
	}
	changes := stop()

	slices.Sort(ratios)
	seconds := (time.Duration(pairs) * length).Seconds()
	for name, address := range map[string]string{"with the guard": guarded, "without": twin} {
		r := total[address]
		t.Logf("%-14s %8.0f answers/s, %6.1f µs of the server's CPU each", name, float64(r.answers)/seconds, r.each())
	}
	t.Logf("throughput with the guard: %.3f of that without, all in all; %.3f in the median of %d pairs of rounds, half of them from %.3f to %.3f",
		float64(total[guarded].answers)/float64(total[twin].answers), ratios[pairs/2], pairs, ratios[pairs/4], ratios[pairs*3/4])
	t.Logf("the server's CPU for an answer: %.3f of that without", total[guarded].each()/total[twin].each())
	t.Logf("%d changes of a role meanwhile, %d answers looked at, none wrong unless reported", changes.made, changes.checked+total[guarded].answers)
	if changes.made == 0 {
		t.Error("no role was changed")
	}
}

// round is what came of one round.
type round struct {
	answers int64
	cpu     time.Duration // of the server
}

func (r round) each() float64 { return float64(r.cpu.Microseconds()) / float64(r.answers) }

// loaded is the CRM in another process.
type loaded struct {
	cmd       *exec.Cmd
	addresses []string          // with the guard, without it
	tokens    map[string]string // by user
}

// serveForLoad is the other process: one CRM at two addresses. It ends with
// its standard input.
func serveForLoad() {
	ctx := context.Background()
	if err := serveTwice(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveTwice(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "crm-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := openSQLite(ctx, dir)
	if err != nil {
		return err
	}
	defer db.close()
	az, err := rbac.Open(ctx, db.store, options()...)
	if err != nil {
		return err
	}
	defer az.Close()
	if err := setUp(ctx, db, az); err != nil {
		return err
	}
	s := newServer(db, az, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))
	for _, handler := range []http.Handler{s.handler(), protect(s.twin())} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go http.Serve(listener, handler)
		fmt.Println(listener.Addr())
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// twin returns the handlers of the CRM without the guard. What a handler needs
// is there: who calls, from the same query of the session, and a Subject, but
// one that was resolved long ago.
func (s *server) twin() http.Handler {
	var subjects sync.Map
	mux := http.NewServeMux()
	for _, route := range s.routes() {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			token, _ := bearer(r)
			company, user, err := s.sessionOf(r.Context(), token)
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			subject, ok := subjects.Load(user)
			if !ok {
				resolved, err := s.az.For(company).Subject(r.Context(), user)
				if err != nil {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				subject, _ = subjects.LoadOrStore(user, resolved)
			}
			route.handler.ServeHTTP(w, r.WithContext(rbac.NewContext(r.Context(), subject.(rbac.Subject))))
		})
	}
	return mux
}

func startLoaded(t *testing.T) *loaded {
	t.Helper()
	p := &loaded{cmd: exec.Command(os.Args[0]), tokens: map[string]string{}}
	p.cmd.Env = append(os.Environ(), asProgram+"=load")
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	for len(p.addresses) < 2 && lines.Scan() {
		p.addresses = append(p.addresses, lines.Text())
	}
	if len(p.addresses) < 2 {
		t.Fatal("the other process does not serve")
	}
	return p
}

// as returns a client of the other process.
func (p *loaded) as(t testing.TB, address string) *crm {
	return &crm{t: t, url: "http://" + address, client: new(http.Client), tokens: p.tokens}
}

// cpu returns the time that the other process has computed, from Linux's
// /proc; elsewhere 0.
func (p *loaded) cpu(t testing.TB) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// loadRequest is a request, ready to be sent, and the body that is right.
type loadRequest struct {
	data, body []byte
}

// requests returns what the load consists of: lists and single records, of
// people who see all and of one who sees their own.
func (p *loaded) requests(t testing.TB, address string) []loadRequest {
	t.Helper()
	c := p.as(t, address)
	var requests []loadRequest
	for _, r := range [][2]string{
		{salesRep, "/deals"}, {salesRep, "/deals/deal-04"}, {salesRep, "/contacts?limit=5"}, {salesRep, "/tasks"},
		{salesLead, "/deals?limit=5"}, {salesLead, "/organizations/org-2"}, {officeManager, "/services"}, {auditor, "/deals/summary"},
	} {
		answer := c.as(r[0], "GET", r[1], nil)
		answer.wants(t, http.StatusOK, "")
		requests = append(requests, loadRequest{
			fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: crm\r\nAuthorization: Bearer %s\r\n\r\n", r[1], c.token(r[0])),
			[]byte(answer.body),
		})
	}
	return requests
}

// loadFor sends requests over several connections, as fast as they are
// answered, and returns how many were.
func loadFor(t testing.TB, length time.Duration, clients int, address string, requests []loadRequest) int64 {
	var answers atomic.Int64
	deadline := time.Now().Add(length)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			n, err := loadOne(deadline, i, address, requests)
			if err != nil {
				t.Error(err)
			}
			answers.Add(n)
		})
	}
	wg.Wait()
	return answers.Load()
}

// loadOne is a client that costs little beside the server, which shares the
// machine with it.
func loadOne(deadline time.Time, offset int, address string, requests []loadRequest) (n int64, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	var body bytes.Buffer
	for time.Now().Before(deadline) {
		r := requests[(int(n)+offset)%len(requests)]
		if _, err := conn.Write(r.data); err != nil {
			return n, err
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return n, err
		}
		body.Reset()
		if _, err := body.ReadFrom(response.Body); err != nil {
			return n, err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || !bytes.Equal(body.Bytes(), r.body) {
			return n, fmt.Errorf("wrong answer to %.40s: %d %s, want %s", r.data, response.StatusCode, &body, r.body)
		}
		n++
	}
	return n, nil
}

// changed is what changeRoles has done.
type changed struct{ made, checked int64 }

// changeRoles changes a role over and over until stop is called, and looks at
// the answers that a holder gets.
func (p *loaded) changeRoles(t testing.TB, address string) (stop func() changed) {
	t.Helper()
	c := p.as(t, address)
	c.token(administrator)
	c.token(supportAgent)
	var member struct{ Role string }
	c.as(administrator, "GET", "/admin/members/"+supportAgent, nil).decode(t, http.StatusOK, &member)
	var role rbac.Role
	c.as(administrator, "GET", "/admin/roles/"+member.Role, nil).decode(t, http.StatusOK, &role)

	var state watchedScope
	state.begin(rbac.None) // of deals
	state.acknowledge()
	done := make(chan struct{})
	var result changed
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			scope := []rbac.Scope{rbac.All, rbac.None}[i%2]
			role.Permissions[rbac.Deals] = rbac.Access{Read: scope}
			state.begin(scope)
			saved := c.with(c.tokens[administrator], "PUT", "/admin/roles/"+member.Role, role)
			state.acknowledge()
			if err := json.Unmarshal([]byte(saved.body), &role); err != nil || saved.status != http.StatusOK {
				t.Errorf("the role is not changed: %d %s", saved.status, saved.body)
				return
			}
			result.made++
		}
	})
	var checked atomic.Int64
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			right := state.watch()
			shown := rbac.All
			if c.with(c.tokens[supportAgent], "GET", "/deals?limit=1", nil).status == http.StatusForbidden {
				shown = rbac.None
			}
			if scopes := right(); !slices.Contains(scopes, shown) {
				t.Errorf("the list showed %s, right was one of %s", shown, scopes)
			}
			checked.Add(1)
		}
	})
	return func() changed {
		close(done)
		wg.Wait()
		result.checked = checked.Load()
		return result
	}
}

package rbacui_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// exported are the numbers of the events in a file of JSON Lines.
func exported(t testing.TB, file answer) (seqs []int64) {
	t.Helper()
	for line := range strings.Lines(file.body) {
		var e rbac.Event
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// The exports have all that the filter selects, as package rbac writes it, and break
// with the connection when the store does.
func TestAuditExports(t *testing.T) {
	store := &bent{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	users := numbered(600)
	s.assign("Sales", users...)
	file := s.get(lena, "audit.jsonl")
	require.Equal(t, "application/jsonl", file.Header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="audit.jsonl"`, file.Header.Get("Content-Disposition"))
	require.Equal(t, "no-store", file.Header.Get("Cache-Control"))
	var want strings.Builder
	for e, err := range s.az.Events(context.Background(), rbac.EventQuery{}) {
		require.NoError(t, err)
		line, err := json.Marshal(e)
		require.NoError(t, err)
		want.Write(append(line, '\n'))
	}
	require.Equal(t, want.String(), file.body)
	rows, err := csv.NewReader(strings.NewReader(s.get(lena, "audit.csv").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+619)
	require.Equal(t, "619", rows[619][0])

	plain := httptest.NewServer(s.ui)
	t.Cleanup(plain.Close)
	recovers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = recover() }()
		s.ui.ServeHTTP(w, r)
	}))
	t.Cleanup(recovers.Close)
	store.fails = errors.New("the store is down")
	head := s.ask(lena, http.MethodHead, "audit.jsonl", nil) // reads nothing
	require.Equal(t, file.Header, head.Header)
	require.Empty(t, head.body)
	for _, address := range []string{plain.URL + "/audit.jsonl", plain.URL + "/audit.csv", recovers.URL + "/audit.jsonl", recovers.URL + "/audit.csv"} {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		require.NoError(t, err)
		r.Header.Set("X-User", lena)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil { // else it broke before anything was sent
			_, err = io.ReadAll(res.Body)
			require.NoError(t, res.Body.Close())
		}
		require.Error(t, err, "%s: no part of a record looks like a whole one", address)
	}
}

// The CSV of the record is text for a spreadsheet, cell by cell.
func TestScenario40_AuditIsNeutralisedInCSV(t *testing.T) {
	s := newSite(t, rbacui.WithDirectory(people{names: map[string]rbacui.Person{"-cy": {Name: "＝Cy"}}}))
	ctx := context.Background()
	role, err := s.az.System("@now").CreateRole(ctx, rbac.Role{Name: "=1+1", Permissions: permissions(t, "deals: read own")})
	require.NoError(t, err)
	require.NoError(t, s.az.As(mara).Via("+x").Because("=tab").Assign(ctx, role.ID, "-cy"))
	require.NoError(t, s.az.As(mara).SetTeam(ctx, "north", "-cy"))
	require.NoError(t, s.az.As(mara).Suspend(ctx, "-cy"))
	rows, err := csv.NewReader(strings.NewReader(s.get(lena, "audit.csv").body)).ReadAll()
	require.NoError(t, err)
	line := func(row []string) string { return strings.Join(slices.Concat(row[:1], row[2:len(row)-1]), "|") }
	require.Equal(t, "Number|What happened|Changed by|Name|Reason|Through|Role|About person|Name|Before|After", line(rows[0]))
	id := string(role.ID)
	require.Equal(t, "20|role.created|||'@now||"+id+"||||'=1+1 (deals: read own)", line(rows[20]))
	require.Equal(t, "21|member.assigned|"+mara+"||'=tab|'+x|"+id+"|'-cy|'＝Cy||'=1+1", line(rows[21]))
	require.Equal(t, "22|member.moved|"+mara+"||||"+id+"|'-cy|'＝Cy|'=1+1|'=1+1, team north", line(rows[22]))
	require.Equal(t, "23|member.suspended|"+mara+"||||"+id+"|'-cy|'＝Cy|'=1+1, team north|'=1+1, team north, suspended", line(rows[23]))
	for _, row := range rows[1:] {
		_, err := time.Parse(time.RFC3339Nano, row[1])
		require.NoError(t, err)
		require.Regexp(t, `^[0-9a-f]{64}$`, row[len(row)-1])
		for _, cell := range row {
			require.NotRegexp(t, `^[=+\-@\t\r\n＝＋－＠]`, cell)
		}
	}
}

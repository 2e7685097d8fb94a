package rbacui

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/areagate/rbac"
)

// export reads all that the filter selects, oldest first and a few at a time, so that
// no transaction stays open while somebody downloads, and writes it. What breaks off
// is no whole file: the connection breaks with it.
func (q *request) export(kind, name string, write func(first bool, records []record) error) error {
	f, err := q.auditFilter()
	if err != nil {
		return err
	}
	if len(f.Found) > 0 {
		return q.redirect(f.link("audit"))
	}
	if q.r.Method == http.MethodHead { // which reads nothing of it
		q.download(kind, name)
		return nil
	}
	query := f.query
	for first := true; ; first = false {
		query.Limit = exportBatch
		records, err := q.read(query)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			q.warn("rbacui: an export broke off", err)
			q.breakOff()
		}
		if first {
			q.download(kind, name)
		}
		if err := write(first, records); err != nil {
			q.breakOff() // the client has gone
		}
		if len(records) < exportBatch {
			return nil
		}
		query.After = records[len(records)-1].Seq
	}
}

// breakOff breaks the connection, so that what was written is not taken for the whole.
// A host may recover from the panic, as gin does: so nothing can be written any more.
func (q *request) breakOff() {
	_ = http.NewResponseController(q.w).SetWriteDeadline(time.Unix(1, 0)) // the panic is left where there is none
	panic(http.ErrAbortHandler)
}

// auditJSON is the record as JSON Lines: an event a line, as package rbac writes it.
func (q *request) auditJSON() error {
	return q.export("application/jsonl", "audit.jsonl", func(_ bool, records []record) error {
		out := json.NewEncoder(q.w)
		for _, r := range records {
			var line any = r.Event
			if r.unreadable {
				line = map[string]any{"seq": r.Seq, "unreadable": true}
			}
			if err := out.Encode(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// auditCSV is the record for a spreadsheet.
func (q *request) auditCSV() error {
	return q.export("text/csv; charset=utf-8; header=present", "audit.csv", func(first bool, records []record) error {
		var users []string
		for _, r := range records {
			users = append(users, r.Actor, about(r.Event))
		}
		slices.Sort(users)
		users = slices.DeleteFunc(slices.Compact(users), func(user string) bool { return user == "" })
		names := map[string]string{}
		for _, p := range q.people(users...) {
			names[p.User] = p.Name
		}
		var table rbac.Table
		if first {
			table = rbac.Table{{
				q.t("Number"), q.t("Time (UTC)"), q.t("What happened"), q.t("Changed by"), q.t("Name"), q.t("Reason"), q.t("Through"),
				q.t("Role"), q.t("About person"), q.t("Name"), q.t("Before"), q.t("After"), q.t("Hash"),
			}}
		}
		for _, r := range records {
			e := r.Event
			if r.unreadable {
				table = append(table, []string{strconv.FormatInt(e.Seq, 10), "", q.t("cannot be read"), "", "", "", "", "", "", "", "", "", ""})
				continue
			}
			role, before, after := q.eventCells(e)
			table = append(table, []string{
				strconv.FormatInt(e.Seq, 10), e.Time.UTC().Format(time.RFC3339Nano), string(e.Kind), e.Actor, names[e.Actor], e.Reason, e.Via,
				role, about(e), names[about(e)], before, after, hex.EncodeToString(e.Hash[:]),
			})
		}
		return table.WriteCSV(q.w)
	})
}

// eventCells are the role that an event is about, and what was and is, as text.
func (q *request) eventCells(e rbac.Event) (role, before, after string) {
	of := func(r *rbac.Role, m *rbac.Member) string {
		switch {
		case r != nil:
			role = string(r.ID)
			return r.String()
		case m == nil:
			return ""
		}
		role = string(m.Role)
		text := cmp.Or(m.RoleName, string(m.Role))
		if m.Team != "" {
			text = q.t("%s, team %s", text, m.Team)
		}
		if m.Suspended {
			text = q.t("%s, suspended", text)
		}
		return text
	}
	before = of(e.RoleBefore, e.MemberBefore)
	after = of(e.RoleAfter, e.MemberAfter)
	return role, before, after
}

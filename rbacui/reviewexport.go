package rbacui

import (
	"strconv"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

var reviewCSVPage = page{segment: "review.csv", template: "review.html", within: "review", needs: usersRead, get: (*request).reviewCSV}

// reviewCSV is the whole matrix for a spreadsheet, with when and of what it is.
func (q *request) reviewCSV() error {
	var m model
	err := q.settled(func(at rbac.Revision) (err error) {
		m, err = q.model(at)
		return err
	})
	if err != nil {
		return err
	}
	heading := []string{q.t("Role"), q.t("Kind"), q.t("People")}
	for _, info := range q.areas {
		for _, action := range actions(info) {
			heading = append(heading, q.right(info.Label, action))
		}
	}
	heading = append(heading, q.t("May assign"))
	table := rbac.Table{heading}
	for _, role := range m.Roles {
		kind := q.t("Role of this workspace")
		if role.System {
			kind = q.t("System role")
		}
		row := []string{role.Name, kind, strconv.Itoa(m.Held[role.ID])}
		for _, info := range q.areas {
			for _, action := range actions(info) {
				row = append(row, q.scope(role.Permissions.Scope(info.Area, action)).Word)
			}
		}
		table = append(table, append(row, strings.Join(q.roleNames(role.Assigns, m.Roles), "; ")))
	}
	for _, fact := range [][2]string{
		{},
		{q.t("Workspace"), visible(q.name())},
		{q.t("Exported by"), q.people(q.subject.User())[0].Shown()},
		{q.t("Time (UTC)"), time.Now().UTC().Format(time.RFC3339)},
		{q.t("Revision"), strconv.FormatInt(m.Revision, 10)},
		{q.t("Hash"), m.Hash},
	} {
		row := make([]string, len(heading)) // every line of the file has as many cells
		row[0], row[1] = fact[0], fact[1]
		table = append(table, row)
	}
	q.download("text/csv; charset=utf-8; header=present", "access-review-"+strconv.FormatInt(m.Revision, 10)+".csv")
	return table.WriteCSV(q.w)
}

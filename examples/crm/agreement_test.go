package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

// What docs/records.md claims: with any roles and owners, everything that
// shows several records shows those that the caller can get one by one, no
// more and no less.
func TestListsAndSingleRecordsAgree(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		c := start(t, open(t))
		for round := range long.Scale(3) {
			c.shuffle(t, random, round)
			for _, user := range append(slices.Collect(maps.Values(actors)), "o'brien", "A.Rahman", "aisha.rahman ") {
				if user != nobody {
					c.checkAgreement(t, user)
				}
			}
		}
	})
}

// shuffle gives everybody a random role and team, and replaces the records.
func (c *crm) shuffle(t *testing.T, random *rand.Rand, round int) {
	t.Helper()
	ctx, app := t.Context(), c.az.System("test")
	users := []string{salesRep, otherRep, salesLead, supportAgent, "o'brien", "A.Rahman", "aisha.rahman "}
	for _, user := range users {
		if err := c.db.exec(ctx, "INSERT INTO users (id, name, email) VALUES ($1, '', '') ON CONFLICT DO NOTHING", user); err != nil {
			t.Fatal(err)
		}
		if err := c.db.exec(ctx, "INSERT INTO accounts (company, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", brightwell, user); err != nil {
			t.Fatal(err)
		}
		role := rbac.Role{Name: fmt.Sprintf("Random %d %s|", round, user), Permissions: rbac.Permissions{}}
		for _, k := range kinds {
			role.Permissions[k.area] = rbac.Access{Read: rbac.Scope(random.IntN(4)), Manage: rbac.Scope(random.IntN(4))}
		}
		role.Permissions[exports] = rbac.Access{Read: rbac.All}
		role, err := app.CreateRole(ctx, role)
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Assign(ctx, role.ID, user); err != nil {
			t.Fatal(err)
		}
		if err := app.SetTeam(ctx, []string{"", "north", "south"}[random.IntN(3)], user); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range slices.Backward(kinds) {
		if err := c.db.exec(ctx, "DELETE FROM "+k.table()); err != nil {
			t.Fatal(err)
		}
	}
	c.put(organizations, "org-1", users[random.IntN(len(users))])
	for _, k := range kinds {
		for i := range 20 {
			c.put(k, fmt.Sprintf("%s-%02d", k.area, i), users[random.IntN(len(users))])
		}
	}
}

// checkAgreement compares what one user gets.
func (c *crm) checkAgreement(t *testing.T, user string) {
	t.Helper()
	for _, k := range kinds {
		var single []string
		rows, err := collect(t.Context(), c.db, k.selects()+" ORDER BY id", nil, k.scan)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if c.as(user, "GET", "/"+k.table()+"/"+row.base().ID, nil).status == http.StatusOK {
				single = append(single, row.base().ID)
			}
		}
		all := c.as(user, "GET", "/"+k.table(), nil)
		if all.status == http.StatusForbidden {
			if len(single) > 0 {
				t.Errorf("%q gets no list of %s, and yet %q", user, k.area, single)
			}
			continue
		}
		listed, _ := all.ids(t)
		check := func(what string, got []string) {
			t.Helper()
			if !slices.Equal(got, single) {
				t.Errorf("%q gets %s %q of %s, one by one %q", user, what, got, k.area, single)
			}
		}
		check("the list", listed)
		var paged []string
		for after := ""; ; {
			ids, next := c.as(user, "GET", "/"+k.table()+"?limit=3&after="+after, nil).ids(t)
			paged = append(paged, ids...)
			if after = next; next == "" {
				break
			}
		}
		check("the pages", paged)
		check("found", c.found(t, user, k))
		switch k.area {
		case rbac.Contacts:
			if c.az.Can(t.Context(), user, exports, rbac.Read) {
				check("the export", c.exported(t, user))
			}
		case rbac.Deals:
			check("the summary", c.summarized(t, user))
		}
	}
}

// found returns the records of a kind that the search finds; for a kind that
// it does not search, those of the list.
func (c *crm) found(t *testing.T, user string, k kind) (ids []string) {
	t.Helper()
	if k.area == rbac.Services || k.area == rbac.Tasks {
		ids, _ := c.as(user, "GET", "/"+k.table(), nil).ids(t)
		return ids
	}
	ids, _ = c.as(user, "GET", "/search?q="+k.table()+"-", nil).ids(t)
	if organization, _ := c.as(user, "GET", "/search?q=org-1", nil).ids(t); k.area == rbac.Organizations {
		ids = append(ids, organization...)
		slices.Sort(ids)
	}
	return ids
}

func (c *crm) exported(t *testing.T, user string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(c.as(user, "GET", "/contacts/export", nil).body) {
		if id, _, _ := strings.Cut(line, ","); id != "id" {
			ids = append(ids, id)
		}
	}
	return ids
}

// summarized returns the stages of the summary, which are the ids of deals
// here.
func (c *crm) summarized(t *testing.T, user string) (ids []string) {
	t.Helper()
	var summary struct{ Stages []struct{ Stage string } }
	c.as(user, "GET", "/deals/summary", nil).decode(t, http.StatusOK, &summary)
	for _, stage := range summary.Stages {
		ids = append(ids, stage.Stage)
	}
	return ids
}

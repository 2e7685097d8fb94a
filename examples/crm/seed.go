package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"

	"github.com/areagate/rbac"
)

//go:embed brightwell.json oakline.json
var seeds embed.FS

// seed is what a company begins with.
type seed struct {
	company
	Administrators []string
	Roles          []rbac.Role // whose lists have the names of earlier ones
	People         []struct {
		person
		Role string // by its name; empty for somebody who waits to be let in
		Team string
	}
	Suspended []string
	Records   map[rbac.Area][]json.RawMessage
}

// setUp makes the CRM's tables, and fills them and rbac's with the companies that
// are not there. For each it is one transaction: of programs that start at once on
// one database, one fills it while the others wait.
func setUp(ctx context.Context, db *database, az *rbac.Authorizer) error {
	for _, file := range []string{"brightwell.json", "oakline.json"} {
		data, err := seeds.ReadFile(file)
		if err != nil {
			return err
		}
		var c seed
		if err := decodeStrictly(data, &c); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		err = db.transact(ctx, az.For(c.ID), func(tx transaction) error {
			if err := tx.exec(ctx, db.lock); err != nil {
				return err
			}
			if err := tx.exec(ctx, schema); err != nil {
				return err
			}
			there, err := tx.number(ctx, "SELECT COUNT(*) FROM companies WHERE id = $1", c.ID)
			if err != nil || there > 0 {
				return err
			}
			if err := c.insert(ctx, tx); err != nil {
				return err
			}
			return c.giveRoles(ctx, tx.access().System("seed"))
		})
		if err != nil {
			return fmt.Errorf("set up %s: %w", c.Name, err)
		}
	}
	return nil
}

// insert fills the CRM's tables.
func (c seed) insert(ctx context.Context, tx transaction) error {
	if err := tx.exec(ctx, "INSERT INTO companies (id, name) VALUES ($1, $2)", c.ID, c.Name); err != nil {
		return err
	}
	for _, p := range c.People {
		if err := addPerson(ctx, tx, c.ID, p.person); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		for _, data := range c.Records[k.area] {
			made := k.empty()
			if err := decodeStrictly(data, made); err != nil {
				return err
			}
			made.base().company = c.ID
			if err := k.insert(ctx, tx.exec, made); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveRoles fills rbac's tables.
func (c seed) giveRoles(ctx context.Context, app *rbac.Admin) error {
	if err := app.Assign(ctx, rbac.Administrator, c.Administrators...); err != nil {
		return err
	}
	holders, teams := map[string][]string{}, map[string][]string{}
	for _, p := range c.People {
		holders[p.Role] = append(holders[p.Role], p.User)
		if p.Team != "" {
			teams[p.Team] = append(teams[p.Team], p.User)
		}
	}
	ids := map[rbac.RoleID]rbac.RoleID{} // by name
	for _, role := range c.Roles {
		for i, name := range role.Assigns {
			role.Assigns[i] = ids[name]
		}
		created, err := app.CreateRole(ctx, role)
		if err != nil {
			return err
		}
		if err := app.Assign(ctx, created.ID, holders[role.Name]...); err != nil {
			return err
		}
		ids[rbac.RoleID(role.Name)] = created.ID
	}
	for team, users := range teams {
		if err := app.SetTeam(ctx, team, users...); err != nil {
			return err
		}
	}
	return app.Suspend(ctx, c.Suspended...)
}

func decodeStrictly(data []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(target)
}

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/areagate/rbac"
)

//go:embed company.json
var companyFile []byte

// company is what a new CRM begins with.
type company struct {
	Administrators []string
	Roles          []rbac.Role // whose lists have the names of earlier ones
	People         []struct {
		person
		Role string // by its name; empty for somebody who has left
		Team string
	}
	Suspended []string
	Records   map[rbac.Area][]json.RawMessage
}

// setUp makes the CRM's tables, and fills a database in which there is nobody.
// It is one transaction: of programs that start at once on one database, one
// fills it while the others wait.
func setUp(ctx context.Context, db *database, az *rbac.Authorizer) error {
	var c company
	if err := decodeStrictly(companyFile, &c); err != nil {
		return err
	}
	err := db.transact(ctx, az.Workspace, func(tx transaction) error {
		if err := tx.exec(ctx, db.lock); err != nil {
			return err
		}
		if err := tx.exec(ctx, schema); err != nil {
			return err
		}
		users, err := tx.number(ctx, "SELECT COUNT(*) FROM users")
		if err != nil || users > 0 {
			return err
		}
		if err := c.insert(ctx, tx); err != nil {
			return err
		}
		return c.giveRoles(ctx, tx.access().System("seed"))
	})
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return nil
}

// insert fills the CRM's tables.
func (c company) insert(ctx context.Context, tx transaction) error {
	for _, p := range c.People {
		err := tx.exec(ctx, "INSERT INTO users (id, name, email) VALUES ($1, $2, $3)", p.User, p.Name, p.Email)
		if err != nil {
			return err
		}
	}
	for _, k := range kinds {
		for _, data := range c.Records[k.area] {
			made := k.empty()
			if err := decodeStrictly(data, made); err != nil {
				return err
			}
			if err := k.insert(ctx, tx.exec, made); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveRoles fills rbac's tables.
func (c company) giveRoles(ctx context.Context, app *rbac.Admin) error {
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
	if err := d.Decode(target); err != nil {
		return fmt.Errorf("company.json: %w", err)
	}
	return nil
}

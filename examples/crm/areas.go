package main

import "github.com/areagate/rbac"

// exports is an area of one action: whoever reads it may take contacts out as a
// file. Which ones is a question to the area of contacts.
const exports rbac.Area = "exports"

// areas are the parts of the CRM that are granted separately.
func areas() []rbac.AreaInfo {
	return append(rbac.DefaultAreas(), rbac.AreaInfo{
		Area: exports, Label: "Exports", Description: "Contacts as a file for a spreadsheet.",
		Section: "Records", Only: rbac.Read, Sensitive: true,
	})
}

// options are those of every Authorizer of the CRM. Each company is a workspace.
func options() []rbac.Option {
	return []rbac.Option{rbac.WithAreas(areas()...), rbac.WithTeams(), rbac.WithoutDefaultWorkspace()}
}

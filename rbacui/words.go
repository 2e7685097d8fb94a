package rbacui

import (
	"html/template"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// words is what a role allows, in plain words: one function makes all sentences.
type words struct {
	Reads, Manages string // "all deals; their own tasks", "nothing"
	Assigns        template.HTML
	Sentence       string // "Reads all deals. Manages nothing."
}

// words says what permissions allow. With most greater than 0 it names at most so
// many areas of each reach, for lists.
func (u *ui) words(p rbac.Permissions, most int) words {
	w := words{Reads: u.reach(p, rbac.Read, most), Manages: u.reach(p, rbac.Manage, most)}
	nothing := u.t("nothing")
	switch {
	case u.all(p):
		w.Sentence = u.t("Reads and manages everything.")
	case w.Reads == "" && w.Manages == "":
		w.Sentence = u.t("Reads and manages nothing.")
	case w.Reads == w.Manages:
		w.Sentence = u.t("Reads and manages %s.", w.Reads)
	case w.Reads == "":
		w.Sentence = u.t("Reads nothing.") + " " + u.t("Manages %s.", w.Manages)
	case w.Manages == "":
		w.Sentence = u.t("Reads %s.", w.Reads) + " " + u.t("Manages nothing.")
	default:
		w.Sentence = u.t("Reads %s.", w.Reads) + " " + u.t("Manages %s.", w.Manages)
	}
	if w.Reads == "" {
		w.Reads = nothing
	}
	if w.Manages == "" {
		w.Manages = nothing
	}
	return w
}

// all reports whether permissions hold All wherever there is something to hold.
func (u *ui) all(p rbac.Permissions) bool {
	for _, info := range u.areas {
		for _, action := range actions(info) {
			if !p.Can(info.Area, action) {
				return false
			}
		}
	}
	return true
}

// actions are what one can do in an area.
func actions(info rbac.AreaInfo) []rbac.Action {
	if info.Only != 0 {
		return []rbac.Action{info.Only}
	}
	return []rbac.Action{rbac.Read, rbac.Manage}
}

// reach says how far one action reaches, the most first. It is empty for nothing.
func (u *ui) reach(p rbac.Permissions, action rbac.Action, most int) string {
	var parts []string
	for _, scope := range []rbac.Scope{rbac.All, rbac.Team, rbac.Own} {
		if part := u.ofScope(p, action, scope, most); part != "" {
			parts = append(parts, part)
		}
	}
	return u.join("%s; %s", parts)
}

func (u *ui) ofScope(p rbac.Permissions, action rbac.Action, scope rbac.Scope, most int) string {
	var names, others []string // others take no "all" before them
	done := map[string]bool{}
	for _, info := range u.areas {
		if p.Scope(info.Area, action) != scope || done[info.Section] {
			continue
		}
		switch {
		case scope == rbac.All && u.wholeSection(p, info.Section, action):
			done[info.Section] = true
			names = append(names, lower(info.Section))
		case info.Area == rbac.Audit && info.Label == "Audit":
			others = append(others, u.t("the audit record"))
		case info.Area == rbac.Users && info.Label == "Users" && scope == rbac.Own:
			names = append(names, u.t("profile"))
		default:
			names = append(names, u.noun(info))
		}
	}
	if most > 0 && len(names) > most+1 {
		names = append(names[:most:most], u.t("%s more", len(names)-most))
	}
	if len(names) == 0 {
		return u.list(others)
	}
	var lead string
	switch scope {
	case rbac.All:
		lead = u.t("all %s", names[0])
	case rbac.Team:
		lead = u.t("their team’s %s", names[0])
	default:
		lead = u.t("their own %s", names[0])
	}
	names[0] = lead
	return u.list(append(names, others...))
}

// wholeSection reports whether a section is one of records, and permissions reach
// all of it.
func (u *ui) wholeSection(p rbac.Permissions, section string, action rbac.Action) bool {
	n, records := 0, false
	for _, info := range u.areas {
		if info.Section != section || !slices.Contains(actions(info), action) {
			continue
		}
		if !p.Can(info.Area, action) {
			return false
		}
		n++
		records = records || info.Owned && !info.Sensitive
	}
	return n > 1 && records && section != ""
}

// noun is an area within a sentence.
func (u *ui) noun(info rbac.AreaInfo) string {
	switch {
	case info.Area == rbac.API && info.Label == "API access":
		return u.t("API keys")
	case info.Area == rbac.Audit && info.Label == "Audit":
		return u.t("the audit record")
	}
	return lower(info.Label)
}

// lower is a label within a sentence: "deals", but "API access".
func lower(label string) string {
	first, size := utf8.DecodeRuneInString(label)
	second, _ := utf8.DecodeRuneInString(label[size:])
	if unicode.IsUpper(second) {
		return label
	}
	return string(unicode.ToLower(first)) + label[size:]
}

// assigns says which roles the holders of a role may give, by their names.
func (u *ui) assigns(role rbac.Role, roles []rbac.Role) template.HTML {
	switch {
	case role.ID == rbac.Administrator:
		return u.th("every role")
	case role.Permissions.Can(rbac.Users, rbac.Manage):
		return u.th("every role that holds no more than this one")
	}
	names := u.roleNames(role.Assigns, roles)
	if len(names) == 0 {
		return template.HTML(template.HTMLEscapeString(u.t("no roles")))
	}
	if more := len(names) - mostRolesNamed; more > 1 {
		names = append(names[:mostRolesNamed], u.t("%s more", more))
	}
	joined := bdi(names[0])
	for _, name := range names[1:] {
		joined = u.th("%s; %s", joined, bdi(name))
	}
	return joined
}

// roleNames returns the names of roles, in the order of roles; one that is not there
// goes by its id.
func (u *ui) roleNames(ids []rbac.RoleID, roles []rbac.Role) []string {
	left := slices.Clone(ids)
	var names []string
	for _, role := range roles {
		if i := slices.Index(left, role.ID); i >= 0 {
			left = slices.Delete(left, i, i+1)
			names = append(names, role.Name)
		}
	}
	for _, id := range left {
		names = append(names, string(id))
	}
	return names
}

// right is an action in an area as a label: "Deals: manage".
func (tr translator) right(label string, action rbac.Action) string {
	if action == rbac.Read {
		return tr.t("%s: read", label)
	}
	return tr.t("%s: manage", label)
}

// scopeHTML is a scope as it stands in a table.
func (tr translator) scopeHTML(scope rbac.Scope) template.HTML {
	v := tr.scope(scope)
	return template.HTML(`<span class="scope" data-scope="` + v.Value + `">` + template.HTMLEscapeString(v.Word) + `</span>`)
}

// scopeView is a scope with its word.
type scopeView struct{ Value, Word string }

func (tr translator) scope(s rbac.Scope) scopeView {
	switch s {
	case rbac.Own:
		return scopeView{"own", tr.t("own")}
	case rbac.Team:
		return scopeView{"team", tr.t("team")}
	case rbac.All:
		return scopeView{"all", tr.t("all")}
	}
	return scopeView{"none", tr.t("no")}
}

// info returns what is known of an area.
func (u *ui) info(area rbac.Area) rbac.AreaInfo {
	for _, info := range u.areas {
		if info.Area == area {
			return info
		}
	}
	return rbac.AreaInfo{Area: area, Label: string(area)}
}

package rbacui

import (
	"bytes"
	"embed"
	"html/template"
	"strings"
)

//go:embed templates
var templateFiles embed.FS

// parse parses the template of each page, together with the layout and the parts
// that pages share.
func (u *ui) parse() {
	shared := template.Must(template.New("").Funcs(template.FuncMap{
		"t": u.t, "th": u.th, "n": u.n, "people": u.countPeople, "lang": func() string { return u.language },
		"date": u.date, "moment": u.moment, "clock": u.clock,
		"bdi": bdi, "link": link, "icon": icon, "strong": strong, "anchor": anchor,
		"style": func() string { return styleName }, "script": func() string { return scriptName },
		"teams": func() bool { return u.teams },
	}).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/people.html"))
	add := func(name string) {
		if u.templates[name] == nil {
			u.templates[name] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, "templates/"+name))
		}
	}
	add("state.html")
	add("conflict.html")
	for _, p := range u.order {
		add(p.template)
	}
}

// icon is one of the symbols of templates/layout.html.
func icon(name string) template.HTML {
	return template.HTML(`<svg aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}

func strong(text string) template.HTML {
	return template.HTML("<b>" + string(bdi(text)) + "</b>")
}

// anchor is a link to a place, or to a page, with HTML or text in it.
func anchor(to string, text any) template.HTML {
	inner, ok := text.(template.HTML)
	if !ok {
		inner = bdi(text.(string))
	}
	return template.HTML(`<a href="` + template.HTMLEscapeString(to) + `">` + string(inner) + `</a>`)
}

// safe is what a template wrote.
func safe(b bytes.Buffer) template.HTML { return template.HTML(strings.TrimSpace(b.String())) }

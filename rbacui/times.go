package rbacui

import (
	"html/template"
	"time"
)

// month names a month.
func (tr translator) month(m time.Month) string {
	return [...]string{
		tr.t("January"), tr.t("February"), tr.t("March"), tr.t("April"), tr.t("May"), tr.t("June"), tr.t("July"),
		tr.t("August"), tr.t("September"), tr.t("October"), tr.t("November"), tr.t("December"),
	}[m-1]
}

// day says a day in UTC: "3 March 2026".
func (tr translator) day(at time.Time) string {
	at = at.UTC()
	return tr.t("%s %s %s", at.Day(), tr.month(at.Month()), at.Year())
}

// date is a day as an element, whose title has the time. The script turns it into
// the day of the viewer's zone.
func (tr translator) date(at time.Time) template.HTML {
	return element(at, "date", tr.day(at))
}

// moment is a day and a time as an element, in UTC, and in the viewer's zone by
// script.
func (tr translator) moment(at time.Time) template.HTML {
	return element(at, "moment", tr.t("%s, %s UTC", tr.day(at), at.UTC().Format("15:04")))
}

// clock is a time of day as an element, likewise.
func (tr translator) clock(at time.Time) template.HTML {
	return element(at, "clock", tr.t("%s UTC", at.UTC().Format("15:04")))
}

func element(at time.Time, local, text string) template.HTML {
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `" title="` + at.Format("2006-01-02 15:04:05") + ` UTC" data-local="` + local + `">` +
		template.HTMLEscapeString(text) + `</time>`)
}

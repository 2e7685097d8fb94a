// Package rbacui is the role editor: pages on which people who know nothing of
// access control set up roles, give them to members, and review and audit both. It
// is one [http.Handler], which an application mounts under any path of its own.
//
//	ui := rbacui.New(az, identify)
//	mux.Handle("/settings/access/", ui)
//
// The permissions of the pages are the library's own: they need Read on
// [rbac.Users], those of the audit record Read on [rbac.Audit], and every change is
// made as the Subject of the request. Whoever may give some roles and does not read
// users sees the members who hold those, and nobody else. So nobody can do anything
// here that the rules refuse, a key is no more than a key, and there is nothing to
// configure.
package rbacui

// How a page is written.
//
// A page is one file with its handler, and one template of the same name:
// roles.go and templates/roles.html. The topics of a long one have files of their
// own: reviewmatrix.go, membersfilter.go. What every page may need is in request.go,
// and what is shown where there is no page in state.go. Members are on
//
//	members.go       "members"         search, filters, who waits
//	member.go        "member"          ?user=…&role=…&action=…&area=…
//	memberchange.go  "members-change"  ?user=…&user=…&role=…&move=…&team=…&state=…&remove=1&restore=<number>
//	membernew.go     "member-new"      ?q=…
//
// and review and audit on
//
//	review.go        "review"          ?area=…&action=…&person=…&finding=…, #f-<code>-<role>, #who-can
//	audit.go         "audit"           ?role=…&user=…, #e-<number>
//
// In the file stands
//
//	var membersPage = page{segment: "members", template: "members.html", needs: membersSeen,
//		nav: "Members", get: (*request).members, post: (*request).admit}
//
// and the page is in the list of pages in handler.go. A handler reads with
// q.workspace, changes with q.admin() (several at once with q.together, after a
// Preview), and ends with q.show, which renders its
// template with any value, q.redirect, after a change, or an error: q.fail knows
// what each error of package rbac looks like. It never writes by GET.
//
//   - All pages are siblings, so every link is "member?user=…" or "./", whatever
//     the prefix: use link("member", "user", id) in Go and in templates.
//   - All words go through t, or th where something is put into the sentence that
//     is HTML, in Go and in templates; go test -run TestTexts$ -update lists them in
//     texts.txt. A number goes through n, which knows one and many.
//   - "role?id=…&restore=<number>" and "role-new?restore=<number>" open the form with
//     the role as it was before that event, for those who may read the record.
//   - Names are shown by bdi, people by q.people(ids), icons by icon.
//   - What roles may do is said by words.go, why somebody may do something by
//     decision.go, what an event did by eventwords.go, what a rule refused by
//     refusals.go, what a change does by plan.go, when by times.go: in one way
//     everywhere.

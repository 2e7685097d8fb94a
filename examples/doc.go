// Package examples is the home of programs that show rbac at work, each in a
// directory of its own. Begin with quickstart, a tour on a terminal; with tutorial,
// a small service that docs/tutorial.md builds step by step; or with crm, a product
// to click through whose handlers are guarded. chi, echo and gin show the guard with
// other routers.
package examples

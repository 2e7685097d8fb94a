// Package examples is the home of programs that show rbac at work, each in a
// directory of its own. Begin with quickstart.
package examples

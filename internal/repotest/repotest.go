// Package repotest tests the repository and not the library: rules about the
// code, and that README.md and docs are true to it. It has nothing but tests.
package repotest

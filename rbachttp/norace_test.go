//go:build !race

package rbachttp_test

const raceEnabled = false

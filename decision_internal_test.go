package rbac

import "testing"

// The empty user owns nothing (E3), not even if a row made them a member.
func TestE3_TheEmptyUserOwnsNothing(t *testing.T) {
	t.Parallel()
	if owns("", []string{"", "ann"}) {
		t.Error("a record without an owner belongs to somebody")
	}
}

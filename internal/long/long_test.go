package long_test

import (
	"testing"

	"github.com/areagate/rbac/internal/long"
)

func TestScale(t *testing.T) {
	for _, test := range []struct {
		asked string
		want  int // of 1000, without the race detector
	}{
		{"", 25}, {"0", 25}, {"1", 1000},
	} {
		t.Setenv("RBAC_LONG", test.asked)
		want := test.want
		if long.Race {
			want /= 10
		}
		if got := long.Scale(1000); got != want || long.Enabled() != (test.want == 1000) {
			t.Errorf("RBAC_LONG=%q: %d of 1000, want %d", test.asked, got, want)
		}
		if got := long.Scale(1); got != 1 {
			t.Errorf("RBAC_LONG=%q: %d of 1", test.asked, got)
		}
	}
}

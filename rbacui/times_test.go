package rbacui_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Times are in UTC, as elements that say so.
func TestTimes(t *testing.T) {
	s := newSite(t)
	updated := s.role("Sales").UpdatedAt
	page := s.get(mara, s.path("role", "Sales"))
	require.Contains(t, page.body, fmt.Sprintf(`<time datetime="%s" title="%s UTC" data-local="date">%s</time>`,
		updated.Format(time.RFC3339), updated.Format("2006-01-02 15:04:05"), updated.Format("2 January 2006")))
}

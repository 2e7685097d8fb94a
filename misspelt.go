package rbac

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// misspelt are the areas that checks asked for and this program does not know. They
// may come from requests, so few are kept, and no more than there is room for in a
// name.
type misspelt struct {
	report func(area string)

	mu    sync.Mutex
	areas atomic.Pointer[[]string]
}

// mostMisspelt bounds the areas that are reported, and kept.
const mostMisspelt = 16

// note reports an area, once.
func (m *misspelt) note(area Area) {
	name := string(area[:min(len(area), maxArea+1)])
	if m.had(name) {
		return
	}
	if m.add(strings.Clone(name)) {
		m.report(name)
	}
}

func (m *misspelt) had(name string) bool {
	areas := m.areas.Load()
	if areas == nil {
		return false
	}
	if len(*areas) == mostMisspelt {
		return true // or is not to be kept
	}
	return slices.Contains(*areas, name)
}

func (m *misspelt) add(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.had(name) {
		return false
	}
	var areas []string
	if had := m.areas.Load(); had != nil {
		areas = append(areas, *had...)
	}
	areas = append(areas, name)
	m.areas.Store(&areas)
	return true
}

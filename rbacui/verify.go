package rbacui

import (
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// verifications are the last results by workspace, as far as this handler knows: they
// are asked for, and kept in memory.
type verifications struct {
	mu      sync.Mutex
	results map[string]*verification
	running map[string]bool
}

// mostVerified bounds the workspaces whose result is kept.
const mostVerified = 1000

// verification is the result of one verification of the record.
type verification struct {
	At     time.Time
	Broken int64 // the first event that is not what was recorded; 0 if the record is whole
	Events int   // that it had
	Hash   string
}

// Whole reports whether the record was what was recorded.
func (v *verification) Whole() bool { return v.Broken == 0 }

// Before is the last event that is whole.
func (v *verification) Before() int64 { return v.Broken - 1 }

// ShortHash is the beginning of the hash.
func (v *verification) ShortHash() string { return grouped(v.Hash) }

// last returns the last result of a workspace, nil if there is none.
func (v *verifications) last(workspace string) *verification {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.results[workspace]
}

// busy reports whether a verification of a workspace goes on.
func (v *verifications) busy(workspace string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.running[workspace]
}

// begin reports whether a verification of a workspace may begin: there is one at a
// time.
func (v *verifications) begin(workspace string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running[workspace] {
		return false
	}
	if v.running == nil {
		v.running = map[string]bool{}
	}
	v.running[workspace] = true
	return true
}

// end keeps the result, unless it is nil. Where there are too many, the oldest goes.
func (v *verifications) end(workspace string, result *verification) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, workspace)
	if result == nil {
		return
	}
	if v.results == nil {
		v.results = map[string]*verification{}
	}
	v.results[workspace] = result
	if len(v.results) <= mostVerified {
		return
	}
	oldest := workspace
	for id, kept := range v.results {
		if kept.At.Before(v.results[oldest].At) {
			oldest = id
		}
	}
	delete(v.results, oldest)
}

// verify verifies all events of the workspace, which takes as long as there are many.
// While somebody else does, it does nothing.
func (q *request) verify() error {
	workspace := q.workspace.ID()
	if !q.verified.begin(workspace) {
		return q.redirect(link("audit"))
	}
	var result *verification
	defer func() { q.verified.end(workspace, result) }()
	before, err := q.newest()
	if err != nil {
		return err
	}
	err = q.workspace.VerifyEvents(q.ctx)
	var tampered *rbac.TamperedError
	switch {
	case errors.As(err, &tampered):
		q.warn("rbacui: the record of changes was altered", err)
		result = &verification{At: time.Now(), Broken: max(tampered.Seq, 1)}
	case err != nil:
		return err
	default:
		result = &verification{At: time.Now(), Events: int(before.Seq), Hash: hex.EncodeToString(before.Hash[:])}
	}
	return q.redirect(link("audit"))
}

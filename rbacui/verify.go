package rbacui

import (
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// running are the workspaces in which something goes on that takes long: once at a
// time in each, as far as this handler knows.
type running struct {
	mu         sync.Mutex
	workspaces map[string]bool
}

// begin reports whether it may begin in a workspace: it does not go on there.
func (r *running) begin(workspace string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.workspaces[workspace] {
		return false
	}
	if r.workspaces == nil {
		r.workspaces = map[string]bool{}
	}
	r.workspaces[workspace] = true
	return true
}

func (r *running) end(workspace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.workspaces, workspace)
}

// busy reports whether it goes on in a workspace.
func (r *running) busy(workspace string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.workspaces[workspace]
}

// verifications are the last results by workspace, as far as this handler knows: they
// are asked for, and kept in memory.
type verifications struct {
	mu      sync.Mutex
	results map[string]*verification
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

// keep keeps a result. Where there are too many, the oldest goes.
func (v *verifications) keep(workspace string, result *verification) {
	v.mu.Lock()
	defer v.mu.Unlock()
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
	if !q.verifying.begin(workspace) {
		return q.redirect(link("audit"))
	}
	defer q.verifying.end(workspace)
	before, err := q.newest()
	if err != nil {
		return err
	}
	err = q.workspace.VerifyEvents(q.ctx)
	var tampered *rbac.TamperedError
	switch {
	case errors.As(err, &tampered):
		q.warn("rbacui: the record of changes was altered", err)
		q.verified.keep(workspace, &verification{At: time.Now(), Broken: max(tampered.Seq, 1)})
	case err != nil:
		return err
	default:
		q.verified.keep(workspace, &verification{At: time.Now(), Events: int(before.Seq), Hash: hex.EncodeToString(before.Hash[:])})
	}
	return q.redirect(link("audit"))
}

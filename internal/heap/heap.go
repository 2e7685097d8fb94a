// Package heap measures memory for tests that bound it. They are not parallel:
// what runs beside them is measured with them.
package heap

import (
	"runtime"
	"sync/atomic"
)

// InUse returns the bytes in use after garbage collection.
func InUse() int64 {
	for range 3 { // what cleanups let go of is collected in the next round
		collect()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// collect returns when garbage is collected and cleanups have begun to run. It
// works in a bubble of synctest too, which has no channels in common with
// cleanups.
func collect() {
	done := new(atomic.Bool)
	runtime.AddCleanup(new([64]*int), func(done *atomic.Bool) { done.Store(true) }, done)
	runtime.GC()
	for !done.Load() {
		runtime.Gosched()
	}
}

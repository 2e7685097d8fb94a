package rbactest_test

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// printer is a testing.TB that prints what a test would report, so that the
// examples can show it.
type printer struct {
	testing.TB // nil: the examples need no more
	cleanups   []func()
}

func (p *printer) Name() string                      { return "TestSales" }
func (p *printer) Helper()                           {}
func (p *printer) Context() context.Context          { return context.Background() }
func (p *printer) Output() io.Writer                 { return io.Discard }
func (p *printer) Cleanup(fn func())                 { p.cleanups = append(p.cleanups, fn) }
func (p *printer) Logf(format string, args ...any)   { fmt.Printf(format+"\n", args...) }
func (p *printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (p *printer) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (p *printer) end() {
	for _, cleanup := range p.cleanups {
		cleanup()
	}
}

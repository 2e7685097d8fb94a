package oracle

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

func TestRandomHistories(t *testing.T) {
	t.Parallel()
	n := long.Scale(2000)
	if !long.Enabled() {
		n = max(n/2, 1)
	}
	RandomHistories(t, n, func(testing.TB) rbac.Store { return rbac.NewMemStore() })
}

// byteChoice takes each choice from a byte, for fuzzing.
type byteChoice struct{ program *[]byte }

func (c byteChoice) pick(n int) int {
	if len(*c.program) == 0 {
		return 0
	}
	b := (*c.program)[0]
	*c.program = (*c.program)[1:]
	return int(b) % n
}

func (c byteChoice) ended() bool { return len(*c.program) == 0 }

// FuzzAdmin is TestRandomHistories with a program of bytes that makes the
// choices: who does what to whom, through which Authorizer.
func FuzzAdmin(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\x02\x00\x00\x01\x05\x0b\x00\x04\x01\x00",
		strings.Repeat("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 8),
		strings.Repeat("\x0b\x07\x05\x03\x02\x01", 30), strings.Repeat("\x00\x00\x05\x01\x09\x02", 30), strings.Repeat("\x05\x04\x0b\x06", 40),
		"The quick brown fox jumps over the lazy dog, and everybody who watches is suspended, reinstated and removed in turn.",
		"\x07\x01\x01" + strings.Repeat("\x01\x05\x00\x09\x05\x02\x00\x08\x00\x00", 20),
	} {
		f.Add([]byte(seed))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		program := make([]byte, 500)
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		program = program[:min(len(program), 2000)] // more takes time and shows nothing new
		c := byteChoice{&program}
		h := newHistory(t, rbac.NewMemStore(), c, "fuzz")
		for !c.ended() {
			h.step()
		}
		h.end()
	})
}

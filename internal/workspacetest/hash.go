package workspacetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
)

// Hash computes the hash of an event from the documentation of Event alone, by
// other means than the library.
func Hash(t testing.TB, workspace string, previous rbac.Revision, e rbac.Event) [32]byte {
	t.Helper()
	if previous.Seq == 0 {
		previous.Hash = sha256.Sum256([]byte("rbac events v1\n" + workspace))
	}
	return sha256.Sum256(append(previous.Hash[:], Canonical(t, e)...))
}

// Canonical returns an event's JSON form without "hash", in the JSON
// Canonicalization Scheme (RFC 8785).
func Canonical(t testing.TB, e rbac.Event) []byte {
	t.Helper()
	form, err := e.MarshalJSON()
	assert.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(form))
	d.UseNumber()
	var object map[string]any
	assert.NoError(t, d.Decode(&object))
	delete(object, "hash")
	return appendJCS(t, nil, object)
}

// appendJCS writes the values that an event is made of. encoding/json differs
// from RFC 8785 in strings only by escaping U+2028 and U+2029, which the
// library refuses to store, and what is special in HTML, unless told not to.
func appendJCS(t testing.TB, b []byte, value any) []byte {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJCS(t, b, key), ':')
			b = appendJCS(t, b, v[key])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJCS(t, b, element)
		}
		return append(b, ']')
	case string:
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		assert.NoError(t, e.Encode(v))
		return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
	case json.Number:
		return append(b, v...)
	case bool:
		if v { // false is left out
			return append(b, "true"...)
		}
	}
	t.Fatalf("an event has no %#v", value)
	return nil
}

package pgstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Option configures a [Store]. Wrong values are an error of whatever takes
// them first.
type Option func(*options)

type options struct {
	schema        string
	listenConn    func(context.Context) (*pgx.Conn, error)
	listenTimeout time.Duration
}

// WithSchema sets the schema that holds the tables. The name is quoted, so
// that any will do: 1 to 55 bytes of valid UTF-8. It is also the first part
// of the channel on which changes are announced.
//
// Defaults to "rbac".
func WithSchema(name string) Option {
	return func(o *options) { o.schema = name }
}

// WithListenConn sets how [Store.Notify] gets its connection, which it closes
// when it ends. Use it when the pool goes through a pooler in transaction
// mode, where LISTEN hears nothing: connect to the server itself. No table is
// read through it, so that it needs no right but to connect.
//
// Defaults to a connection of its own with the pool's configuration.
func WithListenConn(connect func(context.Context) (*pgx.Conn, error)) Option {
	return func(o *options) { o.listenConn = connect }
}

// WithListenTimeout sets how long the listening connection may be silent
// until [Store.Notify] asks whether it is still there, and how long the answer
// may take. A connection that is half open is noticed after at most twice this
// time; meanwhile the library's poll carries on. Connecting may take so long
// too, and at least 5 seconds.
//
// Defaults to 5 seconds. Must be greater than 0.
func WithListenTimeout(d time.Duration) Option {
	return func(o *options) { o.listenTimeout = d }
}

const channelSuffix = ".changes"

func newOptions(given []Option) (options, error) {
	o := options{schema: "rbac", listenTimeout: 5 * time.Second}
	for _, option := range given {
		if option == nil {
			return o, fmt.Errorf("pgstore: a nil Option")
		}
		option(&o)
	}
	const mostIdentifier = 63 // bytes, in PostgreSQL
	switch most := mostIdentifier - len(channelSuffix); {
	case o.schema == "" || len(o.schema) > most:
		return o, fmt.Errorf("pgstore: the schema's name has %d bytes: want 1 to %d", len(o.schema), most)
	case !storable(o.schema):
		return o, fmt.Errorf("pgstore: the schema's name %q is not valid UTF-8, or has a NUL", o.schema)
	case o.listenTimeout <= 0:
		return o, fmt.Errorf("pgstore: the listen timeout is %v: want more than 0", o.listenTimeout)
	}
	return o, nil
}

// schemaError returns a [SchemaError] that says where the tables are.
func (o options) schemaError(found, known int) error {
	return fmt.Errorf("pgstore: schema %q: %w", o.schema, &SchemaError{found, known})
}

// table returns the quoted name of a table.
func (o options) table(name string) string {
	return pgx.Identifier{o.schema, name}.Sanitize()
}

// channel is where changes are announced.
func (o options) channel() string { return o.schema + channelSuffix }

// lockKey is the advisory lock under which the schema is migrated.
func (o options) lockKey() int64 {
	sum := sha256.Sum256([]byte("github.com/areagate/rbac/pgstore migrations " + o.schema))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// storable reports whether PostgreSQL can store a text: it refuses NUL and
// what is not UTF-8.
func storable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

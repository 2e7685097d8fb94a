package rbachttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// mostBody bounds the body of a request to Admin, in bytes.
const mostBody = 256 << 10

// mostItems bounds a page, and the events of a preview.
const mostItems = 1000

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the parameter after of the next part, if there is one
}

// pageOf returns the first items, of which one more than limit were asked for.
func pageOf[T any](items []T, limit int, place func(T) string) page[T] {
	if len(items) <= limit {
		return page[T]{Items: items}
	}
	return page[T]{items[:limit], place(items[limit-1])}
}

// write answers with JSON.
func (c *adminCall) write(status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	writeBody(c.w, c.r, status, "application/json", append(body, '\n'))
	return nil
}

// read decodes the body into a struct.
func (c *adminCall) read(target any) error {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problemError(problemMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, mostBody))
	if err != nil {
		return err
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return problemError(problemMalformed) // encoding/json would make other text of it
	}
	return decode(body, target)
}

// decode decodes a JSON object into a struct by the keys of its tags: each once,
// as it is written there, and all but those with omitempty. encoding/json would
// be more generous; what grants access must not be. The data is JSON.
func decode(data []byte, target any) error {
	if own, ok := target.(json.Unmarshaler); ok {
		return own.UnmarshalJSON(data)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, _ := d.Token(); start != json.Delim('{') {
		return invalid("", "must be an object")
	}
	s, taken := reflect.ValueOf(target).Elem(), map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		key, _ := token.(string)
		if taken[key] {
			return invalid(key, "is there twice")
		}
		taken[key] = true
		i := slices.IndexFunc(reflect.VisibleFields(s.Type()), func(f reflect.StructField) bool { return keyOf(f) == key })
		if i < 0 {
			return invalid(key, "is not known")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if string(value) == "null" {
			return invalid(key, "must not be null")
		}
		if err := decodeValue(value, s.Field(i)); err != nil {
			return within(key, err)
		}
	}
	for _, f := range reflect.VisibleFields(s.Type()) {
		if key := keyOf(f); !taken[key] && !strings.HasSuffix(f.Tag.Get("json"), ",omitempty") {
			return invalid(key, "missing")
		}
	}
	return nil
}

func decodeValue(value json.RawMessage, into reflect.Value) error {
	if into.Kind() == reflect.Pointer {
		made := reflect.New(into.Type().Elem())
		if err := decode(value, made.Interface()); err != nil {
			return err
		}
		into.Set(made)
		return nil
	}
	return json.Unmarshal(value, into.Addr().Interface())
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return key
}

// within says in which value of a body a mistake is.
func within(key string, err error) error {
	var known *rbac.ValidationError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &known):
		fields := slices.Clone(known.Fields)
		for i := range fields {
			switch field := fields[i].Field; {
			case field == "":
				fields[i].Field = key
			case field[0] == '[':
				fields[i].Field = key + field
			default:
				fields[i].Field = key + "." + field
			}
		}
		return &rbac.ValidationError{Fields: fields}
	case errors.As(err, &kind):
		wanted := strings.Replace(kind.Type.Kind().String(), "slice", "list", 1)
		return invalid(key, fmt.Sprintf("has a %s where a %s belongs", kind.Value, wanted))
	}
	return err
}

func invalid(field, problem string) error {
	return &rbac.ValidationError{Fields: []rbac.FieldError{{Field: cut(field), Problem: problem}}}
}

// query is the parameters of a request, and what is wrong with them.
type query struct {
	values url.Values
	bad    []rbac.FieldError
}

// mostOfOne bounds how often a parameter may be there.
const mostOfOne = 100

// parametersOf returns how often each parameter may be there.
func parametersOf(names string) map[string]int {
	most := map[string]int{}
	for name := range strings.FieldsSeq(names) {
		if list, ok := strings.CutSuffix(name, "*"); ok {
			most[list] = mostOfOne
		} else {
			most[name] = 1
		}
	}
	return most
}

func (q *query) parse(raw string, takes map[string]int) (err error) {
	if q.values, err = url.ParseQuery(raw); err != nil {
		return problemError(problemQuery)
	}
	for name, values := range q.values {
		switch most, known := takes[name]; {
		case !known:
			q.refuse(name, "is not known")
		case len(values) > most:
			q.refuse(name, fmt.Sprintf("is there %d times, more than %d", len(values), most))
		}
	}
	slices.SortFunc(q.bad, func(a, b rbac.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return q.err()
}

func (q *query) refuse(name, problem string) {
	q.bad = append(q.bad, rbac.FieldError{Field: cut(name), Problem: problem})
}

func (q *query) err() error {
	if len(q.bad) == 0 {
		return nil
	}
	return &rbac.ValidationError{Fields: q.bad}
}

func (q *query) text(name string) string    { return q.values.Get(name) }
func (q *query) texts(name string) []string { return q.values[name] }

// needed is text of a parameter that must be there.
func (q *query) needed(name string) string {
	if !q.values.Has(name) {
		q.refuse(name, "missing")
	}
	return q.text(name)
}

// number returns a number of at least 1, or the default.
func (q *query) number(name string, byDefault, most int64) int64 {
	if !q.values.Has(name) {
		return byDefault
	}
	n, err := strconv.ParseInt(q.text(name), 10, 64)
	if err != nil || n < 1 || n > most {
		q.refuse(name, fmt.Sprintf("is not a number from 1 to %d", most))
	}
	return n
}

// limit returns how many items a page is to have.
func (q *query) limit() int { return int(q.number("limit", 100, mostItems)) }

func (q *query) time(name string) (at time.Time) {
	if !q.values.Has(name) {
		return at
	}
	at, err := time.Parse(time.RFC3339Nano, q.text(name))
	if err != nil {
		q.refuse(name, "is not a time: want RFC 3339, as 2006-01-02T15:04:05Z")
	}
	return at.UTC()
}

func (q *query) action() (action rbac.Action) {
	if err := action.UnmarshalText([]byte(q.needed("action"))); err != nil && q.values.Has("action") {
		q.refuse("action", "is not an action: want read or manage")
	}
	return action
}

// word returns the value of a word, that of "" for a parameter that is not there.
func word[T any](q *query, name string, words map[string]T) T {
	value, known := words[q.text(name)]
	if !known {
		q.refuse(name, "is not known")
	}
	return value
}

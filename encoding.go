package rbac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// decodeStruct decodes a JSON object into a struct, by the keys in its tags.
func decodeStruct(data []byte, target any) error {
	fields := map[string]any{}
	addFields(fields, reflect.ValueOf(target).Elem())
	return decodeObject(data, func(key string, value json.RawMessage) error {
		field, ok := fields[key]
		if !ok {
			return invalid(quoteField(key), "is not known")
		}
		if _, ok := field.(*Permissions); ok && isNull(value) {
			return nil // as good as left out
		}
		if err := decodeValue(value, field); err != nil {
			return within(key, err)
		}
		if t, ok := field.(*time.Time); ok {
			if *t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
				return invalid(key, "is out of range") // it could not be encoded again
			}
		}
		return nil
	})
}

// addFields adds the fields of a struct by their keys, those of structs that
// it embeds included.
func addFields(fields map[string]any, s reflect.Value) {
	for i := range s.NumField() {
		if s.Type().Field(i).Anonymous {
			addFields(fields, s.Field(i))
			continue
		}
		if key, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("json"), ","); key != "-" {
			fields[key] = s.Field(i).Addr().Interface()
		}
	}
}

// decodeObject calls field for each key of a JSON object, in order.
// encoding/json would match keys whatever their case, take the last of two
// equal keys and let null pass as an object; what grants access must not be
// that generous.
func decodeObject(data []byte, field func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil {
		return notJSON(err)
	} else if start != json.Delim('{') {
		return invalid("", "must be an object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		key, ok := token.(string)
		if !ok {
			return invalid("", "must be an object")
		}
		if seen[key] {
			return invalid(quoteField(key), "is there twice")
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(err)
		}
		if err := field(key, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return invalid("", "has something after its end")
	}
	return nil
}

// decodeValue decodes one JSON value. It refuses null, and text that is not
// valid UTF-8: encoding/json would make another id of it.
func decodeValue(value json.RawMessage, target any) error {
	if isNull(value) {
		return invalid("", "must not be null")
	}
	err := json.Unmarshal(value, target)
	if err == nil && !utf8.Valid(value) {
		return invalid("", notUTF8)
	}
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return invalid("", fmt.Sprintf("must be a %s, not a %s", kindName(kind.Type.Kind().String()), kind.Value))
	}
	var parse *time.ParseError
	if errors.As(err, &parse) {
		return invalid("", quote(parse.Value)+" is not a time: want RFC 3339, as 2006-01-02T15:04:05Z")
	}
	return invalid("", err.Error())
}

func isNull(value json.RawMessage) bool {
	return bytes.Equal(bytes.TrimSpace(value), []byte("null"))
}

func kindName(kind string) string {
	switch kind {
	case "bool":
		return "boolean"
	case "int64":
		return "number"
	}
	return kind
}

func notJSON(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return invalid("", "is not JSON: "+err.Error())
}

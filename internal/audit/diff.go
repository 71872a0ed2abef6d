package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var none = json.RawMessage("{}")

// beforeAfter is the JSON form of what was and what is; of two only what differs.
func beforeAfter(before, after any) (was, is json.RawMessage, err error) {
	was, is = none, none
	if before != nil {
		if was, err = object(before); err != nil {
			return nil, nil, err
		}
	}
	if after != nil {
		if is, err = object(after); err != nil {
			return nil, nil, err
		}
	}
	if before != nil && after != nil {
		return differing(was, is)
	}
	return was, is, nil
}

// object is the JSON form that the API answers with.
func object(v any) (json.RawMessage, error) {
	b, err := jsonx.Marshal(v, jsonx.Deterministic(true))
	if err == nil && b[0] != '{' {
		err = fmt.Errorf("audit: the JSON form of %T is no object", v)
	}
	return b, err
}

// member is a field of an object, written as it was read.
type member struct{ name, value []byte }

// differing leaves to two objects the members in which they differ.
func differing(before, after []byte) (was, is json.RawMessage, err error) {
	// Room for the fields of a usual resource.
	var roomB, roomA [16]member
	b, err := members(before, roomB[:0])
	if err != nil {
		return nil, nil, err
	}
	a, err := members(after, roomA[:0])
	if err != nil {
		return nil, nil, err
	}
	return without(b, a), without(a, b), nil
}

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// members takes a valid object apart. What it returns lies in the object.
func members(object []byte, into []member) ([]member, error) {
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	// Names come once: Marshal saw to it.
	d.Reset(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		name = object[d.InputOffset()-int64(len(name)) : d.InputOffset()]
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		value = object[d.InputOffset()-int64(len(value)) : d.InputOffset()]
		into = append(into, member{name, value})
	}
	return into, nil
}

// without is the object of those members that the others have not, or differently.
func without(all, others []member) json.RawMessage {
	var b []byte
	for i, m := range all {
		if string(m.name) == `"updatedAt"` || bytes.Equal(m.value, find(others, i, m.name)) {
			continue
		}
		if b == nil {
			b = append(make([]byte, 0, 128), '{')
		} else {
			b = append(b, ',')
		}
		b = append(append(append(b, m.name...), ':'), m.value...)
	}
	if b == nil {
		return none
	}
	return append(b, '}')
}

// find returns the value of that name, which nearly always stands in the same place.
func find(all []member, likely int, name []byte) []byte {
	if likely < len(all) && bytes.Equal(all[likely].name, name) {
		return all[likely].value
	}
	for _, m := range all {
		if bytes.Equal(m.name, name) {
			return m.value
		}
	}
	return nil
}

package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/etag"
)

// The most that a policy may ask for.
const (
	MaxAge   = 24 * time.Hour
	MaxStale = 10 * time.Minute
)

// For says who gets the same value.
type For int

// Who gets the same value.
const (
	// Each caller gets a value of its own: all that is known of a caller stands in
	// the key.
	Each For = iota
	// Shared is for values that are the same for all whom the operation lets in. The
	// computation is not told who asks: [auth.From] is nil.
	Shared
)

// Policy says how the values of an operation are kept. In is the operation's input,
// which embeds [etag.IfNoneMatch].
type Policy[In any] struct {
	Name  string // of the operation: lower-case letters, digits and dashes
	Group string // of several; may be empty

	MaxAge               time.Duration // a value is fresh for so long; at most MaxAge
	StaleWhileRevalidate time.Duration // then for so long given while a new one is made; at most MaxStale
	StaleIfError         time.Duration // then for so long given while none can be made; at most MaxStale

	For    For                             // who gets the same
	Tags   func(*In) []string              // what a value depends on; nil: nothing that writes tell of
	Key    func(*In) string                // what of the input a value depends on; nil: all of its parameters
	Bypass func(context.Context, *In) bool // whether this request is neither answered from the cache nor kept
}

var word = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// check panics, as a declaration that cannot be right ends the start.
func (p *Policy[In]) check() {
	wrong := ""
	_, conditional := any(new(In)).(condition)
	switch {
	case !word.MatchString(p.Name), p.Group != "" && !word.MatchString(p.Group):
		wrong = "needs a name of lower-case letters, digits and dashes, and a group of these or none"
	case p.MaxAge <= 0 || p.MaxAge > MaxAge:
		wrong = fmt.Sprintf("needs a MaxAge of at most %s", MaxAge)
	case p.StaleWhileRevalidate < 0 || p.StaleWhileRevalidate > MaxStale, p.StaleIfError < 0 || p.StaleIfError > MaxStale:
		wrong = fmt.Sprintf("may give stale values for at most %s", MaxStale)
	case !conditional:
		wrong = "needs an input that embeds etag.IfNoneMatch"
	}
	if wrong != "" {
		panic(fmt.Sprintf("cache: the policy %q %s", p.Name, wrong))
	}
}

// header is what clients may do: never share, and nothing without asking where a
// write can end a value, since no client can be told.
func (p *Policy[In]) header() string {
	if p.Tags != nil {
		return "private, no-cache"
	}
	h := fmt.Sprintf("private, max-age=%d", int(p.MaxAge.Seconds()))
	if s := int(p.StaleWhileRevalidate.Seconds()); s > 0 {
		h += fmt.Sprintf(", stale-while-revalidate=%d", s)
	}
	if s := int(p.StaleIfError.Seconds()); s > 0 {
		h += fmt.Sprintf(", stale-if-error=%d", s)
	}
	return h
}

// condition is what [etag.IfNoneMatch] can do.
type condition interface{ Fresh(current string) bool }

// key is the place of a value. Parts have their length before them, so that no two
// lists of parts are the same octets.
type key struct{ octets []byte }

func (k *key) add(part string) {
	k.octets = binary.AppendUvarint(k.octets, uint64(len(part)))
	k.octets = append(k.octets, part...)
}

func (k *key) sum() string {
	sum := sha256.Sum256(k.octets)
	return string(sum[:])
}

// addCaller adds all that a computation can read of its caller.
func (k *key) addCaller(p *auth.Principal) {
	if p == nil {
		k.add("nobody")
		return
	}
	k.add(string(p.Kind))
	k.octets = append(k.octets, p.ID[:]...)
	k.octets = append(k.octets, p.UserID[:]...)
	k.add(p.Email)
	k.add(p.Name)
	k.add(string(p.Role))
	for _, permission := range p.Permissions() {
		k.add(string(permission))
	}
}

// fields are the places of an input's parameters.
type fields [][]int

var ifNoneMatch = reflect.TypeFor[etag.IfNoneMatch]()

// fieldsOf finds all parameters of an input, whatever they are called.
func fieldsOf(t reflect.Type) (fields, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no struct", t)
	}
	var all fields
	for i := range t.NumField() {
		f := t.Field(i)
		parameter := slices.ContainsFunc([]string{"path", "query", "header", "cookie"}, func(tag string) bool {
			return f.Tag.Get(tag) != ""
		})
		switch {
		case f.Type == ifNoneMatch:
		case f.Anonymous && f.Type.Kind() == reflect.Struct && !parameter:
			inner, err := fieldsOf(f.Type)
			if err != nil {
				return nil, err
			}
			for _, path := range inner {
				all = append(all, append([]int{i}, path...))
			}
		case !f.IsExported(): // what the input made of its parameters itself
		case parameter:
			all = append(all, []int{i})
		default:
			return nil, fmt.Errorf("%s.%s is no parameter", t, f.Name)
		}
	}
	return all, nil
}

func (f fields) add(k *key, in reflect.Value) {
	for _, path := range f {
		v := in.FieldByIndex(path)
		switch v.Kind() {
		case reflect.String:
			k.add(v.String())
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			k.add(strconv.FormatInt(v.Int(), 10))
		case reflect.Bool:
			k.add(strconv.FormatBool(v.Bool()))
		default:
			text, err := json.Marshal(v.Interface(), json.Deterministic(true))
			if err != nil {
				// Not one key for all that cannot be told apart.
				panic(fmt.Sprintf("cache: a parameter of %s is no JSON: %v", in.Type(), err))
			}
			k.add(string(text))
		}
	}
}

// shapeOf is a word for how a type looks as JSON: servers of two versions that share
// a Redis do not read each other's values where they differ.
func shapeOf(t reflect.Type) string {
	r := huma.NewMapRegistry("#/", huma.DefaultSchemaNamer)
	schema := r.Schema(t, true, "Value")
	text, err := json.Marshal(map[string]any{"value": schema, "all": r.Map()}, json.Deterministic(true))
	if err != nil {
		return strings.ReplaceAll(t.String(), " ", "")
	}
	sum := sha256.Sum256(text)
	return string(sum[:])
}

// octetsOf is about how much memory a value takes that was decoded from JSON.
func octetsOf(v reflect.Value) int { return int(v.Type().Size()) + behind(v) }

// behind is what a value points at.
func behind(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.String:
		n = v.Len()
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*time.Location]() {
			n = octetsOf(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			n = octetsOf(v.Elem())
		}
	case reflect.Slice:
		n = v.Cap() * int(v.Type().Elem().Size())
		fallthrough
	case reflect.Array:
		if flat(v.Type().Elem().Kind()) {
			break
		}
		for i := range v.Len() {
			n += behind(v.Index(i))
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			n += 2 * (octetsOf(i.Key()) + octetsOf(i.Value())) // a table that is half full
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += behind(v.Field(i))
		}
	}
	return n
}

func flat(k reflect.Kind) bool { return k >= reflect.Bool && k <= reflect.Complex128 }

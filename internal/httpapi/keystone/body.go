package keystone

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// object is a JSON object of a request and its place in the body, for messages.
// The first thing that is wrong stays in err and ends the reading.
type object struct {
	wire.Members
	where string
	err   *error
}

// readBody reads the object under the body's key.
func readBody(x *wire.Exchange, key string, err *error) object {
	members, failed := x.Object(key)
	*err = failed
	return object{members, key, err}
}

func (o object) field(name string) string { return o.where + "." + name }

// value finds a member, unless the reading has failed before.
func (o object) value(name string) (jsontext.Value, bool) {
	if *o.err != nil {
		return nil, false
	}
	return o.Get(name)
}

// object reads a member that is an object; given tells whether it is there.
func (o object) object(name string) (inner object, given bool) {
	v, given := o.value(name)
	inner = object{nil, o.field(name), o.err}
	if given {
		inner.Members, *o.err = wire.ObjectOf(v, inner.where)
	}
	return inner, given && *o.err == nil
}

// need reads a member that must be there and be an object.
func (o object) need(name string) object {
	inner, given := o.object(name)
	if !given && *o.err == nil {
		*o.err = identity.Errorf(identity.Invalid, "%s is missing; it must be an object", inner.where)
	}
	return inner
}

// text reads a string; empty when it is not given.
func (o object) text(name string) (s string) {
	if v, given := o.value(name); given {
		s, *o.err = wire.ReadString(v, o.field(name))
	}
	return s
}

// textChange reads a string that may be left out, or be null where that is the
// same as empty; nil when it is left out.
func (o object) textChange(name string, nullIsEmpty bool) *string {
	v, given := o.value(name)
	if !given {
		return nil
	}
	if v.Kind() == 'n' && nullIsEmpty {
		return new(string)
	}
	s, err := wire.ReadString(v, o.field(name))
	*o.err = err
	return &s
}

// flag reads a boolean; nil when it is not given. Unlike in the Cinder families
// no word stands for one. Source: Keystone's schemas.
func (o object) flag(name string) *bool {
	v, given := o.value(name)
	if !given {
		return nil
	}
	if k := v.Kind(); k != 't' && k != 'f' {
		*o.err = identity.Errorf(identity.Invalid, "%s must be true or false", o.field(name))
		return nil
	}
	yes := v.Kind() == 't'
	return &yes
}

// texts reads an array of strings that must be there.
func (o object) texts(name string) (list []string) {
	v, given := o.value(name)
	if *o.err == nil && (!given || v.Kind() != '[' || json.Unmarshal(v, &list) != nil) {
		*o.err = identity.Errorf(identity.Invalid, "%s must be an array of strings", o.field(name))
		return nil
	}
	return list
}

// orElse is *p, or what is meant when it was not given.
func orElse[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

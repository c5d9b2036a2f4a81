package keystone

import (
	"log/slog"
	"net"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// API is the door of the identity API at one place.
type API struct {
	porter  *identity.Service
	log     *slog.Logger
	prefix  string
	service func(base string) string
}

var _ wire.Door = (*API)(nil)

// New makes the door. Prefix is what its paths begin with: /identity, or nothing
// at the root of a listener of its own, which also needs ServedAt.
func New(porter *identity.Service, log *slog.Logger, prefix string) *API {
	return &API{porter: porter, log: log, prefix: prefix, service: func(base string) string { return base }}
}

// ServedAt tells where block storage is, for the catalog, when this door is on
// another listener: where is given scheme://host[:port] as the client used it and
// gives the same of block storage. It returns the door.
func (a *API) ServedAt(where func(base string) string) *API {
	a.service = where
	return a
}

// OnPort is for ServedAt: the host that the client used, on another port.
func OnPort(port string) func(base string) string {
	return func(base string) string {
		for _, scheme := range []string{"http://", "https://"} {
			if len(base) > len(scheme) && base[:len(scheme)] == scheme {
				return scheme + net.JoinHostPort(hostOf(base[len(scheme):]), port)
			}
		}
		return base
	}
}

// hostOf is an address without its port and brackets.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	if n := len(address); n > 2 && address[0] == '[' && address[n-1] == ']' {
		return address[1 : n-1]
	}
	return address
}

// bases is where the catalog points to.
func (a *API) bases(x *wire.Exchange) identity.Bases {
	return identity.Bases{Service: a.service(x.Base), Identity: x.Base + a.prefix}
}

// url is the address of path, which begins with /v3, for links.
func (a *API) url(x *wire.Exchange, path string) string { return x.Base + a.prefix + path }

// reply answers with v as JSON. What an answer says depends on who asks, which
// caches are told. Source: Keystone.
func reply(x *wire.Exchange, status int, v any) error {
	body, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true)) // a URL's id can be anything
	if err != nil {
		return err
	}
	x.Header().Set("Vary", "X-Auth-Token")
	return x.WriteJSON(status, body)
}

// done answers 204.
func done(x *wire.Exchange) error {
	x.Header().Set("Vary", "X-Auth-Token")
	return x.WriteEmpty(204)
}

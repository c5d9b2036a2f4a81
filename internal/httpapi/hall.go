package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/gateway"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// Config is what a Hall is made of.
type Config struct {
	Dialect wire.Dialect
	// Mounts are the doors by the prefix their paths begin with; the longest
	// prefix that fits has the request. The empty prefix has what is left.
	Mounts []Mount
	// Unversioned reads no version and no project out of paths: the identity
	// listener, whose /v3 is another.
	Unversioned bool
	// Tokens checks a token; its error is Unauthenticated or passes as it is.
	Tokens func(ctx context.Context, token string) (*identity.Token, error)
	// Gate checks signed requests and limits; nil: there are none.
	Gate *gateway.Gate
	// NewRequestID makes req- and a UUID.
	NewRequestID func() string
	// PublicURL is scheme://host for links and catalog; empty: the request's own.
	PublicURL string
	// TrustedProxies are believed when they say X-Forwarded-Proto, -Host and -For.
	TrustedProxies []netip.Prefix
	// Observe is told of every answer; may be nil.
	Observe func(Observation)
	Log     *slog.Logger
	Now     func() time.Time
}

// Mount puts a door's rows below a prefix.
type Mount struct {
	Prefix string // "/identity", or "" for the block-storage API
	// Faults are the beginnings of canonical paths whose failures this door words
	// even when no row is found; the longest that fits decides. A * stands for
	// one segment, of a path that is then whole.
	Faults []string
	Door   wire.Door
}

// Observation is one answer, for metrics and the access log.
type Observation struct {
	Request   *http.Request
	RequestID string
	Path      string // as the client sent it
	Route     string // name of the row; empty when none was found
	Project   string // of the token
	Status    int
	Bytes     int64
	Start     time.Time
	Took      time.Duration
}

// Hall serves every listener but the data path's.
type Hall struct {
	config Config
	mux    *http.ServeMux
	served wire.Versions       // versions that have rows
	public map[string][]string // path → methods that ask for no token
	rows   []wire.Route
}

// New makes a Hall; it panics when two rows claim the same call, which a test would see.
func New(config Config) *Hall {
	h := &Hall{config: config, mux: http.NewServeMux(), public: map[string][]string{}}
	for _, mount := range config.Mounts {
		h.mount(mount)
	}
	return h
}

// ServeHTTP gives the request its id and its answer, whatever happens.
func (h *Hall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.config.Now()
	id := h.config.NewRequestID()
	x := wire.NewExchange(w, r, &h.config.Dialect, id, h.base(r))
	x.Remote = h.remote(r)
	header, ids := w.Header(), []string{id}
	header["X-Openstack-Request-Id"], header["X-Compute-Request-Id"], header["X-Request-Id"] = ids, ids, ids
	defer h.end(x, r.URL.Path, start) // also of an answer that breaks off
	h.guarded(x)
}

func (h *Hall) end(x *wire.Exchange, path string, start time.Time) {
	if h.config.Observe != nil {
		h.observe(x, path, start)
	}
	x.End()
}

func (h *Hall) observe(x *wire.Exchange, path string, start time.Time) {
	o := Observation{
		Request: x.Request, RequestID: x.RequestID, Path: path, Status: x.Status(), Bytes: x.Written(),
		Start: start, Took: h.config.Now().Sub(start),
	}
	if x.Route != nil {
		o.Route = x.Route.Name
	}
	if x.Token != nil {
		o.Project = x.Token.ProjectID
	}
	h.config.Observe(o)
}

// guarded turns a panic into the door's 500, or into a broken connection when
// the answer had begun.
func (h *Hall) guarded(x *wire.Exchange) {
	a := h.address(decoded(x.Request.URL))
	door := h.doorOf(a)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, is := p.(error); is && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		h.config.Log.Error("a handler panicked", "request_id", x.RequestID, "panic", p, "stack", string(debug.Stack()))
		if x.Status() != 0 {
			panic(http.ErrAbortHandler)
		}
		door.WriteFault(x, errors.New("a handler panicked"))
	}()
	if err := h.serve(x, a); err != nil && !gateway.WriteFault(x, err) {
		door.WriteFault(x, err)
	}
}

// address reads a path as this hall's paths are read.
func (h *Hall) address(path string) address {
	if h.config.Unversioned {
		path = clean(path)
		return address{api: wire.NoVersion, path: path, public: path}
	}
	return canonical(path)
}

// serve holds the order of checks. Source: design.md section 3; cinder-behaviours section 2.
func (h *Hall) serve(x *wire.Exchange, a address) error {
	r := x.Request
	x.API, x.Project, x.Path = a.api, a.project, a.public
	if x.Base == "" {
		return wire.Refuse(wire.Malformed, "The Host of the request is no host name or address, with or without a port.")
	}
	if r.ContentLength > wire.MaxBody && !h.takesRaw(r.Method, a) {
		return wire.Refuse(wire.BodyTooLarge, "Request is too large. Larger than max_request_body_size (%d).", wire.MaxBody)
	}
	if r.Method == http.MethodOptions {
		return h.options(x, a)
	}
	if !h.asksToken(a) {
		return errNoRoute()
	}
	if err := h.authenticate(x, a); err != nil {
		return err
	}
	r.URL.Path, r.URL.RawPath = a.path, ""
	if x.Dialect.MethodInQuery && r.Method == http.MethodPost && strings.Contains(r.URL.RawQuery, "_method=") {
		r.Method = methodInQuery(r.URL.Query().Get("_method"))
	}
	via := passage{hall: h, x: x}
	h.mux.ServeHTTP(&via, r)
	return via.outcome()
}

// takesRaw tells whether the row of a call reads its body itself, however long.
func (h *Hall) takesRaw(method string, a address) bool {
	found, _ := h.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: a.path}})
	p, is := found.(*place)
	return is && p.rows[0].Raw
}

// methodInQuery is the method that a POST with ?_method= stands for. What changes
// how an answer is framed (HEAD has no body) is not taken: the client sent a POST
// and would take the next answer for the body that is missing.
func methodInQuery(named string) string {
	switch method := strings.ToUpper(named); method {
	case http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	}
	return http.MethodPost
}

// asksToken tells whether anything is served below the path's version, or
// below its door's prefix, at all.
func (h *Hall) asksToken(a address) bool {
	if a.api != wire.NoVersion {
		return h.served&a.api != 0
	}
	if _, public := h.public[a.path]; public {
		return true
	}
	for _, m := range h.config.Mounts {
		if h.config.Unversioned || m.Prefix != "" && strings.HasPrefix(a.path, m.Prefix+"/") {
			return true
		}
	}
	return false
}

// authenticate reads the token, or else the signature, of all but public calls.
func (h *Hall) authenticate(x *wire.Exchange, a address) error {
	if a.api != wire.V3 || x.Dialect.OpenVersionDocument {
		if slices.Contains(h.public[a.path], x.Request.Method) {
			return nil
		}
	}
	token := tokenOf(x.Request.Header)
	if token == "" && h.config.Gate != nil && gateway.Signs(x.Request.Header) {
		signed, err := h.config.Gate.Authenticate(x, x.Request.URL.Path, a.project)
		x.Token = signed
		return err
	}
	if token == "" {
		return errNoToken()
	}
	found, err := h.config.Tokens(x.Context(), token)
	if identity.KindOf(err) == identity.Unauthenticated {
		return errNoToken() // why is nobody's business
	}
	if err == nil {
		err = h.checkServiceToken(x)
	}
	x.Token = found
	return err
}

// checkServiceToken refuses a service's token that does not hold, although the
// user's does. Source: cinder-behaviours section 6.
func (h *Hall) checkServiceToken(x *wire.Exchange) error {
	given := x.Request.Header["X-Service-Token"]
	if len(given) == 0 {
		return nil
	}
	if _, err := h.config.Tokens(x.Context(), given[0]); identity.KindOf(err) == identity.Unauthenticated {
		return errNoToken()
	} else if err != nil {
		return err
	}
	return nil
}

// tokenOf is the request's token; identity headers of a client are ignored.
// Source: recordings auth-*.
func tokenOf(h http.Header) string {
	if v := h["X-Auth-Token"]; len(v) > 0 {
		return v[0]
	}
	if v := h["X-Storage-Token"]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func errNoToken() error {
	return wire.Refuse(wire.Unauthenticated, "The request you have made requires authentication.")
}

func errNoRoute() error {
	return wire.Refuse(wire.NoRoute, "The resource could not be found.")
}

// call runs one row: version, body, project, handler.
func (h *Hall) call(x *wire.Exchange, p *place) error {
	if x.Request.Method != p.rows[0].Method { // the mux lets HEAD in where GET is
		return h.errNoMethod(x)
	}
	if p.rows[0].Action == "" { // known already: figures and log name the row of a refused body, too
		x.Route = &p.rows[0]
	}
	if err := x.Negotiate(); err != nil {
		return err
	}
	if !p.rows[0].Raw {
		if err := x.ReadBody(); err != nil {
			return err
		}
	}
	row, err := p.row(x)
	if err != nil {
		return err
	}
	x.Route = row
	if (row.Method == http.MethodGet || row.Method == http.MethodDelete) && x.Body.Given {
		return wire.Refuse(wire.Malformed, "Malformed request body: %s takes none.", row.Method)
	}
	if err := checkProject(x); err != nil {
		return err
	}
	if x.API == wire.V3 && x.Version < row.Since {
		return errNoRoute()
	}
	if h.config.Gate != nil {
		if err := h.config.Gate.Admit(x); err != nil {
			return err
		}
	}
	return row.Handle(x)
}

// checkProject compares the URL's project with the token's; without one in the
// URL the token's is meant. Source: recordings auth-*, both seeds (project_id).
func checkProject(x *wire.Exchange) error {
	if x.API == wire.NoVersion || x.Token == nil {
		return nil
	}
	if x.Project == "" {
		x.Project = x.Token.ProjectID
	}
	if x.Project == "" || x.Project != x.Token.ProjectID {
		return wire.Refuse(wire.WrongProject, "Malformed request url")
	}
	return nil
}

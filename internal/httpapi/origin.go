package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// base is scheme://host for links: as configured, or as the client used it; a
// trusted proxy may say so in X-Forwarded-*. Empty when that is no host: links and
// challenges quote it as it is.
func (h *Hall) base(r *http.Request) string {
	if h.config.PublicURL != "" {
		return h.config.PublicURL
	}
	scheme, host := "http://", r.Host
	if r.TLS != nil {
		scheme = "https://"
	}
	if h.viaProxy(r) {
		if p := firstOf(r.Header, "X-Forwarded-Proto"); p == "https" || p == "http" {
			scheme = p + "://"
		}
		if f := firstOf(r.Header, "X-Forwarded-Host"); f != "" && isHost(f) {
			host = f
		}
	}
	if host == "" { // HTTP/1.0 need not name one
		if local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr); is {
			host = local.String()
		}
	}
	if !isHost(host) {
		return ""
	}
	return scheme + host
}

// firstOf is what the outermost of a chain of proxies said.
func firstOf(h http.Header, name string) string {
	first, _, _ := strings.Cut(h.Get(name), ",")
	return strings.TrimSpace(first)
}

// isHost tells whether s is made of what names, addresses and ports are made of.
// net/http takes more in the target of a request: quotes, angle brackets, any byte.
func isHost(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c == '.', c == '-', c == '_', c == '~', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return true
}

// remote is who calls: the other end of the connection, or, when a trusted proxy
// is there, the last address of X-Forwarded-For that is no trusted proxy's. What
// stands before that one anybody may have written.
func (h *Hall) remote(r *http.Request) string {
	if !h.viaProxy(r) {
		return r.RemoteAddr
	}
	told := r.RemoteAddr
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		from, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return told
		}
		told = from.String()
		if !h.isProxy(from) {
			return told
		}
	}
	return told
}

// viaProxy tells whether a trusted proxy is at the other end of the connection.
func (h *Hall) viaProxy(r *http.Request) bool {
	if len(h.config.TrustedProxies) == 0 {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && h.isProxy(from.Addr())
}

func (h *Hall) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(h.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

package server

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/httpapi"
	"github.com/breezeblock/breezeblock/internal/telemetry"
)

// watch sets up the access log and the figures of the rooms.
func (s *Server) watch() {
	if s.parts.Access != nil {
		s.access = telemetry.NewAccessLog(s.parts.Access)
	}
	m, st := s.metrics, s.store
	m.Counter("breezeblock_store_commits_total", "Durable commits.", func() float64 { return float64(st.Stats().Commits) })
	m.Counter("breezeblock_store_closures_total", "Transactions' closures that committed.", func() float64 { return float64(st.Stats().Closures) })
	m.Gauge("breezeblock_store_queue_length", "Closures that wait for the writer.", func() float64 { return float64(st.Stats().Queued) })
	m.Counter("breezeblock_store_cache_hits_total", "Reads served from memory.", func() float64 { return float64(st.Stats().CacheHits) })
	m.Counter("breezeblock_store_cache_misses_total", "Reads that went to the database.", func() float64 { return float64(st.Stats().CacheMisses) })
	s.watchNBD()
	m.Gauge("breezeblock_store_cache_bytes", "Memory of the cached rows.", func() float64 { return float64(st.Stats().CacheBytes) })
}

// observe notes an answer in metrics and access log.
func (s *Server) observe(o httpapi.Observation) {
	s.metrics.Request(o.Route, o.Status, o.Took)
	if s.access == nil {
		return
	}
	s.access.Write(telemetry.Access{
		Time: o.Start, RequestID: o.RequestID, Method: o.Request.Method, Path: o.Path, Route: o.Route,
		Status: o.Status, Bytes: o.Bytes, Took: o.Took, Remote: o.Request.RemoteAddr, Project: o.Project,
	})
}

// withMetrics serves /metrics beside the hall: on loopback freely, elsewhere
// only with the token that is set.
func (s *Server) withMetrics(hall http.Handler) http.Handler {
	figures := s.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			hall.ServeHTTP(w, r)
			return
		}
		if !s.mayWatch(r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the metrics token is needed", http.StatusUnauthorized)
			return
		}
		figures.ServeHTTP(w, r)
	})
}

// isProxy tells whether a neighbour asks on behalf of others, who may be anywhere.
func (s *Server) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (s *Server) mayWatch(r *http.Request) bool {
	if s.config.MetricsToken == "" {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		listening, _, _ := net.SplitHostPort(s.config.Listen)
		return err == nil && from.Addr().Unmap().IsLoopback() && config.IsLoopback(listening) && !s.isProxy(from.Addr().Unmap())
	}
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && subtle.ConstantTimeCompare([]byte(given), []byte(s.config.MetricsToken)) == 1
}

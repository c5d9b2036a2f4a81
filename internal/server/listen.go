package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Timeouts of every listener. The read timeout is a setting.
const (
	headerTimeout = 10 * time.Second
	writeTimeout  = 2 * time.Minute
	idleTimeout   = 2 * time.Minute
	// maxHeader bounds a request's headers, in bytes. Source: cinder-behaviours section 9.
	maxHeader = 64 << 10
	// grace is how long Stop lets requests and jobs end.
	grace = 30 * time.Second
)

// face is one listener and its server.
type face struct {
	listener net.Listener
	server   *http.Server
}

// Start opens the listeners, makes the first accounts and begins to work. When
// it returns, the service answers. Jobs that an earlier process left go on.
func (s *Server) Start(ctx context.Context) error {
	if err := s.open(s.config.Listen); err != nil {
		return err
	}
	hall, _ := s.hall()
	s.faces[0].server.Handler = s.withMetrics(hall)
	if s.config.IdentityListen != "" {
		if err := s.open(s.config.IdentityListen); err != nil {
			return err
		}
		s.faces[1].server.Handler = s.identityHall()
	}
	if err := s.serveNBD(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if err := s.ensureFirst(ctx, s.URL()+"/identity/v3"); err != nil {
		return err
	}
	jobCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopJobs = stop
	s.work.Go(func() { s.runner.Run(jobCtx) })
	s.work.Go(func() { s.passWakeUps(jobCtx) })
	s.work.Go(func() { s.sweepBackups(jobCtx) })
	for _, f := range s.faces {
		s.work.Go(func() {
			if err := f.server.Serve(f.listener); !errors.Is(err, http.ErrServerClosed) {
				s.parts.Log.Error("a listener ended", "address", f.listener.Addr().String(), "err", err)
			}
		})
	}
	return nil
}

// passWakeUps tells the runner of jobs that were just committed.
func (s *Server) passWakeUps(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.store.JobsAdded():
			s.runner.Wake()
		}
	}
}

func (s *Server) open(address string) error {
	listener, err := s.parts.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	listener = withRoom(listener, maxConnections)
	if s.config.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			_ = listener.Close()
			return fmt.Errorf("setting tls-cert: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	s.faces = append(s.faces, &face{listener: listener, server: &http.Server{
		ReadHeaderTimeout: min(headerTimeout, s.config.ReadTimeout), ReadTimeout: s.config.ReadTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.parts.Log.Handler(), slog.LevelDebug),
	}})
	return nil
}

// URL is scheme://host:port of the API, as this machine reaches it.
func (s *Server) URL() string { return s.urlOf(0) }

// IdentityURL is where the identity API of its own stands; empty without one.
func (s *Server) IdentityURL() string {
	if len(s.faces) < 2 {
		return ""
	}
	return s.urlOf(1)
}

func (s *Server) urlOf(i int) string {
	if i == 0 && s.config.PublicURL != "" {
		return s.config.PublicURL
	}
	scheme := "http"
	if s.config.TLSCert != "" {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(s.faces[i].listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Stop takes no new requests, lets those in hand end, gives the jobs' leases
// back and closes everything; when ctx ends it stops waiting.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if s.stopJobs != nil {
		s.stopJobs() // first: leases go back while requests end
	}
	failed := make([]error, len(s.faces), len(s.faces)+3)
	var ending sync.WaitGroup
	var bytesEnd error
	ending.Go(func() { bytesEnd = s.closeNBD(ctx) })
	for i, f := range s.faces {
		ending.Go(func() { failed[i] = f.stop(ctx) })
	}
	ending.Wait()
	failed = append(failed, bytesEnd)
	ended := make(chan struct{})
	go func() { s.work.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		failed = append(failed, fmt.Errorf("jobs did not end in time: %w", ctx.Err()))
	}
	return errors.Join(append(failed, s.release())...)
}

// stop closes the listener, waits for the requests in hand, and cuts off those
// that are left when ctx ends.
func (f *face) stop(ctx context.Context) error {
	err := f.server.Shutdown(ctx)
	_ = f.listener.Close() // not yet served when Start failed
	if err != nil {
		return errors.Join(fmt.Errorf("requests did not end in time: %w", err), f.server.Close())
	}
	return nil
}

// port is that of the first listener.
func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.faces[0].listener.Addr().String())
	return port
}

package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

const (
	// exportKeyFile holds the key that makes the names of exports.
	exportKeyFile = "nbd.key"
	// exportKeyBytes is its length, and that of what SHA-256 gives.
	exportKeyBytes = sha256.Size
	// connectionDigits is the length of a connection's id; a name is the id and as many digits of proof.
	connectionDigits = 32
	// maxListed bounds the names that one certificate is told.
	maxListed = 1024
)

// dataPath serves the volumes' bytes over NBD. A name is a connection's id and a
// code of it under a key that only this server has, 128 bits each: the database
// alone opens nothing, and a made-up name is refused without asking it.
type dataPath struct {
	key    []byte
	server *nbd.Server
	blocks *block.Service // asked on every connection

	listener net.Listener
	location block.Location // of every export, without its name
	remove   string         // folder that goes with the listener; empty: none
}

var _ block.DataPath = (*dataPath)(nil)

// nameOf is the export's name of a connection.
func (p *dataPath) nameOf(connectionID string) string {
	code := hmac.New(sha256.New, p.key)
	_, _ = io.WriteString(code, connectionID)
	return connectionID + hex.EncodeToString(code.Sum(nil)[:connectionDigits/2])
}

// Locate tells where a client finds a connection.
func (p *dataPath) Locate(connectionID string) block.Location {
	at := p.location
	at.Name = p.nameOf(connectionID)
	scheme := "nbd"
	if at.TLS {
		scheme = "nbds"
	}
	if at.Socket != "" {
		// A plus is a space in forms only. Source: NBD doc/uri.md; RFC 3986.
		at.URI = scheme + "+unix:///" + at.Name + "?socket=" + strings.ReplaceAll(url.QueryEscape(at.Socket), "+", "%20")
	} else {
		at.URI = scheme + "://" + net.JoinHostPort(at.Host, strconv.Itoa(at.Port)) + "/" + at.Name
	}
	return at
}

// Revoke cuts off every client of a connection.
func (p *dataPath) Revoke(ctx context.Context, connectionID string) error {
	return p.server.Revoke(ctx, p.nameOf(connectionID))
}

// Adjust holds the clients that use a volume to other limits.
func (p *dataPath) Adjust(volumeID string, limits block.IOLimits) {
	p.server.SetQoS(volumeID, qosOf(limits))
}

// Lookup opens nothing by a name that was not made here.
func (p *dataPath) Lookup(ctx context.Context, name string, _ nbd.Peer) (nbd.Export, error) {
	if len(name) != 2*connectionDigits {
		return nbd.Export{}, nbd.ErrNoExport
	}
	id := name[:connectionDigits]
	if !hmac.Equal([]byte(p.nameOf(id)), []byte(name)) {
		return nbd.Export{}, nbd.ErrNoExport
	}
	export, err := p.blocks.Export(ctx, id)
	if block.KindOf(err) == block.NotFound {
		return nbd.Export{}, nbd.ErrNoExport
	}
	if err != nil {
		return nbd.Export{}, err
	}
	key := export.Volume + " rw"
	if export.ReadOnly {
		key = export.Volume + " ro"
	}
	return nbd.Export{Key: key, Open: export.Open, ReadOnly: export.ReadOnly, QoS: qosOf(export.Limits), Budget: export.Volume}, nil
}

// qosOf is the budget of a volume.
func qosOf(l block.IOLimits) nbd.QoS {
	return nbd.QoS{
		IOPS: l.TotalIOPS, BytesPerSecond: l.TotalBytes,
		ReadIOPS: l.ReadIOPS, ReadBytesPerSecond: l.ReadBytes, WriteIOPS: l.WriteIOPS, WriteBytesPerSecond: l.WriteBytes,
	}
}

// List gives the names that a client's certificate stands for: those of the hosts
// that it names. Without a certificate there are none.
func (p *dataPath) List(ctx context.Context, peer nbd.Peer) []string {
	if peer.ClientCert == nil {
		return nil
	}
	hosts := slices.Clone(peer.ClientCert.DNSNames)
	if name := peer.ClientCert.Subject.CommonName; name != "" && !slices.Contains(hosts, name) {
		hosts = append(hosts, name)
	}
	var names []string
	for _, host := range hosts {
		found, err := p.blocks.ConnectionsAt(ctx, host, maxListed)
		if err != nil {
			return names
		}
		for _, conn := range found {
			names = append(names, p.nameOf(conn.ID))
		}
		if len(names) >= maxListed {
			return names[:maxListed]
		}
	}
	return names
}

// openDataPath makes the NBD server; listenNBD opens it to clients.
func (s *Server) openDataPath() error {
	key, err := s.exportKey()
	if err != nil {
		return err
	}
	s.data = &dataPath{key: key}
	secure, err := s.nbdTLS()
	if err != nil {
		return err
	}
	s.data.server = nbd.New(nbd.Config{
		Exports: s.data, TLS: secure, RequireTLS: secure != nil, Log: s.parts.Log,
	})
	return nil
}

// exportKey reads the key of the names, or makes it on first start.
func (s *Server) exportKey() ([]byte, error) {
	path := filepath.Join(s.config.Data, exportKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, exportKeyBytes)
		if _, err := io.ReadFull(s.parts.Random, key); err != nil {
			return nil, fmt.Errorf("make the key of the exports: %w", err)
		}
		return key, writeFile(path, []byte(hex.EncodeToString(key)+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the exports: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != exportKeyBytes {
		return nil, fmt.Errorf("%s is damaged: it must hold %d hex digits; remove it, and every attachment has a new name", path, 2*exportKeyBytes)
	}
	return key, nil
}

// nbdTLS is what NBD offers by STARTTLS; nil without a certificate.
func (s *Server) nbdTLS() (*tls.Config, error) {
	if s.config.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("setting tls-cert: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if s.config.NBDClientCA == "" {
		return c, nil
	}
	text, err := os.ReadFile(s.config.NBDClientCA)
	if err != nil {
		return nil, fmt.Errorf("setting nbd-client-ca: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("setting nbd-client-ca: %s holds no certificate", s.config.NBDClientCA)
	}
	return c, nil
}

// serveNBD opens the listener of the data path and serves it.
func (s *Server) serveNBD(ctx context.Context) error {
	if err := s.listenNBD(); err != nil {
		return err
	}
	s.work.Go(func() {
		if err := s.data.server.Serve(ctx, s.data.listener); !errors.Is(err, nbd.ErrClosed) {
			s.parts.Log.Error("the NBD listener ended", "address", s.data.listener.Addr().String(), "err", err)
		}
	})
	return nil
}

func (s *Server) listenNBD() error {
	network, address := s.config.NBDAddress()
	at := block.Location{Kind: "nbd"}
	var err error
	switch {
	case network == "tcp":
		at.TLS = s.config.TLSCert != ""
		if s.data.listener, err = s.parts.Listen("tcp", address); err != nil {
			return fmt.Errorf("setting nbd-listen: listen on %s: %w", address, err)
		}
		host, port, _ := net.SplitHostPort(s.data.listener.Addr().String())
		if at.Port, err = strconv.Atoi(port); err != nil {
			return fmt.Errorf("setting nbd-listen: listen on %s: %w", address, err)
		}
		at.Host = s.reachable(host)
	case address != "":
		at.Socket, err = s.listenSharedSocket(address)
	default:
		at.Socket, err = s.listenOwnSocket()
	}
	if err != nil {
		return fmt.Errorf("setting nbd-listen: %w", err)
	}
	s.data.location = at
	return nil
}

// reachable is the host by which clients find a listener on host: as it was set,
// or that of public-url where it is every address.
func (s *Server) reachable(host string) string {
	set, _, _ := net.SplitHostPort(s.config.NBDListen)
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		if set != "" {
			return set
		}
		return host
	}
	if public, err := url.Parse(s.config.PublicURL); err == nil && public.Hostname() != "" {
		return public.Hostname()
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "127.0.0.1"
}

// closeNBD lets requests in hand end and closes the devices, until ctx ends.
func (s *Server) closeNBD(ctx context.Context) error {
	if s.data == nil || s.data.server == nil {
		return nil
	}
	err := s.data.server.Close(ctx)
	if s.data.listener != nil {
		_ = s.data.listener.Close() // not yet served when Start failed; it takes the socket away
	}
	if s.data.remove != "" {
		_ = os.Remove(s.data.remove)
	}
	return err
}

// watchNBD shows the figures of the data path.
func (s *Server) watchNBD() {
	m, d := s.metrics, s.data.server
	m.Gauge("breezeblock_nbd_connections", "NBD connections that are open.", func() float64 { return float64(d.Stats().Connections) })
	m.Counter("breezeblock_nbd_connections_total", "NBD connections that were let in.", func() float64 { return float64(d.Stats().Accepted) })
	m.Counter("breezeblock_nbd_turned_away_total", "NBD connections that were turned away for want of room.", func() float64 { return float64(d.Stats().TurnedAway) })
	m.Counter("breezeblock_nbd_refused_total", "Exports that were asked for and not given.", func() float64 { return float64(d.Stats().Refused) })
	m.Counter("breezeblock_nbd_reads_total", "NBD reads that were answered.", func() float64 { return float64(d.Stats().Reads) })
	m.Counter("breezeblock_nbd_writes_total", "NBD writes that were answered.", func() float64 { return float64(d.Stats().Writes) })
	m.Counter("breezeblock_nbd_flushes_total", "NBD flushes that were answered.", func() float64 { return float64(d.Stats().Flushes) })
	m.Counter("breezeblock_nbd_other_requests_total", "Other NBD requests that were answered: trim, zero writes, block status.", func() float64 { return float64(d.Stats().Others) })
	m.Counter("breezeblock_nbd_errors_total", "NBD requests that were answered with an error.", func() float64 { return float64(d.Stats().Errors) })
	m.Counter("breezeblock_nbd_read_bytes_total", "Bytes that NBD clients have read.", func() float64 { return float64(d.Stats().BytesRead) })
	m.Counter("breezeblock_nbd_written_bytes_total", "Bytes that NBD clients have written.", func() float64 { return float64(d.Stats().BytesWritten) })
}

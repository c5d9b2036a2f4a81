package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/server"
)

// Numbers of NBD's handshake. Source: NetworkBlockDevice/nbd doc/proto.md.
const (
	nbdList, nbdStartTLS, nbdGo  = 3, 5, 7
	nbdAck, nbdServer, nbdNoName = 1, 2, 1<<31 | 6
	nbdNeedsTLS                  = 1<<31 | 5
)

// hosts signs the certificates of hosts.
type hosts struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newHosts(t *testing.T) *hosts {
	t.Helper()
	h := &hosts{}
	made := h.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	h.cert, h.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	return h
}

// sign makes a certificate; the first signs itself.
func (h *hosts) sign(t *testing.T, of *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of.SerialNumber = big.NewInt(time.Now().UnixNano())
	of.NotBefore, of.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := h.cert, h.key
	if parent == nil {
		parent, signer = of, key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// of is the certificate of a host, and of others by their DNS names.
func (h *hosts) of(t *testing.T, name string, more ...string) *tls.Certificate {
	t.Helper()
	made := h.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: more,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return &made
}

// file is the authority's own certificate.
func (h *hosts) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// talk is a handshake of NBD, option by option.
type talk struct {
	t testing.TB
	net.Conn
}

func talkTo(t testing.TB, network, address string) *talk {
	t.Helper()
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err = io.ReadFull(conn, make([]byte, 18)); err == nil {
		_, err = conn.Write([]byte{0, 0, 0, 3}) // fixed newstyle, no zeroes
	}
	if err != nil {
		t.Fatal(err)
	}
	return &talk{t, conn}
}

// ask sends an option: the kind of the last reply, and the names of those before.
func (c *talk) ask(option uint32, data ...byte) (kind uint32, names []string, err error) {
	be := binary.BigEndian
	said := be.AppendUint32(be.AppendUint32([]byte("IHAVEOPT"), option), uint32(len(data)))
	if _, err := c.Write(append(said, data...)); err != nil {
		return 0, nil, err
	}
	for {
		head := make([]byte, 20)
		if _, err := io.ReadFull(c, head); err != nil {
			return 0, nil, err
		}
		data := make([]byte, be.Uint32(head[16:]))
		if _, err := io.ReadFull(c, data); err != nil {
			return 0, nil, err
		}
		switch kind = be.Uint32(head[12:]); {
		case kind == nbdServer:
			names = append(names, string(data[4:]))
		case kind == nbdAck || kind >= 1<<31:
			return kind, names, nil
		}
	}
}

// open asks for an export by GO.
func (c *talk) open(name string) (uint32, error) {
	kind, _, err := c.ask(nbdGo, append(append(binary.BigEndian.AppendUint32(nil, uint32(len(name))), name...), 0, 0)...)
	return kind, err
}

// secure goes on under TLS; a server that refuses the certificate may say so later.
func (c *talk) secure(roots *x509.CertPool, cert *tls.Certificate) *talk {
	c.t.Helper()
	if kind, _, err := c.ask(nbdStartTLS); kind != nbdAck || err != nil {
		c.t.Fatalf("STARTTLS: got %#x, %v", kind, err)
	}
	config := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	return &talk{c.t, tls.Client(c.Conn, config)}
}

// nameOf is the export's name in a URI.
func nameOf(t testing.TB, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || len(u.Path) != 65 {
		t.Fatalf("not a URI with a name of 64 digits: %v", err)
	}
	return u.Path[1:]
}

// hostOf is where a URI over TCP leads.
func hostOf(uri string) string {
	rest, _ := strings.CutPrefix(uri, "nbds://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func TestOverTCPOnlyHostsWithACertificateReachTheBytes(t *testing.T) {
	cert, key, roots := certificate(t)
	known, strange := newHosts(t), newHosts(t)
	s := open(t, settings{"nbd-listen": "127.0.0.1:0", "tls-cert": cert, "tls-key": key, "nbd-client-ca": known.file(t)}, withFake(fake.New()))
	s.trust(roots)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	id, uri := s.attach(demo, volume, "here")
	_, elsewhere := s.attach(demo, s.freeVolume(demo, ""), "there")
	if shown := s.v3(demo, "GET", "/attachments/"+id, "", 200); !strings.HasPrefix(uri, "nbds://127.0.0.1:") || shown.at("attachment", "connection_info", "tls") != true {
		t.Fatalf("got %v, want TLS", shown)
	}
	name, other := nameOf(t, uri), nameOf(t, elsewhere)
	dial := func() *talk { return talkTo(t, "tcp", hostOf(uri)) }

	plain := dial()
	for _, option := range []uint32{nbdList, nbdGo} {
		if kind, names, err := plain.ask(option); kind != nbdNeedsTLS || names != nil || err != nil {
			t.Errorf("option %d in plain text: got %#x %v, %v", option, kind, names, err)
		}
	}
	if kind, err := plain.open(name); kind != nbdNeedsTLS || err != nil {
		t.Errorf("an export in plain text: got %#x, %v", kind, err)
	}
	for who, cert := range map[string]*tls.Certificate{"nobody": nil, "a stranger": strange.of(t, "here")} {
		if kind, err := dial().secure(roots, cert).open(name); err == nil {
			t.Errorf("%s: got %#x, want the connection closed", who, kind)
		}
	}
	for host, tc := range map[string]struct {
		cert *tls.Certificate
		want []string
	}{
		"here":          {known.of(t, "here"), []string{name}},
		"two hosts":     {known.of(t, "here", "there", "here"), []string{name, other}},
		"none of these": {known.of(t, "elsewhere", ""), nil},
	} {
		kind, names, err := dial().secure(roots, tc.cert).ask(nbdList)
		slices.Sort(names)
		slices.Sort(tc.want)
		if kind != nbdAck || err != nil || !slices.Equal(names, tc.want) {
			t.Errorf("%s: listed %d names (%#x, %v), want %d", host, len(names), kind, err, len(tc.want))
		}
	}

	guest := dial().secure(roots, known.of(t, "here"))
	if kind, err := guest.open(name); kind != nbdAck || err != nil {
		t.Fatalf("got %#x, %v, want the export", kind, err)
	}
	b := &client.Bytes{Conn: guest}
	if err := errors.Join(b.WriteBytes(4096, []byte("under TLS")), b.Flush()); err != nil {
		t.Fatal(err)
	}
	holds(t, b, 4096, []byte("under TLS"))
	s.v3(demo, "DELETE", "/attachments/"+id, "", 200)
	if _, err := b.ReadBytes(0, 1); err == nil {
		t.Error("the client that was detached still reads")
	}
	if kind, err := dial().secure(roots, known.of(t, "here")).open(name); kind != nbdNoName || err != nil {
		t.Errorf("a name that is void: got %#x, %v", kind, err)
	}
	if kind, names, err := dial().secure(roots, known.of(t, "here")).ask(nbdList); kind != nbdAck || names != nil || err != nil {
		t.Errorf("what is void is listed: %#x, %d names, %v", kind, len(names), err)
	}
	if log := s.log.String() + s.access.String(); strings.Contains(log, name[32:]) || strings.Contains(log, other[32:]) {
		t.Error("the log holds the name of an export")
	}
}

func TestWithoutAClientCertificateNothingIsListed(t *testing.T) {
	cert, key, roots := certificate(t)
	s := open(t, settings{"nbd-listen": "127.0.0.1:0", "tls-cert": cert, "tls-key": key}, withFake(fake.New()))
	s.trust(roots)
	demo := s.logIn("demo")
	_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
	// A certificate that nobody asked for, or could verify, lists nothing either.
	for _, cert := range []*tls.Certificate{nil, newHosts(t).of(t, "here")} {
		guest := talkTo(t, "tcp", hostOf(uri)).secure(roots, cert)
		if kind, names, err := guest.ask(nbdList); kind != nbdAck || names != nil || err != nil {
			t.Errorf("listed %d names (%#x, %v)", len(names), kind, err)
		}
		if kind, err := guest.open(nameOf(t, uri)); kind != nbdAck || err != nil {
			t.Errorf("got %#x, %v, want the export for who knows its name", kind, err)
		}
	}
}

func TestTheSocketMayBeAtAnyPlace(t *testing.T) {
	dir := shortFolder(t)
	path := filepath.Join(dir, "a b+c?&#%.sock")
	s := open(t, settings{"nbd-listen": "unix:" + path}, withFake(fake.New()))
	demo := s.logIn("demo")
	_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
	if _, socket, _ := strings.Cut(uri, "?socket="); strings.ContainsAny(socket, " +&#?") || !strings.Contains(socket, "a%20b%2Bc") {
		t.Errorf("the socket stands as %s in the URI", socket)
	}
	if c := mustConnect(t, uri); c.Size != 1<<30 {
		t.Errorf("got %d bytes", c.Size)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("got %v, %v, want mode 0660", info, err)
	}
	if kind, names, err := talkTo(t, "unix", path).ask(nbdList); kind != nbdAck || names != nil || err != nil {
		t.Errorf("listed %d names (%#x, %v)", len(names), kind, err)
	}

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, says := range map[string]string{
		path: "another process", file: "no socket", filepath.Join(dir, "none", "s"): "nbd-listen", "/" + strings.Repeat("d", 120): "107",
	} {
		if err := s.another("unix:" + at); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want it to say %q", at, err, says)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "kept" {
		t.Errorf("the file that is no socket: %q, %v", kept, err)
	}
	s.close()
	if err := s.another("unix:" + path); err != nil {
		t.Errorf("after the first one has gone: %v", err)
	}
}

// another tells whether a second server, of other data, starts with that nbd-listen.
func (s *site) another(listen string) error {
	s.t.Helper()
	c, err := load(settings{"listen": "127.0.0.1:0", "data": filepath.Join(s.t.TempDir(), "data"), "nbd-listen": listen})
	if err != nil {
		return err
	}
	next, err := server.New(s.t.Context(), c, server.Parts{Driver: fake.New(), Cost: identity.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		return err
	}
	return errors.Join(next.Start(s.t.Context()), next.Stop(context.Background()))
}

func TestTheLimitsOfAVolumeTypeReachItsDevice(t *testing.T) {
	s := open(t, nil, withFake(fake.New()))
	admin, demo := s.logIn("admin"), s.logIn("demo")
	specs := s.v3(admin, "POST", "/qos-specs", `{"qos_specs":{"name":"slow","consumer":"both","total_iops_sec":"100","read_bytes_sec_per_gb":"1048576","write_iops_sec":"7"}}`, 200).text("qos_specs", "id")
	kind := s.v3(admin, "POST", "/types", `{"volume_type":{"name":"slow"}}`, 200).text("volume_type", "id")
	s.v3(admin, "GET", "/qos-specs/"+specs+"/associate?vol_type_id="+kind, "", 202)
	volume := s.v3(demo, "POST", "/volumes", `{"volume":{"size":3,"volume_type":"slow"}}`, 202).text("volume", "id")
	s.becomes(demo, volume, "available")
	id, uri := s.attach(demo, volume, "here")
	if got, want := s.QoSOf(nameOf(t, uri)), (`{IOPS:100 BytesPerSecond:0 ReadIOPS:0 WriteIOPS:7 ReadBytesPerSecond:3145728 WriteBytesPerSecond:0}`); fmt.Sprintf("%+v", got) != want {
		t.Errorf("got %+v, want %s", got, want)
	}
	shown := s.v3(demo, "GET", "/attachments/"+id, "", 200)
	if shown.text("attachment", "connection_info", "qos_specs", "total_iops_sec") != "100" {
		t.Errorf("the client is told %v", shown)
	}
	if got := s.BudgetOf(nameOf(t, uri)); got != volume {
		t.Errorf("it spends of the budget %q, want that of the volume, whatever the attachment's mode", got)
	}
	s.v3(admin, "PUT", "/qos-specs/"+specs, `{"qos_specs":{"total_iops_sec":"50"}}`, 200)
	if got := s.QoSOf(nameOf(t, uri)); got.IOPS != 50 {
		t.Errorf("a change: got %+v", got)
	}
	_, free := s.attach(demo, s.freeVolume(demo, ""), "here")
	if got := s.QoSOf(nameOf(t, free)); fmt.Sprintf("%+v", got) != `{IOPS:0 BytesPerSecond:0 ReadIOPS:0 WriteIOPS:0 ReadBytesPerSecond:0 WriteBytesPerSecond:0}` {
		t.Errorf("without limits: got %+v", got)
	}
}

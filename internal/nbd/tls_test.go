package nbd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/nbd"
)

// authority signs the certificates of one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	made := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.cert, a.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	return a
}

// sign makes a certificate; the first one signs itself.
func (a *authority) sign(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) server(t *testing.T) tls.Certificate {
	return a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func (a *authority) client(t *testing.T, name string) tls.Certificate {
	return a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// write puts a certificate where GnuTLS clients look for it.
func (a *authority) write(t *testing.T, dir string, client tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca-cert.pem":     {Type: "CERTIFICATE", Bytes: a.cert.Raw},
		"client-cert.pem": {Type: "CERTIFICATE", Bytes: client.Certificate[0]},
		"client-key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serveTLS is a server on TCP that takes nothing in plain text.
func serveTLS(t *testing.T, a *authority, auth tls.ClientAuthType, exports map[string]nbd.Export) *rig {
	return serveOn(t, "tcp", "127.0.0.1:0", exports, func(c *nbd.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{a.server(t)}, ClientCAs: a.pool, ClientAuth: auth}
		c.RequireTLS = true
	})
}

// secure goes on under TLS with a certificate, if there is one.
func (c *client) secure(a *authority, cert *tls.Certificate) error {
	c.t.Helper()
	if kind := c.kindOf(startTLS); kind != ack {
		c.t.Fatalf("STARTTLS was answered with %#x", kind)
	}
	config := &tls.Config{RootCAs: a.pool, ServerName: "localhost"}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	conn := tls.Client(c.Conn, config)
	c.Conn = conn
	return conn.HandshakeContext(context.Background())
}

func TestUnderTLSAllIsAsInPlainText(t *testing.T) {
	a := newAuthority(t)
	r := serveTLS(t, a, tls.RequireAndVerifyClientCert, one(t, newDisk(4<<20)))
	r.names.list("vol")
	cert := a.client(t, "host-1")
	c := dial(t, r)
	if err := c.secure(a, &cert); err != nil {
		t.Fatal(err)
	}
	if all := c.option(list); len(all) != 2 || string(all[0].data[4:]) != "vol" || all[0].kind != repServer {
		t.Errorf("LIST was answered with %v", all)
	}
	if kind := c.kindOf(startTLS); kind != invalid {
		t.Errorf("STARTTLS under TLS was answered with %#x", kind)
	}
	c.option(structuredReply)
	c.begin("vol")
	data := pattern(3<<20, 1)
	c.want(0, write, fua, 5, uint32(len(data)), data)
	if got := c.want(0, read, 0, 5, uint32(len(data)), nil); string(got.data) != string(data) {
		t.Error("other bytes came back")
	}
	peer := r.names.peers[len(r.names.peers)-1]
	if !peer.TLS || peer.ClientCert == nil || peer.ClientCert.Subject.CommonName != "host-1" {
		t.Errorf("Exports saw %+v", peer)
	}
	if err := r.Revoke(soon(t), "vol"); err != nil {
		t.Error(err)
	}
	c.wantEnd()
}

func TestNothingIsToldInPlainTextWhereTLSIsRequired(t *testing.T) {
	r := serveTLS(t, newAuthority(t), tls.NoClientCert, one(t, newDisk(4096)))
	c := dial(t, r)
	for option, data := range map[uint32][]any{
		goOn: {"vol", uint16(0)}, info: {"vol", uint16(0)}, list: nil, structuredReply: nil, 99: nil,
		listMeta: {"vol", uint32(0)}, setMeta: {"vol", uint32(0)},
	} {
		if kind := c.kindOf(option, data...); kind != tlsReqd {
			t.Errorf("option %d was answered with %#x", option, kind)
		}
	}
	if kind := c.kindOf(abort); kind != ack {
		t.Errorf("ABORT was answered with %#x", kind)
	}
	c.wantEnd()
	c = dial(t, r)
	c.sendOption(exportName, []byte("vol"))
	c.wantEnd()
	if len(r.names.peers) != 0 {
		t.Error("an export was looked up")
	}
}

func TestOverAUnixSocketPlainTextIsEnough(t *testing.T) {
	a := newAuthority(t)
	r := serve(t, one(t, newDisk(4096)), func(c *nbd.Config) {
		c.RequireTLS, c.TLS = true, &tls.Config{Certificates: []tls.Certificate{a.server(t)}}
	})
	attach(t, r, "vol").want(0, read, 0, 0, 4096, nil)
}

func TestACertificateThatWasNotVerifiedIsNone(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	for _, tc := range []struct {
		name  string
		auth  tls.ClientAuthType
		cert  tls.Certificate
		seen  bool
		fails bool
	}{
		{"of another authority, asked for only", tls.RequestClientCert, other.client(t, "host-1"), false, false},
		{"of ours, asked for only", tls.RequestClientCert, a.client(t, "host-1"), false, false},
		{"of ours, verified if given", tls.VerifyClientCertIfGiven, a.client(t, "host-1"), true, false},
		{"of another authority, verified", tls.RequireAndVerifyClientCert, other.client(t, "host-1"), false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serveTLS(t, a, tc.auth, one(t, newDisk(4096)))
			c := dial(t, r)
			if err := c.secure(a, &tc.cert); err != nil {
				t.Fatal(err) // TLS 1.3 tells a client of its certificate only later
			}
			if tc.fails {
				c.wantEnd()
				return
			}
			c.option(goOn, "vol", uint16(0))
			if seen := r.names.peers[0].ClientCert != nil; seen != tc.seen {
				t.Errorf("Exports saw a certificate: %v", seen)
			}
		})
	}
}

func TestWhatWasSaidInPlainTextIsForgottenUnderTLS(t *testing.T) {
	a := newAuthority(t)
	d := newDisk(4096)
	r := serveOn(t, "tcp", "127.0.0.1:0", one(t, d), func(c *nbd.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{a.server(t)}}
	})
	c := dial(t, r)
	c.option(structuredReply)
	c.option(setMeta, "vol", uint32(1), "base:allocation")
	if err := c.secure(a, nil); err != nil {
		t.Fatal(err)
	}
	c.structured = false
	if kind := c.kindOf(setMeta, "vol", uint32(0)); kind != invalid {
		t.Errorf("structured replies are still chosen: %#x", kind)
	}
	c.begin("vol")
	c.want(0, read, 0, 0, 512, nil)
	c.want(einval, status, 0, 0, 512, nil)
}

func TestPlainTextPutBehindSTARTTLSIsNotTakenForTLS(t *testing.T) {
	a := newAuthority(t)
	r := serveTLS(t, a, tls.NoClientCert, one(t, newDisk(4096)))
	c := dial(t, r)
	c.put([]byte("IHAVEOPT"), uint32(startTLS), uint32(0), // and in the same packet:
		[]byte("IHAVEOPT"), uint32(goOn), uint32(9), "vol", uint16(0))
	c.take(20)
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			break
		}
		if n > 0 && buf[0] != 21 { // a TLS alert
			t.Fatalf("answered with %x", buf[:n])
		}
	}
	if len(r.names.peers) != 0 {
		t.Error("an export was looked up")
	}
}

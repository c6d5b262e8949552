// Package tlstest has the ways to a server that do not lead there: what clients say
// of them is tested with it.
package tlstest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Through sends a transport on that way.
func (w Trouble) Through(t *testing.T, transport *http.Transport, trusted Authority) *http.Transport {
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted.pool()}
	transport.Proxy = nil
	if w.proxy != "" {
		address, err := url.Parse(w.proxy)
		require.NoError(t, err)
		transport.Proxy = http.ProxyURL(address)
	}
	if w.dial != nil {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, w.dial }
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Authority signs certificates.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one that nobody trusts yet.
func NewAuthority(t *testing.T) Authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	require.NoError(t, err)
	ca, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return Authority{ca, key}
}

// certificate is for a host, from and until so many hours from now.
func (a Authority) certificate(t *testing.T, host string, from, until time.Duration) tls.Certificate {
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(from * time.Hour), NotAfter: time.Now().Add(until * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, a.key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

func (a Authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// listening calls f with each connection to the address that it gives.
func listening(t *testing.T, f func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// secure is a listener's f that shows a certificate.
func secure(c tls.Certificate) func(net.Conn) {
	return func(conn net.Conn) { _ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{c}}).Handshake() }
}

// Trouble is a way to a server that does not lead there.
type Trouble struct {
	Name  string
	URL   string
	proxy string // "" for none
	dial  error  // nil: as it is
	// Says is what an error has to say of it.
	Says string
	// Permanent: it does not pass by itself.
	Permanent bool
}

// Troubles are the ways that fail before anything is sent, and what is said of
// them. https stands for a host that a proxy or a resolver would know.
func Troubles(t *testing.T, trusted Authority) []Trouble {
	const gone = "127.0.0.1:1" // nobody listens there: a free port of now may be another test's a moment later
	at := func(f func(net.Conn)) string { return "https://" + listening(t, f) }
	connect := func(status int) string {
		return "http://" + listening(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 %d Nope\r\nContent-Length: 0\r\n\r\n", status)
			}
		})
	}
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }
	missing := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere.example", IsNotFound: true}}
	passing := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "nowhere.example", IsTemporary: true}}
	return []Trouble{
		{"unknown authority", at(secure(NewAuthority(t).certificate(t, "127.0.0.1", -1, 1))), "", nil, "(SSL_CERT_FILE may name a file with further authorities)", true},
		{"self-signed", at(secure(selfSigned(t))), "", nil, "(SSL_CERT_FILE may name a file with further authorities)", true},
		{"expired", at(secure(trusted.certificate(t, "127.0.0.1", -2, -1))), "", nil, "has expired or is not yet valid", true},
		{"not yet valid", at(secure(trusted.certificate(t, "127.0.0.1", 1, 2))), "", nil, "(or is the clock of this computer wrong?)", true},
		{"another host", at(secure(trusted.certificate(t, "other.example", -1, 1))), "", nil, "127.0.0.1", true},
		{"http on the port", at(func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "", nil, "(the server does not speak TLS there", true},
		{"another protocol", at(func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9\r\n") }), "", nil, "(the server does not speak TLS there", true},
		{"unknown host", "https://nowhere.example", "", missing, "no such host", true},
		{"resolver in trouble", "https://nowhere.example", "", passing, "server misbehaving", false},
		{"refused", "https://" + gone, "", nil, "connection refused", false},
		{"reset in the handshake", at(reset), "", nil, "", false},
		{"proxy wants a password", "https://app.example", connect(407), nil, "HTTPS_PROXY", true},
		{"proxy can't connect", "https://app.example", connect(502), nil, "HTTPS_PROXY", true},
		{"proxy is down", "https://app.example", "http://" + gone, nil, "proxyconnect", false},
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	a := NewAuthority(t)
	return tls.Certificate{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key}
}

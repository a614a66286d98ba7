package azurite

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// identity is what a server shows to its callers, and where Azurite reads it.
// The zero value shows nothing and speaks plain HTTP.
type identity struct {
	certificate              *x509.Certificate
	certificateFile, keyFile string
}

// newIdentity makes a certificate for 127.0.0.1 and puts it with its key into
// dir.
func newIdentity(dir string) (identity, error) {
	der, key, err := newCertificate()
	if err != nil {
		return identity{}, err
	}
	id := identity{
		certificateFile: filepath.Join(dir, "certificate.pem"),
		keyFile:         filepath.Join(dir, "key.pem"),
	}
	id.certificate, err = x509.ParseCertificate(der)
	return id, errors.Join(err,
		writePEM(id.certificateFile, "CERTIFICATE", der),
		writePEM(id.keyFile, "PRIVATE KEY", key))
}

// flags returns what tells Azurite to be this. Tokens need HTTPS, and HTTPS is
// only used for them.
func (id identity) flags() []string {
	if id.certificate == nil {
		return nil
	}
	return []string{"--oauth", "basic", "--cert", id.certificateFile, "--key", id.keyFile}
}

func newCertificate() (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "Azurite in a test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(private)
	return certificate, key, err
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// trusting returns a configuration that trusts that certificate alone.
func trusting(certificate *x509.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &tls.Config{RootCAs: roots}
}

package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// CertificateTrouble tells that two sides could not agree to talk in secret. It
// does not pass by itself, and nothing was sent.
func CertificateTrouble(err error) bool {
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	return errors.As(err, &cert) || errors.As(err, &host) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// Advice says what can be done about trouble with a server's certificate, in
// parentheses after a space; "" for other errors.
func Advice(err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return " (SSL_CERT_FILE may name a file with further authorities)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return " (or is the clock of this computer wrong?)"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return " (the server does not speak TLS there: is it http, or another port?)"
	}
	return ""
}

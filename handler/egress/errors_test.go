package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"callout/handler/callout"
)

const canary = "s3cr3t-value"

// wrapped is how http.Client returns an error: with the whole URL.
func wrapped(err error) error {
	return &url.Error{Op: "Post", URL: "https://hooks.example.com/" + canary, Err: err}
}

func socket(errno syscall.Errno) error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", errno)}
}

func certificate(err error) error { return &tls.CertificateVerificationError{Err: err} }

func TestClassifyErrors(t *testing.T) {
	expired := certificate(x509.CertificateInvalidError{Reason: x509.Expired, Detail: canary})
	invalid := certificate(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign})
	dns, tcp, hand, request, response := callout.StageDNS, callout.StageTCP, callout.StageTLS, callout.StageRequest, callout.StageResponse
	for _, test := range []struct {
		err     error
		stage   callout.Stage
		code    callout.Code
		message string
	}{
		{context.DeadlineExceeded, request, callout.TimedOut, "within its time limit"},
		{os.ErrDeadlineExceeded, response, callout.TimedOut, "within its time limit"},
		{context.Canceled, tcp, callout.TimedOut, "The caller went away"},
		{&net.DNSError{Name: canary, IsNotFound: true}, dns, callout.DNSFailed, "does not exist"},
		{&net.DNSError{Name: canary, IsTimeout: true}, dns, callout.DNSFailed, "did not answer in time"},
		{&net.DNSError{Name: canary, IsTemporary: true}, dns, callout.DNSFailed, "could not be looked up"},
		{socket(syscall.ECONNREFUSED), tcp, callout.ConnectFailed, "refused the connection"},
		{socket(syscall.ETIMEDOUT), tcp, callout.ConnectFailed, "did not accept the connection in time"},
		{socket(syscall.ECONNRESET), tcp, callout.ConnectFailed, "reset while it was being opened"},
		{socket(syscall.ENETUNREACH), tcp, callout.ConnectFailed, "no route"},
		{socket(syscall.EHOSTUNREACH), tcp, callout.ConnectFailed, "no route"},
		{errors.New(canary), tcp, callout.ConnectFailed, "could not be opened"},
		{expired, hand, callout.TLSFailed, "has expired"},
		{certificate(x509.HostnameError{Host: canary, Certificate: &x509.Certificate{}}), hand, callout.TLSFailed, "another host name"},
		{certificate(x509.UnknownAuthorityError{}), hand, callout.TLSFailed, "not trusted here"},
		{certificate(x509.SystemRootsError{Err: errors.New(canary)}), hand, callout.TLSFailed, "no list of trusted"},
		{invalid, hand, callout.TLSFailed, "certificate is not valid"},
		{tls.RecordHeaderError{Msg: canary}, hand, callout.TLSFailed, "did not answer in TLS"},
		{http.ErrSchemeMismatch, request, callout.TLSFailed, "did not answer in TLS"},
		{errors.New("tls: server selected unsupported protocol version 301"), hand, callout.TLSFailed, "no TLS version"},
		{errors.New("remote error: tls: certificate required"), response, callout.TLSFailed, "client certificate"},
		{errors.New("remote error: tls: handshake failure"), hand, callout.TLSFailed, "refused the TLS handshake"},
		{socket(syscall.ECONNRESET), hand, callout.TLSFailed, "closed the connection during the TLS handshake"},
		{errors.New(canary), hand, callout.TLSFailed, "TLS handshake with the server failed"},
		{io.EOF, response, callout.RequestFailed, "closed the connection before it answered"},
		{errors.New("http: server closed idle connection"), request, callout.RequestFailed, "closed the connection before it answered"},
		{socket(syscall.EPIPE), request, callout.RequestFailed, "closed the connection before it answered"},
		{errors.New(canary), request, callout.RequestFailed, "could not be exchanged"},
		{refused("A.", "B."), callout.StagePolicy, callout.DestinationNotAllowed, "A."},
	} {
		t.Run(fmt.Sprintf("%s %v", test.stage, test.err), func(t *testing.T) {
			for _, err := range []error{test.err, wrapped(test.err), fmt.Errorf("%s: %w", canary, wrapped(test.err))} {
				for _, sent := range []bool{false, true} {
					e := Classify(err, test.stage, sent)
					failure{test.code, test.stage, sent, test.message}.check(t, e)
					if all := fmt.Sprintf("%v %+v %#v", e, *e, *e); strings.Contains(all, canary) {
						t.Errorf("%s holds what the error held", all)
					}
					if errors.Unwrap(e) != nil {
						t.Error("the cause can be got at")
					}
				}
			}
		})
	}
}

func TestClassifyNothing(t *testing.T) {
	if e := Classify(nil, callout.StageDNS, true); e != nil {
		t.Errorf("got %v", e)
	}
}

// An *Error keeps what it knows, and is not changed for those who also have it.
func TestClassifyAnError(t *testing.T) {
	known := &Error{Code: callout.TLSFailed, Stage: callout.StageTLS, Message: "A.", Advice: "B."}
	failure{callout.TLSFailed, callout.StageTLS, true, "A."}.check(t, Classify(wrapped(known), callout.StageResponse, true))
	if known.Sent {
		t.Error("the original was changed")
	}
	known.Sent = true
	failure{callout.TLSFailed, callout.StageTLS, true, "A."}.check(t, Classify(known, callout.StageResponse, false))
}

// Through a real http.Client, whose errors quote the URL.
func TestNoErrorQuotesTheURL(t *testing.T) {
	c := newClient(t, Options{Policy: onLoopback})
	for _, raw := range []string{
		"http://" + closedPort(t) + "/" + canary,
		"http://" + listen(t, answer("")) + "/" + canary,
		"http://10.0.0.1/" + canary,
		"https://" + canary + ".internal/",
	} {
		_, err := (&http.Client{Transport: c}).Get(raw)
		if err == nil || !strings.Contains(err.Error(), canary) {
			t.Fatalf("http.Client quotes nothing any more: %v", err)
		}
		e := Classify(err, callout.StageRequest, false)
		if strings.Contains(fmt.Sprintf("%#v", *e), canary) {
			t.Errorf("%#v", *e)
		}
	}
}

package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"callout/handler/callout"
)

// Error is what went wrong on the way out. It holds nothing of the error that
// caused it: net/http puts the whole URL into its errors, and the URL of a
// webhook is a credential. It may be shared and must not be changed; Classify
// makes a copy.
type Error struct {
	Code    callout.Code
	Stage   callout.Stage // the step that failed
	Message string        // one sentence: what was wrong. It quotes nothing that was submitted
	Advice  string        // one sentence: what to do next
	// Sent says that the headers of the request may have been written to the
	// connection. If it is false, nothing reached the server and any method may
	// be tried again.
	Sent bool
	// Undecodable says that the answer came, and cannot be read: another attempt
	// would fare no better.
	Undecodable bool
}

// Error returns Message.
func (e *Error) Error() string { return e.Message }

// Classify turns an error of net/http, net, crypto/tls, crypto/x509 or context
// into an *Error. It looks through wrappers such as *url.Error. An *Error in the
// chain is returned as a copy that keeps its own stage. Sent is set if sent is
// true or the *Error had it set. A nil err gives nil.
func Classify(err error, stage callout.Stage, sent bool) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		e := *known
		e.Sent = e.Sent || sent
		return &e
	}
	e := describe(err, stage)
	e.Stage, e.Sent = stage, sent
	return &e
}

// describe asks one classifier after the other, the most specific first. A
// certificate error can also be a net error, so the order matters.
func describe(err error, stage callout.Stage) Error {
	for _, known := range []func(error) (Error, bool){
		contextError, certificateError, tlsError, dnsError, httpError,
	} {
		if e, ok := known(err); ok {
			return e
		}
	}
	return connectionError(err, stage)
}

func contextError(err error) (Error, bool) {
	switch {
	case errors.Is(err, context.Canceled):
		return Error{
			Code:    callout.TimedOut,
			Message: "The caller went away before the call was finished.",
			Advice:  "Call again and wait for the answer.",
		}, true
	case errors.Is(err, context.DeadlineExceeded):
		return Error{
			Code:    callout.TimedOut,
			Message: "The call was not finished within its time limit.",
			Advice:  "Raise timeoutSeconds of the configuration if the API is known to be slow, or else try again later.",
		}, true
	}
	return Error{}, false
}

func certificateError(err error) (Error, bool) {
	var (
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		roots     x509.SystemRootsError
		other     *tls.CertificateVerificationError
	)
	e := Error{Code: callout.TLSFailed}
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Message = "The server's certificate has expired or is not valid yet."
		e.Advice = "Ask whoever runs the API to renew the certificate, and check the clock of the machine that runs Callout."
	case errors.As(err, &name):
		e.Message = "The server's certificate is for another host name."
		e.Advice = "Use the host name that the certificate was issued for, or ask whoever runs the API to correct it."
	case errors.As(err, &authority):
		e.Message = "The server's certificate was issued by an authority that is not trusted here."
		e.Advice = "Have the server send its whole certificate chain, or use a certificate of a public authority."
	case errors.As(err, &roots):
		e.Message = "The machine that runs Callout has no list of trusted certificate authorities."
		e.Advice = "Install the operating system's package of certificate authorities."
	case errors.As(err, &other):
		e.Message = "The server's certificate is not valid."
		e.Advice = "Ask whoever runs the API to check the certificate and its chain."
	default:
		return Error{}, false
	}
	return e, true
}

func tlsError(err error) (Error, bool) {
	var record tls.RecordHeaderError
	text := err.Error() // compared only: crypto/tls exports no values for these
	e := Error{Code: callout.TLSFailed}
	switch {
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		e.Message = "The server did not answer in TLS."
		e.Advice = "Check the port: it probably serves plain http."
	case strings.Contains(text, "tls: protocol version not supported"),
		strings.Contains(text, "tls: server selected unsupported protocol version"):
		e.Message = "The server speaks no TLS version that is still safe."
		e.Advice = "Ask whoever runs the API to enable TLS 1.2 or 1.3."
	case strings.Contains(text, "tls: no application protocol"):
		e.Message = "The server does not speak HTTP/1.1, which is all that Callout speaks."
		e.Advice = "Use an address of the API that does, or put a gateway before it."
	case strings.Contains(text, "tls: certificate required"):
		e.Message = "The server wants a client certificate, which Callout does not send."
		e.Advice = "Use an endpoint of the API that accepts another kind of credential."
	case strings.Contains(text, "remote error: tls:"):
		e.Message = "The server refused the TLS handshake."
		e.Advice = "Check that the host name and the port belong to the API, and that it asks for no client certificate."
	default:
		return Error{}, false
	}
	return e, true
}

func dnsError(err error) (Error, bool) {
	var failed *net.DNSError
	if !errors.As(err, &failed) {
		return Error{}, false
	}
	e := Error{Code: callout.DNSFailed}
	switch {
	case failed.IsNotFound:
		e.Message = "The host name does not exist."
		e.Advice = "Check the spelling of the host name in the configuration."
	case failed.IsTimeout:
		e.Message = "The name server did not answer in time."
		e.Advice = "Try again; if it goes on, check the DNS settings of the machine that runs Callout."
	default:
		e.Message = "The host name could not be looked up."
		e.Advice = "Try again; if it goes on, check the host name and the DNS settings of the machine that runs Callout."
	}
	return e, true
}

// httpError knows the faults of an answer for which net/http exports no value.
func httpError(err error) (Error, bool) {
	text := err.Error() // compared only
	switch {
	case strings.Contains(text, "server response headers exceeded"):
		return Error{
			Code:    callout.ResponseTooLarge,
			Message: "The headers of the answer are larger than 64 KiB.",
			Advice:  "Ask whoever runs the API why it sends so many headers; Callout cannot read this answer.",
		}, true
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME header"),
		strings.Contains(text, "malformed chunked encoding"), strings.Contains(text, "Content-Length"),
		strings.Contains(text, "unsupported transfer encoding"):
		return Error{
			Code:    callout.InvalidResponse,
			Message: "The answer is not valid HTTP.",
			Advice:  "Check that the endpoint is an HTTP API and that the port is the right one.",
		}, true
	}
	return Error{}, false
}

// connectionError knows what is left: a connection that could not be opened or
// broke, told apart by the stage in which that happened.
func connectionError(err error, stage callout.Stage) Error {
	switch stage {
	case callout.StageDNS:
		e, _ := dnsError(&net.DNSError{IsTimeout: timedOut(err)})
		return e
	case callout.StageTCP:
		return connectError(err)
	case callout.StageTLS:
		return handshakeError(err)
	}
	return brokenError(err)
}

func connectError(err error) Error {
	e := Error{Code: callout.ConnectFailed}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Message = "The server refused the connection."
		e.Advice = "Check the port, and that the server is running."
	case timedOut(err):
		e.Message = "The server did not accept the connection in time."
		e.Advice = "Check that the server is up, and that no firewall is between it and Callout."
	case closed(err):
		e.Message = "The connection was reset while it was being opened."
		e.Advice = "Check that no firewall refuses connections from Callout to the server."
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		e.Message = "There is no route to the server."
		e.Advice = "Check the network of the machine that runs Callout, and the server's address in DNS."
	default:
		e.Message = "The connection to the server could not be opened."
		e.Advice = "Check that the server is up and can be reached from the machine that runs Callout."
	}
	return e
}

func handshakeError(err error) Error {
	e := Error{Code: callout.TLSFailed}
	switch {
	case timedOut(err):
		e.Message = "The server did not finish the TLS handshake in time."
		e.Advice = "Check that the port serves https, and that the server is not overloaded."
	case closed(err):
		e.Message = "The server closed the connection during the TLS handshake."
		e.Advice = "Check that the port serves https for this host name."
	default:
		e.Message = "The TLS handshake with the server failed."
		e.Advice = "Check the TLS settings of the server; it has to speak TLS 1.2 or 1.3."
	}
	return e
}

// repeatAdvice holds for a connection that broke in the middle of a request.
const repeatAdvice = "Try again if repeating does no harm; otherwise find out first whether the request took effect."

func brokenError(err error) Error {
	switch {
	case timedOut(err):
		e, _ := contextError(context.DeadlineExceeded)
		return e
	case closed(err):
		return Error{
			Code:    callout.RequestFailed,
			Message: "The server closed the connection before it answered.",
			Advice:  repeatAdvice,
		}
	}
	return Error{
		Code:    callout.RequestFailed,
		Message: "The request could not be exchanged with the server.",
		Advice:  repeatAdvice,
	}
}

// timedOut reports whether err is a time limit of whatever kind.
func timedOut(err error) bool {
	var limit net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &limit) && limit.Timeout()
}

// closed reports whether err says that the other side ended the connection.
// net/http has no value for an idle connection that was closed under a request.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// Package egress is the guarded way out: it decides where a request may go, and
// limits how big an answer may be and how long each step may take.
//
// A destination is checked three times. Before any lookup, the text of the URL
// is (policy.go, host.go). After the lookup every address is (address.go), and
// only an address that passed is dialled, never the name again, so that a name
// that resolves differently a moment later gains nothing (dial.go). Last, the
// socket's own address is, right before it connects.
//
// Redirects are not followed, the environment's proxy is not used, and every
// error is an *Error, which quotes nothing of what was submitted.
package egress

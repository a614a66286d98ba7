package callout

import "fmt"

// Fault is one thing that is wrong with what a caller sent: where, and what to
// do about it. It never quotes a submitted value.
type Fault struct {
	Code    string `json:"code"`
	Target  string `json:"target"`
	Message string `json:"message"`
}

// Codes of faults and of errors that come before there is a call.
const (
	InvalidValue    = "InvalidValue"
	MissingValue    = "MissingValue"
	UnknownProperty = "UnknownProperty"
	InvalidType     = "InvalidType"
	TooLong         = "TooLong"

	InvalidRequest     = "InvalidRequest"
	InvalidConfig      = "InvalidConfig"
	InvalidArguments   = "InvalidArguments"
	InvalidCurl        = "InvalidCurl"
	SecretsRequired    = "SecretsRequired"
	ConfigNotFound     = "ConfigNotFound"
	ConfigExists       = "ConfigExists"
	ConfigDisabled     = "ConfigDisabled"
	ExecutionNotFound  = "ExecutionNotFound"
	ApprovalNotPending = "ApprovalNotPending"
	PreconditionFailed = "PreconditionFailed"
	StorageUnavailable = "StorageUnavailable"

	IdempotencyKeyReused = "IdempotencyKeyReused"
)

// Error is what a caller is told when a request is refused before it becomes a
// call. Code decides the HTTP status; every fault that was found is in Details.
type Error struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Target  string  `json:"target,omitempty"`
	Details []Fault `json:"details,omitempty"`
	// Err is the cause. It is logged by class and never shown.
	Err error `json:"-"`
}

// Error gives code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse returns an Error of the given code that lists faults, or nil when
// there are none.
func Refuse(code string, faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	e := &Error{Code: code, Message: faults[0].Message, Target: faults[0].Target, Details: faults}
	if n := len(faults); n > 1 {
		e.Message = fmt.Sprintf("%d faults were found; each is listed in details.", n)
		e.Target = ""
	}
	return e
}

// Unavailable wraps a store's failure.
func Unavailable(err error) error {
	return &Error{
		Code: StorageUnavailable, Err: err,
		Message: "The storage of Callout did not answer. Try again in a few seconds.",
	}
}

// faults collects what is wrong.
type faults []Fault

func (f *faults) add(code, target, message string, args ...any) {
	*f = append(*f, Fault{Code: code, Target: target, Message: fmt.Sprintf(message, args...)})
}

func (f *faults) check(ok bool, code, target, message string, args ...any) {
	if !ok {
		f.add(code, target, message, args...)
	}
}

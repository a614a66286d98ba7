package tablestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// verdict is what an answer of the service means.
type verdict int

const (
	unclear     verdict = iota // no definite answer: any other answer, or none
	done                       // it was carried out
	noRow                      // there is no such row
	noTable                    // there is no such table
	otherState                 // the row is there already, or has another ETag
	tableExists                // the table is there already
	tooLarge                   // the row is too large
)

// reply is an answer of the service, or what came in its place.
type reply struct {
	verdict verdict
	// class names the answer in a few words that hold no value, for the log.
	class  string
	status int
}

// verdicts holds the answers that are definite: status and error code
// (learn.microsoft.com/rest/api/storageservices/table-service-error-codes). A
// status alone proves nothing: something between us and the service may have
// said it.
var verdicts = map[int]map[string]verdict{
	http.StatusNotFound: {
		string(aztables.ResourceNotFound): noRow,
		string(aztables.EntityNotFound):   noRow,
		string(aztables.TableNotFound):    noTable,
	},
	http.StatusConflict: {
		string(aztables.EntityAlreadyExists): otherState,
		string(aztables.TableAlreadyExists):  tableExists,
	},
	http.StatusPreconditionFailed: {
		string(aztables.UpdateConditionNotSatisfied): otherState,
		"ConditionNotMet": otherState,
	},
	http.StatusBadRequest: {
		string(aztables.EntityTooLarge):        tooLarge,
		string(aztables.PropertyValueTooLarge): tooLarge,
	},
	http.StatusRequestEntityTooLarge: {
		"RequestBodyTooLarge": tooLarge,
	},
}

// readReply tells what the SDK's error means.
func readReply(err error) reply {
	if err == nil {
		return reply{verdict: done}
	}
	var refusal *azcore.ResponseError
	if !errors.As(err, &refusal) {
		return reply{class: silence(err)}
	}
	return reply{
		verdict: verdicts[refusal.StatusCode][refusal.ErrorCode],
		class:   fmt.Sprintf("%s %d", codeName(refusal.ErrorCode), refusal.StatusCode),
		status:  refusal.StatusCode,
	}
}

// silence names what came in place of an answer.
func silence(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errNoToken):
		return noToken
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	return "no answer"
}

// noToken is the class of a call that could not be signed.
const noToken = "no token"

var codeForm = regexp.MustCompile(`^[A-Za-z]+$`)

const maxCode = 64

// codeName returns an error code if it has the form of one. What answers may
// not be the service.
func codeName(code string) string {
	if len(code) > maxCode || !codeForm.MatchString(code) {
		return "unnamed"
	}
	return code
}

// unavailable is the error of a call without a definite answer. It is also the
// context's error if that has ended.
func (t *Table) unavailable(ctx context.Context, r reply) error {
	advice := "try again"
	switch {
	case r.class == noToken:
		advice = "check that the managed identity is on, or sign in"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		advice = "check the account key, or that the identity has the role Storage Table Data Contributor"
	}
	err := fmt.Errorf("tablestore: %s gave no definite answer (%s); %s: %w", t.name, r.class, advice, store.ErrUnavailable)
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%w: %w", err, ended)
	}
	return err
}

func (t *Table) notFound() error {
	return fmt.Errorf("tablestore: %s has no such row: %w", t.name, store.ErrNotFound)
}

func (t *Table) conflict() error {
	return fmt.Errorf("tablestore: a row of %s is not in the expected state; read it again: %w", t.name, store.ErrConflict)
}

func (t *Table) tooLarge(row store.Row) error {
	return fmt.Errorf("tablestore: a row of %s has a head of %d bytes and data of %d, the most is %d and %d: %w",
		t.name, len(row.Head), len(row.Data), store.MaxHead, store.MaxData, store.ErrTooLarge)
}

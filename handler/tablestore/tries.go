package tablestore

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// tries tells what is known of the tries of one call. It is read after the
// call.
type tries struct {
	// doubt says that a try may have been carried out without our hearing of it.
	doubt bool
}

type triesKey struct{}

// watchTries returns a context for one call, and what will be known of its
// tries.
func watchTries(ctx context.Context) (context.Context, *tries) {
	t := &tries{}
	return context.WithValue(ctx, triesKey{}, t), t
}

// tryWatch is run for each try, after the request was signed: what fails
// before, such as getting a token, has sent nothing.
type tryWatch struct{}

// Do implements policy.Policy.
func (tryWatch) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if t, ok := request.Raw().Context().Value(triesKey{}).(*tries); ok && leavesDoubt(response, err) {
		t.doubt = true
	}
	return response, err
}

// leavesDoubt reports whether a try that ended so may have been carried out.
// Only an answer that refuses it, or a connection that was never made, is proof
// that it was not.
func leavesDoubt(response *http.Response, err error) bool {
	if err != nil {
		var network *net.OpError
		return !errors.As(err, &network) || network.Op != "dial"
	}
	return response.StatusCode >= 500 || response.StatusCode == http.StatusRequestTimeout
}
